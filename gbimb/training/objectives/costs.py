"""The mean cost of decisions, by a matrix or of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.threshold import cheapest_threshold
from gbimb.training.objectives.base import SearchObjective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts


class CostObjective(SearchObjective):
    """The mean cost of decisions, negative; the least cost to be expected decides (Elkan 2001)."""

    name = "cost"
    watched = "log_loss"

    def __init__(self, costs: FloatArray) -> None:
        self.costs = costs

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return minus the mean costs."""
        return -self._means(self._costs(y, proba), weight)

    def _costs(self, y: NDArray[Any], proba: FloatArray) -> FloatArray:
        """Return what the decision on each row costs."""
        both = proba if proba.ndim == 2 else np.column_stack([1.0 - proba, proba])
        costs: FloatArray = self.costs[y.astype(np.intp), self.decisions(both)]
        return costs

    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return minus the mean cost; the costs are the rule."""
        del rule
        return -float(np.average(self._costs(y, proba), weights=weight))

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

    def take(self, rows: IntArray) -> SearchObjective:
        """Return the objective for some of the held-out rows."""
        return RowCostObjective(self._known().part(rows))

    def scores(self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> FloatArray:
        """Return minus the mean costs."""
        return -self._means(self._costs(y, proba), weight)

    def _costs(self, y: NDArray[Any], proba: FloatArray) -> FloatArray:
        """Return what the decision on each row costs."""
        costs = self._known()
        flagged = costs.decide(np.column_stack([1.0 - proba, proba])) == 1
        wrong = np.where(y == 1, costs.cost_fn, costs.cost_fp)
        return np.where(flagged == (y == 1), 0.0, wrong)

    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return minus the mean cost; each row is decided by its own costs."""
        del rule
        return -float(np.average(self._costs(y, proba), weights=weight))

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
