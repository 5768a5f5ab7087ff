"""Several metrics of raw scores at once, as training reports them each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import check_not_empty, threshold_curve
from gbimb.metrics._search import best_thresholds
from gbimb.parallel import run_ranges
from gbimb.validation import check_binary_labels, check_raw_score, check_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.losses import BinaryLoss
    from gbimb.metrics._registry import Metric, RowScore


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
    if any(metric.area is not None for metric in metrics):
        curve = threshold_curve(y_true, raw_score, sample_weight)
        values |= {m.name: m.area(curve) for m in metrics if m.area is not None}
    for metric in metrics:
        if metric.proper is not None:
            check_not_empty(check_binary_labels(y_true).size)
            total, weight = proper_sums(metric.proper, loss, y_true, raw_score, sample_weight)
            values[metric.name] = total / weight
        elif metric.count is not None and metric.threshold is not None:
            # A float64 scalar: NumPy would round a Python float to float32 beside float32 scores.
            flagged = raw_score >= np.float64(loss.raw_score_at(metric.threshold))
            counts = ConfusionCounts.from_labels(y_true, flagged, sample_weight)
            values[metric.name] = float(metric.count(counts))
    return {m.name: values[m.name] for m in metrics}


def proper_sums(
    score: RowScore,
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
) -> tuple[float, float]:
    """Return the sum over rows of a proper score, and of their weights."""
    y = check_binary_labels(y_true)
    raw = check_raw_score(raw_score, y.size)
    weight = check_weight(sample_weight, y.size)

    def task(start: int, stop: int) -> tuple[float, float]:
        labels, p = y[start:stop].astype(np.float64), loss.probability(raw[start:stop])
        rows = score(labels, p)
        if weight is None:
            return float(rows.sum()), float(rows.size)
        part = weight[start:stop].astype(np.float64)
        return float(np.dot(rows, part)), float(part.sum())

    sums = run_ranges(task, y.size)
    return sum(total for total, _ in sums), sum(part for _, part in sums)
