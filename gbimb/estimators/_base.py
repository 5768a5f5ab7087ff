"""What the two boosting estimators share: everything but the engine."""

from __future__ import annotations

import logging
import sys
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from gbimb._parallel import resolve_jobs, thread_limit
from gbimb._validation import check_number
from gbimb.correction import RawScoreLine, averaging_shift, recalibrate
from gbimb.estimators._boosting import Watch, boost
from gbimb.estimators._labels import LabelCodes, read_labels, read_weight
from gbimb.estimators._loss import make_loss
from gbimb.estimators._plan import Plan, Splits, among, given_splits, make_plan
from gbimb.estimators._table import TableEncoder, engine_names, read_table
from gbimb.exceptions import GbimbWarning, InvalidDataError, InvalidParameterError
from gbimb.metrics import evaluate, get_count_metric, get_metric
from gbimb.thresholds import choose_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    from gbimb._typing import FloatArray
    from gbimb.losses import MarginLoss
    from gbimb.metrics import Metric

UNWATCHED_ROUNDS = 100
BALANCED_SHARE = 0.4
LARGEST_SAMPLE = 20_000

HeldOut: TypeAlias = "tuple[Any, NDArray[Any], NDArray[Any] | None]"
"""Rows held out from one member: matrix, labels and weights."""

logger = logging.getLogger("gbimb")


class BaseImbalancedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Boosting with a loss, a watched metric, true probabilities and a chosen threshold."""

    loss: str | MarginLoss
    gamma: float
    alpha: float | None
    scale_pos_weight: float | str | None
    pos_label: object
    eval_metric: str | Sequence[str]
    early_stopping_rounds: int | None
    threshold: float | str
    cv: Any
    n_estimators: int
    engine_params: dict[str, Any] | None
    random_state: Any
    n_jobs: int | None
    verbose: int

    @property
    @abstractmethod
    def _engine(self) -> ModuleType:
        """The adapter: ``gbimb.lightgbm`` or ``gbimb.xgboost``."""

    @abstractmethod
    def _tree_params(self, seed: int, threads: int, rows: int) -> dict[str, Any]:
        """Return the engine's parameters."""

    def fit(
        self,
        X: Any,  # noqa: ANN401  any table
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,  # noqa: ANN401
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        eval_set: Sequence[tuple[Any, ArrayLike]] | None = None,
    ) -> BaseImbalancedClassifier:
        """Train on ``X`` and ``y``.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n, n_features)
            NaN is a missing value. Columns of strings and pandas categories are categorical.
        y : array of shape (n,)
            Two labels of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. They count in the loss, the metrics and the threshold.
        X_val, y_val, sample_weight_val : optional
            Rows for early stopping and the threshold, instead of those that ``cv`` holds out.
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
        metrics = self._check_parameters()
        table = read_table(self, X, reset=True)
        labels = read_labels(y, table, self.pos_label)
        weight = read_weight(sample_weight, labels.codes.size)
        validation = _one_validation_set(X_val, y_val, sample_weight_val, eval_set)
        splits = given_splits(self.cv, table, labels.codes)
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            table, weight, labels = _take(table, kept), weight[kept], labels.take(kept)
            splits = among(kept, splits)
        labels.require_two_classes()
        self.classes_, self.pos_label_ = labels.classes, labels.positive
        self.loss_ = make_loss(self, labels.is_positive, weight)
        threads = resolve_jobs(self.n_jobs)
        with thread_limit(threads):
            self._fit(table, labels, weight, validation, splits, metrics, threads)
        return self

    def _fit(
        self,
        table: object,
        labels: LabelCodes,
        weight: NDArray[Any] | None,
        validation: tuple[Any, Any, Any] | None,
        splits: Splits | None,
        metrics: Sequence[Metric],
        threads: int,
    ) -> None:
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        y = labels.is_positive.astype(np.float32)
        self._encoder = TableEncoder.fit(table)
        matrix = self._matrix(self._encoder.transform(table))
        plan = self._plan(labels, validation, splits, seed)
        members_threads = max(1, threads // max(1, len(plan.splits)))
        params = self._tree_params(seed, members_threads, y.size)
        bins = self._engine.Bins(
            matrix,
            y,
            weight,
            categorical=self._encoder.categorical,
            feature_names=engine_names(self),
            params=params,
        )
        start = np.atleast_1d(self.loss_.init_score(y, weight))
        held_out: list[HeldOut]
        if validation is not None:
            held_out = [self._read_validation(validation)]
            members = [bins.member(self.loss_, start, None, bins.external(*held_out[0]))]
        else:
            held_out = [
                (matrix[t], y[t], None if weight is None else weight[t]) for _, t in plan.splits
            ]
            members = [bins.member(self.loss_, start, a, b) for a, b in plan.splits] or [
                bins.member(self.loss_, start, None, None)
            ]
        watch = self._watch(metrics, held_out)
        rounds = self.n_estimators if watch else min(self.n_estimators, UNWATCHED_ROUNDS)
        boosted = boost(
            members,
            rounds,
            watch,
            threads=threads,
            prepare_thread=self._engine.prepare_thread,
            verbose=self._verbosity(),
        )
        self.best_iteration_ = boosted.rounds
        self.evals_result_ = {"valid": boosted.history} if boosted.history else {}
        first = boosted.history.get(metrics[0].name, [])
        self.best_score_ = first[boosted.rounds - 1] if first else float("nan")
        models = [member.model(boosted.rounds) for member in members]
        self._combine(models, start, held_out, matrix, weight, metrics, seed, threads)

    def _combine(
        self,
        models: Sequence[Any],
        start: FloatArray,
        held_out: Sequence[HeldOut],
        matrix: Any,  # noqa: ANN401  an ndarray or a SciPy matrix
        all_weight: NDArray[Any] | None,
        metrics: Sequence[Metric],
        seed: int,
        threads: int,
    ) -> None:
        """Merge the members into one booster, correct its raw score, choose the threshold."""
        engine = self._engine
        line = RawScoreLine(1.0, 0.0)
        shift = 0.0
        self.threshold_ = 0.5
        if held_out:
            singles = [engine.merge([model], 1.0, start) for model in models]
            raw = np.concatenate(
                [
                    engine.raw_score(single, rows, threads)
                    for single, (rows, _, _) in zip(singles, held_out, strict=True)
                ]
            )
            y, weight = _join([h[1] for h in held_out]), _join([h[2] for h in held_out])
            assert y is not None
            if len(singles) > 1:
                some = _some_rows(matrix.shape[0], seed)
                shift = averaging_shift(
                    self.loss_,
                    [engine.raw_score(single, matrix[some], threads) for single in singles],
                    None if all_weight is None else all_weight[some],
                )
            if y.min() < y.max():
                line = recalibrate(self.loss_, y, raw, weight)
                proba = self.loss_.probability(line.slope * raw + line.intercept)
                self.threshold_ = self._choose_threshold(y, proba, weight, metrics, seed)
        if not isinstance(self.threshold, str):
            self.threshold_ = float(self.threshold)
        corrected = line.slope * (start + shift) + line.intercept
        self.booster_ = engine.merge(models, line.slope, corrected)
        gains = engine.feature_gains(self.booster_)
        self.feature_importances_ = gains / gains.sum() if gains.sum() > 0 else gains
        self._warn_if_nothing_learned(gains)

    def _choose_threshold(
        self,
        y: NDArray[Any],
        proba: FloatArray,
        weight: NDArray[Any] | None,
        metrics: Sequence[Metric],
        seed: int,
    ) -> float:
        name = self.threshold if isinstance(self.threshold, str) else "mcc"
        if name == "auto":
            share = np.average(y, weights=weight)
            if min(share, 1 - share) >= BALANCED_SHARE:
                return 0.5
            name = metrics[0].count.name if metrics[0].count is not None else "mcc"
        return choose_threshold(y, proba, name, weight, random_state=seed)

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

    def _watch(
        self,
        metrics: Sequence[Metric],
        held_out: Sequence[HeldOut],
    ) -> Watch | None:
        if not held_out:
            return None
        y, weight = _join([h[1] for h in held_out]), _join([h[2] for h in held_out])
        loss = self.loss_

        def evaluate_all(raw: NDArray[Any]) -> dict[str, float]:
            return evaluate(metrics, loss, y, raw, weight)

        return Watch(metrics, evaluate_all, self.early_stopping_rounds)

    def _read_validation(
        self, validation: tuple[Any, Any, Any]
    ) -> tuple[Any, NDArray[Any], NDArray[Any] | None]:
        X_val, y_val, sample_weight_val = validation
        table = read_table(self, X_val, reset=False)
        labels = read_labels(y_val, table, self.pos_label_, classes=self.classes_, name="y_val")
        weight = read_weight(sample_weight_val, labels.codes.size, "sample_weight_val")
        matrix = self._matrix(self._encoder.transform(table))
        return matrix, labels.is_positive.astype(np.float32), weight

    def _matrix(self, X: Any) -> Any:  # noqa: ANN401  an ndarray or a SciPy matrix
        """Return the matrix as the engine wants it."""
        return X

    def decision_function(self, X: Any) -> FloatArray:  # noqa: ANN401
        """Return the raw score of each row, shape (n,), float64; higher for ``classes_[1]``."""
        raw = self._raw_score(X)
        return raw if self._positive_is_last() else -raw

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: ANN401
        """Return P(class | x) in the data as given, shape (n, 2), in the order of ``classes_``.

        True whatever gamma, alpha or ``scale_pos_weight`` did inside.
        """
        raw = self._raw_score(X)
        positive = self.loss_.probability(raw)
        pair = (1.0 - positive, positive)
        return np.column_stack(pair if self._positive_is_last() else pair[::-1])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return labels, shape (n,): ``pos_label_`` where its probability is >= ``threshold_``."""
        proba = self.predict_proba(X)
        at = int(self._positive_is_last())
        labels: NDArray[Any] = self.classes_[np.where(proba[:, at] >= self.threshold_, at, 1 - at)]
        return labels

    def _raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        matrix = self._matrix(self._encoder.transform(table))
        scores: FloatArray = self._engine.raw_score(
            self.booster_, matrix, resolve_jobs(self.n_jobs)
        )
        return scores

    def _positive_is_last(self) -> bool:
        return bool(self.classes_[1] == self.pos_label_)

    def _check_parameters(self) -> tuple[Metric, ...]:
        check_number("n_estimators", self.n_estimators, low=1, integer=True)
        if self.early_stopping_rounds is not None:
            check_number("early_stopping_rounds", self.early_stopping_rounds, low=1, integer=True)
        if isinstance(self.threshold, str):
            if self.threshold != "auto":
                get_count_metric(self.threshold)
        else:
            check_number("threshold", self.threshold, low=0, high=1)
        names = (self.eval_metric,) if isinstance(self.eval_metric, str) else self.eval_metric
        if not names:
            msg = "eval_metric must name at least one metric, such as 'mcc', got none."
            raise InvalidParameterError(msg)
        return tuple(get_metric(name) for name in names)

    def _warn_if_nothing_learned(self, gains: FloatArray) -> None:
        if gains.sum() <= 0:
            msg = (
                "The trees have no split, so every row gets the same probability. There may be too "
                "few rows for min_child_weight or reg_lambda, or no signal in X."
            )
        elif self.best_iteration_ == 1 and self.n_estimators > 1:
            msg = (
                "Only one round was kept: no later one did better on the held-out rows. Look at "
                "evals_result_; few held-out positives or a high learning_rate are the usual cause."
            )
        else:
            return
        warnings.warn(msg, GbimbWarning, stacklevel=5)

    def _verbosity(self) -> int:
        if self.verbose > 0 and not logger.hasHandlers():
            logger.addHandler(logging.StreamHandler(sys.stderr))
            logger.setLevel(logging.INFO)
        return int(self.verbose)

    def __sklearn_tags__(self) -> Tags:
        """Say what the estimator accepts."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


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
    if X_val is None or y_val is None:
        msg = "X_val and y_val go together, got only one of them."
        raise InvalidDataError(msg)
    return X_val, y_val, weight


def _join(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    arrays = [part for part in parts if part is not None]
    return np.concatenate(arrays) if arrays else None


def _some_rows(n: int, seed: int) -> slice | NDArray[np.intp]:
    if n <= LARGEST_SAMPLE:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(n, LARGEST_SAMPLE, replace=False))


def _take(table: Any, rows: NDArray[np.intp]) -> Any:  # noqa: ANN401
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]
