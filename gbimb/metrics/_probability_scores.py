"""Scores of probabilities that need no threshold: areas under curves, and proper scores of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray
    from gbimb.metrics._counts import HasCounts


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
    row: FloatArray = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return row


def row_brier(y: FloatArray, p: FloatArray) -> FloatArray:
    """Squared error of the probability of each row."""
    row: FloatArray = (p - y) ** 2
    return row
