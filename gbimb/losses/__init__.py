"""Losses for boosting: value, gradient, curvature, start and true probability.

A new loss is one file here and one row in ``BINARY_LOSSES`` or ``MULTICLASS_LOSSES``; the
derivative tests, the estimators, the command line and the benchmark find it there.
"""

from __future__ import annotations

from typing import Final

from gbimb.losses._base import Loss, MarginLoss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._logistic import LogisticLoss
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss

__all__ = [
    "BINARY_LOSSES",
    "MULTICLASS_LOSSES",
    "FocalLoss",
    "LogisticLoss",
    "Loss",
    "MarginLoss",
    "MulticlassLoss",
    "SoftmaxFocalLoss",
    "SoftmaxLoss",
]

BINARY_LOSSES: Final[dict[str, type[MarginLoss]]] = {
    "focal": FocalLoss,
    "logistic": LogisticLoss,
}
MULTICLASS_LOSSES: Final[dict[str, type[MulticlassLoss]]] = {
    "focal": SoftmaxFocalLoss,
    "logistic": SoftmaxLoss,
}
