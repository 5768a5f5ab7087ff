"""Any score at every threshold in one pass, exact on ties.

Weights are added up as whole multiples of a power of two, about 2^-62 of the total of their class.
Such sums depend on no order: every way to count gives the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gbimb._parallel import run_ranges
from gbimb._validation import as_float, check_binary_labels, check_raw_score, check_weight
from gbimb.exceptions import InvalidDataError
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._registry import COUNT_METRICS, CountMetric, get_count_metric
from gbimb.metrics._scores import f_beta_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb._typing import FloatArray, IntArray
    from gbimb.metrics._curve_kernels import Grid

# A float64 times 2^-k is exact, and 2^k itself finite, up to here.
LARGEST_EXPONENT: Final = 1000
WEIGHT_BITS: Final = 62

# Fewer rows are sorted: that is as fast.
SEARCHED_ROWS: Final = 1 << 14
LARGEST_SAMPLE: Final = 1 << 12
ROWS_PER_BIN: Final = 64
LARGEST_BINS: Final = 1 << 14
BINS_PER_CELL: Final = 4
# More than rounding can take from a score; no product of four counts overflows or underflows.
ROUNDING: Final = 1e-9
LARGEST_TOTAL: Final = 1e70


class BestThreshold(NamedTuple):
    """A threshold and the score that it reaches: rows with ``y_score >= threshold`` are called."""

    threshold: float
    score: float


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Confusion counts at every threshold that tells rows apart.

    Attributes
    ----------
    scores : float64 array of shape (k,)
        The distinct values of ``y_score``, falling.
    counts : ConfusionCounts
        Counts if ``y_score >= scores[i]`` is called positive; arrays of shape (k,).
    """

    scores: FloatArray
    counts: ConfusionCounts

    def threshold(self, index: int) -> float:
        """Return a threshold that calls the rows of ``scores[: index + 1]``; none for -1.

        It lies midway between the last score called and the next, where new rows are as safe as
        they can be. Between scores in float32 it is a float32 number too: NumPy rounds it to one
        when it is compared with float32 scores.
        """
        if index < 0:
            return threshold_above(self.scores[:1])
        return threshold_between(self.scores[index : index + 2])

    def best(self, metric: str | CountMetric) -> BestThreshold:
        """Return the threshold with the highest score; the highest threshold among equals."""
        measure = get_count_metric(metric)
        values = measure(self.counts)
        index = int(np.argmax(values))
        nothing = measure(
            nothing_called(
                self.counts.tp[0] + self.counts.fn[0], self.counts.fp[0] + self.counts.tn[0]
            )
        )
        # No threshold lies above an infinite score.
        if nothing >= values[index] and self.scores[0] < np.inf:
            return BestThreshold(self.threshold(-1), float(nothing))
        return BestThreshold(self.threshold(index), float(values[index]))


def _narrow(scores: FloatArray) -> NDArray[Any]:
    """Return the scores in float32 if that loses nothing."""
    narrow = scores.astype(np.float32)
    return narrow if np.array_equal(narrow, scores) else scores


def nothing_called(positives: float, negatives: float) -> ConfusionCounts:
    """Return the counts above all scores."""
    return ConfusionCounts(0.0, 0.0, float(positives), float(negatives))


def threshold_above(highest: FloatArray) -> float:
    """Return the next threshold above the score ``highest``, given as an array of shape (1,)."""
    with np.errstate(over="ignore"):  # above the largest number is infinity
        (narrow,) = _narrow(highest)
        return float(np.nextafter(narrow, np.inf, dtype=narrow.dtype))


def threshold_between(scores: FloatArray) -> float:
    """Return a threshold between the last score called and the next one, if there is one."""
    if scores.size == 1:
        return float(scores[0])
    with np.errstate(over="ignore", invalid="ignore"):  # beside infinite or largest scores
        last, following = _narrow(scores)
        middle = last + (following - last) / 2
    return float(middle) if middle > following else float(scores[0])


class WeightScale(NamedTuple):
    """Weights as whole multiples of ``2**exponent``, an exponent for each class.

    Attributes
    ----------
    negative, positive : int
    """

    negative: int
    positive: int

    @classmethod
    def of(cls, positive: NDArray[np.uint8], weight: NDArray[Any]) -> WeightScale:
        """Return the finest scale at which the sums stay below 2^63."""
        largest = float(weight.max())
        return cls.from_totals(largest, class_totals(positive, weight, largest))

    @classmethod
    def from_totals(cls, largest: float, totals: FloatArray) -> WeightScale:
        """Return the scale for weights up to ``largest`` with these ``class_totals``."""
        top = np.frexp(largest)[1]
        return cls(*(int(np.frexp(total)[1] + top) - WEIGHT_BITS for total in totals))

    def whole(self, positive: NDArray[np.uint8], weight: NDArray[Any]) -> NDArray[np.int64]:
        """Return weights as whole numbers."""
        exponents = -np.array(self)
        if np.abs(exponents).max() < LARGEST_EXPONENT:
            scaled = weight * np.ldexp(1.0, exponents)[positive]
        else:
            scaled = np.ldexp(weight.astype(np.float64), exponents[positive])
        scaled += 0.5
        whole: NDArray[np.int64] = scaled.astype(np.int64)
        return whole

    def counts(self, tp: Any, fp: Any, positives: int, negatives: int) -> ConfusionCounts:  # noqa: ANN401  int64, or an array of them
        """Return confusion counts from sums of whole weights."""
        with np.errstate(over="ignore", under="ignore"):
            return ConfusionCounts(
                np.ldexp(np.float64(tp), self.positive),
                np.ldexp(np.float64(fp), self.negative),
                np.ldexp(np.float64(positives - tp), self.positive),
                np.ldexp(np.float64(negatives - fp), self.negative),
            )


def class_totals(positive: NDArray[np.uint8], weight: NDArray[Any], largest: float) -> FloatArray:
    """Return the weight of both classes in units of ``largest``, shape (2,), negatives first."""

    def task(start: int, stop: int) -> NDArray[np.float64]:
        part = weight[start:stop].astype(np.float64) / largest
        sums = np.bincount(positive[start:stop], weights=part, minlength=2)
        return sums.astype(np.float64, copy=False)

    return sum(run_ranges(task, weight.size), np.zeros(2))


ROWS = WeightScale(0, 0)
"""Without weights each row counts 1."""


def threshold_curve(
    y_true: ArrayLike, y_score: ArrayLike, sample_weight: ArrayLike | None = None
) -> ThresholdCurve:
    """Return the counts at every threshold of ``y_score``.

    Parameters
    ----------
    y_true : array of shape (n,), 0 or 1
    y_score : array of shape (n,)
        Probabilities or raw scores, higher for positives, without NaN.
    sample_weight : array of shape (n,), optional

    Raises
    ------
    InvalidDataError
        If there are no rows, shapes differ, labels are not 0 and 1, or a score is NaN.

    Examples
    --------
    >>> curve = threshold_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    >>> curve.scores
    array([0.8, 0.4, 0.1])
    >>> curve.counts.tp
    array([1., 2., 2.])
    """
    y = check_binary_labels(y_true)
    check_not_empty(y.size)
    score = check_raw_score(y_score, y.size, "y_score")
    weight = check_weight(sample_weight, y.size)
    positive = y.astype(np.uint8)
    scale, whole = ROWS, None
    if weight is not None:
        scale = WeightScale.of(positive, weight)
        whole = scale.whole(positive, weight)
    order = np.argsort(score)[::-1]
    return curve_of_ranked(
        score[order].astype(np.float64),
        positive[order],
        None if whole is None else whole[order],
        scale,
    )


def check_not_empty(n_rows: int) -> None:
    """Raise if there are no rows."""
    if n_rows == 0:
        msg = "y_true must hold at least one row, got none."
        raise InvalidDataError(msg)


def curve_of_ranked(
    ranked: FloatArray,
    positive: NDArray[np.uint8],
    whole: NDArray[np.int64] | None,
    scale: WeightScale,
) -> ThresholdCurve:
    """Return the counts at every threshold of rows whose scores fall."""
    ends, tp, fp = ranked_sums(ranked, positive, whole)
    return ThresholdCurve(ranked[ends], scale.counts(tp, fp, tp[-1], fp[-1]))


def ranked_sums(
    ranked: FloatArray, positive: NDArray[np.uint8], whole: NDArray[np.int64] | None
) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Return the last row of each score, and the whole weights of both classes down to it."""
    ends = np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]), ranked.size - 1]
    if whole is None:
        tp = np.cumsum(positive, dtype=np.int64)[ends]
        return ends, tp, ends + 1 - tp
    tp = np.cumsum(np.where(positive, whole, 0))[ends]
    return ends, tp, np.cumsum(whole)[ends] - tp


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
    return best_thresholds(y_true, y_score, [get_count_metric(metric)], sample_weight)[0]


def best_thresholds(
    y_true: ArrayLike,
    y_score: ArrayLike,
    metrics: Sequence[CountMetric],
    sample_weight: ArrayLike | None = None,
) -> list[BestThreshold]:
    """Return :func:`best_threshold` for each of ``metrics``; they share the passes over the rows.

    Many rows are counted in bins of scores. A bin whose best conceivable score, with all of its
    positives called and none of its negatives, stays below that of some bin's end needs no look
    inside; the rows of the few others are sorted. The outcome is that of sorting all of them.
    """
    if all(_rises_with_hits(metric) for metric in metrics):
        rows = ScoredRows.read(y_true, y_score, sample_weight)
        bins = None if rows is None else _Bins.count(rows)
        if rows is not None and bins is not None:
            return _search(rows, bins, metrics)
    curve = threshold_curve(y_true, y_score, sample_weight)  # tells what is wrong, if anything
    return [curve.best(metric) for metric in metrics]


def _rises_with_hits(metric: CountMetric) -> bool:
    """Whether a score is known never to fall with ``tp`` nor to rise with ``fp``."""
    function = metric.function
    if isinstance(function, partial):
        return function.func is f_beta_score
    return function in COUNT_METRICS.values()


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
        y = np.asarray(y_true)
        if y.ndim != 1 or y.size < SEARCHED_ROWS or y.dtype.kind not in "biuf":
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
    nothing = nothing_called(ends.fn[-1] + ends.tp[-1], ends.tn[-1] + ends.fp[-1])
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
                score, scores = float(within[i]), inner.around(bins, i)
        none = float(metric(nothing))
        # No threshold lies above an infinite score.
        if none >= score and bins.highest[0] < np.inf:
            found.append(BestThreshold(threshold_above(bins.highest[:1]), none))
        else:
            found.append(BestThreshold(threshold_between(scores), score))
    return found


class _Inner(NamedTuple):
    """Thresholds inside some bins: distinct scores, their bins, and the counts down to them."""

    scores: FloatArray
    bins: IntArray
    counts: ConfusionCounts

    def around(self, bins: _Bins, index: int) -> FloatArray:
        """Return a score and the next one below, if there is one."""
        place = int(self.bins[index])
        if self.scores[index] > bins.lowest[place]:
            return self.scores[index : index + 2]
        return np.append(self.scores[index], bins.following(place))


def _look_inside(
    rows: ScoredRows, bins: _Bins, places: IntArray, tp: NDArray[np.int64], fp: NDArray[np.int64]
) -> _Inner | None:
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
    return _Inner(ranked, places[at], counts)


def average_precision(curve: ThresholdCurve) -> float:
    """Area under the precision-recall steps; higher is better, in [0, 1]."""
    tp, fp, fn, _ = curve.counts.as_tuple()
    positives = tp[-1] + fn[-1]
    if positives == 0:
        return 0.0
    steps = np.diff(tp, prepend=0.0)
    return float(np.sum(steps * tp / np.maximum(tp + fp, np.finfo(float).tiny)) / positives)


def roc_auc(curve: ThresholdCurve) -> float:
    """Area under the ROC curve; higher is better, in [0, 1]; 0.5 where a class is missing."""
    tp, fp, _, _ = curve.counts.as_tuple()
    if tp[-1] == 0 or fp[-1] == 0:
        return 0.5
    return float(np.trapezoid(np.r_[0.0, tp], np.r_[0.0, fp]) / (tp[-1] * fp[-1]))
