"""What ``gbimb fit`` says of the model that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.cli._decision import decision_rule, weights_in_words

if TYPE_CHECKING:
    from pathlib import Path


def fit_facts(model: Any, rows: int, out: Path, seconds: float) -> dict[str, Any]:  # noqa: ANN401
    """Return what is worth knowing after a fit."""
    metric = model.metric if hasattr(model, "metric") else model.eval_metric[0]
    facts = {
        "model": type(model).__name__,
        "out": str(out),
        "rows": rows,
        "columns": int(model.n_features_in_),
        "classes": [str(label) for label in model.classes_],
        "positive": None if model.pos_label_ is None else str(model.pos_label_),
        "metric": metric,
        "score": float(model.best_score_),
        "validation": model.validation_,
        "seconds": round(seconds, 2),
        **decision_rule(model),
    }
    if hasattr(model, "explain_choice"):
        facts["choice"] = model.explain_choice()
    return facts


def in_words(facts: dict[str, Any]) -> str:
    """Return the facts as lines."""
    labels = " or ".join([repr(label) for label in facts["classes"][:5]])
    more = " or ..." if len(facts["classes"]) > 5 else ""
    size = f"{facts['rows']:,} rows and {facts['columns']} columns"
    lines = [f"{facts['model']} learnt {labels}{more} from {size} in {facts['seconds']:.1f} s."]
    if "choice" in facts:
        lines.append(facts["choice"])
    else:
        lines.append(f"Held out: {facts['validation']}.")
    if not np.isnan(facts["score"]) and "choice" not in facts:
        name = facts["metric"].upper() if facts["metric"] in {"mcc", "f1"} else facts["metric"]
        where = "at the best threshold" if "threshold" in facts else "over all classes"
        lines.append(f"{name} {where}: {facts['score']:.4f} on held-out rows.")
    if "threshold" in facts:
        lines.append(
            f"{facts['positive']!r} is called where its probability is at least "
            f"{facts['threshold']:.4f}."
        )
    if "class_weights" in facts:
        lines.append(f"Called is {weights_in_words(facts['class_weights'])}.")
    lines.append(f"Written to {facts['out']}.")
    return "\n".join(lines)
