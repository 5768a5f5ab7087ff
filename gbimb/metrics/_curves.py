"""Any score at every threshold in one pass, exact on ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.metrics._counts import ROWS, ConfusionCounts, WeightScale
from gbimb.metrics._registry import CountMetric, get_searched_metric
from gbimb.validation import check_binary_labels, check_raw_score, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray


class BestThreshold(NamedTuple):
    """A threshold and the score that it reaches: rows with ``y_score >= threshold`` are flagged."""

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
        Counts if ``y_score >= scores[i]`` is flagged; arrays of shape (k,).
    """

    scores: FloatArray
    counts: ConfusionCounts

    def threshold(self, index: int) -> float:
        """Return a threshold that flags the rows of ``scores[: index + 1]``; none for -1.

        It lies midway between the last score flagged and the next, where new rows are as safe as
        they can be. Between scores in float32 it is a float32 number too: NumPy rounds it to one
        when it is compared with float32 scores.
        """
        if index < 0:
            return threshold_above(self.scores[:1])
        return threshold_between(self.scores[index : index + 2])

    def best(self, metric: str | CountMetric) -> BestThreshold:
        """Return the threshold with the highest score; the highest threshold among equals."""
        measure = get_searched_metric(metric)
        values = measure(self.counts)
        index = int(np.argmax(values))
        nothing = measure(
            none_flagged(
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


def none_flagged(positives: float, negatives: float) -> ConfusionCounts:
    """Return the counts above all scores."""
    return ConfusionCounts(0.0, 0.0, float(positives), float(negatives))


def threshold_above(highest: FloatArray) -> float:
    """Return the next threshold above the score ``highest``, given as an array of shape (1,)."""
    with np.errstate(over="ignore"):  # above the largest number is infinity
        (narrow,) = _narrow(highest)
        return float(np.nextafter(narrow, np.inf, dtype=narrow.dtype))


def threshold_between(scores: FloatArray) -> float:
    """Return a threshold between the last score flagged and the next one, if there is one."""
    if scores.size == 1:
        return float(scores[0])
    with np.errstate(over="ignore", invalid="ignore"):  # beside infinite or largest scores
        last, following = _narrow(scores)
        middle = last + (following - last) / 2
    return float(middle) if middle > following else float(scores[0])


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
    ranked = score[order].astype(np.float64)
    ends, tp, fp = ranked_sums(ranked, positive[order], None if whole is None else whole[order])
    return ThresholdCurve(ranked[ends], scale.counts(tp, fp, tp[-1], fp[-1]))


def check_not_empty(n_rows: int) -> None:
    """Raise if there are no rows."""
    if n_rows == 0:
        msg = "y_true must hold at least one row, got none."
        raise InvalidDataError(msg)


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
