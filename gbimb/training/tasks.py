"""What differs between two classes and many: loss, metrics, correction and decision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gbimb.decisions.calibration import Correction, no_correction
from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.guarantees import check_confidence, promise_of_models
from gbimb.decisions.prior import averaging_shift, match_class_shares, match_share, recalibrate
from gbimb.decisions.threshold import choose_threshold
from gbimb.exceptions import InvalidDataError, InvalidParameterError, unknown_name
from gbimb.metrics import (
    MULTICLASS_METRICS,
    ConfusionCounts,
    Metric,
    MulticlassCounts,
    evaluate,
    evaluate_multiclass,
    get_count_metric,
    get_metric,
    get_multiclass_metric,
    get_searched_metric,
    parse_bound,
)
from gbimb.training.boosting import TIE_BREAKER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray
    from gbimb.decisions.guarantees import Guarantee
    from gbimb.losses import BinaryLoss, MulticlassLoss
    from gbimb.training.rows import EngineTable, Fold

T = TypeVar("T")

# With classes this near to equal shares, the most probable class is the decision to expect.
BALANCED_SHARE = 0.8


def _named(parameter: str, lookup: Callable[[str], T], name: str) -> T:
    """Look a metric up, and name the parameter if there is none."""
    try:
        return lookup(name)
    except InvalidParameterError as error:
        msg = f"{parameter}: {str(error).removeprefix('metric: ')}"
        raise InvalidParameterError(msg) from None


class Task(ABC):
    """Learning one loss, watched by some metrics.

    Attributes
    ----------
    loss : a loss
        What the trees minimise.
    link : a loss
        From raw scores to probabilities: ``loss``, or for trees on rows drawn by class the one
        that takes the shift of the drawing out again.
    metrics : tuple of Metric
        What was asked for; the first one stops training.
    watched : tuple of Metric
        The same, and the log loss to choose among rounds that are as good. It says nothing of a
        loss that makes scores extreme after a warm start.
    """

    loss: BinaryLoss | MulticlassLoss
    link: BinaryLoss | MulticlassLoss
    metrics: tuple[Metric, ...]
    watched: tuple[Metric, ...]

    @abstractmethod
    def evaluate(
        self, y: NDArray[Any], raw: NDArray[Any], weight: NDArray[Any] | None
    ) -> dict[str, float]:
        """Return the value of each metric at these raw scores."""

    @abstractmethod
    def likelihood(self, y: NDArray[Any], raw: FloatArray) -> FloatArray:
        """Return the probability that raw scores give to the class of each row, shape (n,)."""

    @abstractmethod
    def averaging_shift(
        self,
        raw_scores: Sequence[FloatArray],
        weight: NDArray[Any] | None,
        shares: ArrayLike | None = None,
    ) -> FloatArray:
        """Return what the mean of several boosters' raw scores lacks."""

    @abstractmethod
    def correct(self, y: NDArray[Any], raw: FloatArray, weight: NDArray[Any] | None) -> Correction:
        """Return the correction of raw scores that held-out rows ask for."""

    @abstractmethod
    def recentre(
        self, raw: FloatArray, share: FloatArray, weight: NDArray[Any] | None
    ) -> FloatArray:
        """Return what to add to raw scores so that the mean probability of class k is share k."""

    @abstractmethod
    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> Any:  # a threshold or class weights
        """Return the decision rule that held-out rows ask for."""

    @abstractmethod
    def score(self, y: NDArray[Any], predicted: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return the score of decisions, of the metric that the decision rule serves."""

    @abstractmethod
    def judged_apart(self, y: NDArray[Any], weight: NDArray[Any] | None, *, rule: bool) -> str:
        """Return the name of the first metric, or of what the decision rule serves.

        "" where held-out rows do not choose the decisions that it scores.
        """

    @abstractmethod
    def undecided(self) -> Any:
        """Return the decision rule where no row was held out."""

    def no_correction(self) -> Correction:
        """Return that raw scores stay as they are."""
        return no_correction(self.loss.n_outputs)

    def start(self, data: EngineTable, folds: Sequence[Fold]) -> FloatArray:
        """Return the raw score to start from, shape (number of raw scores,)."""
        parts = [fold.train for fold in folds if fold.train is not None]
        # Of all folds: the first one may lack a class that has a single row.
        rows = np.concatenate(parts) if parts else slice(None)
        weight = None if data.weight is None else data.weight[rows]
        return np.atleast_1d(np.asarray(self.loss.init_score(data.y[rows], weight)))


class BinaryTask(Task):
    """Two classes: a threshold on the probability of the positive one."""

    loss: BinaryLoss
    link: BinaryLoss

    def __init__(
        self,
        loss: BinaryLoss,
        metrics: Sequence[str],
        threshold: float | str,
        confidence: float | None = None,
    ) -> None:
        self.loss = self.link = loss
        self.metrics = tuple(_named("eval_metric", get_metric, name) for name in metrics)
        self.watched = _with_tie_breaker(self.metrics, loss, get_metric(TIE_BREAKER))
        self._threshold, self._confidence, self._bound = threshold, confidence, None
        if isinstance(threshold, str):
            self._bound = _named("threshold", parse_bound, threshold)
        check_confidence(confidence, threshold)
        if isinstance(threshold, str) and threshold != "auto" and self._bound is None:
            _named("threshold", get_searched_metric, threshold)

    def evaluate(
        self, y: NDArray[Any], raw: NDArray[Any], weight: NDArray[Any] | None
    ) -> dict[str, float]:
        """Return the value of each metric at these raw scores."""
        return evaluate(self.watched, self.link, y, raw, weight)

    def likelihood(self, y: NDArray[Any], raw: FloatArray) -> FloatArray:
        """Return the probability that raw scores give to the class of each row, shape (n,)."""
        proba = self.link.probability(raw)
        return np.where(y == 1, proba, 1.0 - proba)

    def averaging_shift(
        self,
        raw_scores: Sequence[FloatArray],
        weight: NDArray[Any] | None,
        shares: ArrayLike | None = None,
    ) -> FloatArray:
        """Return what the mean of several boosters' raw scores lacks, shape (1,)."""
        return np.array([averaging_shift(self.link, raw_scores, weight, shares)])

    def correct(self, y: NDArray[Any], raw: FloatArray, weight: NDArray[Any] | None) -> Correction:
        """Return slope and intercept; none where only one class is held out."""
        if y.min() == y.max():
            return self.no_correction()
        line = recalibrate(self.link, y, raw, weight)
        return Correction(line.slope, np.array([line.intercept]))

    def recentre(
        self, raw: FloatArray, share: FloatArray, weight: NDArray[Any] | None
    ) -> FloatArray:
        """Return the shift, shape (1,); ``share`` is of the negative and the positive class."""
        return np.array([match_share(self.link, raw, float(share[1]), weight)])

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> float | Guarantee:
        """Return the threshold, as a guarantee where a rule has a confidence."""
        if not isinstance(self._threshold, str):
            return float(self._threshold)
        if self._bound is not None and self._confidence is not None:
            return promise_of_models(y, proba, self._bound, self._confidence, weight)
        if y.min() == y.max() or (self._threshold == "auto" and is_balanced(y, weight, 2)):
            return 0.5
        return choose_threshold(y, proba, self._served, weight, random_state=seed)

    @property
    def _served(self) -> str:
        """Name of the score that the threshold serves."""
        if self._bound is not None:
            return self._bound.metric
        if isinstance(self._threshold, str) and self._threshold != "auto":
            return self._threshold
        first = self.metrics[0].count
        return "mcc" if first is None or first.is_one_sided else first.name

    def score(self, y: NDArray[Any], predicted: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return the score of decisions in {0, 1}."""
        counts = ConfusionCounts.from_labels(y, predicted, weight)
        return float(get_count_metric(self._served)(counts))

    def judged_apart(self, y: NDArray[Any], weight: NDArray[Any] | None, *, rule: bool) -> str:
        """Return the name of a score that a threshold serves."""
        metric, fixed = self.metrics[0].count, self.metrics[0].threshold is not None
        if rule:
            metric, given = get_count_metric(self._served), self._threshold
            fixed = not isinstance(given, str) or self._confidence is not None
            fixed |= given == "auto" and is_balanced(y, weight, 2)
        return "" if metric is None or fixed or metric.has_bound else metric.name

    def undecided(self) -> float:
        """Return the threshold given, or 0.5; raise where a rule was to be promised."""
        if self._confidence is not None:
            msg = (
                f"confidence={self._confidence!r} needs held-out rows to choose the threshold on, "
                "got too few rows to hold any out. Give more rows of the rarer class, X_val and "
                "y_val to fit, or leave confidence out."
            )
            raise InvalidDataError(msg)
        return 0.5 if isinstance(self._threshold, str) else float(self._threshold)


class MulticlassTask(Task):
    """More than two classes: weights of the classes, and the largest weighted probability."""

    loss: MulticlassLoss
    link: MulticlassLoss

    def __init__(
        self,
        loss: MulticlassLoss,
        metrics: Sequence[str],
        threshold: float | str,
        confidence: float | None = None,
    ) -> None:
        if confidence is not None:
            msg = (
                f"confidence must be None for more than two classes, got {confidence!r}: they have "
                "no threshold to promise anything of."
            )
            raise InvalidParameterError(msg)
        self.loss = self.link = loss
        self.metrics = tuple(_named("eval_metric", get_multiclass_metric, name) for name in metrics)
        self.watched = _with_tie_breaker(self.metrics, loss, get_multiclass_metric(TIE_BREAKER))
        if not isinstance(threshold, str):
            msg = (
                "threshold must be 'auto', 'mcc', 'f1' or 'balanced_accuracy' for more than two "
                f"classes, got {threshold!r}."
            )
            raise InvalidParameterError(msg)
        first = self.metrics[0].name.removesuffix("@argmax")
        served = "mcc" if first == "log_loss" else first
        self._auto = threshold == "auto"
        self._metric = served if self._auto else threshold
        if self._metric not in MULTICLASS_METRICS:
            raise unknown_name("threshold", threshold, ["auto", *MULTICLASS_METRICS])

    def evaluate(
        self, y: NDArray[Any], raw: NDArray[Any], weight: NDArray[Any] | None
    ) -> dict[str, float]:
        """Return the value of each metric at these raw scores."""
        return evaluate_multiclass(self.watched, self.link, y, raw, weight)

    def likelihood(self, y: NDArray[Any], raw: FloatArray) -> FloatArray:
        """Return the probability that raw scores give to the class of each row, shape (n,)."""
        return self.link.probability(raw)[np.arange(y.size), y.astype(np.intp)]

    def averaging_shift(
        self,
        raw_scores: Sequence[FloatArray],
        weight: NDArray[Any] | None,
        shares: ArrayLike | None = None,
    ) -> FloatArray:
        """Return what the mean of several boosters' raw scores lacks, shape (K,)."""
        probabilities = [self.link.probability(raw) for raw in raw_scores]
        mean = partial(np.average, axis=0, weights=shares)
        target = np.average(mean(probabilities), axis=0, weights=weight)
        return match_class_shares(self.link, mean(raw_scores), target, weight)

    def correct(self, y: NDArray[Any], raw: FloatArray, weight: NDArray[Any] | None) -> Correction:
        """Return an intercept for each class that makes mean probability and share agree."""
        share = np.bincount(y.astype(np.intp), weight, raw.shape[1])
        return Correction(1.0, self.recentre(raw, share / share.sum(), weight))

    def recentre(
        self, raw: FloatArray, share: FloatArray, weight: NDArray[Any] | None
    ) -> FloatArray:
        """Return the shifts, shape (K,)."""
        return match_class_shares(self.link, raw, share, weight)

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> FloatArray:
        """Return the weights of the classes, shape (K,)."""
        if self._auto and is_balanced(y, weight, self.loss.n_outputs):
            return self.undecided()
        return fit_class_weights(y.astype(np.intp), proba, self._metric, weight, random_state=seed)

    def score(self, y: NDArray[Any], predicted: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return the score of decided class codes."""
        counts = MulticlassCounts.from_labels(y, predicted, self.loss.n_outputs, weight)
        return float(MULTICLASS_METRICS[self._metric](counts))

    def judged_apart(self, y: NDArray[Any], weight: NDArray[Any] | None, *, rule: bool) -> str:
        """Return the name of a score that class weights serve."""
        if rule and self._auto and is_balanced(y, weight, self.loss.n_outputs):
            return ""
        name = self._metric if rule else self.metrics[0].name
        return name if name in MULTICLASS_METRICS else ""

    def undecided(self) -> FloatArray:
        """Return equal weights: the most probable class."""
        return np.ones(self.loss.n_outputs)


def _with_tie_breaker(
    metrics: tuple[Metric, ...], loss: BinaryLoss | MulticlassLoss, log_loss: Metric
) -> tuple[Metric, ...]:
    open_to_it = loss.pointwise and metrics[0].greater_is_better
    return (*metrics, log_loss) if open_to_it and log_loss not in metrics else metrics


def is_balanced(y: NDArray[Any], weight: NDArray[Any] | None, n_classes: int) -> bool:
    """Return whether all classes have about the same weight."""
    totals = np.bincount(y.astype(np.intp), weights=weight, minlength=n_classes)
    return bool(totals.min() / totals.sum() >= BALANCED_SHARE / n_classes)
