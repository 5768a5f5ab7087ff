"""``gbimb evaluate``: how good a model is on rows that it has not seen, and what to make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gbimb.cli._app import app, check_not_read, command_line, exit_codes, print_json, watched

if TYPE_CHECKING:
    from gbimb.report import Evaluation

_EPILOG = """\b
Examples:
  gbimb evaluate churn.gbimb test.csv --target churned
  gbimb evaluate churn.gbimb test.csv --target churned --id customer --report report.html
  gbimb evaluate churn.gbimb test.csv --target churned --cost fp=5,fn=100 --train train.csv

\b
Exit codes:
  0    done
  1    the report could not be written
  2    wrong input; nothing was written
  130  interrupted; nothing was written
"""


@app.command(epilog=_EPILOG, short_help="Judge a model on labelled rows, with a report.")
def evaluate(  # noqa: PLR0917  typer passes them by name
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="A file that gbimb fit, or .save, has written.")],
    data: Annotated[
        Path,
        typer.Argument(
            help="Rows with labels that the model has not seen: .csv, .csv.gz, .parquet, or a "
            "folder of them."
        ),
    ],
    target: Annotated[str, typer.Option(help="Column with the label.")],
    report: Annotated[
        Path | None,
        typer.Option(help="File for the report, .html; its numbers go beside it, as JSON and CSV."),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            help="What a row costs when it is called, such as fp=5,fn=100; a negative number is a "
            "gain, as in tp=-20."
        ),
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Column with weights of the rows.")] = None,
    identifier: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="<str>",
            help="A column that names the rows among the mistakes; repeatable.",
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(help="What the model was fitted on, to look for rows that are in both."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Threads. Default: one per processor.")] = None,
    quiet: Annotated[  # noqa: FBT002  an option, never by position
        bool, typer.Option("--quiet", "-q", help="No bar, no notes.")
    ] = False,
    as_json: Annotated[  # noqa: FBT002  an option, never by position
        bool, typer.Option("--json", help="Print the result as JSON.")
    ] = False,
) -> None:
    """Judge a model on labelled rows: a verdict, scores with intervals, checks, and a report.

    The files are read piece by piece. The report is one page that opens offline: curves, a
    threshold to move, reliability, the worst mistakes, and how to reproduce it.
    """
    from gbimb import report as reports
    from gbimb.estimators import load

    with exit_codes():
        if report is not None:
            check_not_read("--report", reports.report_files(report), data, model, train)
        costs = reports.parse_costs(cost)
        found = reports.evaluate(
            load(model).set_params(n_jobs=jobs),
            data,
            target,
            weight=weight,
            identifier=identifier or [],
            costs=costs,
            train=train,
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
    if facts.get("cost") is not None:
        lines += ["", facts["cost"]["note"]]
    shown = [c for c in facts["checks"] if c["severity"] in ("problem", "warning")]
    lines += [""] if shown else []
    lines += [f"{c['code']} {c['severity']}: {c['text']}" for c in shown]
    if files:
        lines += ["", f"Written: {', '.join(files)}."]
    return "\n".join(lines)
