"""``gbimb fit``: a file in, a model out."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from gbimb.cli._app import (
    app,
    check_not_read,
    exit_codes,
    print_json,
    progress_bar,
    shows_progress,
)
from gbimb.cli._fitted import fit_facts, in_words
from gbimb.cli._notes import notes
from gbimb.cli._options import (
    AsJson,
    ClassCost,
    Confidence,
    Dask,
    Drop,
    EngineName,
    Group,
    Identifier,
    Jobs,
    MetricName,
    ModelOut,
    Overwrite,
    Positive,
    Quiet,
    Seed,
    Target,
    ThresholdRule,
    Time,
    TimeBudget,
    TrainingFile,
    Validation,
    Weight,
)
from gbimb.cli._paths import check_columns, check_data, check_new, is_model, replaced
from gbimb.cli._reading import reads_files
from gbimb.cli._row_costs import costs_of_rows, serve_costs
from gbimb.cli.fitting.estimators import (
    make_model,
    set_labels,
    threshold_of,
)
from gbimb.cli.fitting.training_file import (
    Given,
    Roles,
    is_streamed,
    labels_of,
    open_folder,
    read_rows,
)
from gbimb.log import log_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from gbimb.tables.files.options import ReadOptions

LossName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="One booster with this loss: focal, logistic or another of gbimb.losses.LOSSES; auto "
        "searches and blends. Default: focal, where one booster is asked for."
    ),
]
EstimatorName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="One of blend: a fixed blend of unlike members; booster: one; bagging: bags with as "
        "many common as rare rows, for large tables; auto: a search. Default: blend, or what "
        "--loss, --engine or --validation ask for."
    ),
]
SPELLED: Final = {
    "cost_fp": "--cost",
    "cost_fn": "--cost",
    "estimator: eval_metric": "--metric",
    "estimator: ": "",
    "eval_metric: metric": "--metric",
    "eval_metric:": "--metric:",
    "metric:": "--metric:",
    "groups": "--group",
    "group": "--group",
    "time": "--time",
    "metric": "--metric",
    "threshold: metric": "--threshold",
    "threshold:": "--threshold:",
    "threshold": "--threshold",
    "confidence": "--confidence",
    "costs": "--cost",
    "time_budget": "--time-budget",
    "positive": "--positive",
    "random_state": "--seed",
    "sample_weight": "--weight",
    "target": "--target",
    "weight": "--weight",
    "y": "--target",
}
"""Which option gives a parameter of the estimators."""

_EPILOG = """\b
Examples:
  gbimb fit churn.csv --target churned --out churn.gbimb
  gbimb fit churn.csv --target churned --out m.gbimb --id client --drop notes
  gbimb fit fraud.parquet --target fraud --out fraud.gbimb --loss auto
  gbimb fit churn.csv --target churned --out m.gbimb --group client
  gbimb fit churn.csv --target churned --out m.gbimb --time month
  gbimb fit a.csv --target y --out m.gbimb --threshold "precision >= 0.9" --confidence 0.95
  gbimb fit a.csv --target y --out m.gbimb --cost fp=5,fn=100
  gbimb fit fraud.csv --target fraud --out fraud.gbimb --cost fp=5,fn=amount
  gbimb fit folder/ --target fraud --out fraud.gbimb --estimator bagging
  gbimb fit folder/ --target fraud --out fraud.gbimb
  gbimb fit heart.csv --target ill --out m.gbimb --missing "?" --labels trim,lower
  gbimb fit folder/ --target fraud --out m.gbimb --dask tcp://scheduler:8786

\b
Exit codes:
  0    done
  1    the model could not be written
  2    wrong input; nothing was written
  130  interrupted; nothing was written

\b
With --loss auto Ctrl-C ends the search, and the best so far is written.
"""


@app.command(epilog=_EPILOG, short_help="Train a model on a file, choose its threshold, save it.")
@reads_files()
def fit(
    data: TrainingFile,
    target: Target,
    out: ModelOut,
    positive: Positive = None,
    loss: LossName = None,
    estimator: EstimatorName = None,
    engine: EngineName = None,
    metric: MetricName = "mcc",
    threshold: ThresholdRule = "auto",
    cost: ClassCost = None,
    confidence: Confidence = None,
    time_budget: TimeBudget = None,
    validation: Validation = "auto",
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    identifier: Identifier = None,
    drop: Drop = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    dask: Dask = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Train a model on a file, choose its threshold on held-out rows, and save it.

    Text that is numbers or dates as a whole column is read by value, dates as days since
    1970-01-01; other text becomes categories, empty cells missing values. New files are read alike.
    The index of a Parquet file is not trained on. A note says what a column was taken for.
    """
    with exit_codes(SPELLED):
        check_data(data)
        check_not_read("--out", [out], data)
        check_new(out, "--out", is_model, overwrite=overwrite)
        roles = Roles(weight, group, time)
        left_out = {"--id": identifier or [], "--drop": drop or []}
        costs = costs_of_rows(cost, metric)
        named = {"--target": [target], "--cost": costs.columns if costs else []}
        check_columns(data, known, {**named, **roles.options(), **left_out})
        at = threshold_of(threshold, cost if costs is None else None)
        options: Any = {"time_budget": time_budget, "validation": validation, "dask": dask}
        model = make_model(estimator, loss, engine, metric, threshold=at, **options)
        serve_costs(model, costs, metric)
        rule = {"threshold": at, "confidence": confidence}
        model.set_params(**rule, random_state=seed, n_jobs=jobs)
        model._check_parameters()  # noqa: SLF001  the same package; before a long file is read
        began = perf_counter()
        # A search looks at its rows again and again, and so do costs of each row.
        whole = hasattr(model, "time_budget") or costs is not None or not is_streamed(data)
        read = partial(read_rows, costs=costs) if whole else open_folder
        given, remarks, readings = read(data, target, roles, left_out, known)
        set_labels(model, labels_of(given, target), positive, known, cost=cost)
        notes([*remarks, *replaced(out)], quiet=quiet)
        with _progress(model, quiet=quiet or as_json):
            _fit_here_or_there(model, given, dask)
        model.readings_ = readings  # for the files it is used on
        model.save(out)
        facts = fit_facts(model, len(given["X"]), out, perf_counter() - began, target)
        if as_json:
            print_json(facts)
        else:
            typer.echo(in_words(facts))


@contextmanager
def _progress(model: Any, *, quiet: bool) -> Iterator[None]:
    """Show the rounds while they are trained; a search has a bar of its own."""
    if not shows_progress(quiet=quiet):
        yield
        return
    model.set_params(verbose=1)
    if not hasattr(model, "n_estimators"):
        yield
    else:
        with progress_bar() as bar:
            handler = _Rounds(bar, model.n_estimators)
            with log_to(handler):
                yield
    model.set_params(verbose=0)  # the file is the same whether somebody watched


class _Rounds(logging.Handler):
    """Moves a bar with the rounds that training tells of."""

    def __init__(self, bar: Progress, most: int) -> None:
        super().__init__(logging.INFO)
        self._bar, self._most = bar, most
        self._task = bar.add_task("Training", total=None, words="")

    def emit(self, record: logging.LogRecord) -> None:
        """Show how far it is, and the last thing that was said."""
        done = getattr(record, "round", None)
        if done is None:
            self._bar.update(self._task, words=record.getMessage().partition(" (")[0])
        else:
            values = record.getMessage().partition("  ")[2]
            words = f"round {done:,} of at most {self._most:,}  {values}"
            self._bar.update(self._task, total=self._most, completed=done, words=words)


def _fit_here_or_there(model: Any, given: Given, dask: str | None) -> None:
    if dask is None:
        model.fit(**given)
        return
    from gbimb.dask.connect import connected, spread

    with connected(dask) as client:
        model.set_params(client=client).fit(**spread(client, given))
        model.set_params(client=None)
