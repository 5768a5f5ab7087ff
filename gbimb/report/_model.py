"""What a fitted model says about itself."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.benchmark.records import versions
from gbimb.plots import TrainingDisplay
from gbimb.plots._training import rounds_kept

if TYPE_CHECKING:
    from gbimb.plots._base import Display

MOST_FEATURES: Final = 20


def model_facts(model: Any) -> dict[str, Any]:  # noqa: ANN401  any of our estimators
    """Return the settings of a model and how it was trained."""
    changed = {
        name: repr(value)
        for name, value in model.get_params(deep=False).items()
        if repr(value) != repr(type(model)().get_params(deep=False)[name]) and name != "n_jobs"
    }
    facts: dict[str, Any] = {
        "class": type(model).__name__,
        "loss": repr(model.loss_),
        "parameters": changed,
        "columns": int(model.n_features_in_),
        "validation": getattr(model, "validation_", None),
        "choice": model.explain_choice() if hasattr(model, "explain_choice") else None,
    }
    history = getattr(model, "evals_result_", None)
    if history:
        facts["training"] = {
            "history": {
                data: {metric: list(values) for metric, values in metrics.items()}
                for data, metrics in history.items()
            },
            "best_round": int(model.best_iteration_),
            "best_rounds": getattr(model, "best_iterations_", {}),
        }
    return facts


def training_display(model: Any) -> dict[str, Display]:  # noqa: ANN401
    """Return the picture of training, if rows were held out for one booster."""
    history = getattr(model, "evals_result_", None)
    if not history:
        return {}
    kept = rounds_kept(model)
    return {"training": TrainingDisplay(evals_result=history, best_iteration=kept)}


def importances(model: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the share of the gain of each feature, the largest first, or None."""
    gains = getattr(model, "feature_importances_", None)
    if gains is None:
        return None
    names = getattr(model, "feature_names_in_", range(len(gains)))
    order = np.argsort(-gains, kind="stable")
    shown = [{"name": str(names[i]), "share": float(gains[i])} for i in order if gains[i] > 0]
    return {
        "shown": shown[:MOST_FEATURES],
        "further": max(0, len(shown) - MOST_FEATURES),
        "unused": len(gains) - len(shown),
    }


def environment() -> dict[str, str]:
    """Return the versions that the numbers were made with."""
    return {
        **versions("lightgbm", "xgboost"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
