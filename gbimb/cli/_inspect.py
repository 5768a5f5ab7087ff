"""``gbimb inspect``: what is in a model file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import typer

from gbimb.cli._app import app, exit_codes, print_json
from gbimb.cli._decision import decision_rule, weights_in_words
from gbimb.cli._options import AsJson, Model
from gbimb.cli._paths import check_model

SHOWN: Final = 10

_EPILOG = """\b
Examples:
  gbimb inspect churn.gbimb
  gbimb inspect churn.gbimb --json

\b
Exit codes:
  0    done
  2    the file cannot be read as a model
"""


@app.command(epilog=_EPILOG, short_help="Say what a model file holds. It runs no code.")
def inspect(
    model: Model,
    as_json: AsJson = False,
) -> None:
    """Say what a model file holds: classes, threshold, columns, settings. It runs no code.

    With more than two classes each has a weight in place of the threshold.
    """
    with exit_codes():
        check_model(model)
        from gbimb.estimators import load

        facts = _facts(load(model), model)
        if as_json:
            print_json(facts)
        else:
            typer.echo(_in_words(facts))


def _facts(model: Any, path: Path) -> dict[str, Any]:  # any of our estimators
    from gbimb.estimators.inspection import describe_model

    about = describe_model(model)
    columns = [
        {**c, "importance": np.nan} if c["importance"] is None else c for c in about["columns"]
    ]
    facts: dict[str, Any] = {
        "model": about["class"],
        "bytes": path.stat().st_size,
        "classes": list(map(str, about["classes"])),
        "positive": None if about["positive"] is None else str(about["positive"]),
        "loss": about["loss"],
        "parameters": {name: _as_json(value) for name, value in about["parameters"].items()},
        "columns": sorted(columns, key=lambda column: -column["importance"]),
        **decision_rule(model),
    }
    optional = ("best_iteration", "best_score", "validation", "oob_score", "choice")
    return facts | {name: about[name] for name in optional if about[name] is not None}


def _as_json(value: Any) -> Any:  # any parameter
    """Return a parameter as JSON has it; what it has not is spelled as in Python."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    return repr(value)


def _in_words(facts: dict[str, Any]) -> str:
    """Return the facts as lines; what a model file says is shown without control characters."""
    from gbimb.tables.files.text import printable

    labels = ", ".join(map(repr, facts["classes"]))
    lines = [f"{facts['model']} ({facts['bytes'] / 1024:,.0f} KiB)", f"Classes: {labels}"]
    if "threshold" in facts:
        lines.append(
            f"Decision: {facts['positive']!r} where its probability is at least "
            f"{facts['threshold']:.4f}"
        )
    if "guarantee" in facts:
        lines.append(f"Promise: {facts['guarantee']['in_words']}")
    if "class_weights" in facts:
        lines.append(f"Decision: {weights_in_words(facts['class_weights'])}")
    if "choice" in facts:
        lines += facts["choice"].split("\n")
    else:
        lines.append(f"Loss: {facts['loss']}")
    if "validation" in facts and "choice" not in facts:
        lines.append(f"Held out: {facts['validation']}")
    if "best_iteration" in facts:
        lines.append(f"Rounds: {facts['best_iteration']:,}")
    lines.append(f"Columns: {len(facts['columns'])}, the most important first")
    for column in facts["columns"][:SHOWN]:
        kind = column["kind"]
        if kind == "category":
            kind = f"category of {column['categories']}"
        share = "" if np.isnan(column["importance"]) else f"{column['importance']:6.1%}  "
        lines.append(f"  {share}{column['name']} ({kind})")
    if len(facts["columns"]) > SHOWN:
        lines.append(f"  and {len(facts['columns']) - SHOWN} more (--json shows all)")
    return "\n".join(printable(line) for line in lines)
