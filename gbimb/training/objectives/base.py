"""A score that decisions serve, the rule for it, and how candidates compare by it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts

RESAMPLES: Final = 50


class SearchObjective(ABC):
    """A score that decisions serve.

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

    def take(self, rows: IntArray) -> SearchObjective:
        """Return the objective for some of the held-out rows."""
        del rows
        return self

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

    def score_apart(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int = 0
    ) -> float | None:
        """Return the score of all rows, in groups, by rules that other groups chose; None if none.

        Of objectives without groups, or whose rule no row chooses, there is none.
        """
        del y, proba, weight, seed
        return None

    @abstractmethod
    def decide(
        self, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None, seed: int
    ) -> Any:  # a threshold or class weights
        """Return the decision rule."""

    @abstractmethod
    def score_decided(
        self, y: NDArray[Any], proba: FloatArray, rule: FloatArray, weight: NDArray[Any] | None
    ) -> float:
        """Return how good the decisions are that a rule makes, which each row has its own of."""
