"""Metrics of rows that several processes hold between them, and the best over all thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.metrics._search import ScoredRows, tabulate
from gbimb.metrics._watch import proper_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.losses import BinaryLoss
    from gbimb.metrics._curve_kernels import Grid
    from gbimb.metrics._registry import CountMetric, Metric
    from gbimb.metrics._shared import SharedRows

CELLS: Final = 256
"""Cells of the first pass, over the range of the scores."""
MOST_OPEN: Final = (64, 128, 256)
"""Cells that the later passes look into, at most; the last number goes on."""
MOST_CELLS: Final = 4
"""Finer cells of a pass for each cell that it may look into."""
CELLS_PER_OPEN: Final = 16
"""Finer cells for each cell looked into, where few are left."""
BUDGET: Final = 60_000
"""Bytes that a process may put into one search."""
RANGE_BYTES: Final = 64
TOLERANCE: Final = 1e-7
"""A cell in which a score can be no better than this is not looked into."""
LARGEST_SCORE: Final = 1e300  # differences are finite
SMALLEST_RANGE: Final = 1e-300  # so is one over them


def evaluate_shared(
    metrics: Sequence[Metric], loss: BinaryLoss, rows: SharedRows, raw_score: NDArray[Any]
) -> dict[str, float]:
    """Return the value of each metric over the rows of all processes, by its name.

    As :func:`evaluate` of all rows together: counts are exact, and the best score over all
    thresholds is that of a real one, and exact up to millions of rows, see
    :func:`best_shared_scores`.
    ``metrics`` may hold no area such as "roc_auc", which wants all scores in one place.
    """
    best = [m for m in metrics if m.count is not None and m.threshold is None]
    scores = best_shared_scores(rows, raw_score, [m.count for m in best if m.count is not None])
    values = {m.name: score for m, score in zip(best, scores, strict=True)}
    for metric in metrics:
        if metric.proper is not None:
            part = proper_sums(metric.proper, loss, rows.y, raw_score, rows.weight)
            total, weight = rows.reduce(np.array(part, np.float64), "sum")
            values[metric.name] = float(total / weight)
        elif metric.count is not None and metric.threshold is not None:
            flagged = raw_score >= np.float64(loss.raw_score_at(metric.threshold))
            tp, fp = rows.add(_weight_flagged(rows, flagged))
            values[metric.name] = float(metric.count(rows.counts(tp, fp)))
    return {m.name: values[m.name] for m in metrics}


def _weight_flagged(rows: SharedRows, flagged: BoolArray) -> NDArray[np.int64]:
    """Return the whole weight of the positives and the negatives that are flagged."""
    positive = rows.positive[flagged]
    if rows.weight is None:
        hits = int(np.count_nonzero(positive))
        return np.array([hits, positive.size - hits], np.int64)
    whole = rows.scale.whole(positive, rows.weight[flagged])
    hits = whole[positive == 1].sum()
    return np.array([hits, whole.sum() - hits], np.int64)


def best_shared_scores(
    rows: SharedRows, raw_score: NDArray[Any], metrics: Sequence[CountMetric]
) -> list[float]:
    """Return the best value of each metric over all thresholds of the rows of all processes.

    The scores are counted in 256 cells of equal width, and the counts added up. No threshold
    inside a cell can beat what it would be worth to flag all positives of the cell and none of its
    negatives; the cells where that is more than the best end of a cell are cut into finer ones,
    until there are none or 60,000 bytes are used up. The result is the score of a real threshold
    (with weights, up to rounding) and as a rule of the best one: of three metrics at once it was
    within 1e-7 of that up to 20 million rows, with and without weights. One histogram of as many
    bytes, 7,500 cells of equal width, was up to 6e-3 below it where scores have heavy tails.

    Parameters
    ----------
    rows : SharedRows
    raw_score : array of shape (n,)
    metrics : sequence of CountMetric
        Scores whose ``ceiling`` is theirs at the counts given: those that never fall with true
        positives nor rise with false ones, and rates with a bound.

    Raises
    ------
    InvalidDataError
        In all processes, if a score of any of them is NaN.
    """
    if not metrics:
        return []
    score, low, high, endless = _in_range(np.ascontiguousarray(raw_score, np.float64), rows)
    first = _FirstPass.over(rows, score, low, high)
    cells = first.cells(rows, endless=endless)
    some: _Some | None = None
    cell_bytes = 2 * (4 if rows.narrow else 8)  # of negatives and positives
    spent = RANGE_BYTES + CELLS * cell_bytes
    for most in chain(MOST_OPEN, repeat(MOST_OPEN[-1])):  # pragma: no branch  (endless)
        at = cells.promising(rows, metrics, most)
        spent += at.size * cells.span[0].nbytes
        finer = min(MOST_CELLS * most, CELLS_PER_OPEN * at.size, (BUDGET - spent) // cell_bytes)
        if finer < 2 * at.size or at.size == 0:
            break
        spent += (finer - at.size) * cell_bytes  # one of each cell is what the others leave
        low, high = rows.reduce(cells.span[at], "min").T * [[1.0], [-1.0]]
        several = low < high
        cells.closed[at[~several]] = True
        if several.any():
            at, low, high = at[several], low[several], high[several]
            if some is None:
                some = first.rows_of(cells.number[at])
                cells.closed[np.setdiff1d(np.arange(cells.closed.size), at)] = True
            cells = cells.cut(at, low, high, n_cells=finer, some=some, rows=rows)
    return cells.best(rows, metrics)


def _in_range(score: FloatArray, rows: SharedRows) -> tuple[FloatArray, float, float, bool]:
    """Return the scores and their ends over all processes, which a grid can be laid between.

    Scores that are infinite, or nearly so, come to lie beyond the others, in the same order. The
    last value says whether the highest is infinite.
    """
    inner = score
    if np.abs([score.min(initial=0.0), score.max(initial=0.0)]).max() <= LARGEST_SCORE:
        nan = far = False
    else:  # or NaN
        nan, inner = bool(np.isnan(score).any()), score[np.abs(score) <= LARGEST_SCORE]
        far = True
    ends = [inner.min(initial=np.inf), -inner.max(initial=-np.inf), -float(nan), -float(far)]
    ends.append(-float(score.max(initial=-np.inf) == np.inf))
    low, *flags = rows.reduce(np.array(ends), "min").tolist()
    high, nan_somewhere, far_somewhere, endless = (-flag for flag in flags)
    if nan_somewhere:
        msg = "raw_score must not contain NaN."
        raise InvalidDataError(msg)
    if far_somewhere:
        low, high = (low, high) if low <= high else (0.0, 0.0)
        beyond = max(high - low, 1.0)
        low, high = low - beyond, high + beyond
        score = np.clip(score, low, high)
    return score, float(low), float(high), bool(endless)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells of falling scores that hold rows of some process.

    Attributes
    ----------
    number : intp array of shape (k,)
        Rising with the scores.
    counts : int64 array of shape (k, 2)
        Whole weight of the negatives and the positives of all processes.
    span : float64 array of shape (k, 2)
        Lowest and negated highest score of the rows of this process; infinite if it has none.
    closed : bool array of shape (k,)
        Cells not to be looked into: all of their rows have the same score.
    endless : bool
        Whether the highest score is infinite: no threshold lies above it.
    """

    number: IntArray
    counts: NDArray[np.int64]
    span: FloatArray
    closed: BoolArray
    endless: bool

    @classmethod
    def of(cls, rising: NDArray[np.int64], span: FloatArray, *, endless: bool) -> _Cells:
        """Return the cells with rows of some process."""
        number = np.flatnonzero(rising.any(axis=1))[::-1]
        return cls(number, rising[number], span[number], np.zeros(number.size, bool), endless)

    def best(self, rows: SharedRows, metrics: Sequence[CountMetric]) -> list[float]:
        """Return the best value at the end of a cell, or where no row is flagged."""
        start = np.zeros((0 if self.endless else 1, 2), np.int64)
        fp, tp = np.concatenate([start, np.cumsum(self.counts, axis=0)]).T
        ends = rows.counts(tp, fp)
        return [float(metric(ends).max()) for metric in metrics]

    def promising(self, rows: SharedRows, metrics: Sequence[CountMetric], most: int) -> IntArray:
        """Return the places of the cells that may hold something better, at most so many."""
        best = self.best(rows, metrics)
        fp, tp = np.cumsum(self.counts, axis=0).T
        ceiling = rows.counts(tp, fp - self.counts[:, 0])
        fewest = rows.counts(tp - self.counts[:, 1], fp).tp
        gain = np.max(
            [m.ceiling(ceiling, fewest) - b for m, b in zip(metrics, best, strict=True)], axis=0
        )
        gain[self.closed] = 0.0
        at = np.argsort(-gain, kind="stable")[:most]
        return np.sort(at[gain[at] > TOLERANCE])

    def cut(
        self,
        at: IntArray,
        low: FloatArray,
        high: FloatArray,
        *,
        n_cells: int,
        some: _Some,
        rows: SharedRows,
    ) -> _Cells:
        """Cut the cells at these places, with scores from ``low`` to ``high``, into finer ones."""
        # What may be gained inside a cell rises with its positives.
        share = self.counts[at, 1] / max(int(self.counts[at, 1].sum()), 1)
        parts = 2 + ((n_cells - 2 * at.size) * share[::-1]).astype(np.intp)
        counts, span = some.tabulate(low[::-1], high[::-1], parts)
        wholes, first = self.counts[at[::-1]], np.cumsum(parts) - parts
        others = np.ones(len(counts), bool)
        others[first] = False
        counts[others] = rows.add(counts[others])
        counts[first] = 0
        counts[first] = wholes - np.add.reduceat(counts, first)
        finer = _Cells.of(counts, span, endless=self.endless)
        of = np.repeat(np.arange(at.size)[::-1], parts)[finer.number]
        kept = np.setdiff1d(np.arange(self.number.size), at)
        place = np.concatenate([kept, at[of]])
        number = np.concatenate([np.zeros(kept.size, np.intp), finer.number])
        order = np.lexsort((-number, place))
        return _Cells(
            np.arange(order.size)[::-1],
            np.concatenate([self.counts[kept], finer.counts])[order],
            np.concatenate([self.span[kept], finer.span])[order],
            np.concatenate([self.closed[kept], finer.closed])[order],
            self.endless,
        )


@dataclass(frozen=True, eq=False)
class _FirstPass:
    """The rows of this process, counted in cells of equal width."""

    rows: ScoredRows
    grid: Grid
    counts: NDArray[np.int64]
    span: FloatArray

    @classmethod
    def over(cls, rows: SharedRows, score: FloatArray, low: float, high: float) -> _FirstPass:
        """Count the rows between the lowest and the highest score of all processes."""
        from gbimb.metrics._curve_kernels import Grid

        per_unit = CELLS * (1 - 1e-9) / max(high - low, SMALLEST_RANGE)
        grid = Grid(low, high, per_unit, np.arange(1, CELLS + 1), np.ones(CELLS))
        scored = ScoredRows(rows.positive, score, rows.weight, rows.scale)
        table = tabulate(scored, grid)
        assert table is not None, "NaN was refused before"
        counts, lowest, highest = table
        return cls(scored, grid, counts, np.column_stack([lowest, -highest]))

    def cells(self, rows: SharedRows, *, endless: bool) -> _Cells:
        """Add up the counts of all processes."""
        # The first and the last bin of the grid, for scores out of range, stay empty.
        counts = rows.add(self.counts[1:-1])
        endless = endless and bool(counts[-1].any())
        return _Cells.of(counts, self.span[1:-1], endless=endless)

    def rows_of(self, numbers: IntArray) -> _Some:
        """Return the rows of some cells."""
        from gbimb.metrics._curve_kernels import find_rows

        wanted = np.zeros(self.grid.n_bins, np.uint8)
        wanted[numbers + 1] = 1
        found = find_rows(self.rows.score, self.grid, wanted)
        order = found[np.argsort(self.rows.score[found])]
        score, positive, whole = self.rows.part(order)
        weight = np.ones(score.size, np.int64) if whole is None else whole
        hits = np.where(positive, weight, 0)
        sums = np.zeros((score.size + 1, 2), np.int64)
        np.cumsum(np.column_stack([weight - hits, hits]), axis=0, out=sums[1:])
        return _Some(score, sums)


@dataclass(frozen=True, eq=False)
class _Some:
    """Some rows of this process: rising scores, and the whole weights of the rows before each."""

    score: FloatArray
    sums: NDArray[np.int64]

    def tabulate(
        self, low: FloatArray, high: FloatArray, parts: IntArray
    ) -> tuple[NDArray[np.int64], FloatArray]:
        """Return counts and spans of ``parts`` cells in each of some rising, closed intervals."""
        at = np.searchsorted(low, self.score, side="right") - 1
        inside = (at >= 0) & (self.score <= high[at])
        rows = np.flatnonzero(inside)
        at = at[rows]
        share = (self.score[rows] - low[at]) / (high - low)[at]
        part = np.minimum((share * parts[at]).astype(np.intp), parts[at] - 1)
        number = (np.cumsum(parts) - parts)[at] + part
        n_cells = int(parts.sum())
        begins = np.searchsorted(number, np.arange(n_cells))
        ends = np.searchsorted(number, np.arange(n_cells), side="right")
        filled = ends > begins
        first, last = rows[begins[filled]], rows[ends[filled] - 1]
        counts = np.zeros((n_cells, 2), np.int64)
        # The rows of a cell stand side by side.
        counts[filled] = self.sums[last + 1] - self.sums[first]
        span = np.full((n_cells, 2), np.inf)
        span[filled] = np.column_stack([self.score[first], -self.score[last]])
        return counts, span
