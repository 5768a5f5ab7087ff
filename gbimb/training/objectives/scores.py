"""Scores from counts, of probabilities, and of more than two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.threshold import choose_threshold
from gbimb.exceptions import InvalidParameterError
from gbimb.metrics import (
    MULTICLASS_METRICS,
    ConfusionCounts,
    MulticlassCounts,
    get_count_metric,
    get_metric,
    get_multiclass_metric,
    threshold_curve,
)
from gbimb.training.held_out.apart import decide_apart
from gbimb.training.objectives.base import RESAMPLES, SearchObjective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray


class CountObjective(SearchObjective):
    """Two classes: a score from confusion counts, such as MCC."""

    def __init__(self, name: str) -> None:
        self._metric = get_count_metric(name)
        self.name = self.watched = name
        # A bound that held where the threshold was chosen fails on about half of other rows, by
        # a hair: such a score is compared at its best.
        if self._metric.has_bound:
            self.watched = "average_precision"

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return the score of each bootstrap's threshold on the rows that it did not draw.

        Of groups the thresholds are chosen on other groups, once.
        """
        decided = self._decided_apart(y, proba, weight)
        if decided is not None:
            own = np.ones(y.size) if weight is None else weight
            codes = y.astype(np.intp)
            counts = [
                ConfusionCounts.from_labels(codes, decided, times * own)
                for times in self._bootstraps(y.size)
            ]
            return np.array([float(self._metric(found)) for found in counts])
        order = np.argsort(-proba, kind="stable")
        last = np.append(np.diff(proba[order]) != 0, True)  # thresholds are between ties
        mass = np.ones(y.size) if weight is None else weight[order].astype(np.float64)
        positive, negative = mass * (y[order] == 1), mass * (y[order] != 1)
        scores = np.empty(RESAMPLES)
        for i, times in enumerate(self._bootstraps(y.size)):
            drawn = times[order]
            values = self._metric(ConfusionCounts.from_steps(drawn * positive, drawn * negative))
            at = int(np.argmax(np.where(last, values, -np.inf)))
            left = drawn if self._metric.has_bound else drawn == 0
            judged = ConfusionCounts.from_steps(left * positive, left * negative)
            scores[i] = self._metric(judged.at(at))
        return scores

    def score(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> float:
        """Return the mean over the bootstraps; of groups the score of all their rows."""
        apart = self.score_apart(y, proba, weight)
        return super().score(y, proba, weight) if apart is None else apart

    def score_apart(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int = 0
    ) -> float | None:
        """Return the score by thresholds that other groups chose; None without such."""
        decided = self._decided_apart(y, proba, weight, seed)
        if decided is None:
            return None
        return float(self._metric(ConfusionCounts.from_labels(y.astype(np.intp), decided, weight)))

    def _decided_apart(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int = 0
    ) -> IntArray | None:
        """Return decisions for rows in groups, each by a threshold chosen on others."""
        if self.groups is None or self._metric.has_bound:
            return None
        return decide_apart(self.name, y, proba, weight, self.groups, seed=seed)

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> float:
        """Return the threshold."""
        return choose_threshold(y, proba, self.name, weight, random_state=seed)

    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return the score of the thresholds."""
        return float(self._metric(ConfusionCounts.from_labels(y, proba >= rule, weight)))


class RankingObjective(SearchObjective):
    """Two classes: an area or a proper score of the probabilities; the threshold serves MCC."""

    def __init__(self, name: str) -> None:
        self._metric = get_metric(name)
        self.name = self.watched = name

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return the scores; the log loss and the Brier score with their sign changed."""
        area, proper = self._metric.area, self._metric.proper
        if proper is not None:
            return -self._means(proper(y, proba), weight)
        assert area is not None, "it is one or the other"
        own = np.ones(y.size) if weight is None else weight
        return np.array(
            [area(threshold_curve(y, proba, t * own)) for t in self._bootstraps(y.size)]
        )

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> float:
        """Return the threshold."""
        return choose_threshold(y, proba, "mcc", weight, random_state=seed)

    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return the score of the probabilities, whatever the rule."""
        del rule
        area, proper = self._metric.area, self._metric.proper
        if proper is not None:
            return -float(np.average(proper(y, proba), weights=weight))
        assert area is not None, "it is one or the other"
        return float(area(threshold_curve(y, proba, weight)))


class MulticlassObjective(SearchObjective):
    """More than two classes: R_K, macro F1 or balanced accuracy."""

    def __init__(self, name: str) -> None:
        self.name = self.watched = get_multiclass_metric(name).name
        if name not in MULTICLASS_METRICS:
            msg = f"metric must be one of {[*MULTICLASS_METRICS]} for many classes, got {name!r}."
            raise InvalidParameterError(msg)

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return the scores of two halves, each decided by class weights fitted on the other."""
        codes = y.astype(np.intp)
        predicted = None
        if self.groups is not None:
            predicted = decide_apart(self.name, y, proba, weight, self.groups, seed=0)
        if predicted is None:
            half = np.random.default_rng(0).random(y.size) < 0.5
            predicted = np.empty(y.size, np.intp)
            for chosen in (half, ~half):
                some = None if weight is None else weight[chosen]
                rule = fit_class_weights(
                    codes[chosen], proba[chosen], self.name, some, random_state=0
                )
                predicted[~chosen] = np.argmax(proba[~chosen] * rule, axis=1)
        own = np.ones(y.size) if weight is None else weight
        metric, k = MULTICLASS_METRICS[self.name], proba.shape[1]
        return np.array(
            [
                metric(MulticlassCounts.from_labels(codes, predicted, k, times * own))
                for times in self._bootstraps(y.size)
            ]
        )

    def score_apart(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int = 0
    ) -> float | None:
        """Return the score by class weights that other groups chose; None without such."""
        if self.groups is None:
            return None
        decided = decide_apart(self.name, y, proba, weight, self.groups, seed=seed)
        if decided is None:
            return None
        counts = MulticlassCounts.from_labels(y.astype(np.intp), decided, proba.shape[1], weight)
        return float(MULTICLASS_METRICS[self.name](counts))

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> FloatArray:
        """Return the weights of the classes."""
        return fit_class_weights(y.astype(np.intp), proba, self.name, weight, random_state=seed)

    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return the score of the weights."""
        predicted = np.argmax(proba * rule, axis=1)
        counts = MulticlassCounts.from_labels(y, predicted, proba.shape[1], weight)
        return float(MULTICLASS_METRICS[self.name](counts))
