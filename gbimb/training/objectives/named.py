"""The objective that a metric's name or a matrix of costs describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.decisions.rules import read_costs
from gbimb.exceptions import GbimbError, InvalidParameterError
from gbimb.metrics import MULTICLASS_METRICS, get_metric, refuse_function
from gbimb.training.objectives.costs import CostObjective, RowCostObjective
from gbimb.training.objectives.scores import CountObjective, MulticlassObjective, RankingObjective

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.training.objectives.base import SearchObjective


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
