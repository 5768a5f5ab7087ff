"""Fits that went through, but whose result wants a look."""

from __future__ import annotations

from typing import Any, Final

from gbimb.exceptions import warn

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
