"""What ``gbimb fit`` prints about the model that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.cli._notes import as_options, evaluate_command, weights_in_words

if TYPE_CHECKING:
    from pathlib import Path


def fit_facts(model: Any, rows: int, out: Path, seconds: float, target: str) -> dict[str, Any]:
    """Return the facts that are printed after a fit."""
    from gbimb.estimators.inspection import decision_rule, describe_model

    about = describe_model(model)
    parameters = about["parameters"]
    facts = {
        "model": about["class"],
        "out": str(out),
        "rows": rows,
        "columns": len(about["columns"]),
        "classes": [str(label) for label in about["classes"]],
        "positive": None if about["positive"] is None else str(about["positive"]),
        "metric": _metric(parameters),
        "score": float(about["oob_score" if about["best_score"] is None else "best_score"]),
        "validation": about["validation"],
        "seconds": round(seconds, 2),
        **decision_rule(model),
    }
    held_out = model.model_.held_out
    facts["groups"] = held_out is not None and held_out.effects is not None
    facts["next"] = evaluate_command(out, target, held_out=held_out is not None)
    return facts if about["choice"] is None else facts | {"choice": about["choice"]}


def _metric(parameters: dict[str, Any]) -> str:
    """Return what the training watched."""
    metric: Any = parameters.get("metric", parameters.get("eval_metric"))
    return metric if isinstance(metric, str) else str(metric[0])


def any_of(labels: list[str]) -> str:
    """Return labels as a choice, the first ones of many.

    >>> any_of(["a", "b", "c"]), any_of(list("abcdefg"))
    ("'a', 'b' or 'c'", "one of 7 labels, such as 'a', 'b' and 'c'")
    """
    named = [repr(label) for label in labels]
    if len(named) <= 5:
        return " or ".join([", ".join(named[:-1]), named[-1]])
    return f"one of {len(named)} labels, such as {', '.join(named[:2])} and {named[2]}"


def in_words(facts: dict[str, Any]) -> str:
    """Return the facts as lines."""
    labels = any_of(facts["classes"])
    size = f"{facts['rows']:,} rows and {facts['columns']} columns"
    trained = f"{facts['model']} was trained to predict {labels} on {size}"
    lines = [f"{trained} in {facts['seconds']:.1f} s."]
    if "choice" in facts:
        indented = facts["choice"].splitlines()
        lines += [line if line.startswith(" ") else as_options(line) for line in indented]
    else:
        lines.append(as_options(f"Held out: {facts['validation']}."))
    if not np.isnan(facts["score"]) and "choice" not in facts:
        name = facts["metric"].upper() if facts["metric"] in {"mcc", "f1"} else facts["metric"]
        where = "at the best threshold" if "threshold" in facts else "over all classes"
        where = "of groups that did not choose the decisions" if facts["groups"] else where
        lines.append(f"{name} {where}: {facts['score']:.4f} on held-out rows.")
    if "threshold" in facts:
        lines.append(
            f"{facts['positive']!r} is predicted where its probability is at least "
            f"{facts['threshold']:.4f}."
        )
    if "guarantee" in facts:
        lines.append(facts["guarantee"]["in_words"])
    if "class_weights" in facts:
        lines.append(f"The prediction is {weights_in_words(facts['class_weights'])}.")
    lines += [f"Written to {facts['out']}.", f"Next: {facts['next']}"]
    return "\n".join(lines)
