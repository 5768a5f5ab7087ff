"""Rows as the engines take them, and which of them train or judge a booster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

LARGEST_SAMPLE = 5_000


@dataclass(frozen=True, eq=False)
class EngineTable:
    """Rows as the engines take them.

    Attributes
    ----------
    matrix : ndarray or CSR matrix of shape (n, n_features)
    y : float32 array of shape (n,)
        0 and 1, or class codes.
    weight : float array of shape (n,) or None
    """

    matrix: Any
    y: NDArray[np.float32]
    weight: NDArray[Any] | None

    def part(self, rows: IntArray) -> EngineTable:
        """Return some rows."""
        weight = None if self.weight is None else self.weight[rows]
        return EngineTable(self.matrix[rows], self.y[rows], weight)

    def sample(self, seed: int) -> EngineTable:
        """Return up to 5,000 rows."""
        n = self.y.size
        if n <= LARGEST_SAMPLE:
            return self
        rng = np.random.default_rng(seed)
        return self.part(np.sort(rng.choice(n, LARGEST_SAMPLE, replace=False)))


@dataclass(frozen=True, eq=False)
class Fold:
    """What one booster trains on and what it is watched on.

    Attributes
    ----------
    train : row numbers, or None for all rows
    held_out : row numbers, a table of its own, or None
    held_out_weight : weights of the rows ``held_out`` instead of their own, or None
    """

    train: IntArray | None
    held_out: IntArray | EngineTable | None
    held_out_weight: NDArray[Any] | None = None

    def matrix(self, data: EngineTable) -> Any:  # an ndarray or a SciPy matrix
        """Return the matrix of the held-out rows."""
        if isinstance(self.held_out, EngineTable):
            return self.held_out.matrix
        return data.matrix[self.held_out]

    def labels(self, data: EngineTable) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
        """Return labels and weights of the held-out rows, without their matrix."""
        if self.held_out is None:
            return None
        if isinstance(self.held_out, EngineTable):
            return self.held_out.y, self.held_out.weight
        weight = self.held_out_weight
        if weight is None and data.weight is not None:
            weight = data.weight[self.held_out]
        return data.y[self.held_out], weight


def mean_by_place(at: IntArray, values: FloatArray) -> FloatArray:
    """Return the mean of the values, shape (n,) or (n, K), that belong to each place, from 0 on."""
    count = np.bincount(at).astype(float)
    sums = np.zeros((count.size, *values.shape[1:]))
    np.add.at(sums, at, values)
    mean: FloatArray = sums / count.reshape(-1, *(1,) * (values.ndim - 1))
    return mean
