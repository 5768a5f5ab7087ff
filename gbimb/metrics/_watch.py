"""Several metrics of raw scores at once, as training reports them each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import (
    average_precision,
    check_not_empty,
    roc_auc,
    threshold_curve,
)
from gbimb.metrics._search import best_thresholds
from gbimb.parallel import run_ranges
from gbimb.validation import check_binary_labels, check_raw_score, check_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.losses import BinaryLoss
    from gbimb.metrics._registry import Metric


def evaluate(
    metrics: Sequence[Metric],
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None = None,
) -> dict[str, float]:
    """Return the value of each metric at these raw scores, by its name.

    Scores over all thresholds need no link: they depend on the order of the scores only.
    """
    best = [m for m in metrics if m.count is not None and m.threshold is None]
    counted = [m.count for m in best if m.count is not None]
    found = best_thresholds(y_true, raw_score, counted, sample_weight) if counted else []
    values = {m.name: f.score for m, f in zip(best, found, strict=True)}
    areas = [m for m in metrics if m.name in AREAS]
    if areas:
        curve = threshold_curve(y_true, raw_score, sample_weight)
        values |= {m.name: AREAS[m.name](curve) for m in areas}
    for metric in metrics:
        if metric.name in ("log_loss", "brier"):
            values[metric.name] = _proper_score(metric.name, loss, y_true, raw_score, sample_weight)
        elif metric.count is not None and metric.threshold is not None:
            # A float64 scalar: NumPy would round a Python float to float32 beside float32 scores.
            called = raw_score >= np.float64(loss.raw_score_at(metric.threshold))
            counts = ConfusionCounts.from_labels(y_true, called, sample_weight)
            values[metric.name] = float(metric.count(counts))
    return {m.name: values[m.name] for m in metrics}


AREAS = {"average_precision": average_precision, "roc_auc": roc_auc}


def _proper_score(
    name: str,
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
) -> float:
    check_not_empty(check_binary_labels(y_true).size)
    total, weight = proper_sums(name, loss, y_true, raw_score, sample_weight)
    return total / weight


def proper_sums(
    name: str,
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
) -> tuple[float, float]:
    """Return the sum over rows of the log loss or the Brier score, and of their weights."""
    y = check_binary_labels(y_true)
    raw = check_raw_score(raw_score, y.size)
    weight = check_weight(sample_weight, y.size)

    def task(start: int, stop: int) -> tuple[float, float]:
        labels, p = y[start:stop].astype(np.float64), loss.probability(raw[start:stop])
        rows = row_log_loss(labels, p) if name == "log_loss" else (p - labels) ** 2
        if weight is None:
            return float(rows.sum()), float(rows.size)
        part = weight[start:stop].astype(np.float64)
        return float(np.dot(rows, part)), float(part.sum())

    sums = run_ranges(task, y.size)
    return sum(total for total, _ in sums), sum(part for _, part in sums)


def row_log_loss(y: FloatArray, p: FloatArray) -> FloatArray:
    """Log loss of each row, with probabilities kept a rounding error away from 0 and 1."""
    eps = np.finfo(np.float64).eps
    p = np.clip(p, eps, 1 - eps)
    row: FloatArray = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return row
