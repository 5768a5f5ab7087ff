"""Compiled loops over rows for the search of thresholds: count rows in bins, gather some bins."""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, types

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray


class Grid(NamedTuple):
    """Bins of scores: equal cells between ``low`` and ``high``, each cut into equal parts.

    The first bin takes the scores below, the last one those above. The number of a bin never
    falls as the score rises.

    Attributes
    ----------
    low, high : float
    cells_per_unit : float
        The cells, by the distance from ``low`` to ``high``; a little less, so that the highest
        score falls into the last cell.
    first : int64 array of shape (cells,)
        Number of the first bin of each cell.
    parts : float64 array of shape (cells,)
        Number of bins of each cell.
    """

    low: float
    high: float
    cells_per_unit: float
    first: IntArray
    parts: FloatArray

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return int(self.first[-1] + self.parts[-1]) + 1

    @classmethod
    def over(cls, scores: FloatArray, n_cells: int, n_parts: int) -> Grid | None:
        """Return a grid with more parts where more of ``scores`` lie; None if they span nothing.

        ``scores`` are finite, at least one.
        """
        low, high = float(scores.min()), float(scores.max())
        with np.errstate(over="ignore", divide="ignore"):
            cells_per_unit = float(np.float64(n_cells * (1 - 1e-9)) / (np.float64(high) - low))
        if high == low:
            cells_per_unit = 0.0
        elif not 0.0 < cells_per_unit < np.inf:
            return None  # wider or narrower than float64 can divide
        cells = ((scores - low) * cells_per_unit).astype(np.intp)
        parts = 1 + np.bincount(cells, minlength=n_cells) * n_parts // scores.size
        first = 1 + np.cumsum(parts) - parts
        return cls(low, high, cells_per_unit, first, parts.astype(np.float64))


@njit(inline="always", error_model="numpy")
def _bin_of(value, low, high, cells_per_unit, first, parts, last):  # type: ignore[no-untyped-def]
    inside = value if value > low else low  # NaN becomes low
    inside = inside if inside < high else high
    place = (inside - low) * cells_per_unit
    cell = np.uint64(place)
    number = first[cell] + np.int64((place - float(cell)) * parts[cell])
    number = 0 if value < low else number
    return np.uint64(last if value > high else number)


@cache
def _count_loop(*, weighted: bool) -> Callable[..., int]:
    """Return the loop that counts rows in bins."""

    def rows(  # type: ignore[no-untyped-def]
        score, low, high, cells_per_unit, first, parts, positive, weight, counts, span
    ):
        missing = 0
        last = np.int64(counts.shape[0] - 1)
        for i in range(score.size):
            value = score[i]
            missing += int(np.isnan(value))
            number = _bin_of(value, low, high, cells_per_unit, first, parts, last)
            counts[number, np.uint64(positive[i])] += weight[i] if weighted else 1
            least, most = span[number, 0], span[number, 1]
            span[number, 0] = value if value < least else least
            span[number, 1] = value if value > most else most
        return missing

    return _compile(
        rows,
        _vector(types.uint8),
        _vector(types.int64),
        types.Array(types.int64, 2, "C"),
        types.Array(types.float64, 2, "C"),
    )


@cache
def _find_loop() -> Callable[..., int]:
    """Return the loop that lists the rows of some bins."""

    def rows(  # type: ignore[no-untyped-def]
        score, low, high, cells_per_unit, first, parts, wanted, places
    ):
        found = 0
        last = np.int64(wanted.size - 1)
        for i in range(score.size):
            number = _bin_of(score[i], low, high, cells_per_unit, first, parts, last)
            places[found] = i
            found += int(wanted[number])
        return found

    return _compile(rows, _vector(types.uint8), types.Array(types.int64, 1, "C"))


def _vector(dtype: types.Type) -> types.Array:
    """Return the type of an array argument that is only read."""
    return types.Array(dtype, 1, "C", readonly=True)


def _compile(function: Callable[..., int], *arguments: types.Type) -> Callable[..., int]:
    """Compile a loop over scores and a grid, with further arguments."""
    grid = (*[types.float64] * 3, _vector(types.int64), _vector(types.float64))
    signature = types.int64(_vector(types.float64), *grid, *arguments)
    return njit(signature, nogil=True, cache=True, error_model="numpy")(function)


def count_rows(
    score: FloatArray,
    grid: Grid,
    positive: NDArray[np.uint8],
    weight: NDArray[np.int64] | None,
    counts: NDArray[np.int64],
    span: FloatArray,
) -> bool:
    """Add rows to ``counts`` (bins, 2), negatives first, and widen ``span`` (bins, 2).

    Without ``weight`` each row counts 1. False if a score is NaN.
    """
    weighted = weight is not None
    given = weight if weight is not None else np.empty(0, np.int64)
    loop = _count_loop(weighted=weighted)
    return loop(score, *grid, positive, given, counts, span) == 0


def find_rows(score: FloatArray, grid: Grid, wanted: NDArray[np.uint8]) -> IntArray:
    """Return the places of the rows whose bin is wanted."""
    places = np.empty(score.size, np.int64)
    return places[: _find_loop()(score, *grid, wanted, places)]
