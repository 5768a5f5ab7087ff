"""From an estimator's parameters to its loss."""

from __future__ import annotations

from dataclasses import fields
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.exceptions import InvalidParameterError, InvalidTypeError, unknown_name
from gbimb.losses import BINARY_LOSSES, MULTICLASS_LOSSES, BinaryLoss, MulticlassLoss
from gbimb.validation import check_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.tables.labels import LabelCodes

WEIGHT_FORMS = "a number > 0, 'balanced', a dict of label to weight or None"

LARGEST_RATIO = 1_000_000

# Parameters of estimators that belong to a loss, with the value that means "not given".
LOSS_PARAMETERS: dict[str, object] = {"gamma": 2.0, "alpha": None}


def _differs(value: object, default: object) -> bool:
    """Whether a parameter is not the default; an array never is."""
    return not (isinstance(value, Real | None) and value == default)


def make_loss(
    estimator: Any,  # noqa: ANN401  any estimator with the parameters of a loss
    labels: LabelCodes,
    weight: NDArray[Any] | None,
) -> BinaryLoss | MulticlassLoss:
    """Return the loss that ``loss``, ``gamma``, ``alpha`` and ``scale_pos_weight`` describe.

    Raises
    ------
    InvalidParameterError
        If a parameter would have no effect, or a value is not allowed.
    """
    given = {
        name: getattr(estimator, name)
        for name, default in LOSS_PARAMETERS.items()
        if _differs(getattr(estimator, name), default)
    }
    if isinstance(estimator.loss, BinaryLoss | MulticlassLoss):
        if estimator.scale_pos_weight is not None:
            given["scale_pos_weight"] = estimator.scale_pos_weight
        _refuse(given, f"loss={estimator.loss!r} has its own; set them there")
        return _check_outputs(estimator.loss, labels.classes.size)
    if not isinstance(estimator.loss, str):
        msg = f"loss must be a name or a loss such as FocalLoss(), got {estimator.loss!r}."
        raise InvalidTypeError(msg)
    two = labels.classes.size == 2
    catalogue = BINARY_LOSSES if two else MULTICLASS_LOSSES
    if not two and estimator.loss in BINARY_LOSSES and estimator.loss not in catalogue:
        msg = (
            f"loss={estimator.loss!r} is for two classes, y has {labels.classes.size}. "
            f"Use one of {sorted(catalogue)}; eval_metric=('mcc',) watches R_K."
        )
        raise InvalidParameterError(msg)
    if estimator.loss not in catalogue:
        raise unknown_name("loss", estimator.loss, catalogue)
    kind = catalogue[estimator.loss]
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    extra = {name: value for name, value in given.items() if name not in known}
    many = "" if two else f" for {labels.classes.size} classes"
    _refuse(extra, f"loss={estimator.loss!r} has no such parameter{many}")
    taken: dict[str, Any] = {
        name: getattr(estimator, name) for name in LOSS_PARAMETERS if name in known
    }
    class_weight = resolve_class_weight(estimator.scale_pos_weight, labels, weight)
    if max(class_weight) > LARGEST_RATIO * min(class_weight) and (
        estimator.scale_pos_weight != "balanced"
    ):
        msg = (
            f"scale_pos_weight must keep weights of classes within a factor of {LARGEST_RATIO:,}, "
            f"got {estimator.scale_pos_weight!r}: float32, in which the engines train, has no "
            "digits left to bring the probabilities back. 'balanced' is seldom too little."
        )
        raise InvalidParameterError(msg)
    if two:
        positive = int(np.flatnonzero(labels.classes == labels.positive)[0])
        taken["scale_pos_weight"] = class_weight[positive] / class_weight[1 - positive]
    else:
        taken |= {"n_classes": labels.classes.size, "class_weight": class_weight}
    return kind(**taken)


def resolve_class_weight(
    scale_pos_weight: object, labels: LabelCodes, weight: NDArray[Any] | None
) -> tuple[float, ...]:
    """Return the weight of each class, in the order of ``labels.classes``.

    A number is the weight of the positive class of two; "balanced" gives all classes the same
    total weight, the commonest keeping 1; a dict gives the weight of each label, 1 if absent.
    """
    n_classes = labels.classes.size
    if scale_pos_weight is None:
        return (1.0,) * n_classes
    if isinstance(scale_pos_weight, dict):
        return _from_dict(scale_pos_weight, labels.classes.tolist())
    if isinstance(scale_pos_weight, str):
        if scale_pos_weight != "balanced":
            msg = f"scale_pos_weight must be {WEIGHT_FORMS}, got {scale_pos_weight!r}."
            raise InvalidParameterError(msg)
        totals = np.bincount(labels.codes, weights=weight, minlength=n_classes)
        return tuple(float(w) for w in totals.max() / totals)
    number = check_number(
        "scale_pos_weight", scale_pos_weight, low=0, low_open=True, high_open=True
    )
    if n_classes != 2:
        msg = (
            "scale_pos_weight must be 'balanced', a dict of label to weight or None for more than "
            f"two classes, got {scale_pos_weight!r}."
        )
        raise InvalidParameterError(msg)
    return tuple(number if label == labels.positive else 1.0 for label in labels.classes.tolist())


def _from_dict(weights: dict[Any, Any], classes: list[Any]) -> tuple[float, ...]:
    unknown = [label for label in weights if label not in classes]
    if unknown:
        msg = f"scale_pos_weight must name labels of y, {classes}, got {unknown[0]!r}."
        raise InvalidParameterError(msg)
    return tuple(
        check_number(
            f"scale_pos_weight[{label!r}]",
            weights.get(label, 1.0),
            low=0,
            low_open=True,
            high_open=True,
        )
        for label in classes
    )


def _check_outputs(
    loss: BinaryLoss | MulticlassLoss, n_classes: int
) -> BinaryLoss | MulticlassLoss:
    wanted = 1 if n_classes == 2 else n_classes
    if loss.n_outputs != wanted:
        msg = (
            f"loss={loss!r} has {loss.n_outputs} raw score(s) a row, y has {n_classes} classes. "
            "Use a two-class loss for two classes and a softmax loss with n_classes for more."
        )
        raise InvalidParameterError(msg)
    return loss


def _refuse(parameters: dict[str, object], reason: str) -> None:
    if parameters:
        listed = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        msg = f"{listed} would be ignored: {reason}."
        raise InvalidParameterError(msg)
