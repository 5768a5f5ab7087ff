"""What the boosting estimators refuse before rows are looked at."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from gbimb.constraints import check_constraints
from gbimb.decisions.calibration import CURVES
from gbimb.decisions.guarantees import check_confidence
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidParameterError

if TYPE_CHECKING:
    from gbimb.training.held_out.plan import ValidationPlan


def check_parameters(estimator: Any) -> None:  # either engine's
    """Raise where a parameter cannot be used."""
    check_constraints(estimator, estimator.saved_as.parameters)
    check_promise(estimator)
    if estimator.checkpoint_path is not None:
        get_engine(estimator.engine_name).check_resumable(estimator.engine_params or {})


def check_promise(estimator: Any) -> None:  # any with these parameters
    """Raise unless the threshold is one of which something can be promised with ``confidence``."""
    check_confidence(estimator.confidence, estimator.threshold)
    if estimator.confidence is not None and estimator.calibration == "isotonic":
        msg = (
            "calibration must be 'platt', 'beta' or None with confidence, got 'isotonic': its "
            "steps follow the labels that the promise is tested on. Leave one of them out."
        )
        raise InvalidParameterError(msg)


def check_held_out(estimator: Any, plan: ValidationPlan, validation: object) -> None:
    """Refuse what was asked for and wants held-out rows, where ``cv=None`` holds out none."""
    if plan.splits or validation is not None or estimator.cv is not None:
        return
    patience = estimator.early_stopping_rounds
    default = signature(type(estimator)).parameters["early_stopping_rounds"].default
    choices = {
        "early_stopping_rounds": patience not in (None, default),
        "threshold": isinstance(estimator.threshold, str) and estimator.threshold != "auto",
        "calibration": estimator.calibration in CURVES,
    }
    for name in (name for name, wanted in choices.items() if wanted):
        msg = (
            f"{name}={getattr(estimator, name)!r} needs held-out rows, got none "
            "with cv=None. Give X_val and y_val to fit, leave cv at 'auto', or leave it out."
        )
        raise InvalidParameterError(msg)


def refuse_beside(name: str, other: str) -> None:
    """Refuse groups or times, named by ``name``, beside another word on what is held out."""
    msg = f"{name} must not be given beside {other}: each says what is held out. Leave one out."
    raise InvalidParameterError(msg)
