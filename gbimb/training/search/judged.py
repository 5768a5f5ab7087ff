"""Rows held out from every candidate: what compares and blends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.metrics import row_log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.decisions.rules import RowCosts
    from gbimb.tables.classes import Classes
    from gbimb.tables.schema import Schema
    from gbimb.training.search.objective import SearchObjective


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
    """

    schema: Schema
    classes: Classes
    y: NDArray[Any]
    weight: NDArray[Any] | None
    reason: str
    seed: int
    costs: RowCosts | None = None

    def likelihood(self, proba: FloatArray) -> FloatArray:
        """Return the probability given to the class of each row, shape (m,)."""
        if proba.ndim == 2:
            found: FloatArray = proba[np.arange(self.y.size), self.y.astype(np.intp)]
            return found
        return np.where(self.y == 1, proba, 1.0 - proba)

    def judge(self, proba: FloatArray, objective: SearchObjective) -> tuple[FloatArray, float]:
        """Return the scores of probabilities, one a bootstrap, and their log loss."""
        if self.y.size == 0:
            return np.empty(0), np.nan
        losses = row_log_loss(np.ones(self.y.size), self.likelihood(proba))
        scores = objective.of_rows(self.costs).scores(self.y, proba, self.weight)
        return scores, float(np.average(losses, weights=self.weight))
