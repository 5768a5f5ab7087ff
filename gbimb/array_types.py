"""Array types used in signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ArrayLike",
    "BoolArray",
    "Float32Array",
    "FloatArray",
    "IntArray",
    "Matrix",
    "RowStream",
    "TableLike",
]

FloatArray: TypeAlias = NDArray[np.float64]
Float32Array: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# What scikit-learn and the engines accept has no common type to name.
Matrix: TypeAlias = Any
"""An ndarray or a SciPy matrix of shape (n, n_features)."""
TableLike: TypeAlias = Any
"""A NumPy, pandas, polars, Arrow or SciPy table of shape (n, n_features)."""


@runtime_checkable
class RowStream(Protocol):
    """A matrix that is read piece by piece."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""

    def __getitem__(self, rows: IntArray) -> RowStream:
        """Return some rows, rising, without reading them."""

    def batches(self, size: int = ...) -> Iterator[NDArray[Any]]:
        """Yield arrays of ``size`` rows, the last one smaller, each valid until the next."""

    def sample(self) -> NDArray[Any]:
        """Return enough rows to cut bins from."""
