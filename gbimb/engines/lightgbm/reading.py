"""What LightGBM reads of a table, and what is read from its boosters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy import sparse

from gbimb.array_types import RowStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Matrix


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
