"""What a boosting estimator keeps of its training: the fitted attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.decisions.calibration import fit_calibrator

if TYPE_CHECKING:
    from gbimb.estimators._base import BaseImbalancedClassifier
    from gbimb.training.cross_fit import Trained
    from gbimb.training.tasks import Task


def keep(model: BaseImbalancedClassifier, trained: Trained, task: Task, seed: int) -> None:
    """Set the fitted attributes."""
    model.booster_ = trained.booster
    model.best_iteration_ = trained.grown[0].boosted.rounds
    _keep_history(model, trained, task)
    model.best_score_ = _best_score(trained, task)
    gains = model._engine.feature_gains(model.booster_)  # noqa: SLF001  same package
    model.feature_importances_ = gains / gains.sum() if gains.sum() > 0 else gains
    rule = task.undecided()
    model.calibrator_ = None
    if trained.y is not None and trained.proba is not None:
        y, proba, weight = trained.y, trained.proba, trained.weight
        model.calibrator_ = fit_calibrator(model.calibration, y, proba, weight)
        if model.calibrator_ is not None:
            proba = model.calibrator_(proba)
        rule = task.decide(y, proba, weight, seed)
    model._set_rule(rule)  # noqa: SLF001  same package


def _keep_history(model: BaseImbalancedClassifier, trained: Trained, task: Task) -> None:
    asked = [metric.name for metric in task.metrics]
    several = len(trained.grown) > 1
    model.evals_result_, model.best_iterations_, model.blend_ = {}, {}, {}
    for i, part in enumerate(trained.grown):
        name = "valid" if i == 0 else f"valid, {part.kind.name}"
        history = part.boosted.history
        if watched := {metric: history[metric] for metric in asked if metric in history}:
            model.evals_result_[name] = watched
            model.best_iterations_[name] = part.boosted.rounds
        if several:
            model.blend_[part.kind.name] = part.share


def _best_score(trained: Trained, task: Task) -> float:
    """Return the first metric on the held-out rows, of the rounds kept."""
    if trained.y is None or trained.raw is None:
        return float("nan")
    name = task.metrics[0].name
    if len(trained.grown) > 1 or trained.folds is not None:
        return task.evaluate(trained.y, trained.raw, trained.weight)[name]
    boosted = trained.grown[0].boosted
    return boosted.history[name][boosted.rounds - 1]
