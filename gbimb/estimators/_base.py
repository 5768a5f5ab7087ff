"""What the two boosting estimators share: everything but the engine."""

from __future__ import annotations

import logging
import sys
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from gbimb._parallel import resolve_jobs, thread_count, thread_limit
from gbimb._validation import check_number
from gbimb.estimators._calibration import check_calibration, fit_calibrator
from gbimb.estimators._decision import DecidingClassifier
from gbimb.estimators._labels import LabelCodes, read_labels, read_weight, unpack
from gbimb.estimators._loss import make_loss
from gbimb.estimators._plan import Plan, Splits, among, given_splits, make_plan
from gbimb.estimators._rows import Fold, Table
from gbimb.estimators._table import TableEncoder, engine_names, read_table, take
from gbimb.estimators._tasks import BinaryTask, MulticlassTask, Task
from gbimb.estimators._training import Settings, Trained, train
from gbimb.exceptions import (
    GbimbWarning,
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
)
from gbimb.losses import MulticlassLoss
from gbimb.sources import ParquetSource, StreamedMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy.typing import ArrayLike

    from gbimb._typing import FloatArray
    from gbimb.losses import BinaryLoss

SMALL_TABLE = 20_000
SMALLEST_SUBSAMPLED = 1_000

logger = logging.getLogger("gbimb")


class BaseImbalancedClassifier(DecidingClassifier):
    """Boosting with a loss, a watched metric, true probabilities and a chosen threshold."""

    loss: str | BinaryLoss
    gamma: float
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
    subsample: float | None
    engine_params: dict[str, Any] | None
    random_state: Any
    n_jobs: int | None
    verbose: int

    @property
    @abstractmethod
    def _engine(self) -> ModuleType:
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
            Weights, >= 0. They count in the loss, the metrics and the threshold.
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
        table = read_table(self, X, reset=True)
        y, sample_weight = unpack(X, y, sample_weight)
        labels = read_labels(y, table, self.pos_label)
        weight = read_weight(sample_weight, labels.codes.size)
        validation = _one_validation_set(X_val, y_val, sample_weight_val, eval_set)
        splits = given_splits(self.cv, table, labels.codes)
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            table, weight, labels = take(table, kept), weight[kept], labels.take(kept)
            splits = among(kept, splits)
        labels.require_all_classes()
        self.classes_, self.pos_label_ = labels.classes, labels.positive
        self.loss_ = make_loss(self, labels, weight)
        task = self._make_task()
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self._encoder = TableEncoder.fit(table)
        matrix = self._matrix(self._encoder.transform(table), reset=True)
        data = Table(matrix, labels.targets, weight)
        plan = self._plan(labels, validation, splits, seed)
        folds = [Fold(train, held_out) for train, held_out in plan.splits] or [
            Fold(None, None if validation is None else self._read_validation(validation))
        ]
        if isinstance(matrix, StreamedMatrix):
            self._check_memory(matrix, folds)
        del y, sample_weight, labels  # not needed beside what the engine keeps of them
        threads = resolve_jobs(self.n_jobs)
        with thread_limit(threads):
            trained = train(
                engine=self._engine,
                bins=self._make_bins(data, seed, max(1, threads // len(folds))),
                task=task,
                data=data,
                folds=folds,
                settings=self._settings(seed, threads),
            )
        self._keep(trained, task, seed)
        self._warn_if_nothing_learned()
        return self

    def _learning_rate(self, rows: int) -> float:
        if self.learning_rate is not None:
            return self.learning_rate
        return 0.05 if rows <= SMALL_TABLE else 0.1

    def _subsample(self, rows: int) -> float:
        if self.subsample is not None:
            return self.subsample
        return 0.8 if rows >= SMALLEST_SUBSAMPLED else 1.0

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

    def _make_bins(self, data: Table, seed: int, threads: int) -> Any:  # noqa: ANN401
        params = self._tree_params(seed, threads, data.y.size)
        if self.classes_.size > 2:
            params["num_class"] = self.classes_.size
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

    def _check_memory(self, matrix: StreamedMatrix, folds: Sequence[Fold]) -> None:
        """Refuse a fit that would take more memory than its source allows."""
        rows, columns = matrix.shape
        watched = sum(fold.held_out.y.size for fold in folds if isinstance(fold.held_out, Table))
        estimate = self._engine.training_bytes(
            rows * len(folds) + watched, columns, self.loss_.n_outputs
        )
        matrix.frame.source.budget.check(
            estimate,
            f"Training on {rows:,} rows of {columns} features",
            "Allow more, name fewer features, or use UnderBaggingClassifier.",
        )

    def _settings(self, seed: int, threads: int) -> Settings:
        return Settings(
            self.n_estimators,
            self.early_stopping_rounds,
            threads,
            seed,
            self._verbosity(),
            correct=self.calibration is not None,
        )

    def _keep(self, trained: Trained, task: Task, seed: int) -> None:
        """Set the fitted attributes."""
        history = trained.boosted.history
        self.booster_ = trained.booster
        self.best_iteration_ = trained.boosted.rounds
        self.evals_result_ = {"valid": history} if history else {}
        first = history.get(task.metrics[0].name, [])
        self.best_score_ = first[self.best_iteration_ - 1] if first else float("nan")
        gains = self._engine.feature_gains(self.booster_)
        self.feature_importances_ = gains / gains.sum() if gains.sum() > 0 else gains
        rule = task.undecided()
        self.calibrator_ = None
        if trained.y is not None and trained.proba is not None:
            y, proba, weight = trained.y, trained.proba, trained.weight
            self.calibrator_ = fit_calibrator(self.calibration, y, proba, weight)
            if self.calibrator_ is not None:
                proba = self.calibrator_(proba)
            rule = task.decide(y, proba, weight, seed)
        if self.classes_.size > 2:
            self.class_weights_ = rule
        else:
            self.threshold_ = rule

    def _plan(
        self, labels: LabelCodes, validation: object, splits: Splits | None, seed: int
    ) -> Plan:
        if validation is None and splits is not None:
            plan = Plan(splits, f"{len(splits)} splits given by cv")
        elif validation is None:
            plan = make_plan(self.cv, labels.codes, seed)
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
        table = read_table(self, X_val, reset=False)
        labels = read_labels(y_val, table, self.pos_label_, classes=self.classes_, name="y_val")
        weight = read_weight(sample_weight_val, labels.codes.size, "sample_weight_val")
        return Table(self._matrix(self._encoder.transform(table)), labels.targets, weight)

    def _matrix(self, X: Any, *, reset: bool = False) -> Any:  # noqa: ANN401
        """Return the matrix, an ndarray or a SciPy matrix, as the engine wants it."""
        del reset  # True for the table that the estimator is fitted on
        return X

    def _raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        return self._score_matrix(self._matrix(self._encoder.transform(table)))

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
        check_number("n_estimators", self.n_estimators, low=1, integer=True)
        check_number("verbose", self.verbose, low=0, integer=True)
        if self.n_jobs is not None:
            check_number("n_jobs", self.n_jobs, integer=True)
        if not isinstance(self.eval_metric, str | list | tuple):
            msg = f"eval_metric must be a name or a list of names, got {self.eval_metric!r}."
            raise InvalidTypeError(msg)
        if self.early_stopping_rounds is not None:
            check_number("early_stopping_rounds", self.early_stopping_rounds, low=1, integer=True)
        if not isinstance(self.threshold, str):
            check_number("threshold", self.threshold, low=0, high=1)
        check_calibration(self.calibration)
        if not self.eval_metric:
            msg = "eval_metric must name at least one metric, such as 'mcc', got none."
            raise InvalidParameterError(msg)

    def _warn_if_nothing_learned(self) -> None:
        if not self.feature_importances_.any():
            msg = (
                "The trees have no split, so every row gets the same probability. There may be too "
                "few rows for min_child_weight or reg_lambda, no signal in X, or weights far below "
                "1."
            )
        elif self.best_iteration_ == 1 and self.n_estimators > 1:
            msg = (
                "Only one round was kept: no later one did better on the held-out rows. Look at "
                "evals_result_; few held-out positives or a high learning_rate are the usual cause."
            )
        else:
            return
        warnings.warn(msg, GbimbWarning, stacklevel=3)

    def _verbosity(self) -> int:
        if self.verbose > 0 and not logger.hasHandlers():
            logger.addHandler(logging.StreamHandler(sys.stderr))
            logger.setLevel(logging.INFO)
        return int(self.verbose)


def _one_validation_set(
    X_val: object, y_val: object, weight: object, eval_set: Sequence[tuple[Any, Any]] | None
) -> tuple[Any, Any, Any] | None:
    if eval_set is not None:
        if X_val is not None or y_val is not None:
            msg = "Give either X_val and y_val or eval_set, got both."
            raise InvalidParameterError(msg)
        if len(eval_set) != 1:
            msg = f"eval_set must hold one pair (X_val, y_val), got {len(eval_set)}."
            raise InvalidParameterError(msg)
        X_val, y_val = eval_set[0]
    if X_val is None and y_val is None:
        return None
    if X_val is None or (y_val is None and not isinstance(X_val, ParquetSource)):
        msg = "X_val and y_val go together, got only one of them."
        raise InvalidDataError(msg)
    return X_val, y_val, weight
