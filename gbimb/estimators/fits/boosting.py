"""How either boosting estimator is fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gbimb.engines.parameters import engine_errors
from gbimb.estimators.base_checks import (
    check_held_out,
    one_validation_set,
    refuse_beside,
    warn_if_nothing_learned,
    warn_if_undecided,
)
from gbimb.exceptions import InvalidParameterError
from gbimb.log import logger
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.labelled import LabelledTable
from gbimb.tables.labels import LabelCodes, read_labels, read_weight, unpack
from gbimb.tables.parquet.stream import StreamedMatrix
from gbimb.tables.read import read_table
from gbimb.tables.schema import Schema
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_copies
from gbimb.training.cross_fit import average_repeats, promised_at_random, train
from gbimb.training.held_out.plan import (
    ValidationPlan,
    given_splits,
    make_plan,
    plan_of,
    renumber_splits,
)
from gbimb.training.in_time import train_in_time
from gbimb.training.loss import make_loss
from gbimb.training.recipe import Recipe
from gbimb.training.rows import EngineTable, Fold
from gbimb.training.seed import draw_seed
from gbimb.training.stages import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.losses import BinaryLoss, MulticlassLoss
    from gbimb.tables.dependence import Dependence
    from gbimb.training.checkpoint import Checkpoint
    from gbimb.training.copies import Copies
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.tasks import Task
    from gbimb.training.trained import Trained


def fit(
    estimator: Any,  # either engine's
    X: Any,  # any table
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    *,
    given: tuple[Any, Any, Any, Any],
    groups: ArrayLike | None,
    time: ArrayLike | None,
) -> None:
    """Set ``model_``; ``given`` are the validation rows of ``fit``, in one way or the other."""
    beside: dict[str, Any] = {"groups": groups, "time": time}
    rows = LabelledTable.read(estimator, X, y, sample_weight, estimator.pos_label, **beside)
    validation = one_validation_set(*given)
    splits = given_splits(estimator.cv, rows.table, rows.labels.codes)
    rows = rows.with_weight(estimator.pos_label)
    labels, weight = rows.labels, rows.weight
    if rows.kept is not None:
        splits = renumber_splits(rows.kept, splits, labels.codes)
    labels.require_all_classes()
    loss = make_loss(estimator, labels, weight)
    schema = Schema.of(estimator, TableEncoder.fit(rows.table))
    encoded = schema.encoder.transform(rows.table)
    recipe = Recipe.make(estimator, schema, labels.classes, is_sparse=sparse.issparse(encoded))
    task = recipe.task(loss)
    seed = draw_seed(estimator.random_state)
    matrix = recipe.layout(encoded)
    data = EngineTable(matrix, labels.targets, weight)
    unjudged = validation is None and estimator.cv is None
    copies = None if unjudged else find_copies(matrix, labels.codes)
    plan = _plan(
        estimator, labels, validation, splits, seed, copies=copies, dependence=rows.dependence
    )
    if splits is None and validation is None:
        plan = plan.hinting(rows.hint())
    _check_memory(recipe, loss, matrix, len(plan.splits), validation)
    recipe = recipe.having_seen(matrix, labels.codes, weight)
    folds = _folds(estimator, plan, validation, recipe)
    watched = _arrays_of(folds)
    if copies is not None:
        copies.warn_of_folds(labels.classes.labels, plan.splits, watched, matrix)
    checkpoint = open_checkpoint(estimator, matrix, data.y, weight, plan.splits, watched)
    rarest = float(labels.counts.min() / labels.codes.size)
    # Not needed beside what the engine keeps of them.
    del y, sample_weight, rows, labels
    threads = resolve_jobs(estimator.n_jobs)
    with thread_limit(threads), engine_errors(recipe.engine, estimator.engine_params):
        settings = _settings(estimator, recipe.most_rounds(), seed, threads, checkpoint)
        bins = recipe.bins(data, loss, seed, max(1, threads // len(folds)))
        trained, plan = _boost(recipe, bins, task, data, plan, folds, settings)
    estimator.model_ = recipe.model(trained, task, seed, plan.reason)
    warn_if_nothing_learned(estimator)
    warn_if_undecided(estimator, rarest)


def task_of(estimator: Any) -> Task:  # a fitted one
    """Return what was trained and decided."""
    model = estimator.model_
    return Recipe(estimator, model.schema, model.classes).task(model.link)


def _arrays_of(folds: Sequence[Fold]) -> list[Any]:
    """Return the arrays of validation rows that were given to ``fit``."""
    tables = [fold.held_out for fold in folds if isinstance(fold.held_out, EngineTable)]
    return [part for table in tables for part in (table.matrix, table.y, table.weight)]


def _check_memory(
    recipe: Recipe,
    loss: BinaryLoss | MulticlassLoss,
    matrix: Any,  # as it was encoded
    folds: int,
    validation: tuple[Any, Any, Any] | None,
) -> None:
    """Refuse a fit of a source that would take more memory than it allows."""
    if not isinstance(matrix, StreamedMatrix):
        return
    rows, columns = matrix.shape
    X_val = None if validation is None else validation[0]
    watched = 0 if X_val is None else getattr(X_val, "n_rows", None) or np.shape(X_val)[0]
    estimate = recipe.engine.training_bytes(rows * max(1, folds) + watched, columns, loss.n_outputs)
    matrix.frame.source.budget.check(
        estimate,
        f"Training on {rows:,} rows of {columns} features",
        "Allow more, name fewer features, or use UnderBaggingClassifier.",
    )


def _settings(
    estimator: Any, n_rounds: int, seed: int, threads: int, checkpoint: Checkpoint | None
) -> Settings:
    return Settings(
        n_rounds,
        estimator.early_stopping_rounds,
        threads,
        seed,
        estimator.verbose,
        correct=estimator.calibration is not None,
        checkpoint=None if checkpoint is None else checkpoint.file("rounds"),
        keep_on_interrupt=estimator.keep_on_interrupt,
    )


def _plan(
    estimator: Any,
    labels: LabelCodes,
    validation: object,
    splits: Splits | None,
    seed: int,
    *,
    copies: Copies | None,
    dependence: Dependence | None,
) -> ValidationPlan:
    if dependence is not None and (validation is not None or splits is not None):
        refuse_beside(dependence.name, "X_val" if splits is None else "cv")
    if validation is None and splits is not None:
        plan = plan_of(splits, labels.codes.size)
    elif validation is None:
        together = None if copies is None else copies.groups
        plan = make_plan(estimator.cv, labels.codes, seed, together, dependence)
    elif estimator.cv is None or (isinstance(estimator.cv, str) and estimator.cv == "auto"):
        plan = ValidationPlan((), "the validation rows given to fit")
    else:
        msg = f"Give either X_val and y_val to fit or cv, got both (cv={estimator.cv!r})."
        raise InvalidParameterError(msg)
    logger.info("validation: %s", plan.reason)
    check_held_out(estimator, plan, validation)
    return plan


def _folds(
    estimator: Any, plan: ValidationPlan, validation: tuple[Any, Any, Any] | None, recipe: Recipe
) -> list[Fold]:
    """Return what each booster trains on and is watched on."""
    if plan.splits:
        return [Fold(train_rows, held_out) for train_rows, held_out in plan.splits]
    return [Fold(None, validation and _read_validation(estimator, validation, recipe))]


def _read_validation(
    estimator: Any, validation: tuple[Any, Any, Any], recipe: Recipe
) -> EngineTable:
    X_val, y_val, sample_weight_val = validation
    names = ("y_val", "sample_weight_val")
    y_val, sample_weight_val = unpack(X_val, y_val, sample_weight_val, names=names)
    table = read_table(estimator, X_val, reset=False, name="X_val")
    labels = read_labels(
        y_val,
        table,
        recipe.classes.positive,
        classes=recipe.classes.labels,
        name="y_val",
    )
    weight = read_weight(sample_weight_val, labels.codes.size, "sample_weight_val")
    labels.require_two_classes(weight)
    matrix = recipe.layout(recipe.schema.encoder.transform(table))
    return EngineTable(matrix, labels.targets, weight)


def _boost(  # noqa: PLR0917  all of them what a fit has found
    recipe: Recipe,
    bins: Any,  # the adapter's own
    task: Task,
    data: EngineTable,
    plan: ValidationPlan,
    folds: Sequence[Fold],
    settings: Settings,
) -> tuple[Trained, ValidationPlan]:
    """Return what was trained, and the plan, which may say more of it."""
    options: dict[str, Any] = {
        "engine": recipe.engine,
        "bins": bins,
        "task": task,
        "data": data,
        "settings": settings,
    }
    if plan.windows:
        members = [recipe.members_for(task.loss, w.rows.size, settings) for w in plan.windows]
        trained, drawn = train_in_time(windows=plan.windows, members=members, **options)
        return trained, plan.compared(task.metrics[0].name, drawn)
    specs = recipe.member_specs(task.loss, data.y.size)
    trained = train(folds=folds, uneven=plan.uneven, members=specs, **options)
    trained = replace(trained, groups=plan.held_out_groups())
    if plan.at_random:
        drawn = promised_at_random(splits=plan.at_random, member=trained.members[0], **options)
        plan = plan.compared(task.metrics[0].name, drawn)
    return average_repeats(trained, plan.splits) if plan.splits else trained, plan
