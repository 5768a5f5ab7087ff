"""``gbimb fit``: a file in, a model out."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
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
    ENGINE_CHOICES,
    AsJson,
    Confidence,
    Dask,
    Drop,
    EngineName,
    Group,
    Identifier,
    Jobs,
    MetricName,
    ModelOut,
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
from gbimb.cli._reading import reads_files
from gbimb.cli._training_file import (
    Given,
    Roles,
    is_streamed,
    labels_of,
    open_folder,
    read_rows,
)
from gbimb.exceptions import InvalidParameterError, unknown_name
from gbimb.log import log_to
from gbimb.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from gbimb.tables.files.options import ReadOptions

LOSS_CHOICES: Final = (*LOSSES, "auto")
LossName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help=f"One of {', '.join(LOSS_CHOICES)}: one booster with this loss; auto searches and "
        "blends. Default: a fixed blend of unlike members; focal with --engine, --validation or "
        "--dask."
    ),
]
SPELLED: Final = {
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
def fit(  # noqa: PLR0917  typer passes them by name
    data: TrainingFile,
    target: Target,
    out: ModelOut,
    positive: Positive = None,
    loss: LossName = None,
    engine: EngineName = None,
    metric: MetricName = "mcc",
    threshold: ThresholdRule = "auto",
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
    from gbimb.tables.files.targets import match_label

    with exit_codes(SPELLED):
        _check_out(out)
        check_not_read("--out", [out], data)
        _check_choice("--loss", loss or "focal", LOSS_CHOICES)
        _check_choice("--engine", engine or "auto", ENGINE_CHOICES)
        model = _make_model(
            loss, engine, metric, time_budget=time_budget, validation=validation, dask=dask
        )
        rule = {"threshold": _as_number(threshold), "confidence": confidence}
        model.set_params(**rule, random_state=seed, n_jobs=jobs)
        model._check_parameters()  # noqa: SLF001  the same package; before a long file is read
        left_out = {"--id": identifier or [], "--drop": drop or []}
        began = perf_counter()
        roles = Roles(weight, group, time)
        read = open_folder if loss != "auto" and is_streamed(data) else read_rows
        given, remarks, readings = read(data, target, roles, left_out, known)
        labels = labels_of(given, target)
        if positive is not None:
            model.set_params(pos_label=match_label(known.clean_label(positive), labels))
        notes(remarks, quiet=quiet)
        with _progress(model, quiet=quiet or as_json):
            _fit_here_or_there(model, given, dask)
        model.readings_ = readings  # for the files it is used on
        model.save(out)
        facts = fit_facts(model, len(given["X"]), out, perf_counter() - began)
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


def _check_out(out: Path) -> None:
    if out.is_dir() or not out.absolute().parent.is_dir():
        msg = f"--out must name a file in a folder that exists, got {str(out)!r}."
        raise InvalidParameterError(msg)


def _as_number(threshold: str) -> float | str:
    """Return a threshold that is written as a number as one."""
    try:
        return float(threshold)
    except ValueError:
        return threshold


def _check_choice(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise unknown_name(option, value, known)


def _fit_here_or_there(model: Any, given: Given, dask: str | None) -> None:
    if dask is None:
        model.fit(**given)
        return
    from gbimb.dask.connect import connected, spread

    with connected(dask) as client:
        model.set_params(client=client).fit(**spread(client, given))
        model.set_params(client=None)


def _make_model(
    loss: str | None,
    engine: str | None,
    metric: str,
    *,
    time_budget: float | None,
    validation: str,
    dask: str | None,
) -> Any:  # any of our estimators
    from gbimb.estimators import ImbalancedLGBMClassifier, ImbalancedXGBClassifier
    from gbimb.estimators.blends.auto import AutoImbalancedClassifier
    from gbimb.estimators.blends.portfolio import ImbalancedClassifier

    if (loss, engine, time_budget, validation, dask) == (None, None, None, "auto", None):
        return ImbalancedClassifier(metric=metric)
    loss = loss or "focal"
    if loss == "auto":
        if dask is not None:
            msg = f"--dask goes with one loss, not with --loss auto, got {dask!r}."
            raise InvalidParameterError(msg)
        if validation != "auto":
            msg = f"--validation goes with one loss, not with --loss auto, got {validation!r}."
            raise InvalidParameterError(msg)
        return AutoImbalancedClassifier(
            metric=metric,
            engine=engine or "auto",
            time_budget=60 if time_budget is None else time_budget,
        )
    if time_budget is not None:
        msg = f"--time-budget goes with --loss auto, got --loss {loss}."
        raise InvalidParameterError(msg)
    if engine == "auto":
        msg = "--engine auto goes with --loss auto. Name lightgbm or xgboost."
        raise InvalidParameterError(msg)
    make: Any = ImbalancedXGBClassifier if engine == "xgboost" else ImbalancedLGBMClassifier
    if dask is not None:
        from gbimb.dask import DaskImbalancedLGBMClassifier, DaskImbalancedXGBClassifier

        far = (DaskImbalancedXGBClassifier, DaskImbalancedLGBMClassifier)
        make = far[0] if engine == "xgboost" else far[1]
    cv = int(validation) if validation.isdecimal() and len(validation) < 10 else validation
    if cv not in ("auto", "holdout") and not (isinstance(cv, int) and cv >= 2):
        msg = f"--validation must be auto, holdout or a number of folds >= 2, got {validation!r}."
        raise InvalidParameterError(msg)
    if dask is not None and isinstance(cv, int):
        msg = f"--validation must be auto or holdout with --dask, got {validation!r}."
        raise InvalidParameterError(msg)
    return make(loss=loss, eval_metric=(metric,), cv=cv)
