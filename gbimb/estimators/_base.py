"""What the two boosting estimators share: everything but the engine."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.estimators._base_checks import check_held_out, check_parameters
from gbimb.estimators._decision import DecidingClassifier
from gbimb.estimators._engine_params import check_interactions, check_monotone, engine_sentences
from gbimb.estimators._fitted import all_or_nothing, check_is_fitted
from gbimb.estimators._outcome import keep
from gbimb.exceptions import (
    InvalidParameterError,
)
from gbimb.log import logger, told
from gbimb.losses import MulticlassLoss
from gbimb.parallel import resolve_jobs, thread_count, thread_limit
from gbimb.tables.encoder import TableEncoder, engine_names, read_table, see_rows, take
from gbimb.tables.labels import LabelCodes, read_labels, read_weight, unpack
from gbimb.tables.parquet.stream import StreamedMatrix
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import Copies, find_copies
from gbimb.training.cross_fit import ONE_KIND, Kind, once_a_row, train
from gbimb.training.loss import make_loss
from gbimb.training.plan import Plan, Splits, among, given_splits, make_plan, plan_of
from gbimb.training.remarks import warn_if_nothing_learned, warn_if_undecided
from gbimb.training.rows import Fold, Table
from gbimb.training.seed import draw_seed
from gbimb.training.stages import Settings, most_rounds, with_pace
from gbimb.training.tasks import BinaryTask, MulticlassTask, Task
from gbimb.training.validation_rows import arrays_of, one_validation_set

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray
    from gbimb.engines.interface import Engine
    from gbimb.losses import BinaryLoss
    from gbimb.training.checkpoint import Checkpoint

SMALL_TABLE = 20_000
SMALLEST_SUBSAMPLED = 1_000


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

    booster_: Any
    best_iteration_: int
    best_iterations_: dict[str, int]
    best_score_: float
    blend_: dict[str, float]
    evals_result_: dict[str, dict[str, list[float]]]
    feature_importances_: FloatArray
    validation_: str

    _KINDS: Mapping[str, Mapping[str, Any]]
    """What is peculiar to each kind of trees on small tables of two classes, by its name."""
    _MANY_CLASSES: Mapping[str, Any]
    """The same of the trees on small tables of more."""

    @property
    @abstractmethod
    def _engine(self) -> Engine:
        """The adapter: ``gbimb.lightgbm`` or ``gbimb.xgboost``."""

    @abstractmethod
    def _seed_params(self, seed: int, threads: int) -> dict[str, Any]:
        """Return the engine's parameters that differ between boosters on the same bins."""

    @abstractmethod
    def _tree_params(self, seed: int, threads: int, rows: int) -> dict[str, Any]:
        """Return the engine's parameters."""

    def fit(
        self,
        X: Any,  # noqa: ANN401  any table
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,  # noqa: ANN401
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        eval_set: Sequence[tuple[Any, ArrayLike | None]] | None = None,
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

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        self._check_parameters()
        with all_or_nothing(self), told(self.verbose):
            table = read_table(self, X, reset=True)
            y, sample_weight = unpack(X, y, sample_weight)
            labels = read_labels(y, table, self.pos_label)
            weight = read_weight(sample_weight, labels.codes.size)
            validation = one_validation_set(X_val, y_val, sample_weight_val, eval_set)
            splits = given_splits(self.cv, table, labels.codes)
            if weight is not None and not weight.all():
                kept = np.flatnonzero(weight)
                table, weight = take(table, kept), weight[kept]
                labels = labels.with_weight(kept, self.pos_label)
                splits = among(kept, splits, labels.codes)
            labels.require_all_classes()
            self.classes_, self.pos_label_ = labels.classes, labels.positive
            self.loss_ = make_loss(self, labels, weight)
            task = self._make_task()
            seed = draw_seed(self.random_state)
            self._encoder = TableEncoder.fit(table)
            matrix = self._matrix(self._encoder.transform(table), reset=True)
            data = Table(matrix, labels.targets, weight)
            copies = None
            if validation is not None or self.cv is not None:
                copies = find_copies(matrix, labels.codes)
            plan = self._plan(labels, validation, splits, seed, copies)
            check_held_out(self, plan, validation)
            if isinstance(matrix, StreamedMatrix):
                self._check_memory(matrix, len(plan.splits), validation)
            self._encoder = see_rows(self._encoder, matrix, labels.codes, weight)
            folds = [Fold(train, held_out) for train, held_out in plan.splits] or [
                Fold(None, None if validation is None else self._read_validation(validation))
            ]
            given = arrays_of(folds)
            if copies is not None and plan.splits:
                copies.warn(labels.classes, apart=copies.are_apart(plan.splits))
            elif copies is not None and given and copies.are_among(given[0], matrix):
                copies.warn(labels.classes, apart=False)
            checkpoint = open_checkpoint(self, matrix, data.y, weight, plan.splits, given)
            rarest = float(np.bincount(labels.codes).min() / labels.codes.size)
            del y, sample_weight, labels  # not needed beside what the engine keeps of them
            threads = resolve_jobs(self.n_jobs)
            with thread_limit(threads), engine_sentences(self):
                trained = train(
                    engine=self._engine,
                    bins=self._make_bins(data, seed, max(1, threads // len(folds))),
                    task=task,
                    data=data,
                    folds=folds,
                    settings=self._settings(seed, threads, checkpoint),
                    kinds=self._kinds(data.y.size),
                    uneven=plan.uneven,
                )
            if plan.splits:
                trained = once_a_row(trained, plan.splits)
            keep(self, trained, task, seed)
            warn_if_nothing_learned(self)
            warn_if_undecided(self, rarest)
        return self

    def booster_input(self, X: Any) -> Any:  # noqa: ANN401  any table
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
        return self._matrix(self._encoder.transform(read_table(self, X, reset=False)))

    def _kinds(self, rows: int) -> Sequence[Kind]:
        """Return the kinds of trees to average: several on small tables of two classes."""
        if rows > SMALL_TABLE or self.classes_.size > 2 or not self._shape_is_open():
            return ONE_KIND
        return [Kind(name, self._where_open(p, rows)) for name, p in self._KINDS.items()]

    def _where_open(self, peculiar: Mapping[str, Any], rows: int) -> dict[str, Any]:
        """Return the parameters of a kind of trees, less those that somebody chose."""
        chosen = {
            "subsample": self.subsample or (1.0 if rows < SMALLEST_SUBSAMPLED else None),
            "bagging_freq": self.subsample,
            "feature_fraction": self.colsample_bytree,
            "colsample_bytree": self.colsample_bytree,
            "min_child_weight": self.min_child_weight,
        }
        params = {k: v for k, v in peculiar.items() if chosen.get(k) is None}
        rate = self._with_pace(params["learning_rate"])
        params["learning_rate"] = rate if self.learning_rate is None else self.learning_rate
        return {**params, **(self.engine_params or {})}

    @abstractmethod
    def _shape_is_open(self) -> bool:
        """Whether the size of the trees is left to the estimator."""

    def _learning_rate(self, rows: int) -> float:
        if self.learning_rate is not None:
            return self.learning_rate
        return self._with_pace(0.1 if rows <= SMALL_TABLE else 0.2)

    def _with_pace(self, rate: float) -> float:
        """Return the learning rate of the log loss for the loss, and for the rounds there are."""
        rate /= self.loss_.steepness if hasattr(self, "loss_") else 1.0
        n_classes = self.classes_.size if hasattr(self, "classes_") else 2
        return with_pace(rate, n_classes)

    def _subsample(self, rows: int) -> float:
        if self.subsample is not None:
            return self.subsample
        return 0.8 if rows >= SMALLEST_SUBSAMPLED else 1.0

    def _min_child_weight(self) -> float:
        return 1e-3 if self.min_child_weight is None else self.min_child_weight

    def adopt(self, other: DecidingClassifier, encoder: TableEncoder) -> None:
        """Take over what another estimator learnt about the labels and columns."""
        for name in ("classes_", "pos_label_", "n_features_in_", "feature_names_in_"):
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))
        self._encoder = encoder

    def _make_task(self) -> Task:
        names = (self.eval_metric,) if isinstance(self.eval_metric, str) else self.eval_metric
        if isinstance(self.loss_, MulticlassLoss):
            return MulticlassTask(self.loss_, names, self.threshold)
        return BinaryTask(self.loss_, names, self.threshold)

    def _make_bins(self, data: Table, seed: int, threads: int, rows: int | None = None) -> Any:  # noqa: ANN401
        """Return the bins of ``data``, for training on so many rows (None: those of ``data``)."""
        n_rows = data.y.size if rows is None else rows
        params = self._tree_params(seed, threads, n_rows)
        check_interactions(self.engine_params, data.matrix.shape[1])
        check_monotone(self, engine_names(self), data.matrix)
        if self.classes_.size > 2:
            params["num_class"] = self.classes_.size
            if n_rows <= SMALL_TABLE and self._shape_is_open():
                params |= self._where_open(self._MANY_CLASSES, n_rows)
        streamed = isinstance(data.matrix, StreamedMatrix)
        kind = self._engine.StreamedBins if streamed else self._engine.Bins
        return kind(
            data.matrix,
            data.y,
            data.weight,
            categorical=self._encoder.categorical,
            feature_names=engine_names(self),
            params=params,
        )

    def _check_memory(
        self, matrix: StreamedMatrix, folds: int, validation: tuple[Any, Any, Any] | None
    ) -> None:
        """Refuse a fit that would take more memory than its source allows."""
        rows, columns = matrix.shape
        X_val = None if validation is None else validation[0]
        watched = 0 if X_val is None else getattr(X_val, "n_rows", None) or np.shape(X_val)[0]
        estimate = self._engine.training_bytes(
            rows * max(1, folds) + watched, columns, self.loss_.n_outputs
        )
        matrix.frame.source.budget.check(
            estimate,
            f"Training on {rows:,} rows of {columns} features",
            "Allow more, name fewer features, or use UnderBaggingClassifier.",
        )

    def _settings(self, seed: int, threads: int, checkpoint: Checkpoint | None) -> Settings:
        return Settings(
            most_rounds(self.n_estimators, self.classes_.size),
            self.early_stopping_rounds,
            threads,
            seed,
            self.verbose,
            correct=self.calibration is not None,
            unit=None if checkpoint is None else checkpoint.unit("rounds"),
            keep_on_interrupt=self.keep_on_interrupt,
        )

    def _plan(
        self,
        labels: LabelCodes,
        validation: object,
        splits: Splits | None,
        seed: int,
        copies: Copies | None,
    ) -> Plan:
        if validation is None and splits is not None:
            plan = plan_of(splits, labels.codes.size)
        elif validation is None:
            groups = None if copies is None else copies.groups
            plan = make_plan(self.cv, labels.codes, seed, groups)
        elif self.cv is None or (isinstance(self.cv, str) and self.cv == "auto"):
            plan = Plan((), "the validation rows given to fit")
        else:
            msg = f"Give either X_val and y_val to fit or cv, got both (cv={self.cv!r})."
            raise InvalidParameterError(msg)
        self.validation_ = plan.reason
        logger.info("validation: %s", plan.reason)
        return plan

    def _read_validation(self, validation: tuple[Any, Any, Any]) -> Table:
        X_val, y_val, sample_weight_val = validation
        names = ("y_val", "sample_weight_val")
        y_val, sample_weight_val = unpack(X_val, y_val, sample_weight_val, names=names)
        table = read_table(self, X_val, reset=False, name="X_val")
        labels = read_labels(y_val, table, self.pos_label_, classes=self.classes_, name="y_val")
        weight = read_weight(sample_weight_val, labels.codes.size, "sample_weight_val")
        labels.require_two_classes(weight, "y_val", "nothing can be judged")
        return Table(self._matrix(self._encoder.transform(table)), labels.targets, weight)

    def _matrix(self, X: Any, *, reset: bool = False) -> Any:  # noqa: ANN401
        """Return the matrix, an ndarray or a SciPy matrix, as the engine wants it."""
        del reset  # True for the table that the estimator is fitted on
        return X

    def _raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401
        return self._score_matrix(self.booster_input(X))

    def _score_matrix(self, matrix: Any) -> FloatArray:  # noqa: ANN401
        scores: FloatArray = self._engine.raw_score(
            self.booster_, matrix, min(resolve_jobs(self.n_jobs), thread_count())
        )
        return scores

    def _probability_of(self, matrix: Any) -> FloatArray:  # noqa: ANN401
        return self._columns(self._calibrated(self._score_matrix(matrix)))

    def _positive_of(self, encoded: Any) -> FloatArray:  # noqa: ANN401
        """Return the probability of the positive class, (n,), or of each of many, (n, K)."""
        return self._calibrated(self._score_matrix(self._matrix(encoded)))

    def _check_parameters(self) -> None:
        check_parameters(self)
