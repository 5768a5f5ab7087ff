"""Array types used in signatures."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ArrayLike",
    "BoolArray",
    "Float32Array",
    "FloatArray",
    "IntArray",
    "Matrix",
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
