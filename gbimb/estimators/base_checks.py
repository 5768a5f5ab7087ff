"""What the boosting estimators refuse before rows are looked at, and warn of after a fit."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from gbimb.constraints import check_constraints
from gbimb.decisions.calibration import CURVES
from gbimb.decisions.guarantees import check_confidence
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError, warn
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def one_validation_set(
    X_val: object, y_val: object, weight: object, eval_set: Sequence[tuple[Any, Any]] | None
) -> tuple[Any, Any, Any] | None:
    """Return table, labels and weights, given in one way or the other; None if there are none."""
    if eval_set is not None:
        if X_val is not None or y_val is not None:
            msg = "Give either X_val and y_val or eval_set, got both."
            raise InvalidParameterError(msg)
        X_val, y_val = _pair(eval_set)
    if X_val is None and y_val is None:
        if weight is not None:
            msg = "sample_weight_val belongs to X_val and y_val, got neither. Give them too."
            raise InvalidDataError(msg)
        return None
    if X_val is None or (y_val is None and not isinstance(X_val, ParquetSource)):
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        msg = f"X_val and y_val must be given together, got only {given}, no {missing}."
        raise InvalidDataError(msg)
    return X_val, y_val, weight


def _pair(eval_set: Any) -> tuple[Any, Any]:
    rule = "eval_set must hold one pair, [(X_val, y_val)]"
    if not isinstance(eval_set, list | tuple):
        msg = f"{rule}, got {eval_set!r:.60}."
        raise InvalidTypeError(msg)
    if len(eval_set) != 1 or not isinstance(eval_set[0], list | tuple) or len(eval_set[0]) != 2:
        parts = [len(part) if isinstance(part, list | tuple) else "no pair" for part in eval_set]
        msg = f"{rule}, got {len(eval_set)} item(s), with parts: {parts}."
        raise InvalidParameterError(msg)
    X_val, y_val = eval_set[0]
    return X_val, y_val


RARE_SHARE: Final = 0.2


def warn_if_nothing_learned(fitted: Any) -> None:  # either estimator
    """Warn of trees without a split, and of a single round."""
    if not fitted.feature_importances_.any():
        msg = (
            "The trees have no split, so every row gets the same probability. There may be too "
            "few rows for min_child_weight or reg_lambda, or no signal in X."
        )
    elif fitted.best_iteration_ == 1 and fitted.n_estimators > 1:
        msg = (
            "Only one round was kept: no later one did better on the held-out rows. Look at "
            "evals_result_; few held-out positives or a high learning_rate are the usual cause."
        )
    else:
        return
    warn(msg)


def warn_if_undecided(fitted: Any, rarest: float) -> None:
    """Warn where no row was held out to choose a threshold on, though nobody asked for that.

    ``rarest`` is the share of the rarest class.
    """
    watched = bool(fitted.evals_result_)
    if watched or fitted.cv is None or not isinstance(fitted.threshold, str):
        return
    if fitted.classes_.size == 2 and rarest < RARE_SHARE:
        msg = (
            "The threshold stays at 0.5, which rare labels seldom reach, and probabilities are not "
            f"recalibrated: {fitted.validation_}. Give a threshold, X_val and y_val, or a number "
            "of folds for cv."
        )
        warn(msg)
