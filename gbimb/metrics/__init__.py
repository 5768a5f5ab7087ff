"""Metrics for rare classes: counts that add up, scores from counts, every threshold at once."""

from __future__ import annotations

from gbimb.metrics._bounds import RateBound, parse_bound
from gbimb.metrics._costs import cost_saved, mean_cost, savings_score
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import (
    BestThreshold,
    ThresholdCurve,
    threshold_curve,
)
from gbimb.metrics._multiclass_counts import (
    MulticlassCounts,
    macro_f1_score,
    macro_recall_score,
    rk_score,
)
from gbimb.metrics._registry import (
    METRICS,
    CountMetric,
    Metric,
    MetricRow,
    get_count_metric,
    get_metric,
    get_searched_metric,
    refuse_function,
)
from gbimb.metrics._scores import (
    alert_rate,
    average_precision,
    balanced_accuracy_score,
    f1_score,
    f_beta_score,
    false_positive_rate,
    g_mean_score,
    mcc_score,
    precision_score,
    recall_score,
    roc_auc,
    row_log_loss,
    specificity_score,
)
from gbimb.metrics._search import best_threshold
from gbimb.metrics._shared import SharedRows
from gbimb.metrics._shared_search import best_shared_scores, evaluate_shared
from gbimb.metrics._watch import (
    MULTICLASS_METRICS,
    evaluate,
    evaluate_multiclass,
    get_multiclass_metric,
)

__all__ = [
    "METRICS",
    "MULTICLASS_METRICS",
    "BestThreshold",
    "ConfusionCounts",
    "CountMetric",
    "Metric",
    "MetricRow",
    "MulticlassCounts",
    "RateBound",
    "SharedRows",
    "ThresholdCurve",
    "alert_rate",
    "average_precision",
    "balanced_accuracy_score",
    "best_shared_scores",
    "best_threshold",
    "cost_saved",
    "evaluate",
    "evaluate_multiclass",
    "evaluate_shared",
    "f1_score",
    "f_beta_score",
    "false_positive_rate",
    "g_mean_score",
    "get_count_metric",
    "get_metric",
    "get_multiclass_metric",
    "get_searched_metric",
    "macro_f1_score",
    "macro_recall_score",
    "mcc_score",
    "mean_cost",
    "parse_bound",
    "precision_score",
    "recall_score",
    "refuse_function",
    "rk_score",
    "roc_auc",
    "row_log_loss",
    "savings_score",
    "specificity_score",
    "threshold_curve",
]
