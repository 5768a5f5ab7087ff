"""Scores from confusion counts, at one threshold or under a curve, and proper scores of rows.

Those from counts are 0 where they are 0/0, and never NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from gbimb.exceptions import InvalidTypeError
from gbimb.metrics._counts import ConfusionCounts
from gbimb.validation import check_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray
    from gbimb.metrics._counts import HasCounts

LARGEST_COUNT: Final = 1e70  # whose fourth power is finite

Score: TypeAlias = Any
"""A float, or a float64 array where the counts hold one entry a threshold."""


def ratio(numerator: Score, denominator: Score) -> Score:
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    out = np.zeros(np.broadcast(top, bottom).shape)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return float(out) if out.ndim == 0 else out


def _counts(
    y_true: ArrayLike | ConfusionCounts, y_pred: ArrayLike | None, sample_weight: ArrayLike | None
) -> ConfusionCounts:
    if isinstance(y_true, ConfusionCounts):
        if y_pred is not None or sample_weight is not None:
            msg = "Give either counts alone or y_true and y_pred, got counts and further arrays."
            raise InvalidTypeError(msg)
        return _in_range(y_true)
    if y_pred is None:
        msg = "y_pred is missing: give y_true and y_pred, or a ConfusionCounts alone."
        raise InvalidTypeError(msg)
    return _in_range(ConfusionCounts.from_labels(y_true, y_pred, sample_weight))


def _in_range(counts: ConfusionCounts) -> ConfusionCounts:
    """Return counts of which products neither overflow nor underflow; scores are ratios."""
    largest = max(c if isinstance(c, float) else c.max(initial=0.0) for c in counts.as_tuple())
    if largest == 0 or 1 / LARGEST_COUNT < largest < LARGEST_COUNT:
        return counts
    exponent = -int(np.frexp(largest)[1])
    return ConfusionCounts(*(np.ldexp(c, exponent) for c in counts.as_tuple()))


def mcc_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Matthews correlation coefficient; higher is better, in [-1, 1], 0 is chance.

    0 where a margin of the table is empty, for example where nothing is flagged.

    Parameters
    ----------
    y_true : ConfusionCounts, or array of shape (n,) with values 0 and 1
    y_pred : array of shape (n,) with values 0 and 1, unless counts are given
    sample_weight : array of shape (n,), optional

    Returns
    -------
    float, or an array for counts at many thresholds

    References
    ----------
    B. W. Matthews. Comparison of the predicted and observed secondary structure of T4 phage
    lysozyme. 1975. doi:10.1016/0005-2795(75)90109-9.

    Examples
    --------
    >>> round(mcc_score([1, 1, 0, 0, 0], [1, 0, 0, 0, 1]), 4)
    0.1667
    """
    tp, fp, fn, tn = _counts(y_true, y_pred, sample_weight).as_tuple()
    # One root of the two products: a perfect prediction is exactly 1, none is above it.
    spread = np.sqrt(((tp + fp) * (tn + fn)) * ((tp + fn) * (tn + fp)))
    return ratio(tp * tn - fp * fn, spread)


def f_beta_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    *,
    beta: float = 1.0,
) -> Score:
    """F-beta; higher is better, in [0, 1]; 0 where there is no true positive.

    ``beta`` > 0 says how many times as much recall counts as precision.

    Examples
    --------
    >>> round(f_beta_score([1, 1, 0, 0, 0], [1, 0, 0, 0, 1], beta=2.0), 4)
    0.5
    """
    check_number("beta", beta, low=0, low_open=True, high_open=True)
    tp, fp, fn, _ = _counts(y_true, y_pred, sample_weight).as_tuple()
    # The shares of misses and of false alarms add up to 1, and stay finite for any beta.
    inverse = 1.0 / beta
    missed, alarm = 1.0 / (1.0 + inverse * inverse), 1.0 / (1.0 + beta * beta)
    return ratio(tp, tp + missed * fn + alarm * fp)


def f1_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """F1, the harmonic mean of precision and recall; higher is better, in [0, 1]."""
    return f_beta_score(y_true, y_pred, sample_weight)


def precision_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Share of the flagged rows that are positive; in [0, 1], 0 where none is flagged."""
    counts = _counts(y_true, y_pred, sample_weight)
    return ratio(counts.tp, counts.tp + counts.fp)


def recall_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Share of the positive rows that are flagged; in [0, 1], 0 where there is no positive."""
    counts = _counts(y_true, y_pred, sample_weight)
    return ratio(counts.tp, counts.tp + counts.fn)


def specificity_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Share of the negative rows that are not flagged; in [0, 1], 0 where there is no negative."""
    counts = _counts(y_true, y_pred, sample_weight)
    return ratio(counts.tn, counts.tn + counts.fp)


def g_mean_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Geometric mean of recall and specificity; higher is better, in [0, 1]."""
    counts = _counts(y_true, y_pred, sample_weight)
    score = np.sqrt(recall_score(counts) * specificity_score(counts))
    return float(score) if np.ndim(score) == 0 else score


def balanced_accuracy_score(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Mean of recall and specificity; higher is better, in [0, 1], 0.5 is chance."""
    counts = _counts(y_true, y_pred, sample_weight)
    return (recall_score(counts) + specificity_score(counts)) / 2


def false_positive_rate(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Share of the negative rows that are flagged; lower is better, 0 where there is none."""
    counts = _counts(y_true, y_pred, sample_weight)
    return ratio(counts.fp, counts.tn + counts.fp)


def alert_rate(
    y_true: ArrayLike | ConfusionCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Score:
    """Share of all rows that are flagged; in [0, 1]."""
    counts = _counts(y_true, y_pred, sample_weight)
    return ratio(counts.tp + counts.fp, counts.tp + counts.fp + counts.fn + counts.tn)


def average_precision(curve: HasCounts) -> float:
    """Area under the precision-recall steps; higher is better, in [0, 1]."""
    tp, fp, fn, _ = curve.counts.as_tuple()
    positives = tp[-1] + fn[-1]
    if positives == 0:
        return 0.0
    steps = np.diff(tp, prepend=0.0)
    return float(np.sum(steps * tp / np.maximum(tp + fp, np.finfo(float).tiny)) / positives)


def roc_auc(curve: HasCounts) -> float:
    """Area under the ROC curve; higher is better, in [0, 1]; 0.5 where a class is missing."""
    tp, fp, _, _ = curve.counts.as_tuple()
    if tp[-1] == 0 or fp[-1] == 0:
        return 0.5
    return float(np.trapezoid(np.r_[0.0, tp], np.r_[0.0, fp]) / (tp[-1] * fp[-1]))


def row_log_loss(y: FloatArray, p: FloatArray) -> FloatArray:
    """Log loss of each row, with probabilities kept a rounding error away from 0 and 1."""
    eps = np.finfo(np.float64).eps
    p = np.clip(p, eps, 1 - eps)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def row_brier(y: FloatArray, p: FloatArray) -> FloatArray:
    """Squared error of the probability of each row."""
    return (p - y) ** 2
