"""What the bagging is given (parameters, the estimator for the bags), and what it warns of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from gbimb.constraints import check_constraints
from gbimb.estimators.base import BaseImbalancedClassifier
from gbimb.estimators.base_checks import RARE_SHARE, check_promise
from gbimb.estimators.base_checks import check_parameters as check_boosting
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.exceptions import (
    GbimbError,
    InvalidParameterError,
    InvalidTypeError,
    warn,
)
from gbimb.model.model import BoosterModel
from gbimb.training.bagging.population import FOLDS, SMALLEST_CLASS
from gbimb.validation import check_printable

if TYPE_CHECKING:
    from gbimb.array_types import IntArray


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


def warn_of_bags(bagging: Any, counts: IntArray, sizes: IntArray) -> None:
    """Warn of classes with few rows, of small bags, and of trees without a split.

    ``counts`` are the rows of each class, ``sizes`` those of them in a bag.
    """
    scarce = int(np.count_nonzero(counts < FOLDS))
    if counts.size > 2 and scarce:
        msg = (
            f"{scarce} of {counts.size} classes have fewer than {FOLDS} rows: they are held "
            "out from some bags only, and little can be learned about them."
        )
        warn(msg)
    if sizes.max() < SMALLEST_CLASS and counts.max() >= 10 * SMALLEST_CLASS:
        msg = (
            f"No bag has more than {sizes.max()} rows of a class, for the rarest has "
            f"{counts.min()}. Give sampling_strategy 'auto', the number of rows to draw for each "
            "of the rarest class, such as 100, or a dict of label to rows."
        )
        warn(msg)
    undecided = np.isnan(bagging.oob_score_) and isinstance(bagging.threshold, str)
    if undecided and counts.size == 2 and counts.min() < RARE_SHARE * counts.sum():
        msg = (
            f"The threshold stays at 0.5, which rare labels seldom reach, and probabilities are "
            f"not recalibrated: with {counts.min()} rows of the rarest class, fewer than "
            f"{SMALLEST_CLASS}, no row judges the bags. Give a threshold."
        )
        warn(msg)
    importances = getattr(bagging, "feature_importances_", None)
    if (
        isinstance(bagging.model_.members[0], BoosterModel)
        and importances is not None
        and not importances.any()
    ):
        msg = (
            "The trees of no bag have a split, so every row gets the same probability. There "
            "may be too few rows in a bag (see sampling_strategy), or no signal in X."
        )
        warn(msg)
