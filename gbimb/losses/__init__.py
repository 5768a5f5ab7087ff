"""Losses for boosting: value, gradient, curvature, start and true probability.

A new loss is one file here and one row in ``BINARY_LOSSES``; the derivative tests, the
estimators, the command line and the benchmark find it there.
"""

from __future__ import annotations

from typing import Final

from gbimb.exceptions import unknown_name
from gbimb.losses._base import Loss, MarginLoss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._logistic import LogisticLoss

__all__ = ["BINARY_LOSSES", "FocalLoss", "LogisticLoss", "Loss", "MarginLoss", "get_loss_class"]

BINARY_LOSSES: Final[dict[str, type[MarginLoss]]] = {
    "focal": FocalLoss,
    "logistic": LogisticLoss,
}


def get_loss_class(name: str) -> type[MarginLoss]:
    """Return the class of the two-class loss called ``name``.

    >>> get_loss_class("focal")().gamma
    2.0
    """
    if name not in BINARY_LOSSES:
        raise unknown_name("loss", name, BINARY_LOSSES)
    return BINARY_LOSSES[name]
