"""What LightGBM reads of a table, and its boosters once they are trained: merged and read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy import sparse

from gbimb.array_types import RowStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Matrix


def merge(
    models: Sequence[str],
    slope: float,
    start: NDArray[np.float64],
    weights: Sequence[float] | None = None,
) -> lgb.Booster:
    """Return one booster with the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of str
        Boosters as text (``model_to_string``), all trained on the same columns. The mean is over
        the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Added to the first tree of each output.
    weights : sequence of float, optional
        Of the models in the mean, with sum 1; equal ones by default.
    """
    shares = [1.0 / len(models)] * len(models) if weights is None else weights
    texts: list[str] = []
    for model, share in zip(models, shares, strict=True):
        for tree in trees_of(model):
            shift = float(start[len(texts)]) if len(texts) < start.size else 0.0
            lines = (_rescale(line, slope * share, shift) for line in tree.split("\n"))
            texts.append("\n".join(lines))
    return lgb.Booster(model_str=with_trees(models[0], texts))


def trees_of(model: str) -> list[str]:
    """Return the trees of a model text, each without the line of its number."""
    body = model.partition("\nTree=")[2].partition("end of trees")[0]
    return [
        tree.strip().partition("\n")[2] for tree in re.split(r"^Tree=", body, flags=re.MULTILINE)
    ]


def with_trees(model: str, trees: Sequence[str]) -> str:
    """Return a model text with other trees."""
    head, _, _ = model.partition("\nTree=")
    _, end, tail = model.partition("end of trees")
    # Without the sizes of the trees LightGBM reads them one after the other.
    head = re.sub(r"\ntree_sizes=.*", "", head)
    numbered = [f"Tree={i}\n{tree}" for i, tree in enumerate(trees)]
    return f"{head}\n\n" + "\n\n\n".join(numbered) + f"\n\n\n{end}{tail}"


def _rescale(line: str, share: float, shift: float) -> str:
    name, _, text = line.partition("=")
    if name in ("leaf_value", "internal_value", "leaf_const"):
        values = [repr(float(v) * share + shift) for v in text.split()]
    elif name == "leaf_coeff":
        values = [repr(float(v) * share) for v in text.split()]
    else:
        return line
    return f"{name}={' '.join(values)}"


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


def as_matrix(X: Matrix) -> Matrix:
    """Return what LightGBM takes: it warns of sparse arrays, and reads streams as sequences."""
    if isinstance(X, RowStream):
        return _Batches(X)
    if isinstance(X, np.ndarray) and not X.flags.forc:
        return np.ascontiguousarray(X)  # so would LightGBM, before 4.7 with a warning
    return sparse.csr_matrix(X) if isinstance(X, sparse.sparray) else X


def sum_of_trees(booster: lgb.Booster, X: Matrix, n_threads: int) -> NDArray[np.float64]:
    """Return raw scores as LightGBM wants an ``init_score``: class by class, shape (n * K,)."""
    parts = X.batches() if isinstance(X, RowStream) else [X]
    return np.concatenate([raw_score(booster, part, n_threads) for part in parts]).ravel("F")


def raw_score(booster: lgb.Booster, X: Matrix, n_threads: int) -> NDArray[np.float64]:
    """Return the raw scores of ``X``, shape (n,) or (n, K)."""
    scores = booster.predict(as_matrix(X), raw_score=True, num_threads=n_threads)
    return np.asarray(scores, dtype=np.float64)


def fit_plain_classifier(
    X: NDArray[Any],
    y: NDArray[Any],
    categorical: Sequence[int],
    sample_weight: NDArray[Any] | None = None,
    **params: Any,  # LightGBM's own
) -> tuple[lgb.LGBMClassifier, int]:
    """Return LightGBM's own fitted classifier and its rounds, to compare with.

    ``categorical`` are the positions of columns with whole numbers for categories. The same data
    and parameters give the same trees.
    """
    # By default a race between two layouts of the table decides on the order of sums.
    classifier = lgb.LGBMClassifier(verbosity=-1, deterministic=True, force_col_wise=True, **params)
    classifier.fit(X, y, sample_weight, categorical_feature=list(categorical))
    return classifier, int(classifier.booster_.current_iteration())


def feature_gains(booster: lgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)
