"""Losses for boosting: value, gradient, curvature, start and true probability.

A new loss is one file here and one row in ``BINARY_LOSSES`` or ``MULTICLASS_LOSSES``; the
derivative tests, the estimators, the command line and the benchmark find it there.
"""

from __future__ import annotations

from typing import Final

from gbimb.losses._base import BinaryLoss, Loss, check_loss
from gbimb.losses._brier import BrierLoss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._logistic import LogisticLoss
from gbimb.losses._margin import MarginLoss
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.losses._soft import SoftLoss
from gbimb.losses._soft_counts import SoftClassCounts, SoftCounts
from gbimb.losses._soft_fbeta import SoftFBetaLoss
from gbimb.losses._soft_mcc import SoftMCCLoss
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss
from gbimb.losses._softmax_mcc import SoftmaxMCCLoss

__all__ = [
    "BINARY_LOSSES",
    "MULTICLASS_LOSSES",
    "BinaryLoss",
    "BrierLoss",
    "FocalLoss",
    "LogisticLoss",
    "Loss",
    "MarginLoss",
    "MulticlassLoss",
    "SoftClassCounts",
    "SoftCounts",
    "SoftFBetaLoss",
    "SoftLoss",
    "SoftMCCLoss",
    "SoftmaxFocalLoss",
    "SoftmaxLoss",
    "SoftmaxMCCLoss",
    "check_loss",
]

BINARY_LOSSES: Final[dict[str, type[BinaryLoss]]] = {
    "focal": FocalLoss,
    "logistic": LogisticLoss,
    "soft_f1": SoftFBetaLoss,
    "soft_mcc": SoftMCCLoss,
}
MULTICLASS_LOSSES: Final[dict[str, type[MulticlassLoss]]] = {
    "focal": SoftmaxFocalLoss,
    "logistic": SoftmaxLoss,
    "soft_mcc": SoftmaxMCCLoss,
}
