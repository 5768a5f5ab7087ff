"""From an estimator's parameters to its loss."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb._validation import check_number
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.losses import MarginLoss, get_loss_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb._typing import BoolArray

# Parameters of estimators that belong to a loss, with the value that means "not given".
LOSS_PARAMETERS: dict[str, object] = {"gamma": 2.0, "alpha": None}


def make_loss(
    estimator: Any,  # noqa: ANN401  any estimator with the parameters of a loss
    is_positive: BoolArray,
    weight: NDArray[Any] | None,
) -> MarginLoss:
    """Return the loss that ``loss``, ``gamma``, ``alpha`` and ``scale_pos_weight`` describe.

    Raises
    ------
    InvalidParameterError
        If a parameter would have no effect, or a value is not allowed.
    """
    given = {
        name: getattr(estimator, name)
        for name, default in LOSS_PARAMETERS.items()
        if getattr(estimator, name) != default
    }
    if isinstance(estimator.loss, MarginLoss):
        if estimator.scale_pos_weight is not None:
            given["scale_pos_weight"] = estimator.scale_pos_weight
        _refuse(given, f"loss={estimator.loss!r} has its own; set them there")
        return estimator.loss
    if not isinstance(estimator.loss, str):
        msg = f"loss must be a name or a loss such as FocalLoss(), got {estimator.loss!r}."
        raise InvalidTypeError(msg)
    kind = get_loss_class(estimator.loss)
    known = {field.name for field in fields(kind)}
    extra = {name: value for name, value in given.items() if name not in known}
    _refuse(extra, f"loss={estimator.loss!r} has no such parameter")
    taken: dict[str, Any] = {
        name: getattr(estimator, name) for name in LOSS_PARAMETERS if name in known
    }
    return kind(
        **taken,
        scale_pos_weight=resolve_pos_weight(estimator.scale_pos_weight, is_positive, weight),
    )


def resolve_pos_weight(
    scale_pos_weight: object, is_positive: BoolArray, weight: NDArray[Any] | None
) -> float:
    """Return the weight of the positive class: a number, 1 for None, or the imbalance ratio."""
    if scale_pos_weight is None:
        return 1.0
    if isinstance(scale_pos_weight, str):
        if scale_pos_weight != "balanced":
            msg = (
                "scale_pos_weight must be a number > 0, 'balanced' or None, "
                f"got {scale_pos_weight!r}."
            )
            raise InvalidParameterError(msg)
        w = np.ones(is_positive.size) if weight is None else weight
        positive = float(w[is_positive].sum(dtype=np.float64))
        return (float(w.sum(dtype=np.float64)) - positive) / positive
    return check_number("scale_pos_weight", scale_pos_weight, low=0, low_open=True, high_open=True)


def _refuse(parameters: dict[str, object], reason: str) -> None:
    if parameters:
        listed = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        msg = f"{listed} would be ignored: {reason}."
        raise InvalidParameterError(msg)
