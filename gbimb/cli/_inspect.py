"""``gbimb inspect``: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import typer

from gbimb.cli._app import app, exit_codes, print_json
from gbimb.cli._notes import evaluate_command, weights_in_words
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
        facts = _facts(model)
        if as_json:
            print_json(facts)
        else:
            typer.echo(_in_words(facts))


def _facts(path: Path) -> dict[str, Any]:
    """Return the summary in the file; files of version 0.1 have none and are loaded."""
    from gbimb.model.summary import read_summary

    found = read_summary(path)
    if found is None:
        from gbimb.estimators import load
        from gbimb.estimators.inspection import summarise

        found = summarise(load(path))
    following = evaluate_command(path, "COLUMN", held_out=bool(found.get("held_out")))
    return {**found, "bytes": path.stat().st_size, "next": following}


def _in_words(facts: dict[str, Any]) -> str:
    """Return the facts as lines; what a model file says is shown without control characters."""
    from gbimb.json_text import percent, printable

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
        share = "" if column["importance"] is None else f"{percent(column['importance'], 1):>7}  "
        lines.append(f"  {share}{column['name']} ({kind})")
    if len(facts["columns"]) > SHOWN:
        lines.append(f"  and {len(facts['columns']) - SHOWN} more (--json shows all)")
    lines.append(f"Next: {facts['next']}")
    return "\n".join(printable(line) for line in lines)
