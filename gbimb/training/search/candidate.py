"""One way to train, what was trained that way, and the held-out rows that compare candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.metrics import row_log_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts
    from gbimb.model.model import BoosterModel, ForeignMember
    from gbimb.tables.schema import Classes, Schema
    from gbimb.training.backtest import Backtest, Step
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.forest import Forest


@dataclass(frozen=True)
class Candidate:
    """One way to train.

    Attributes
    ----------
    name : str
        In words.
    estimator : a boosting estimator
        Not fitted.
    drawn : float or None
        Rows of a common class for each row of the rarest, at least 50, drawn anew for each bag;
        None is all.
    bags : int
        Boosters of each fold.
    forest : Forest or None
        Of a forest, how its trees grow; ``estimator`` then only keeps it.
    ordered : bool
        Whether trees split categories by their order, as numbers.
    foreign : bool
        Whether ``estimator`` is a classifier of another package.
    pairs : bool
        Whether trees see differences and ratios of the strongest columns, too.
    """

    name: str
    estimator: Any
    drawn: float | None = None
    bags: int = 1
    forest: Forest | None = None
    ordered: bool = False
    foreign: bool = False
    pairs: bool = False


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """A fitted candidate, and the probabilities of rows that did not train them.

    Attributes
    ----------
    candidate : Candidate
    model : BoosterModel or ForeignMember
    proba : float64 array of shape (m,) or (m, K)
        Of the held-out rows, rising by row.
    as_of : tuple of float64 arrays
        The same as they were at each step of a test in time.
    """

    candidate: Candidate
    model: BoosterModel | ForeignMember
    proba: FloatArray
    as_of: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Labels of the rows that all candidates have predicted, and the table that they are of.

    Attributes
    ----------
    schema : Schema
    classes : Classes
    y : float32 array of shape (m,)
        Targets; none where there are too few rows to hold any out.
    weight : array of shape (m,) or None
    reason : str
        Why these rows.
    seed : int
    costs : RowCosts or None
        What each of the rows costs, if that is known.
    groups : int array of shape (m,) or None
        Of the rows, where whole groups are held out.
    backtest : Backtest or None
        Of rows that were held out in blocks by time.
    """

    schema: Schema
    classes: Classes
    y: NDArray[Any]
    weight: NDArray[Any] | None
    reason: str
    seed: int
    costs: RowCosts | None = None
    groups: IntArray | None = None
    backtest: Backtest | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the test in time; none without one."""
        return () if self.backtest is None else self.backtest.steps

    def known(self, at: int | None) -> tuple[Any, NDArray[Any] | None]:
        """Return the rows before the block of a step, and their weights; None is all of them."""
        if at is None:
            return slice(None), self.weight
        return self.steps[at].past, self.steps[at].weight

    def likelihood(self, proba: FloatArray) -> FloatArray:
        """Return the probability given to the class of each row, shape (m,)."""
        if proba.ndim == 2:
            return proba[np.arange(self.y.size), self.y.astype(np.intp)]
        return np.where(self.y == 1, proba, 1.0 - proba)

    def judge(
        self, fitted: CrossFitted, objective: SearchObjective
    ) -> tuple[FloatArray, float, float]:
        """Return the scores of probabilities, one a bootstrap, the score, and their log loss."""
        if self.y.size == 0:
            return np.empty(0), np.nan, np.nan
        losses = row_log_loss(np.ones(self.y.size), self.likelihood(fitted.proba))
        objective = objective.of_rows(self.costs, self.groups)
        scores = objective.scores(self.y, fitted.proba, self.weight)
        later = self.later_score(fitted.as_of, objective)
        score = float(scores.mean()) if later is None else later
        return scores, score, float(np.average(losses, weights=self.weight))

    def later_score(self, as_of: Sequence[FloatArray], objective: SearchObjective) -> float | None:
        """Return the score of the test in time, of probabilities at its steps; None without one."""
        if self.backtest is None or not self.steps:
            return None
        return self.backtest.score(objective, self.y, as_of, self.seed)
