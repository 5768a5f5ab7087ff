"""From an estimator's parameters to its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidParameterError, InvalidTypeError, unknown_name, warn
from gbimb.losses import (
    LOSSES,
    MULTICLASS_LOSSES,
    BinaryLoss,
    MulticlassLoss,
    experimental,
    loss_classes,
    loss_parameters,
)
from gbimb.validation import check_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.losses import LossRow
    from gbimb.tables.labels import LabelCodes

WEIGHT_FORMS = "a number > 0, 'balanced', a dict of label to weight or None"

LARGEST_RATIO = 1_000_000

# What gives classes their weights; estimators make it of their own scale_pos_weight.
WEIGHTS: Final = ("scale_pos_weight", "n_classes", "class_weight")


def make_loss(
    estimator: Any,  # any estimator with the parameters of a loss
    labels: LabelCodes,
    weight: NDArray[Any] | None,
) -> BinaryLoss | MulticlassLoss:
    """Return the loss that ``loss``, its parameters and ``scale_pos_weight`` describe.

    A parameter of the estimator belongs to the losses that have one of the same name; None is
    the loss's own default.

    Raises
    ------
    InvalidParameterError
        If a parameter would have no effect, or a value is not allowed.
    """
    n_classes = labels.classes.size
    names = {name for kind in loss_classes().values() for name in loss_parameters(kind)}
    values = {name: getattr(estimator, name, None) for name in sorted(names.difference(WEIGHTS))}
    given = {name: value for name, value in values.items() if value is not None}
    if isinstance(estimator.loss, BinaryLoss | MulticlassLoss):
        if estimator.scale_pos_weight is not None:
            given["scale_pos_weight"] = estimator.scale_pos_weight
        _refuse(given, f"loss={estimator.loss!r} has its own; set them there")
        return _for_classes(estimator.loss, n_classes)
    if not isinstance(estimator.loss, str):
        msg = f"loss must be a name or a loss such as FocalLoss(), got {estimator.loss!r}."
        raise InvalidTypeError(msg)
    if estimator.loss not in LOSSES:
        raise unknown_name("loss", estimator.loss, LOSSES)
    kind = _class_of(LOSSES[estimator.loss], repr(estimator.loss), n_classes)
    known = loss_parameters(kind)
    many = "" if n_classes == 2 else f" for {n_classes} classes"
    lost = {name: value for name, value in given.items() if name not in known}
    _refuse(lost, f"loss={estimator.loss!r} has no such parameter{many}; leave it at None")
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
    if n_classes == 2:
        positive = labels.classes.positive_code
        given["scale_pos_weight"] = class_weight[positive] / class_weight[1 - positive]
    else:
        given |= {"n_classes": n_classes, "class_weight": class_weight}
    return kind(**given)


def resolve_class_weight(
    scale_pos_weight: object, labels: LabelCodes, weight: NDArray[Any] | None
) -> tuple[float, ...]:
    """Return the weight of each class, in the order of ``labels.classes.labels``.

    A number is the weight of the positive class of two; "balanced" gives all classes the same
    total weight, the commonest keeping 1; a dict gives the weight of each label, 1 if absent.
    """
    n_classes = labels.classes.size
    if scale_pos_weight is None:
        return (1.0,) * n_classes
    if isinstance(scale_pos_weight, dict):
        return _from_dict(scale_pos_weight, labels.classes.labels.tolist())
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
    positive = labels.classes.positive_code
    return tuple(number if code == positive else 1.0 for code in range(n_classes))


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


def _class_of(row: LossRow, shown: str, n_classes: int) -> type[BinaryLoss] | type[MulticlassLoss]:
    """Return the class of a registered loss for so many classes."""
    if n_classes == 2:
        return row.two
    if row.many is None:
        msg = (
            f"loss={shown} is for two classes, y has {n_classes}. "
            f"Use one of {sorted(MULTICLASS_LOSSES)}; eval_metric=('mcc',) watches R_K."
        )
        raise InvalidParameterError(msg)
    if row.many.__name__ in experimental.__all__:
        msg = (
            f"loss={shown} for more than two classes is experimental and will be refused from "
            "version 0.3 on: no gain was found. Use loss=gbimb.losses.experimental."
            f"{row.many.__name__}({n_classes}) to keep it."
        )
        warn(msg, FutureWarning)
    return row.many


def _for_classes(loss: BinaryLoss | MulticlassLoss, n_classes: int) -> BinaryLoss | MulticlassLoss:
    """Return a loss given as a value; one for two classes as the same loss for more."""
    if loss.n_outputs == (1 if n_classes == 2 else n_classes):
        return loss
    row = next((row for row in LOSSES.values() if row.two is type(loss)), None)
    if row is None:
        msg = (
            f"loss={loss!r} has {loss.n_outputs} raw score(s) a row, y has {n_classes} classes. "
            "Use a two-class loss for two classes and a softmax loss with n_classes for more."
        )
        raise InvalidParameterError(msg)
    kind = _class_of(row, repr(loss), n_classes)
    own = {name: getattr(loss, name) for name in loss_parameters(row.two)}
    known = loss_parameters(kind)
    lost = {
        name: own[name]
        for name, default in loss_parameters(row.two).items()
        if name not in known and own[name] != default
    }
    remedy = f"use gbimb.losses.{kind.__name__}({n_classes}, class_weight=...)"
    _refuse(lost, f"loss={loss!r} has no such parameter for {n_classes} classes; {remedy}")
    carried = {name: value for name, value in own.items() if name in known}
    return kind(n_classes=n_classes, **carried)  # type: ignore[call-arg]  # all are dataclasses


def _refuse(parameters: dict[str, object], reason: str) -> None:
    if parameters:
        listed = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        msg = f"{listed} would be ignored: {reason}."
        raise InvalidParameterError(msg)
