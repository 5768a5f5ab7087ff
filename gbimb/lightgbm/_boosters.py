"""Boosters on parts of one binned table, merged into one: what the estimators use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy import sparse

from gbimb.lightgbm._native import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb._typing import Matrix
    from gbimb.losses import Loss


def merge(models: Sequence[str], slope: float, start: NDArray[np.float64]) -> lgb.Booster:
    """Return one booster with the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of str
        Boosters as text (``model_to_string``), all trained on the same columns. The mean is over
        the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Added to the first tree of each output.
    """
    head, _, _ = models[0].partition("\nTree=")
    _, end, tail = models[0].partition("end of trees")
    trees: list[str] = []
    for model in models:
        body = model.partition("\nTree=")[2].partition("end of trees")[0]
        trees += re.split(r"^Tree=", body, flags=re.MULTILINE)
    share = slope / len(models)
    texts = []
    for i, tree in enumerate(trees):
        shift = float(start[i]) if i < start.size else 0.0
        lines = tree.strip().split("\n")[1:]
        texts.append("\n".join([f"Tree={i}", *(_rescale(line, share, shift) for line in lines)]))
    # Without the sizes of the trees LightGBM reads them one after the other.
    header = re.sub(r"\ntree_sizes=.*", "", head)
    return lgb.Booster(model_str=f"{header}\n\n" + "\n\n\n".join(texts) + f"\n\n\n{end}{tail}")


def _rescale(line: str, share: float, shift: float) -> str:
    name, _, text = line.partition("=")
    if name in ("leaf_value", "internal_value", "leaf_const"):
        values = [repr(float(v) * share + shift) for v in text.split()]
    elif name == "leaf_coeff":
        values = [repr(float(v) * share) for v in text.split()]
    else:
        return line
    return f"{name}={' '.join(values)}"


class Bins:
    """A table binned once, from which boosters on parts of its rows are made."""

    def __init__(
        self,
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        *,
        categorical: Sequence[int],
        feature_names: Sequence[str],
        params: Mapping[str, Any],
    ) -> None:
        self._params = {
            **params,
            "objective": "none",
            "metric": "None",
            "feature_pre_filter": False,
        }
        self._dataset = lgb.Dataset(
            _as_matrix(X),
            label=y,
            weight=weight,
            categorical_feature=list(categorical),
            feature_name=list(feature_names),
            params=self._params,
        ).construct()

    def external(
        self,
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
    ) -> lgb.Dataset:
        """Return further rows, cut with the same bins."""
        return self._dataset.create_valid(
            _as_matrix(X), label=y, weight=weight, params=self._params
        ).construct()

    def member(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | lgb.Dataset | None,
        params: Mapping[str, Any],
    ) -> Member:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``.

        ``params`` go before those of the bins.
        """
        train_set = self._dataset if train is None else self._subset(train)
        valid = self._subset(held_out) if isinstance(held_out, np.ndarray) else held_out
        for dataset in (train_set, valid):
            if dataset is not None:
                dataset.set_init_score(np.repeat(start, dataset.num_data()))
        return Member(Objective(loss), train_set, valid, {**self._params, **params})

    def _subset(self, rows: NDArray[np.intp]) -> lgb.Dataset:
        rising: Any = np.sort(rows)  # annotated as a list of int, which boxes every row
        return self._dataset.subset(rising).construct()


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it."""

    def __init__(
        self,
        objective: Objective,
        train_set: lgb.Dataset,
        valid: lgb.Dataset | None,
        params: Mapping[str, Any],
    ) -> None:
        self._objective = objective
        self.booster = lgb.Booster(dict(params), train_set)
        self._valid = valid
        self._held_out: NDArray[np.float64] | None = None
        if valid is not None:
            self.booster.add_valid(valid, "valid")

    def update(self) -> None:
        """Add the trees of one round."""
        self.booster.update(fobj=self._objective)

    def held_out(self) -> NDArray[np.float64]:
        """Return the raw scores of the held-out rows, rising by row, until the next call."""
        self.booster.eval_valid(self._keep)
        assert self._held_out is not None
        return self._held_out

    def _keep(self, preds: NDArray[np.float64], _: lgb.Dataset) -> tuple[str, float, bool]:
        self._held_out = preds
        return "raw_score", 0.0, True

    def model(self, n_rounds: int) -> str:
        """Return the first ``n_rounds`` rounds as text."""
        return self.booster.model_to_string(num_iteration=n_rounds)


def _as_matrix(X: Matrix) -> Matrix:
    """Return sparse arrays as matrices of the same memory: LightGBM warns of arrays."""
    return sparse.csr_matrix(X) if isinstance(X, sparse.sparray) else X


def fit_plain_classifier(
    X: NDArray[Any],
    y: NDArray[Any],
    categorical: Sequence[int],
    **params: Any,  # noqa: ANN401  LightGBM's own
) -> tuple[lgb.LGBMClassifier, int]:
    """Return LightGBM's own fitted classifier and its rounds, to compare with.

    ``categorical`` are the positions of columns with whole numbers for categories.
    """
    classifier = lgb.LGBMClassifier(verbosity=-1, **params)
    classifier.fit(X, y, categorical_feature=list(categorical))
    return classifier, int(classifier.booster_.current_iteration())


def raw_score(booster: lgb.Booster, X: Matrix, n_threads: int) -> NDArray[np.float64]:
    """Return the raw scores of ``X``, shape (n,) or (n, K)."""
    scores = booster.predict(_as_matrix(X), raw_score=True, num_threads=n_threads)
    return np.asarray(scores, dtype=np.float64)


def prepare_thread() -> None:
    """Silence LightGBM in this thread: its log level belongs to a thread."""
    lgb.Dataset(np.zeros((1, 1)), params={"verbosity": -1}).construct()


def feature_gains(booster: lgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)
