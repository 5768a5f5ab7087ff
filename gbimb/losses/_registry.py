"""The losses by name. A new loss is a file and a row here."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gbimb.losses._brier import BrierLoss, MulticlassBrierLoss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._logistic import LogisticLoss
from gbimb.losses._soft_fbeta import SoftFBetaLoss
from gbimb.losses._soft_mcc import SoftMCCLoss
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss
from gbimb.losses.experimental import SoftmaxMCCLoss

if TYPE_CHECKING:
    from gbimb.losses._base import BinaryLoss, Loss
    from gbimb.losses._multiclass import MulticlassLoss


class LossRow(NamedTuple):
    """A loss for two classes, and what it is for more, if it is anything.

    Attributes
    ----------
    two : subclass of BinaryLoss, a dataclass
        Has ``scale_pos_weight``, the weight of the positive class.
    many : subclass of MulticlassLoss, a dataclass, or None
        Has ``n_classes`` and ``class_weight``. Parameters of one name mean the same in both.
    """

    two: type[BinaryLoss]
    many: type[MulticlassLoss] | None = None


LOSSES: Final[dict[str, LossRow]] = {
    "focal": LossRow(FocalLoss, SoftmaxFocalLoss),
    "logistic": LossRow(LogisticLoss, SoftmaxLoss),
    "soft_f1": LossRow(SoftFBetaLoss),
    "soft_mcc": LossRow(SoftMCCLoss, SoftmaxMCCLoss),
}

BINARY_LOSSES: Final = {name: row.two for name, row in LOSSES.items()}
MULTICLASS_LOSSES: Final = {name: row.many for name, row in LOSSES.items() if row.many is not None}


def loss_classes() -> dict[str, type[Loss]]:
    """Return the class of every loss, those of the votes of forests included, by its name."""
    named = (kind for row in LOSSES.values() for kind in row if kind is not None)
    kinds: list[type[Loss]] = [BrierLoss, MulticlassBrierLoss, *named]
    return {kind.__name__: kind for kind in kinds}


def loss_parameters(kind: type[Loss]) -> dict[str, object]:
    """Return the parameters of a class of losses and their defaults.

    >>> loss_parameters(FocalLoss)
    {'gamma': 2.0, 'alpha': None, 'scale_pos_weight': 1.0}
    """
    described: Any = kind  # every loss is a dataclass
    return {field.name: field.default for field in fields(described)}
