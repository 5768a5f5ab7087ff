"""How a model turns probabilities into labels, as facts and in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

SHOWN: Final = 10


def decision_rule(model: Any) -> dict[str, Any]:  # any of our estimators
    """Return the threshold of two classes, the weights of more; nothing where costs decide."""
    from gbimb.decisions.rules import ClassWeights, Threshold

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


def weights_in_words(weights: dict[str, float]) -> str:
    """Return what decides between three classes or more."""
    shown = [f"{weight:.4g} for {label!r}" for label, weight in list(weights.items())[:SHOWN]]
    more = f" and {len(weights) - SHOWN} more (--json shows all)" if len(weights) > SHOWN else ""
    return f"the label whose probability times its weight is highest: {', '.join(shown)}{more}"
