"""What decisions cost, where each row has costs of its own. A right prediction costs 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.validation import check_binary_labels, check_row_cost, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Totals(NamedTuple):
    """Sums over the rows.

    Attributes
    ----------
    cost : float
        Of the predictions.
    without : float
        Of the better of flagging no row and flagging all.
    weight : float
    """

    cost: float
    without: float
    weight: float


def mean_cost(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the mean cost of a row; lower is better, >= 0.

    Parameters
    ----------
    y_true : array of shape (n,) with values 0 and 1
    y_pred : array of shape (n,) with values 0 and 1
    cost_fp, cost_fn : float or array of shape (n,), >= 0
        What it costs to flag the row if it is negative, and not to flag it if it is positive.
    sample_weight : array of shape (n,), optional

    Raises
    ------
    GbimbError
        If an argument is of the wrong shape or range; also a ValueError or a TypeError.

    References
    ----------
    C. Elkan. The foundations of cost-sensitive learning. 2001.

    Examples
    --------
    >>> mean_cost([1, 1, 0, 0], [1, 0, 1, 0], cost_fp=5, cost_fn=[100, 40, 0, 0])
    11.25
    """
    totals = _totals(y_true, y_pred, cost_fp, cost_fn, sample_weight)
    return totals.cost / totals.weight


def savings_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the share saved of what the better of two simple rules costs; higher is better.

    The rules are to flag no row and to flag all. 1 is no cost at all, 0 is as good as the better
    rule, below 0 is worse; 0 where the better rule costs nothing and the predictions neither,
    minus infinity where only they cost.

    Parameters
    ----------
    y_true : array of shape (n,) with values 0 and 1
    y_pred : array of shape (n,) with values 0 and 1
    cost_fp, cost_fn : float or array of shape (n,), >= 0
        What it costs to flag the row if it is negative, and not to flag it if it is positive.
    sample_weight : array of shape (n,), optional

    Raises
    ------
    GbimbError
        If an argument is of the wrong shape or range; also a ValueError or a TypeError.

    References
    ----------
    A. Correa Bahnsen, D. Aouada, B. Ottersten. Example-dependent cost-sensitive decision trees.
    2015. doi:10.1016/j.eswa.2015.04.042.

    Examples
    --------
    >>> savings_score([1, 1, 0, 0], [1, 1, 1, 0], cost_fp=5, cost_fn=100)
    0.5
    """
    cost, without, _ = _totals(y_true, y_pred, cost_fp, cost_fn, sample_weight)
    if without == 0:
        return 0.0 if cost == 0 else float("-inf")
    return 1.0 - cost / without


def cost_saved(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the value of predictions in the currency of the costs; higher is better.

    What all rows cost under the better of two simple rules, to flag no row or to flag all, less
    what they cost under the predictions.

    Parameters
    ----------
    y_true : array of shape (n,) with values 0 and 1
    y_pred : array of shape (n,) with values 0 and 1
    cost_fp, cost_fn : float or array of shape (n,), >= 0
        What it costs to flag the row if it is negative, and not to flag it if it is positive.
    sample_weight : array of shape (n,), optional

    Raises
    ------
    GbimbError
        If an argument is of the wrong shape or range; also a ValueError or a TypeError.

    Examples
    --------
    >>> cost_saved([1, 1, 0, 0], [1, 1, 1, 0], cost_fp=5, cost_fn=100)
    5.0
    """
    cost, without, _ = _totals(y_true, y_pred, cost_fp, cost_fn, sample_weight)
    return without - cost


def _totals(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike,
    sample_weight: ArrayLike | None,
) -> Totals:
    y, flagged = check_binary_labels(y_true) == 1, check_binary_labels(y_pred, "y_pred") == 1
    if flagged.shape != y.shape or not y.size:
        msg = (
            "y_true and y_pred must have the same number of rows, at least one, got "
            f"{y.size} and {flagged.size}."
        )
        raise InvalidDataError(msg)
    given = check_weight(sample_weight, y.size)
    weight = np.ones(y.size) if given is None else given.astype(np.float64)
    fp = np.where(y, 0.0, check_row_cost(cost_fp, y.size, "cost_fp"))
    fn = np.where(y, check_row_cost(cost_fn, y.size, "cost_fn"), 0.0)
    return Totals(
        cost=float(weight @ np.where(flagged, fp, fn)),
        without=min(float(weight @ fp), float(weight @ fn)),
        weight=float(weight.sum()),
    )
