"""Boosters on parts of one binned table, merged into one: what the estimators use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy import sparse

from gbimb._parallel import run_ranges
from gbimb._typing import RowStream
from gbimb.lightgbm._native import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb._typing import Float32Array, Matrix
    from gbimb.losses import Loss

# Whether a distributed booster needs a port on each machine.
LISTENS = True

# Rows that are enough to cut bins from, where not all are in one place.
SAMPLE_ROWS = 200_000


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
        dataset = self._dataset.create_valid(
            _as_matrix(X), label=y, weight=weight, params=self._params
        ).construct()
        dataset.label = y  # rather than a copy
        return dataset

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
        train_set = self._whole() if train is None else self._subset(train)
        valid = self._subset(held_out) if isinstance(held_out, np.ndarray) else held_out
        return Member(Objective(loss), start, train_set, valid, {**self._params, **params})

    def member_on(  # noqa: PLR0917
        self,
        loss: Loss,
        start: NDArray[np.float64],
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        held_out: lgb.Dataset | None,
        params: Mapping[str, Any],
    ) -> Member:
        """Return a booster for other rows than those that the bins were cut from."""
        train_set = self.external(X, y, weight)
        return Member(Objective(loss), start, train_set, held_out, {**self._params, **params})

    def _whole(self) -> lgb.Dataset:
        return self._dataset

    def _subset(self, rows: NDArray[np.intp]) -> lgb.Dataset:
        rising: Any = np.sort(rows)  # annotated as a list of int, which boxes every row
        return self._dataset.subset(rising).construct()


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it.

    The start is added to what the booster gives: as ``init_score`` of a Dataset it would take
    as much memory as the raw scores.
    """

    def __init__(
        self,
        objective: Objective,
        start: NDArray[np.float64],
        train_set: lgb.Dataset,
        valid: lgb.Dataset | None,
        params: Mapping[str, Any],
    ) -> None:
        self._objective = objective
        self._start = start
        self.booster = lgb.Booster(dict(params), train_set)
        self._valid = valid
        self._held_out: NDArray[np.float64] | None = None
        if valid is not None:
            self.booster.add_valid(valid, "valid")

    def update(self) -> None:
        """Add the trees of one round."""
        self.booster.update(fobj=self._gradients)

    def _gradients(
        self, preds: NDArray[np.float64], dataset: lgb.Dataset
    ) -> tuple[Float32Array, Float32Array]:
        def add_start(first: int, stop: int) -> None:
            preds[first:stop] += self._start  # LightGBM fills it anew for every call

        run_ranges(add_start, len(preds))
        return self._objective(preds, dataset)

    def held_out(self) -> NDArray[np.float64]:
        """Return the raw scores of the held-out rows, rising by row, until the next call."""
        self.booster.eval_valid(self._keep)
        assert self._held_out is not None
        return self._held_out

    def _keep(self, preds: NDArray[np.float64], _: lgb.Dataset) -> tuple[str, float, bool]:
        self._held_out = preds + self._start
        return "raw_score", 0.0, True

    def go_on(self, loss: Loss, n_rounds: int) -> None:
        """Keep the first ``n_rounds`` rounds only, and train further ones with ``loss``."""
        for _ in range(self.booster.current_iteration() - n_rounds):
            self.booster.rollback_one_iter()
        self._objective = Objective(loss)

    def model(self, n_rounds: int) -> str:
        """Return the first ``n_rounds`` rounds as text."""
        return self.booster.model_to_string(num_iteration=n_rounds)


class StreamedBins(Bins):
    """Bins of a table that is not held in memory.

    They are cut from a sample; a part is read and binned when a member asks for it.
    """

    def __init__(
        self,
        X: RowStream,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        **options: Any,  # noqa: ANN401  those of Bins
    ) -> None:
        self._X, self._y, self._weight = X, y, weight
        sample = X.sample()
        super().__init__(sample, np.zeros(len(sample), np.float32), None, **options)

    def _whole(self) -> lgb.Dataset:
        return self.external(self._X, self._y, self._weight)

    def _subset(self, rows: NDArray[np.intp]) -> lgb.Dataset:
        weight = None if self._weight is None else self._weight[rows]
        return self.external(self._X[rows], self._y[rows], weight)


class _Batches(lgb.Sequence):
    """A stream of rows as LightGBM reads it beside a reference: once, from start to end."""

    batch_size = 1 << 16

    def __init__(self, X: RowStream) -> None:
        self._length = X.shape[0]
        self._batches = X.batches(self.batch_size)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: object) -> NDArray[Any]:
        return next(self._batches)


def _as_matrix(X: Matrix) -> Matrix:
    """Return what LightGBM takes: it warns of sparse arrays, and reads streams as sequences."""
    if isinstance(X, RowStream):
        return _Batches(X)
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


def training_bytes(n_rows: int, n_features: int, n_outputs: int) -> int:
    """Estimate the memory that training on a stream takes at its peak."""
    # Of a row: a byte for each value; labels, weights, row numbers and reordered gradients; for
    # each raw score itself, its start, the copy that Python sees and two derivatives.
    return n_rows * (n_features + 30 + 32 * n_outputs) + 300_000_000


def prepare_thread() -> None:
    """Silence LightGBM in this thread: its log level belongs to a thread."""
    lgb.Dataset(np.zeros((1, 1)), params={"verbosity": -1}).construct()


def feature_gains(booster: lgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)
