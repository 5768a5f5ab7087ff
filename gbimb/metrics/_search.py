"""The best threshold of many rows, without sorting all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics._counts import ROWS, WeightScale
from gbimb.metrics._curves import (
    BestThreshold,
    ThresholdCurve,
    none_flagged,
    ranked_sums,
    threshold_above,
    threshold_between,
    threshold_curve,
)
from gbimb.metrics._registry import CountMetric, get_searched_metric
from gbimb.parallel import run_ranges
from gbimb.validation import as_float, as_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.metrics._curve_kernels import Grid

# Fewer rows are sorted: that is as fast.
SEARCHED_ROWS: Final = 1 << 14
LARGEST_SAMPLE: Final = 1 << 12
ROWS_PER_BIN: Final = 64
LARGEST_BINS: Final = 1 << 14
BINS_PER_CELL: Final = 4
# More than rounding can take from a score; no product of four counts overflows or underflows.
ROUNDING: Final = 1e-9
LARGEST_TOTAL: Final = 1e70


def best_threshold(
    y_true: ArrayLike,
    y_score: ArrayLike,
    metric: str | CountMetric = "mcc",
    sample_weight: ArrayLike | None = None,
) -> BestThreshold:
    """Return the threshold of ``y_score`` with the highest score, and that score.

    Exact over all thresholds, ties included. It describes these rows: on few positives it is
    unstable for new ones, see :func:`gbimb.thresholds.choose_threshold`.

    Parameters
    ----------
    y_true : array of shape (n,), 0 or 1
    y_score : array of shape (n,)
        Probabilities or raw scores, higher for positives.
    metric : str, default="mcc"
        "mcc", "f1", "fbeta:2", "g_mean", "balanced_accuracy", ...
    sample_weight : array of shape (n,), optional

    Returns
    -------
    BestThreshold(threshold, score)

    Examples
    --------
    >>> best_threshold([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.8])
    BestThreshold(threshold=0.5, score=1.0)
    """
    return best_thresholds(y_true, y_score, [get_searched_metric(metric)], sample_weight)[0]


def best_thresholds(
    y_true: ArrayLike,
    y_score: ArrayLike,
    metrics: Sequence[CountMetric],
    sample_weight: ArrayLike | None = None,
) -> list[BestThreshold]:
    """Return :func:`best_threshold` for each of ``metrics``; they share the passes over the rows.

    Many rows are counted in bins of scores. A bin whose best conceivable score, with all of its
    positives flagged and none of its negatives, stays below that of some bin's end needs no look
    inside; the rows of the few others are sorted. The outcome is that of sorting all of them.
    """
    if all(metric.rises for metric in metrics):
        rows = ScoredRows.read(y_true, y_score, sample_weight)
        bins = None if rows is None else _Bins.count(rows)
        if rows is not None and bins is not None:
            return _search(rows, bins, metrics)
    curve = threshold_curve(y_true, y_score, sample_weight)  # tells what is wrong, if anything
    return [curve.best(metric) for metric in metrics]


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Labels, scores and weights that have been looked through, in the types of the kernels."""

    positive: NDArray[np.uint8]
    score: NDArray[Any]
    weight: NDArray[Any] | None
    scale: WeightScale

    @classmethod
    def read(
        cls, y_true: ArrayLike, y_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> ScoredRows | None:
        """Return None if there are too few rows to search in, or something is wrong with them."""
        y = as_labels(y_true, "y_true")
        if y.size < SEARCHED_ROWS or y.dtype.kind not in "biuf":
            return None
        score = as_float(y_score, "y_score")
        weight = None if sample_weight is None else as_float(sample_weight, "sample_weight")
        if score.shape != y.shape or (weight is not None and weight.shape != y.shape):
            return None
        positive = np.empty(y.size, np.uint8)

        def task(start: int, stop: int) -> tuple[bool, float, float]:
            labels = y[start:stop]
            hits = positive[start:stop].view(np.bool_)
            np.equal(labels, 1, out=hits)
            sound = bool((hits | (labels == 0)).all())
            if weight is None:
                return sound, 1.0, 1.0
            part = weight[start:stop]
            return sound, float(part.min()), float(part.max())

        sound, least, most = zip(*run_ranges(task, y.size), strict=True)
        if not (all(sound) and np.min(least) >= 0 and 0 < np.max(most) < np.inf):
            return None
        if weight is None:
            return cls(positive, score, None, ROWS)
        return cls(positive, score, weight, WeightScale.of(positive, weight))

    def part(
        self, rows: slice | IntArray
    ) -> tuple[FloatArray, NDArray[np.uint8], NDArray[np.int64] | None]:
        """Return scores, labels and whole weights of some rows."""
        positive = self.positive[rows]
        score = np.require(self.score[rows], np.float64, requirements=("C", "A"))
        if self.weight is None:
            return score, positive, None
        return score, positive, self.scale.whole(positive, self.weight[rows])

    def sample(self) -> FloatArray:
        """Return some finite scores."""
        some = self.score[:: -(-self.score.size // LARGEST_SAMPLE)].astype(np.float64)
        return some[np.isfinite(some)]


@dataclass(frozen=True, eq=False)
class _Bins:
    """The bins that hold rows, from the highest to the lowest.

    Attributes
    ----------
    grid : Grid
    number : number of each bin in the grid
    pos, neg : whole weight of either class
    lowest, highest : scores
    """

    grid: Grid
    number: IntArray
    pos: NDArray[np.int64]
    neg: NDArray[np.int64]
    lowest: FloatArray
    highest: FloatArray

    @classmethod
    def count(cls, rows: ScoredRows) -> _Bins | None:
        """Return None if no grid fits, or if a score is NaN."""
        from gbimb.metrics._curve_kernels import Grid

        n_bins = min(LARGEST_BINS, rows.score.size // ROWS_PER_BIN)
        sample = rows.sample()
        grid = Grid.over(sample, n_bins // BINS_PER_CELL, n_bins) if sample.size else None
        if grid is None:
            return None
        table = tabulate(rows, grid)
        if table is None:
            return None
        counts, lowest, highest = table
        filled = np.flatnonzero(lowest <= highest)[::-1]
        neg, pos = counts[filled].T
        total = rows.scale.counts(pos.sum(), neg.sum(), pos.sum(), neg.sum())
        inside = (t == 0 or 1 / LARGEST_TOTAL < t < LARGEST_TOTAL for t in (total.tp, total.fp))
        if not all(inside):
            return None
        return cls(grid, filled, pos, neg, lowest[filled], highest[filled])

    def following(self, place: int) -> FloatArray:
        """Return the next score below a bin, in an array; empty if there is none."""
        return self.highest[place + 1 : place + 2]


def tabulate(
    rows: ScoredRows, grid: Grid
) -> tuple[NDArray[np.int64], FloatArray, FloatArray] | None:
    """Return the whole weight of either class in each bin, and its lowest and highest score.

    None if a score is NaN. Without rows the lowest score is infinite.
    """
    from gbimb.metrics._curve_kernels import count_rows

    tables: list[tuple[NDArray[np.int64], FloatArray]] = []  # one for each thread

    def new_table() -> tuple[NDArray[np.int64], FloatArray]:
        return np.zeros((grid.n_bins, 2), np.int64), np.tile([np.inf, -np.inf], (grid.n_bins, 1))

    def task(start: int, stop: int) -> bool:
        try:
            table = tables.pop()
        except IndexError:
            table = new_table()
        score, positive, whole = rows.part(slice(start, stop))
        complete = count_rows(score, grid, positive, whole, *table)
        tables.append(table)
        return complete

    if not all(run_ranges(task, rows.score.size)):
        return None
    tables = tables or [new_table()]
    counts = np.sum([table[0] for table in tables], axis=0)
    lowest = np.min([table[1][:, 0] for table in tables], axis=0)
    highest = np.max([table[1][:, 1] for table in tables], axis=0)
    return counts, lowest, highest


def _search(rows: ScoredRows, bins: _Bins, metrics: Sequence[CountMetric]) -> list[BestThreshold]:
    tp, fp = np.cumsum(bins.pos), np.cumsum(bins.neg)
    ends = rows.scale.counts(tp, fp, tp[-1], fp[-1])
    ceiling = rows.scale.counts(tp, fp - bins.neg, tp[-1], fp[-1])
    nothing = none_flagged(ends.fn[-1] + ends.tp[-1], ends.tn[-1] + ends.fp[-1])
    at_ends = [metric(ends) for metric in metrics]
    several = bins.lowest < bins.highest
    promising = np.zeros_like(several)
    for metric, values in zip(metrics, at_ends, strict=True):
        promising |= several & (metric(ceiling) >= values.max() - ROUNDING)
    inner = _look_inside(rows, bins, np.flatnonzero(promising), tp, fp)
    found = []
    for metric, values in zip(metrics, at_ends, strict=True):
        at = int(np.argmax(values))
        score, scores = float(values[at]), np.append(bins.lowest[at], bins.following(at))
        if inner is not None:
            within = metric(inner.counts)
            i = int(np.argmax(within))
            if (within[i], inner.scores[i]) > (score, scores[0]):
                # Not the lowest of its bin, which is an end: the next one below is there.
                score, scores = float(within[i]), inner.scores[i : i + 2]
        none = float(metric(nothing))
        # No threshold lies above an infinite score.
        if none >= score and bins.highest[0] < np.inf:
            found.append(BestThreshold(threshold_above(bins.highest[:1]), none))
        else:
            found.append(BestThreshold(threshold_between(scores), score))
    return found


def _look_inside(
    rows: ScoredRows, bins: _Bins, places: IntArray, tp: NDArray[np.int64], fp: NDArray[np.int64]
) -> ThresholdCurve | None:
    """Sort the rows of some bins; None if there are no bins."""
    from gbimb.metrics._curve_kernels import find_rows

    if places.size == 0:
        return None
    wanted = np.zeros(bins.grid.n_bins, np.uint8)
    wanted[bins.number[places]] = 1

    def task(start: int, stop: int) -> IntArray:
        score = np.require(rows.score[start:stop], np.float64, requirements=("C", "A"))
        return start + find_rows(score, bins.grid, wanted)

    score, positive, whole = rows.part(np.concatenate(run_ranges(task, rows.score.size)))
    order = np.argsort(score)[::-1]
    ranked = score[order]
    ends, tp_in, fp_in = ranked_sums(
        ranked, positive[order], None if whole is None else whole[order]
    )
    ranked = ranked[ends]
    rising = bins.lowest[places][::-1]
    at = places.size - np.searchsorted(rising, ranked, side="right")
    # The counts above each bin, less those of the bins looked into above it.
    tp_more = (tp - bins.pos)[places] - (np.cumsum(bins.pos[places]) - bins.pos[places])
    fp_more = (fp - bins.neg)[places] - (np.cumsum(bins.neg[places]) - bins.neg[places])
    counts = rows.scale.counts(tp_in + tp_more[at], fp_in + fp_more[at], tp[-1], fp[-1])
    return ThresholdCurve(ranked, counts)
