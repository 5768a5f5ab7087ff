"""``gbimb evaluate``: how good a model is on rows that it has not seen, and what to make of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import typer

from gbimb.cli._app import app, check_not_read, command_line, exit_codes, print_json, watched
from gbimb.cli._notes import as_options, notes
from gbimb.cli._options import (
    AsJson,
    Baseline,
    Cost,
    FittedOn,
    Jobs,
    ModelsAndRows,
    NamesMistakes,
    Permutation,
    Quiet,
    Report,
    TestGroup,
    TestTarget,
    TestTime,
    Weight,
)
from gbimb.cli._paths import check_columns, check_model, models_and_data, replaced
from gbimb.cli._reading import reads_files
from gbimb.exceptions import InvalidParameterError
from gbimb.validation import check_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
  gbimb evaluate churn.gbimb --report report.html
  gbimb evaluate churn.gbimb test.csv --target churned
  gbimb evaluate new.gbimb test.csv --target churned --baseline old.gbimb
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


@app.command(epilog=_EPILOG, short_help="Evaluate models on labelled rows, with a report.")
@reads_files()
def evaluate(
    ctx: typer.Context,
    files: ModelsAndRows,
    target: TestTarget = None,
    baseline: Baseline = None,
    report: Report = None,
    cost: Cost = None,
    weight: Weight = None,
    identifier: NamesMistakes = None,
    train: FittedOn = None,
    group: TestGroup = None,
    time: TestTime = None,
    permutation: Permutation = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Evaluate models on labelled rows: a verdict, scores with intervals, checks, and a report.

    Without DATA the rows are those that the model held out in training. Several models are
    compared on the same rows, with paired intervals; the report is of the first. It is one page
    that opens offline: curves, a threshold to move, reliability, the worst mistakes, and how to
    reproduce it.
    """
    with exit_codes(SPELLED):
        if report is not None:
            check_page(report, "--report")
        models, data = _asked_for(files, target, baseline, known)
        from gbimb import report as reports

        if report is not None:
            written = reports.report_files(report, "--report")
            check_not_read("--report", written, *models, data, train)
            notes([note for file in written for note in replaced(file)], quiet=quiet)
        fitted = _load(models, jobs)
        name, *others = fitted
        found = reports.evaluate(
            fitted[name],
            data,
            target,
            weight=weight,
            identifier=identifier or [],
            costs=reports.parse_costs(cost),
            train=train,
            group=group,
            time=time,
            against={other: fitted[other] for other in others},
            baseline=None if baseline is None else str(baseline),
            name=name,
            permutation=permutation,
            known=known,
            model_file=models[0],
            command=command_line(ctx, "report", "jobs", "quiet", "as_json"),
            watch=lambda pieces: _watched(pieces, data, quiet=quiet or as_json),
        )
        saved = [] if report is None else found.save(report)
        if as_json:
            print_json(_summary(found, saved))
        else:
            typer.echo(_in_words(found, saved))
            typer.echo(f"\nNext: {_next(found, models[0])}")


def _asked_for(
    files: list[Path], target: str | None, baseline: Path | None, known: ReadOptions
) -> tuple[list[Path], Path | None]:
    """Return models and table; raise before anything heavy is imported."""
    models, data = models_and_data(files)
    if data is not None and target is None:
        msg = "--target must name the column with the label, got none."
        raise InvalidParameterError(msg)
    if baseline is not None:
        check_model(baseline, "--baseline")
        models = [*models, *([] if baseline in models else [baseline])]
    if len(set(models)) < len(models):
        msg = "MODEL must name different files, got one of them twice."
        raise InvalidParameterError(msg)
    if data is not None:
        check_columns(data, known, {"--target": [str(target)]})
    return models, data


def _load(models: list[Path], jobs: int | None) -> dict[str, Any]:
    """Return the models by the name of their file."""
    from gbimb.estimators import load

    return {str(path): load(path).set_params(n_jobs=jobs) for path in models}


def _watched(pieces: Iterator[Any], data: Path | None, *, quiet: bool) -> Iterator[Any]:
    return pieces if data is None else watched(pieces, "Evaluating", data, quiet=quiet)


def _next(found: Evaluation, model: Path) -> str:
    """Return the command that predicts, with the threshold that is better here if one is."""
    words = ["gbimb", "predict", str(model), "NEW.csv", "--out", "scores.csv"]
    better = found.facts.get("better_threshold")
    words += [] if better is None else ["--threshold", f"{better:.3g}"]
    return shlex.join(words)


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
    if facts["comparison"] is not None:
        lines += ["", *_compared(facts["comparison"])]
    shown = [c for c in facts["checks"] if c["severity"] in ("problem", "warning")]
    lines += [""] if shown else []
    lines += [f"{c['code']} {c['severity']}: {as_options(c['text'])}" for c in shown]
    if files:
        lines += ["", f"Written: {', '.join(files)}."]
    return "\n".join(lines)


def _compared(found: dict[str, Any]) -> list[str]:
    """Return the scores of each model, a line for each."""
    width = max(len(model["name"]) for model in found["models"])
    columns = {name: max(len(label), 6) for name, label in found["labels"].items()}
    heads = [f"{found['labels'][name]:>{size}}" for name, size in columns.items()]
    lines = ["  ".join([f"  {'':{width}}", *heads])]
    for model in found["models"]:
        values = [f"{model['scores'][name]:z{size}.3f}" for name, size in columns.items()]
        lines.append("  ".join([f"  {model['name']:{width}}", *values]))
    return lines


def _blocks(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the scores over time, a line for each block."""
    width = max(len(block["from"]) for block in blocks)
    return ["  from, rows and MCC of blocks in time, the oldest first:"] + [
        f"  {block['from']:{width}}  {block['rows']:10,}  {block['mcc']:z6.3f}   "
        f"{block['low']:z.3f} to {block['high']:z.3f}"
        for block in blocks
    ]
