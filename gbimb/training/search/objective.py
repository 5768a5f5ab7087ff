"""What the automatic choice serves: a score, its decision rule, and how candidates compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.rules import read_costs
from gbimb.decisions.threshold import cheapest_threshold, choose_threshold
from gbimb.exceptions import GbimbError, InvalidParameterError
from gbimb.metrics import (
    MULTICLASS_METRICS,
    ConfusionCounts,
    MulticlassCounts,
    get_count_metric,
    get_metric,
    get_multiclass_metric,
    refuse_function,
    threshold_curve,
)
from gbimb.training.held_out.apart import decide_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts

RESAMPLES: Final = 50


class SearchObjective(ABC):
    """A score that the automatic choice serves.

    Attributes
    ----------
    name : str
    watched : str
        What candidates stop on.
    groups : int array of shape (m,) or None
        Of the rows that are judged: whole groups are then drawn, and judge rules that others chose.
    """

    name: str
    watched: str
    groups: IntArray | None = None

    def of_rows(self, costs: RowCosts | None, groups: IntArray | None = None) -> SearchObjective:
        """Return the objective for held-out rows with these costs, in these groups."""
        del costs
        own = copy(self)
        own.groups = groups
        return own

    @abstractmethod
    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return how good held-out probabilities are on 50 bootstraps, higher is better.

        A rule is judged on rows that it was not chosen on. The bootstraps are the same for all
        probabilities of the same rows, so that differences can be taken one by one.
        """

    def score(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> float:
        """Return the mean over the bootstraps."""
        return float(self.scores(y, proba, weight).mean())

    def _bootstraps(self, n: int) -> Iterator[FloatArray]:
        """Yield how often each row is drawn, or each group with all its rows."""
        rng = np.random.default_rng(0)
        groups = np.arange(n) if self.groups is None else self.groups
        for _ in range(RESAMPLES):
            yield rng.poisson(1.0, int(groups.max()) + 1)[groups].astype(np.float64)

    def _means(self, values: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return the mean of each bootstrap."""
        own = np.ones(values.size) if weight is None else weight
        return np.array(
            [np.average(values, weights=t * own) for t in self._bootstraps(values.size)]
        )

    @abstractmethod
    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> Any:  # a threshold or class weights
        """Return the decision rule."""


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
        decided = self._decided_apart(y, proba, weight)
        if decided is None:
            return super().score(y, proba, weight)
        return float(self._metric(ConfusionCounts.from_labels(y.astype(np.intp), decided, weight)))

    def _decided_apart(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None
    ) -> IntArray | None:
        """Return decisions for rows in groups, each by a threshold chosen on others."""
        if self.groups is None or self._metric.has_bound:
            return None
        return decide_apart(self.name, y, proba, weight, self.groups, seed=0)

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> float:
        """Return the threshold."""
        return choose_threshold(y, proba, self.name, weight, random_state=seed)


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

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> FloatArray:
        """Return the weights of the classes."""
        return fit_class_weights(y.astype(np.intp), proba, self.name, weight, random_state=seed)


class CostObjective(SearchObjective):
    """The mean cost of decisions, negative; the least cost to be expected decides (Elkan 2001)."""

    name = "cost"
    watched = "log_loss"

    def __init__(self, costs: FloatArray) -> None:
        self.costs = costs

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return minus the mean costs."""
        both = proba if proba.ndim == 2 else np.column_stack([1.0 - proba, proba])
        return -self._means(self.costs[y.astype(np.intp), self.decisions(both)], weight)

    def decisions(self, proba: FloatArray) -> IntArray:
        """Return the class with the least expected cost, shape (n,)."""
        best: IntArray = np.argmin(proba @ self.costs, axis=1)
        return best

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> Any:  # a threshold or class weights
        """Return the threshold; many classes need the costs themselves."""
        del y, weight, seed
        if proba.ndim == 2:
            return np.ones(proba.shape[1])
        false_alarm = self.costs[0, 1] - self.costs[0, 0]
        return float(false_alarm / (false_alarm + self.costs[1, 0] - self.costs[1, 1]))


class RowCostObjective(SearchObjective):
    """The mean cost of rows that each have their own, negative; each is decided by its own.

    Attributes
    ----------
    costs : RowCosts or None
        Of the rows that are judged.
    """

    name = "cost"
    watched = "log_loss"

    def __init__(self, costs: RowCosts | None = None) -> None:
        self.costs = costs

    def of_rows(self, costs: RowCosts | None, groups: IntArray | None = None) -> SearchObjective:
        """Return the objective for held-out rows with these costs, in these groups."""
        own = RowCostObjective(costs)
        own.groups = groups
        return own

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return minus the mean costs."""
        costs = self._known()
        flagged = costs.decide(np.column_stack([1.0 - proba, proba])) == 1
        wrong = np.where(y == 1, costs.cost_fn, costs.cost_fp)
        return -self._means(np.where(flagged == (y == 1), 0.0, wrong), weight)

    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> float:
        """Return the cheapest threshold, for rows whose costs are not known."""
        del seed
        costs = self._known()
        return cheapest_threshold(y, proba, costs.cost_fp, costs.cost_fn, weight)

    def _known(self) -> RowCosts:
        assert self.costs is not None, "of_rows comes first"
        return self.costs


def make_objective(
    metric: str | ArrayLike, n_classes: int, *, swap: bool = False
) -> SearchObjective:
    """Return the objective that ``metric`` describes.

    Parameters
    ----------
    metric : str or array of shape (K, K)
        A name, "cost" for costs of each row, or a matrix: row i, column j holds the cost of
        predicting class j for a row of class i, in the order of ``classes_``.
    n_classes : int
    swap : bool
        Whether the positive class is the first of two.
    """
    refuse_function("metric", metric)
    if not isinstance(metric, str):
        costs = read_costs(metric, n_classes)
        return CostObjective(costs[::-1, ::-1] if swap else costs)
    if n_classes > 2:
        return MulticlassObjective(metric)
    if metric == RowCostObjective.name:
        return RowCostObjective()
    known = get_metric(metric)
    if known.threshold is not None:
        msg = f"metric must leave the threshold open, got {metric!r}. Leave out '@'."
        raise InvalidParameterError(msg)
    return RankingObjective(metric) if known.count is None else CountObjective(metric)


def check_metric(metric: str | ArrayLike) -> None:
    """Refuse what is a metric neither for two classes nor for more; costs are not looked at."""
    if not isinstance(metric, str):
        return
    try:
        make_objective(metric, 2)
    except GbimbError:
        if metric not in MULTICLASS_METRICS:
            raise
