"""What a report says about a model, from its description."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.engines.registry import versions

if TYPE_CHECKING:
    from gbimb.plots import Display

FEATURES_SHOWN: Final = 20


def model_facts(model: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a model and how it was trained, as plain values."""
    facts: dict[str, Any] = {
        "class": model["class"],
        "loss": model["loss"],
        "parameters": {k: repr(v) for k, v in model["changed"].items() if k != "n_jobs"},
        "columns": len(model["columns"]),
        "validation": model["validation"],
        "choice": model["choice"],
    }
    if (promise := model["guarantee"]) is not None:
        facts["guarantee"] = {**asdict(promise), "in_words": str(promise)}
    if model["history"]:
        facts["training"] = {
            "history": model["history"],
            "best_round": model["best_iteration"],
            "best_rounds": _rounds_of_members(model),
        }
    return facts


def promised(model: dict[str, Any]) -> list[str]:
    """Return a sentence on what held-out rows of training promised, if any were held out."""
    parameters = model["parameters"]
    name = parameters["metric"] if "metric" in parameters else parameters.get("eval_metric", "mcc")
    name = name[0] if isinstance(name, list | tuple) else name
    score = model["best_score"] if model["best_score"] is not None else model["oob_score"]
    if not isinstance(name, str) or score is None or np.isnan(score):
        return []
    shown = name.upper() if name in ("mcc", "f1") else name
    return [f"In training {shown} was {score:z.2f} on held-out rows: {model['validation']}."]


def _rounds_of_members(model: dict[str, Any]) -> dict[str, int]:
    return model["best_iterations"] if len(model["best_iterations"]) > 1 else {}


def training_display(model: dict[str, Any]) -> dict[str, Display]:
    """Return the picture of training, if rows were held out for one booster."""
    if not model["history"]:
        return {}
    from gbimb.plots import TrainingDisplay

    kept = _rounds_of_members(model) or model["best_iteration"]
    return {"training": TrainingDisplay(evals_result=model["history"], best_iteration=kept)}


def importances(model: dict[str, Any]) -> dict[str, Any] | None:
    """Return the share of the gain of each feature, the largest first, or None."""
    columns = model["columns"]
    if any(column["importance"] is None for column in columns):
        return None
    used = [{"name": c["name"], "share": c["importance"]} for c in columns if c["importance"] > 0]
    used.sort(key=lambda feature: -feature["share"])
    return {
        "shown": used[:FEATURES_SHOWN],
        "further": max(0, len(used) - FEATURES_SHOWN),
        "unused": len(columns) - len(used),
    }


def environment() -> dict[str, str]:
    """Return the versions that the numbers were made with."""
    return {
        **versions("lightgbm", "xgboost"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
