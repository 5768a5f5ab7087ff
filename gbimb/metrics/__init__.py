"""Metrics for rare classes: counts that add up, scores from counts, every threshold at once."""

from __future__ import annotations

from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import (
    BestThreshold,
    ThresholdCurve,
    average_precision,
    best_threshold,
    roc_auc,
    threshold_curve,
)
from gbimb.metrics._registry import CountMetric, Metric, get_count_metric, get_metric
from gbimb.metrics._scores import (
    balanced_accuracy_score,
    f1_score,
    f_beta_score,
    g_mean_score,
    mcc_score,
    precision_score,
    recall_score,
    specificity_score,
)
from gbimb.metrics._watch import evaluate, row_log_loss

__all__ = [
    "BestThreshold",
    "ConfusionCounts",
    "CountMetric",
    "Metric",
    "ThresholdCurve",
    "average_precision",
    "balanced_accuracy_score",
    "best_threshold",
    "evaluate",
    "f1_score",
    "f_beta_score",
    "g_mean_score",
    "get_count_metric",
    "get_metric",
    "mcc_score",
    "precision_score",
    "recall_score",
    "roc_auc",
    "row_log_loss",
    "specificity_score",
    "threshold_curve",
]
