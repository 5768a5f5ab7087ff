"""Differences and ratios of pairs of columns, which trees see beside the columns themselves.

A tree needs many splits for a line through the origin or along the diagonal, which is one split
of a ratio or a difference.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray

Pairs = tuple[tuple[int, int], ...]

STRONGEST: Final = 6


def strongest_pairs(gains: FloatArray, numbers: Sequence[int]) -> Pairs:
    """Return the pairs of the columns with the most gain.

    Parameters
    ----------
    gains : float64 array of shape (n_features,)
        Total gain of each column in trees without pairs.
    numbers : sequence of int
        Positions of the columns that are no categories.
    """
    used = [i for i in numbers if gains[i] > 0]
    best = sorted(used, key=lambda i: -gains[i])[:STRONGEST]
    return tuple(combinations(sorted(best), 2))


def with_pairs(matrix: Any, pairs: Pairs) -> Any:
    """Return the matrix with the difference and the ratio of each pair as further columns.

    Parameters
    ----------
    matrix : float array of shape (n, n_features)
        Not sparse.
    pairs : tuple of pairs of int
        Positions of columns.

    Returns
    -------
    float64 array of shape (n, n_features + 2 * len(pairs))
        Differences in the order of the pairs, then ratios. A ratio that is not finite is NaN, as
        a missing value. ``matrix`` itself, if there are no pairs.
    """
    if not pairs:
        return matrix
    n, m = matrix.shape
    found = np.empty((n, m + 2 * len(pairs)))
    found[:, :m] = matrix
    left, right = np.array(pairs).T
    differences, ratios = found[:, m : m + len(pairs)], found[:, m + len(pairs) :]
    np.subtract(found[:, left], found[:, right], out=differences)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        np.divide(found[:, left], found[:, right], out=ratios)
    ratios[~np.isfinite(ratios)] = np.nan
    return found


def pair_names(names: Sequence[str], pairs: Pairs) -> list[str]:
    """Return the names of all columns of :func:`with_pairs`."""
    differences = [f"{names[i]}_minus_{names[j]}" for i, j in pairs]
    return [*names, *differences, *(f"{names[i]}_over_{names[j]}" for i, j in pairs)]


def gains_of_columns(gains: FloatArray, n_features: int, pairs: Pairs) -> FloatArray:
    """Return the gain of each column, half of that of a pair for each of its two."""
    own = gains[:n_features].astype(np.float64)
    for k, columns in enumerate(pairs):
        of_pair = gains[n_features + k] + gains[n_features + len(pairs) + k]
        for column in columns:
            own[column] += 0.5 * of_pair
    return own


def are_pairs(value: object, n_features: int) -> bool:
    """Return whether these are lists of two positions each, as a file holds pairs."""
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(i) is int and 0 <= i < n_features for i in pair)
        for pair in value
    )
