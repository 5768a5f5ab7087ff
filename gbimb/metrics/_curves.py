"""Any score at every threshold in one pass, exact on ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gbimb._validation import check_binary_labels, check_raw_score, check_weight
from gbimb.exceptions import InvalidDataError
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._registry import CountMetric, get_count_metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb._typing import FloatArray


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
        with np.errstate(over="ignore", invalid="ignore"):  # beside infinite or largest scores
            if index < 0:
                (highest,) = _narrow(self.scores[:1])
                return float(np.nextafter(highest, np.inf, dtype=highest.dtype))
            upper = float(self.scores[index])
            if index + 1 == self.scores.size:
                return upper
            last, following = _narrow(self.scores[index : index + 2])
            middle = last + (following - last) / 2
            return float(middle) if middle > following else upper

    def best(self, metric: str | CountMetric) -> BestThreshold:
        """Return the threshold with the highest score; the highest threshold among equals."""
        measure = get_count_metric(metric)
        values = measure(self.counts)
        index = int(np.argmax(values))
        nothing = measure(_nothing_called(self.counts))
        # No threshold lies above an infinite score.
        if nothing >= values[index] and self.scores[0] < np.inf:
            return BestThreshold(self.threshold(-1), float(nothing))
        return BestThreshold(self.threshold(index), float(values[index]))


def _narrow(scores: FloatArray) -> NDArray[Any]:
    """Return the scores in float32 if that loses nothing."""
    narrow = scores.astype(np.float32)
    return narrow if np.array_equal(narrow, scores) else scores


def _nothing_called(counts: ConfusionCounts) -> ConfusionCounts:
    return ConfusionCounts(
        0.0, 0.0, float(counts.tp[0] + counts.fn[0]), float(counts.fp[0] + counts.tn[0])
    )


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
    if y.size == 0:
        msg = "y_true must hold at least one row, got none."
        raise InvalidDataError(msg)
    score = check_raw_score(y_score, y.size, "y_score")
    weight = check_weight(sample_weight, y.size)
    order = np.argsort(score)[::-1]
    ranked = score[order]
    last = np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]), ranked.size - 1]
    hits = y[order].astype(np.float64)
    weights = np.ones(y.size) if weight is None else weight[order].astype(np.float64)
    tp = np.cumsum(hits * weights)[last]
    fp = np.cumsum((1.0 - hits) * weights)[last]
    counts = ConfusionCounts(tp, fp, tp[-1] - tp, fp[-1] - fp)
    return ThresholdCurve(ranked[last].astype(np.float64), counts)


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
    return threshold_curve(y_true, y_score, sample_weight).best(metric)


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
