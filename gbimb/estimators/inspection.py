"""A fitted classifier and its predictions as data, for reports and the command line."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.special import expit, softmax

from gbimb.decisions.rules import ClassWeights, Threshold

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray

OPTIONAL: Final = ("best_iteration", "best_score", "validation", "oob_score", "choice")
"""What of a description is in a summary where it is not None."""


class RowPredictions(NamedTuple):
    """Predictions of a table.

    Attributes
    ----------
    proba : float64 array of shape (n, K)
        As of ``predict_proba``.
    uncorrected : float64 array of shape (n, K)
        The sigmoid or softmax of the raw scores, before link, prior and calibration.
    codes : intp array of shape (n,)
        Positions of the predicted labels in ``classes_``.
    """

    proba: FloatArray
    uncorrected: FloatArray
    codes: IntArray


def predict_rows(model: Any, X: Any) -> RowPredictions:  # any of our estimators
    """Return all predictions from one pass over the trees."""
    raw = model.raw_score(X)
    fitted = model.model_
    proba = fitted.probability(raw)
    plain = softmax(raw, axis=1) if raw.ndim == 2 else fitted.classes.columns(expit(raw))
    return RowPredictions(proba, plain, fitted.rule.decide(proba))


def describe_model(model: Any) -> dict[str, Any]:  # any of our estimators
    """Return what a fitted classifier is, how it was trained and how it decides.

    What an estimator does not have is None: ``positive``, ``threshold`` and ``guarantee`` belong
    to two classes, ``class_weights`` to more, ``history``, ``best_iteration`` and
    ``best_iterations`` (by member) to estimators with held-out rows and a booster of their own.
    ``columns`` are dicts of name, kind, number of categories and importance; ``changed`` the
    parameters without their defaults.
    """
    history = getattr(model, "evals_result_", None) or None
    best_iteration = getattr(model, "best_iteration_", None)
    kept = getattr(model, "best_iterations_", {})
    if history is not None and not kept:
        kept = {next(iter(history)): best_iteration}
    parameters = model.get_params(deep=False)
    defaults = type(model)().get_params(deep=False)
    weights = getattr(model, "class_weights_", None)
    return {
        "class": type(model).__name__,
        "classes": model.classes_.tolist(),
        "positive": model.pos_label_,
        "threshold": getattr(model, "threshold_", None),
        "guarantee": getattr(model, "guarantee_", None),
        "class_weights": None if weights is None else weights.tolist(),
        "loss": repr(model.loss_),
        "parameters": parameters,
        "changed": {k: v for k, v in parameters.items() if repr(v) != repr(defaults[k])},
        "columns": _columns(model),
        "history": history,
        "best_iteration": best_iteration,
        "best_iterations": kept,
        "best_score": getattr(model, "best_score_", None),
        "oob_score": getattr(model, "oob_score_", None),
        "validation": getattr(model, "validation_", None),
        "choice": model.explain_choice() if hasattr(model, "explain_choice") else None,
    }


def _columns(model: Any) -> list[dict[str, Any]]:
    encoder = model.model_.schema.encoder
    known = {column.name: column.categories for column in encoder.columns}
    names = list(getattr(model, "feature_names_in_", range(model.n_features_in_)))
    gains = getattr(model, "feature_importances_", [None] * len(names))
    return [
        {
            "name": str(name),
            "kind": "number" if known.get(name) is None else "category",
            "categories": len(known.get(name) or ()),
            "importance": None if gain is None else float(gain),
        }
        for name, gain in zip(names, gains, strict=True)
    ]


def summarise(model: Any) -> dict[str, Any]:  # any of our estimators
    """Return what ``gbimb inspect`` shows of a fitted classifier, as values of JSON."""
    about = describe_model(model)
    parameters = {n: v for n, v in about["parameters"].items() if n != "checkpoint_path"}
    columns = sorted(about["columns"], key=lambda column: -(column["importance"] or 0.0))
    facts = {
        "model": about["class"],
        "classes": list(map(str, about["classes"])),
        "positive": None if about["positive"] is None else str(about["positive"]),
        "loss": about["loss"],
        "parameters": {name: as_json(value) for name, value in parameters.items()},
        "columns": [{**c, "importance": _rounded(c["importance"])} for c in columns],
        "held_out": model.model_.held_out is not None,
        **decision_rule(model),
    }
    more = {name: about[name] for name in OPTIONAL if about[name] is not None}
    nothing = {name for name, v in more.items() if isinstance(v, float) and math.isnan(v)}
    return facts | more | dict.fromkeys(nothing)


def decision_rule(model: Any) -> dict[str, Any]:  # any of our estimators
    """Return the threshold of two classes, the weights of more; nothing where costs decide."""
    rule = model.model_.rule
    if isinstance(rule, Threshold):
        facts: dict[str, Any] = {"threshold": float(rule.value)}
        if (promise := rule.guarantee) is not None:
            facts["guarantee"] = {**asdict(promise), "in_words": str(promise)}
        return facts
    if not isinstance(rule, ClassWeights):
        return {}
    labels = map(str, model.classes_)
    return {"class_weights": dict(zip(labels, rule.weights.tolist(), strict=True))}


def as_json(value: Any) -> Any:  # any parameter
    """Return a parameter as JSON has it; what it has not is spelled as in Python."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    spelled = repr(value)
    return type(value).__name__ if " at 0x" in spelled else spelled


def _rounded(importance: float | None) -> float | None:
    """Return an importance with the digits that every machine agrees on."""
    if importance is None or not math.isfinite(importance):
        return None
    return float(f"{importance:.6g}")
