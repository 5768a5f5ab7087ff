"""``gbimb benchmark``: whether any of it beats weighted log loss."""

from __future__ import annotations

import os
import shlex
from contextlib import nullcontext
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gbimb.benchmark.methods import DEFAULT_FOLDS, METHODS, OWN_FOLDS, with_engine
from gbimb.cli._app import (
    app,
    check_not_read,
    command_line,
    console,
    exit_codes,
    print_json,
    shows_progress,
)
from gbimb.cli._notes import notes
from gbimb.cli._options import (
    AsJson,
    BenchmarkSeed,
    BuiltIn,
    Fits,
    Methods,
    OwnDrop,
    OwnGroup,
    OwnPositive,
    OwnTable,
    OwnTarget,
    OwnTime,
    QuickRun,
    Quiet,
    Report,
    ResultsFolder,
)
from gbimb.cli._paths import check_columns, check_data
from gbimb.cli._reading import OPTIONS, reads_files
from gbimb.engines.registry import ENGINES
from gbimb.exceptions import InvalidParameterError, unknown_name
from gbimb.json_text import printable
from gbimb.validation import check_page

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gbimb.benchmark.plan import Plan
    from gbimb.benchmark.progress import ProgressBar
    from gbimb.benchmark.results import Results
    from gbimb.benchmark.tables import BenchmarkTable
    from gbimb.tables.files.options import ReadOptions

SPELLED: Final = {
    "path": "--data",
    **{
        name: f"--{name}"
        for name in (
            *("drop", "engines", "folds", "group", "methods", "positive", "seed"),
            *("tables", "target", "time"),
        )
    },
    "groups": "--group",
}
"""Which option gives an argument of the benchmark."""

OTHERS_TOGETHER: Final = "others together."

_INDENT = " " * 6
_METHOD_LIST = "\n".join(
    f"  {m.name}\n{fill(m.description, 74, initial_indent=_INDENT, subsequent_indent=_INDENT)}"
    for m in METHODS.values()
)
_EPILOG = f"""\b
Methods:
{_METHOD_LIST}

\b
Examples:
  gbimb benchmark
  gbimb benchmark --quick
  gbimb benchmark --data churn.csv --target churned
  gbimb benchmark --data churn.csv --target churned --report report.html
  gbimb benchmark --data churn.csv --target churned --positive yes --drop id
  gbimb benchmark --data churn.csv --target churned --group client
  gbimb benchmark --data churn.csv --target churned --time month
  gbimb benchmark --data folder/ --target churned
  gbimb benchmark --tables yeast_10class,page_blocks_5class

\b
Exit codes:
  0    done
  1    a fit failed, or results could not be written; finished fits are kept
  2    wrong input; nothing was written
  130  interrupted; finished fits are kept, the same command goes on
"""


@app.command(epilog=_EPILOG, short_help="Compare focal loss with weighted log loss.")
@reads_files()
def benchmark(
    ctx: typer.Context,
    data: OwnTable = None,
    target: OwnTarget = None,
    positive: OwnPositive = None,
    drop: OwnDrop = None,
    group: OwnGroup = None,
    time: OwnTime = None,
    tables: BuiltIn = None,
    engines: Annotated[
        str | None, typer.Option(help=f"Some of {', '.join(ENGINES)}, by comma. Default: all.")
    ] = None,
    methods: Methods = None,
    folds: Annotated[
        int | None,
        typer.Option(
            help=f"Stratified folds. Default: {DEFAULT_FOLDS}, for your table {OWN_FOLDS}."
        ),
    ] = None,
    quick: QuickRun = False,
    seed: BenchmarkSeed = 0,
    jobs: Fits = None,
    out: ResultsFolder = Path("gbimb-benchmark"),
    report: Report = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Compare focal loss with weighted log loss, on real imbalanced tables or on yours.

    Runs the methods below by stratified cross-validation, prints tables and a verdict (which is
    better, by how much, how sure), and writes records.csv, summary.csv and results.json.
    Interrupted, it keeps the fits that are done and goes on when started again.
    """
    with exit_codes(SPELLED):
        by = {"group": group, "time": time}
        _check_paths(out, report)
        _check_names(methods, engines)
        _check_own(data, target, known, by)
        from gbimb.benchmark.console import print_results
        from gbimb.benchmark.results import FILES, as_dict, export, run
        from gbimb.parallel import resolve_jobs
        from gbimb.report import report_files, save_benchmark

        chosen = _tables(data, target, positive, drop or [], tables, known=known, **by)
        usual = DEFAULT_FOLDS if data is None else OWN_FOLDS
        plan = _plan(chosen, engines, methods, folds, usual, seed=seed, quick=quick)
        command = command_line(ctx, "out", "report", "jobs", "quiet", "as_json")
        check_not_read("--out", [out / name for name in FILES], data)
        if report is not None:
            check_not_read("--report", report_files(report, "--report"), data)
        with _progress(plan, quiet=quiet or as_json) as progress:
            results = run(plan, out, jobs=resolve_jobs(jobs), progress=progress)
        export(results, out, command)
        files = [] if report is None else save_benchmark(results, report, command)
        if as_json:
            print_json(as_dict(results, command))
        else:
            print_results(results, console())
            typer.echo(_fit_line(results, ctx))
        notes(results.notes, quiet=quiet)
        if not quiet:
            typer.echo(f"Written to {out}: {', '.join(FILES)}", err=True)
        if files and not quiet:
            typer.echo(f"Written: {', '.join(files)}", err=True)


def _check_paths(out: Path, report: Path | None) -> None:
    """Raise where results cannot be written."""
    _check_folder(out)
    if report is not None:
        check_page(report, "--report")


def _check_own(
    data: Path | None, target: str | None, known: ReadOptions, by: dict[str, str | None]
) -> None:
    """Raise unless a table that is given and its columns are there."""
    if data is None:
        return
    if target is None:
        msg = "--data needs --target COLUMN, the column with the label, got none."
        raise InvalidParameterError(msg)
    check_data(data, "--data")
    roles = {f"--{role}": [column] for role, column in by.items() if column is not None}
    check_columns(data, known, {"--target": [target], **roles})


def _check_names(methods: str | None, engines: str | None) -> None:
    """Raise for unknown names before anything heavy is imported."""
    for option, names, known in (("--methods", methods, METHODS), ("--engines", engines, ENGINES)):
        for name in filter(None, map(str.strip, (names or "").split(","))):
            if name not in known:
                raise unknown_name(option, name, known)


def _tables(
    data: Path | None,
    target: str | None,
    positive: str | None,
    drop: list[str],
    names: str | None,
    *,
    known: ReadOptions,
    **by: str | None,
) -> tuple[BenchmarkTable, ...]:
    from gbimb.benchmark.plan import built_in_tables
    from gbimb.benchmark.tables import read_table
    from gbimb.tables.dependence import check_one_of

    check_one_of(by["group"], by["time"], "--group")
    if data is None:
        roles = {f"--{name}": column for name, column in by.items()}
        given = {"--target": target, "--positive": positive, "--drop": drop, **roles}
        for option, value in given.items():
            if value:
                msg = f"{option} goes with --data FILE, got {option} alone."
                raise InvalidParameterError(msg)
        return built_in_tables(names)
    if names is not None:
        msg = "Give either --data or --tables, got both."
        raise InvalidParameterError(msg)
    return (read_table(data, str(target), positive=positive, drop=drop, known=known, **by),)


def _plan(
    tables: tuple[BenchmarkTable, ...],
    engines: str | None,
    methods: str | None,
    folds: int | None,
    usual_folds: int,
    *,
    seed: int,
    quick: bool,
) -> Plan:
    from gbimb.benchmark.methods import DEFAULT_METHODS, QUICK_METHODS
    from gbimb.benchmark.plan import Plan, choose

    for option, value in {"--methods": methods, "--folds": folds}.items():
        if quick and value is not None:
            msg = f"--quick says which methods and folds run, got {option} as well. Leave one out."
            raise InvalidParameterError(msg)
    usual = QUICK_METHODS if quick else DEFAULT_METHODS
    return Plan(
        tables=tables,
        engines=choose("--engines", engines, {name: name for name in ENGINES}),
        methods=usual if methods is None else choose("--methods", methods, METHODS),
        folds=usual_folds if folds is None else folds,
        seed=seed,
        first_folds=1 if quick else None,
    )


def _check_folder(out: Path) -> None:
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        msg = f"--out must name a folder, got {str(out)!r}, where {existing.name!r} is a file."
        raise InvalidParameterError(msg)
    if not os.access(existing, os.W_OK):
        msg = f"--out must name a folder that can be written, got {str(out)!r}."
        raise InvalidParameterError(msg)


def _progress(plan: Plan, *, quiet: bool) -> AbstractContextManager[ProgressBar | None]:
    from gbimb.benchmark.progress import ProgressBar

    if quiet:
        return nullcontext()
    return ProgressBar(console(stderr=True), plan, live=shows_progress(quiet=False))


def _fit_line(results: Results, ctx: typer.Context) -> str:
    """Return the command that trains what scored highest on all rows."""
    from gbimb.benchmark.statistics import ALL_TABLES

    options = {m.name: m.fit_options for m in results.plan.methods if m.fit_options is not None}
    scores = {
        (row.method, row.engine): row.measures["mcc"].mean
        for row in results.summary
        if row.table == ALL_TABLES and row.method in options
    }
    table = results.plan.tables[0]
    if not scores or any(note.endswith(OTHERS_TOGETHER) for note in table.notes):
        return "gbimb fit has no option for the methods that were compared."
    method, engine = max(scores, key=lambda pair: scores[pair])
    own = ctx.params["data"] is not None
    words = ["gbimb", "fit", str(ctx.params["data"]) if own else "FILE"]
    words += ["--target", ctx.params["target"] if own else "COLUMN"]
    words += ["--out", f"{table.name}.gbimb" if own else "model.gbimb"]
    by_engine = [] if METHODS[method].chooses_engines else ["--engine", engine]
    words += [*options[method].split(), *by_engine, *_same_options(ctx)]
    what = with_engine(method, engine)
    line = printable(shlex.join(words))
    return f"Highest MCC of what gbimb fit trains: {what}. To train it on all rows:\n  {line}"


def _same_options(ctx: typer.Context) -> list[str]:
    """Return the options of reading that fit has, too."""
    words: list[str] = []
    for name in ("positive", "drop", "group", "time", *OPTIONS):
        value = ctx.params.get(name)
        for item in value if isinstance(value, list | tuple) else [value]:
            words += [] if item is None else [f"--{name}", str(item)]
    return words
