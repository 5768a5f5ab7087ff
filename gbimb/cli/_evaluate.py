"""``gbimb evaluate``: how good a model is on rows that it has not seen, and what to make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from gbimb.cli._app import app, check_not_read, command_line, exit_codes, print_json, watched
from gbimb.cli._notes import as_options
from gbimb.cli._options import (
    AsJson,
    Cost,
    FittedOn,
    Jobs,
    LabelledRows,
    Model,
    NamesMistakes,
    Quiet,
    Report,
    TestGroup,
    TestTarget,
    TestTime,
    Weight,
)
from gbimb.cli._reading import reads_files

if TYPE_CHECKING:
    from gbimb.report import Evaluation
    from gbimb.tables.files.options import ReadOptions

SPELLED: Final = {
    "costs": "--cost",
    "data": "DATA",
    "group": "--group",
    "identifier": "--id",
    "target": "--target",
    "time": "--time",
    "train": "--train",
    "weight": "--weight",
}
"""Which option gives an argument of the evaluation."""

_EPILOG = """\b
Examples:
  gbimb evaluate churn.gbimb test.csv --target churned
  gbimb evaluate churn.gbimb test.csv --target churned --id customer --report report.html
  gbimb evaluate churn.gbimb test.csv --target churned --cost fp=5,fn=amount --train train.csv
  gbimb evaluate churn.gbimb test.csv --target churned --group customer --time month

\b
Exit codes:
  0    done
  1    the report could not be written
  2    wrong input; nothing was written
  130  interrupted; nothing was written
"""


@app.command(epilog=_EPILOG, short_help="Judge a model on labelled rows, with a report.")
@reads_files()
def evaluate(  # noqa: PLR0917  typer passes them by name
    ctx: typer.Context,
    model: Model,
    data: LabelledRows,
    target: TestTarget,
    report: Report = None,
    cost: Cost = None,
    weight: Weight = None,
    identifier: NamesMistakes = None,
    train: FittedOn = None,
    group: TestGroup = None,
    time: TestTime = None,
    jobs: Jobs = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Judge a model on labelled rows: a verdict, scores with intervals, checks, and a report.

    The files are read piece by piece. The report is one page that opens offline: curves, a
    threshold to move, reliability, the worst mistakes, and how to reproduce it.
    """
    from gbimb import report as reports
    from gbimb.estimators import load

    with exit_codes(SPELLED):
        if report is not None:
            check_not_read("--report", reports.report_files(report, "--report"), data, model, train)
        costs = reports.parse_costs(cost)
        found = reports.evaluate(
            load(model).set_params(n_jobs=jobs),
            data,
            target,
            weight=weight,
            identifier=identifier or [],
            costs=costs,
            train=train,
            group=group,
            time=time,
            known=known,
            model_file=model,
            command=command_line(ctx, "report", "jobs", "quiet", "as_json"),
            watch=lambda pieces: watched(pieces, "Judging", data, quiet=quiet or as_json),
        )
        files = [] if report is None else found.save(report)
        if as_json:
            print_json(_summary(found, files))
        else:
            typer.echo(_in_words(found, files))


def _summary(found: Evaluation, files: list[str]) -> dict[str, Any]:
    """Return what fits on a screen; the report's JSON has the rest."""
    left_out = {"curve", "bands", "reliability", "histogram", "mistakes", "importances", "versions"}
    facts = {name: value for name, value in found.facts.items() if name not in left_out}
    facts["model"] = {k: v for k, v in facts["model"].items() if k != "training"}
    return facts | {"files": files}


def _in_words(found: Evaluation, files: list[str]) -> str:
    facts = found.facts
    lines = [*facts["verdict"], ""]
    width = max(len(score["label"]) for score in facts["scores"])
    for score in facts["scores"]:
        interval = ""
        if score["low"] is not None:
            interval = f"   {score['low']:z.3f} to {score['high']:z.3f}"
        lines.append(f"  {score['label']:{width}}  {score['value']:z6.3f}{interval}")
    if facts["groups"] is not None:
        lines += ["", f"The intervals are those of {facts['groups']:,} groups drawn at random."]
    if facts["over_time"] is not None:
        lines += ["", *_blocks(facts["over_time"]["blocks"])]
    if facts.get("cost") is not None:
        lines += ["", facts["cost"]["note"]]
    shown = [c for c in facts["checks"] if c["severity"] in ("problem", "warning")]
    lines += [""] if shown else []
    lines += [f"{c['code']} {c['severity']}: {as_options(c['text'])}" for c in shown]
    if files:
        lines += ["", f"Written: {', '.join(files)}."]
    return "\n".join(lines)


def _blocks(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the scores over time, a line for each block."""
    width = max(len(block["from"]) for block in blocks)
    return ["  from, rows and MCC of blocks in time, the oldest first:"] + [
        f"  {block['from']:{width}}  {block['rows']:10,}  {block['mcc']:z6.3f}   "
        f"{block['low']:z.3f} to {block['high']:z.3f}"
        for block in blocks
    ]
