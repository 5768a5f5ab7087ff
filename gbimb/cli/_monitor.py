"""``gbimb monitor``: a model on rows that came after its training."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from gbimb.cli._app import app, check_not_read, command_line, exit_codes, print_json
from gbimb.cli._notes import notes
from gbimb.cli._options import AsJson, Jobs, Model, NewRows, Quiet, Report
from gbimb.cli._paths import check_both, check_columns, replaced
from gbimb.cli._reading import reads_files
from gbimb.validation import check_page

if TYPE_CHECKING:
    from pathlib import Path

    from gbimb.report import Monitoring
    from gbimb.tables.files.options import ReadOptions

BROKEN: Final = 3

Labels: TypeAlias = Annotated[
    str | None, typer.Option(help="Column with the label, where it is known by now.")
]
Looked: TypeAlias = Annotated[
    int, typer.Option(help="Rows to look at, drawn at random from larger tables.")
]

_EPILOG = """\b
Examples:
  gbimb monitor churn.gbimb october.parquet --report october.html
  gbimb monitor churn.gbimb july.parquet --target churned --report july.html

\b
Exit codes:
  0    done; a change of prevalence, scores or columns is said, and in the JSON
  1    the report could not be written
  2    wrong input; nothing was written
  3    with labels: the guarantee of the threshold, or precision or recall, is broken
  130  interrupted; nothing was written
"""


@app.command(epilog=_EPILOG, short_help="Compare new rows with what the model was trained on.")
@reads_files()
def monitor(
    ctx: typer.Context,
    model: Model,
    data: NewRows,
    target: Labels = None,
    report: Report = None,
    rows: Looked = 20_000,
    jobs: Jobs = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Compare new rows with what the model was trained on, for a scheduler to run.

    Says the share of rows that are flagged, the prevalence that the scores speak for, and which
    columns moved; with labels, whether the threshold keeps its promise.
    """
    with exit_codes({"target": "--target", "rows": "--rows"}):
        if report is not None:
            check_page(report, "--report")
        check_both(model, data, "monitor")
        check_columns(data, known, {"--target": [] if target is None else [target]})
        from gbimb import report as reports
        from gbimb.estimators import load

        if report is not None:
            written = reports.report_files(report, "--report")
            check_not_read("--report", written, data, model)
            notes([note for file in written for note in replaced(file)], quiet=quiet)
        command = command_line(ctx, "report", "jobs", "quiet", "as_json")
        fitted = load(model).set_params(n_jobs=jobs)
        found = reports.monitor(fitted, data, target, rows=rows, known=known, command=command)
        files = [] if report is None else found.save(report)
        following = _next(found.facts, model, data)
        if as_json:
            print_json({**found.facts, "files": files, "next": following})
        else:
            typer.echo(_in_words(found, files))
            typer.echo(f"\nNext{following}")
    if found.facts["broken"]:
        raise typer.Exit(BROKEN)


def _next(facts: dict[str, Any], model: Path, data: Path) -> str:
    """Return what to do: predict, at another prevalence if that moved, or train again."""
    again = facts["broken"] or any(column["moved"] for column in facts["columns"])
    if again:
        fit = ["gbimb", "fit", "NEWER.csv", "--target", facts["data"]["target"] or "COLUMN"]
        return f", to train again with newer rows: {shlex.join([*fit, '--out', str(model)])}"
    words = ["gbimb", "predict", str(model), str(data), "--out", "scores.csv"]
    if any(row["moved"] for row in facts["prevalence"]):
        return f", to decide for the new prevalence: {shlex.join([*words, '--adapt'])}"
    return f": {shlex.join(words)}"


def _in_words(found: Monitoring, files: list[str]) -> str:
    lines = [*found.facts["verdict"]]
    if files:
        lines += ["", f"Written: {', '.join(files)}."]
    return "\n".join(lines)
