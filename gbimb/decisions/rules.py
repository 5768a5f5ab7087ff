"""Decision rules: from the probabilities of the classes to the class that is predicted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import logit

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.validation import as_float

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.guarantees import Guarantee

# Probabilities this near to 0 and 1 have finite log odds.
SMALLEST: Final = float(np.finfo(np.float64).tiny)
LARGEST: Final = 1.0 - float(np.finfo(np.float64).epsneg)
NEAREST: Final = float(
    np.finfo(np.float64).eps
)  # of a row on the threshold; single precision keeps its sign


class Rule(ABC):
    """Predicts a class for each row of probabilities, and says how clearly."""

    @abstractmethod
    def decide(self, proba: FloatArray) -> IntArray:
        """Return the column of ``proba``, shape (n, K), that is predicted for each row, (n,)."""

    @abstractmethod
    def margins(self, proba: FloatArray) -> FloatArray:
        """Return scores that decide as :meth:`decide` does, float64, finite.

        For two classes shape (n,), above 0 where column 1 is predicted and below 0 elsewhere; for
        more shape (n, K), the largest is predicted.
        """


@dataclass(frozen=True)
class Threshold(Rule):
    """Two classes: the positive one where its probability is at least ``value``.

    Attributes
    ----------
    value : float in [0, 1]
    positive : int
        Column of the positive class, 0 or 1.
    guarantee : Guarantee or None
        What the threshold promises, if it was chosen for that.
    """

    value: float
    positive: int
    guarantee: Guarantee | None = None

    def decide(self, proba: FloatArray) -> IntArray:
        """Return the predicted columns."""
        flagged = proba[:, self.positive] >= self.value
        return np.where(flagged, self.positive, 1 - self.positive)

    def margins(self, proba: FloatArray) -> FloatArray:
        """Return the log odds less those of the threshold; rounding never changes the sign."""
        above = _log_odds(proba[:, self.positive]) - _log_odds(self.value)
        margin = above if self.positive else -above
        predicted = self.decide(proba)
        return np.where(predicted == 1, np.maximum(margin, NEAREST), np.minimum(margin, -NEAREST))


@dataclass(frozen=True, eq=False)
class ClassWeights(Rule):
    """The class with the largest product of probability and weight.

    Attributes
    ----------
    weights : float64 array of shape (K,)
        > 0.
    """

    weights: FloatArray

    def decide(self, proba: FloatArray) -> IntArray:
        """Return the predicted columns; the first one of equals."""
        best: IntArray = np.argmax(proba * self.weights, axis=1)
        return best

    def margins(self, proba: FloatArray) -> FloatArray:
        """Return the log of probability times weight."""
        scores: FloatArray = np.log(np.maximum(proba * self.weights, SMALLEST))
        return _with_largest(scores, self.decide(proba))


@dataclass(frozen=True, eq=False)
class Costs(Rule):
    """The class with the least expected cost (Elkan 2001).

    Attributes
    ----------
    matrix : float64 array of shape (K, K)
        Row i, column j: the cost of predicting class j where class i is true.
    """

    matrix: FloatArray

    def decide(self, proba: FloatArray) -> IntArray:
        """Return the predicted columns; the first one of equals."""
        best: IntArray = np.argmin(proba @ self.matrix, axis=1)
        return best

    def margins(self, proba: FloatArray) -> FloatArray:
        """Return minus the expected costs."""
        return -(proba @ self.matrix)


@dataclass(frozen=True, eq=False)
class RowCosts(Rule):
    """Two classes: the one with the least expected cost, by costs that each row has (Elkan 2001).

    A row is flagged where ``p * cost_fn > (1 - p) * cost_fp``, so not where both are equal. A
    right prediction costs 0.

    Attributes
    ----------
    cost_fp, cost_fn : float64 arrays of shape (n,), >= 0
    positive : int
        Column of the positive class, 0 or 1.
    """

    cost_fp: FloatArray
    cost_fn: FloatArray
    positive: int

    def decide(self, proba: FloatArray) -> IntArray:
        """Return the predicted columns."""
        flagged = self._gain(proba) > 0
        return np.where(flagged, self.positive, 1 - self.positive)

    def margins(self, proba: FloatArray) -> FloatArray:
        """Return the expected cost that the prediction of column 1 saves."""
        gain = self._gain(proba)
        margin = gain if self.positive else -gain
        tiny = np.where(self.decide(proba) == 1, SMALLEST, -SMALLEST)
        return np.where(margin == 0, tiny, margin)

    def part(self, rows: slice | IntArray) -> RowCosts:
        """Return the costs of some rows."""
        return replace(self, cost_fp=self.cost_fp[rows], cost_fn=self.cost_fn[rows])

    def _gain(self, proba: FloatArray) -> FloatArray:
        """Return the expected cost that flagging saves."""
        return proba[:, self.positive] * self.cost_fn - proba[:, 1 - self.positive] * self.cost_fp


def read_costs(metric: ArrayLike, n_classes: int) -> FloatArray:
    """Return the costs of decisions, float64 of shape (K, K).

    Raises
    ------
    InvalidParameterError, InvalidDataError
        If these are no costs, or a wrong decision costs no more than the right one.
    """
    try:
        costs = as_float(metric, "metric").astype(np.float64)
    except (InvalidDataError, InvalidTypeError):
        msg = f"metric must be a name or a matrix of costs, got {metric!r:.60}."
        raise InvalidParameterError(msg) from None
    if costs.shape != (n_classes, n_classes) or not np.isfinite(costs).all():
        msg = (
            f"metric must be a name, or costs with {n_classes} rows and columns, one for each "
            f"class, all finite, got {metric!r:.60} of shape {costs.shape}."
        )
        raise InvalidDataError(msg)
    right = np.diagonal(costs)[:, None]
    if not (costs + np.diag(np.full(n_classes, np.inf)) > right).all():
        msg = (
            "metric must hold costs by which each wrong decision costs more than the right one, "
            f"got {metric!r:.60}."
        )
        raise InvalidDataError(msg)
    return costs


def _log_odds(proba: FloatArray | float) -> FloatArray:
    """Return the logit, finite at 0 and 1."""
    odds: FloatArray = logit(np.clip(proba, SMALLEST, LARGEST))
    return odds


def _with_largest(scores: FloatArray, columns: IntArray) -> FloatArray:
    """Return ``scores``, changed where their first largest is not at ``columns``."""
    off = np.flatnonzero(np.argmax(scores, axis=1) != columns)
    scores[off, columns[off]] = np.nextafter(scores[off].max(axis=1), np.inf)
    return scores
