"""What the two boosting estimators share: everything but the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from gbimb.engines.parameters import engine_errors
from gbimb.estimators.base_checks import (
    arrays_of,
    check_held_out,
    check_parameters,
    one_validation_set,
    refuse_beside,
    warn_if_nothing_learned,
    warn_if_undecided,
)
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, check_is_fitted, shown
from gbimb.exceptions import (
    InvalidParameterError,
)
from gbimb.log import log_to_stderr, logger
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
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.losses import BinaryLoss, MulticlassLoss
    from gbimb.model.model import BoosterModel
    from gbimb.tables.dependence import Dependence
    from gbimb.training.checkpoint import Checkpoint
    from gbimb.training.copies import Copies
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.tasks import Task
    from gbimb.training.trained import Trained


class BaseImbalancedClassifier(DecidingClassifier):
    """Boosting with a loss, a watched metric, true probabilities and a chosen threshold."""

    loss: str | BinaryLoss
    gamma: float | None
    alpha: float | None
    scale_pos_weight: float | str | None
    pos_label: object
    eval_metric: str | Sequence[str]
    early_stopping_rounds: int | None
    threshold: float | str
    calibration: str | None
    cv: Any
    n_estimators: int
    learning_rate: float | None
    min_child_weight: float | None
    subsample: float | None
    colsample_bytree: float | None
    engine_params: dict[str, Any] | None
    checkpoint_path: str | os.PathLike[str] | None
    checkpoint_every: int
    keep_on_interrupt: bool
    random_state: Any
    n_jobs: int | None
    verbose: int

    engine_name: ClassVar[str]
    """Of the engine in the registry."""

    model_: BoosterModel

    booster_ = shown("booster")
    best_iteration_ = shown("n_rounds")
    best_iterations_ = shown("rounds")
    best_score_ = shown("score")
    blend_ = shown("blend")
    evals_result_ = shown("history")
    validation_ = shown("validation")

    def fit(
        self,
        X: Any,  # any table
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        eval_set: Sequence[tuple[Any, ArrayLike | None]] | None = None,
        groups: ArrayLike | None = None,
        time: ArrayLike | None = None,
    ) -> BaseImbalancedClassifier:
        """Train on ``X`` and ``y``.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            NaN is a missing value. Columns of strings and pandas categories are categorical.
            Of a source, the labels and weights are columns of its own.
        y : array of shape (n,), optional
            Labels of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. They count in the loss, the metrics and the threshold. A whole weight
            is as many rows; with a mean below 1 they are a scale, and are brought to a mean of 1.
        X_val, y_val, sample_weight_val : optional
            Rows for early stopping and the threshold, instead of those that ``cv`` holds out.
            ``X_val`` may be a ParquetSource, too.
        eval_set : list with one pair, optional
            ``[(X_val, y_val)]``, another way to give the same.
        groups : array of shape (n,), optional
            Numbers or texts, equal for rows that belong together, such as those of a customer. No
            group is held out from a booster that trained on another of its rows. A row whose
            group is missing is a group of its own.
        time : array of shape (n,), optional
            Numbers or dates. Later rows are held out from boosters trained on earlier ones, which
            count by how well they predict them and are trained again on the newest rows.

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        self._check_parameters()
        with all_or_nothing(self), log_to_stderr(self.verbose):
            beside: dict[str, Any] = {"groups": groups, "time": time}
            rows = LabelledTable.read(self, X, y, sample_weight, self.pos_label, **beside)
            validation = one_validation_set(X_val, y_val, sample_weight_val, eval_set)
            splits = given_splits(self.cv, rows.table, rows.labels.codes)
            rows = rows.with_weight(self.pos_label)
            labels, weight = rows.labels, rows.weight
            if rows.kept is not None:
                splits = renumber_splits(rows.kept, splits, labels.codes)
            labels.require_all_classes()
            loss = make_loss(self, labels, weight)
            schema = Schema.of(self, TableEncoder.fit(rows.table))
            encoded = schema.encoder.transform(rows.table)
            recipe = Recipe.make(self, schema, labels.classes, is_sparse=sparse.issparse(encoded))
            task = recipe.task(loss)
            seed = draw_seed(self.random_state)
            matrix = recipe.layout(encoded)
            data = EngineTable(matrix, labels.targets, weight)
            unjudged = validation is None and self.cv is None
            copies = None if unjudged else find_copies(matrix, labels.codes)
            plan = self._plan(
                labels, validation, splits, seed, copies=copies, dependence=rows.dependence
            )
            if splits is None and validation is None:
                plan = plan.hinting(rows.hint())
            self._check_memory(recipe, loss, matrix, len(plan.splits), validation)
            recipe = recipe.having_seen(matrix, labels.codes, weight)
            folds = self._folds(plan, validation, recipe)
            watched = arrays_of(folds)
            if copies is not None:
                copies.warn_of_folds(labels.classes.labels, plan.splits, watched, matrix)
            checkpoint = open_checkpoint(self, matrix, data.y, weight, plan.splits, watched)
            rarest = float(labels.counts.min() / labels.codes.size)
            # Not needed beside what the engine keeps of them.
            del y, sample_weight, rows, labels
            threads = resolve_jobs(self.n_jobs)
            with thread_limit(threads), engine_errors(recipe.engine, self.engine_params):
                settings = self._settings(recipe.most_rounds(), seed, threads, checkpoint)
                bins = recipe.bins(data, loss, seed, max(1, threads // len(folds)))
                trained, plan = _boost(recipe, bins, task, data, plan, folds, settings)
            self.model_ = recipe.model(trained, task, seed, plan.reason)
            warn_if_nothing_learned(self)
            warn_if_undecided(self, rarest)
        return self

    def booster_input(self, X: Any) -> Any:  # any table
        """Return ``X`` as ``booster_`` takes it, for tools that work on the booster, such as SHAP.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n, n_features)

        Returns
        -------
        float array or CSR matrix of shape (n, n_features)
            Categories are whole numbers in the order of ``fit``, missing values NaN. A typical
            value stands in for what training never saw, as in predictions.
        """
        check_is_fitted(self)
        return self.model_.matrix(read_table(self, X, reset=False))

    def _decider(self) -> Task:
        model = self.model_
        return Recipe(self, model.schema, model.classes).task(model.link)

    def _check_parameters(self) -> None:
        check_parameters(self)

    def _check_memory(
        self,
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
        estimate = recipe.engine.training_bytes(
            rows * max(1, folds) + watched, columns, loss.n_outputs
        )
        matrix.frame.source.budget.check(
            estimate,
            f"Training on {rows:,} rows of {columns} features",
            "Allow more, name fewer features, or use UnderBaggingClassifier.",
        )

    def _settings(
        self, n_rounds: int, seed: int, threads: int, checkpoint: Checkpoint | None
    ) -> Settings:
        return Settings(
            n_rounds,
            self.early_stopping_rounds,
            threads,
            seed,
            self.verbose,
            correct=self.calibration is not None,
            checkpoint=None if checkpoint is None else checkpoint.file("rounds"),
            keep_on_interrupt=self.keep_on_interrupt,
        )

    def _plan(
        self,
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
            plan = make_plan(self.cv, labels.codes, seed, together, dependence)
        elif self.cv is None or (isinstance(self.cv, str) and self.cv == "auto"):
            plan = ValidationPlan((), "the validation rows given to fit")
        else:
            msg = f"Give either X_val and y_val to fit or cv, got both (cv={self.cv!r})."
            raise InvalidParameterError(msg)
        logger.info("validation: %s", plan.reason)
        check_held_out(self, plan, validation)
        return plan

    def _folds(
        self, plan: ValidationPlan, validation: tuple[Any, Any, Any] | None, recipe: Recipe
    ) -> list[Fold]:
        """Return what each booster trains on and is watched on."""
        if plan.splits:
            return [Fold(train_rows, held_out) for train_rows, held_out in plan.splits]
        return [Fold(None, validation and self._read_validation(validation, recipe))]

    def _read_validation(self, validation: tuple[Any, Any, Any], recipe: Recipe) -> EngineTable:
        X_val, y_val, sample_weight_val = validation
        names = ("y_val", "sample_weight_val")
        y_val, sample_weight_val = unpack(X_val, y_val, sample_weight_val, names=names)
        table = read_table(self, X_val, reset=False, name="X_val")
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
    if plan.at_random:
        drawn = promised_at_random(splits=plan.at_random, member=trained.members[0], **options)
        plan = plan.compared(task.metrics[0].name, drawn)
    return average_repeats(trained, plan.splits) if plan.splits else trained, plan
