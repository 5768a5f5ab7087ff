"""Losses for boosting: value, gradient, curvature, start and true probability.

A new loss is one file here and one row of ``LOSSES``; the derivative tests, the estimators, model
files, the command line and the benchmark find it there.
"""

from __future__ import annotations

from typing import Any

from gbimb.exceptions import warn
from gbimb.losses import experimental
from gbimb.losses._base import BinaryLoss, Loss, SetLoss, check_loss
from gbimb.losses._brier import BrierLoss, MulticlassBrierLoss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._logistic import LogisticLoss
from gbimb.losses._margin import MarginLoss
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.losses._registry import (
    BINARY_LOSSES,
    LOSSES,
    MULTICLASS_LOSSES,
    LossRow,
    loss_classes,
    loss_parameters,
)
from gbimb.losses._soft import SoftCounts, SoftLoss
from gbimb.losses._soft_fbeta import SoftFBetaLoss
from gbimb.losses._soft_mcc import SoftMCCLoss
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss

__all__ = [
    "BINARY_LOSSES",
    "LOSSES",
    "MULTICLASS_LOSSES",
    "BinaryLoss",
    "BrierLoss",
    "FocalLoss",
    "LogisticLoss",
    "Loss",
    "LossRow",
    "MarginLoss",
    "MulticlassBrierLoss",
    "MulticlassLoss",
    "SetLoss",
    "SoftCounts",
    "SoftFBetaLoss",
    "SoftLoss",
    "SoftMCCLoss",
    "SoftmaxFocalLoss",
    "SoftmaxLoss",
    "check_loss",
    "experimental",
    "loss_classes",
    "loss_parameters",
]


def __getattr__(name: str) -> Any:  # a class
    if name not in experimental.__all__:
        msg = f"module 'gbimb.losses' has no attribute {name!r}"
        raise AttributeError(msg)
    msg = f"{name} is now gbimb.losses.experimental.{name}; the old name goes with version 0.3."
    warn(msg, FutureWarning)
    return getattr(experimental, name)
