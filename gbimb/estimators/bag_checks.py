"""What the bagging is given: its parameters, and the estimator for the bags."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from gbimb.constraints import check_constraints
from gbimb.estimators.base import BaseImbalancedClassifier
from gbimb.estimators.base_checks import check_parameters as check_boosting
from gbimb.estimators.base_checks import check_promise
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.exceptions import GbimbError, InvalidParameterError, InvalidTypeError
from gbimb.validation import check_printable


def is_own(estimator: object) -> bool:
    """Whether it is one of gbimb's, which share the bins of a table."""
    return isinstance(estimator, BaseImbalancedClassifier)


def check_parameters(bagging: Any) -> None:  # the bagging
    """Raise where a parameter of the bagging cannot be used."""
    check_printable(bagging.get_params())
    check_constraints(bagging, bagging.saved_as.parameters)
    check_promise(bagging)
    if bagging.sampling == "self_paced" and bagging.replacement:
        msg = (
            "sampling='self_paced' draws without replacement, which must be False, got "
            "replacement=True."
        )
        raise InvalidParameterError(msg)
    trained = len(getattr(bagging, "estimators_samples_", []))
    if bagging.warm_start and trained > bagging.n_estimators:
        msg = (
            f"With warm_start n_estimators must not fall, got {bagging.n_estimators} after "
            f"{trained}."
        )
        raise InvalidParameterError(msg)


def make_prototype(given: Any) -> Any:  # any classifier
    """Return an unfitted copy of what the bags are to train; None is LightGBM's estimator."""
    if given is not None and (isinstance(given, type) or not hasattr(given, "get_params")):
        msg = f"estimator must be a classifier such as RandomForestClassifier(), got {given!r}."
        raise InvalidTypeError(msg)
    prototype = ImbalancedLGBMClassifier() if given is None else clone(given)
    if isinstance(prototype, BaseImbalancedClassifier):
        try:
            check_boosting(prototype)
        except GbimbError as error:
            msg = f"estimator: {error}"
            raise type(error)(msg) from None
        if not (isinstance(prototype.cv, str) and prototype.cv == "auto"):
            msg = (
                f"cv={prototype.cv!r} of the estimator would be ignored: each bag is watched "
                "on rows out of it. Leave it at 'auto'."
            )
            raise InvalidParameterError(msg)
        if prototype.checkpoint_path is not None or prototype.keep_on_interrupt:
            msg = (
                "checkpoint_path and keep_on_interrupt of the estimator would be ignored: bags "
                "are kept whole. Give checkpoint_path to UnderBaggingClassifier."
            )
            raise InvalidParameterError(msg)
        if prototype.confidence is not None:
            msg = (
                f"confidence={prototype.confidence!r} of the estimator would be ignored: the mean "
                "of the bags decides. Give it, with threshold, to UnderBaggingClassifier."
            )
            raise InvalidParameterError(msg)
        if prototype.calibration != "platt":
            msg = (
                f"calibration={prototype.calibration!r} of the estimator would be ignored: the "
                "mean of the bags is calibrated. Give it to UnderBaggingClassifier."
            )
            raise InvalidParameterError(msg)
    return prototype
