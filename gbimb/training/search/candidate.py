"""One way to train, what was trained that way, and the held-out rows that compare candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.metrics import row_log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts
    from gbimb.model.model import BoosterModel, ForeignMember
    from gbimb.tables.schema import Classes, Schema
    from gbimb.training.search.forest import Forest
    from gbimb.training.search.objective import SearchObjective


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
    """

    candidate: Candidate
    model: BoosterModel | ForeignMember
    proba: FloatArray


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
    """

    schema: Schema
    classes: Classes
    y: NDArray[Any]
    weight: NDArray[Any] | None
    reason: str
    seed: int
    costs: RowCosts | None = None
    groups: IntArray | None = None

    def likelihood(self, proba: FloatArray) -> FloatArray:
        """Return the probability given to the class of each row, shape (m,)."""
        if proba.ndim == 2:
            return proba[np.arange(self.y.size), self.y.astype(np.intp)]
        return np.where(self.y == 1, proba, 1.0 - proba)

    def judge(self, proba: FloatArray, objective: SearchObjective) -> tuple[FloatArray, float]:
        """Return the scores of probabilities, one a bootstrap, and their log loss."""
        if self.y.size == 0:
            return np.empty(0), np.nan
        losses = row_log_loss(np.ones(self.y.size), self.likelihood(proba))
        scores = objective.of_rows(self.costs, self.groups).scores(self.y, proba, self.weight)
        return scores, float(np.average(losses, weights=self.weight))
