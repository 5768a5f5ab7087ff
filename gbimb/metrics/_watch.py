"""Several metrics of raw scores at once, as training reports them each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbimb._validation import check_binary_labels, check_raw_score, check_weight
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import ThresholdCurve, average_precision, roc_auc, threshold_curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb._typing import FloatArray
    from gbimb.losses import MarginLoss
    from gbimb.metrics._registry import Metric


def evaluate(
    metrics: Sequence[Metric],
    loss: MarginLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None = None,
) -> dict[str, float]:
    """Return the value of each metric at these raw scores, by its name.

    Scores over all thresholds need no link: they depend on the order of the scores only.
    """
    curve: ThresholdCurve | None = None
    values: dict[str, float] = {}
    for metric in metrics:
        if metric.name in ("log_loss", "brier"):
            values[metric.name] = _proper_score(metric.name, loss, y_true, raw_score, sample_weight)
        elif metric.threshold is not None and metric.count is not None:
            # A float64 scalar: NumPy would round a Python float to float32 beside float32 scores.
            called = raw_score >= np.float64(loss.raw_score_at(metric.threshold))
            counts = ConfusionCounts.from_labels(y_true, called, sample_weight)
            values[metric.name] = float(metric.count(counts))
        else:
            curve = curve or threshold_curve(y_true, raw_score, sample_weight)
            values[metric.name] = _over_thresholds(metric, curve)
    return values


def _over_thresholds(metric: Metric, curve: ThresholdCurve) -> float:
    if metric.count is not None:
        return curve.best(metric.count).score
    return average_precision(curve) if metric.name == "average_precision" else roc_auc(curve)


def _proper_score(
    name: str,
    loss: MarginLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
) -> float:
    y = check_binary_labels(y_true).astype(np.float64)
    p = loss.probability(check_raw_score(raw_score, y.size))
    weight = check_weight(sample_weight, y.size)
    rows = row_log_loss(y, p) if name == "log_loss" else (p - y) ** 2
    return float(np.average(rows, weights=weight))


def row_log_loss(y: FloatArray, p: FloatArray) -> FloatArray:
    """Log loss of each row, with probabilities kept a rounding error away from 0 and 1."""
    eps = np.finfo(np.float64).eps
    p = np.clip(p, eps, 1 - eps)
    row: FloatArray = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return row
