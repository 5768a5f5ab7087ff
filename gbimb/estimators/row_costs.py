"""Costs of each row, as the methods of estimators take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gbimb.decisions.outcome_costs import COST
from gbimb.decisions.rules import RowCosts
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.tables.parquet.source import ParquetSource
from gbimb.validation import check_row_cost

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.tables.schema import Classes

RowCost: TypeAlias = "ArrayLike | str"
"""A number, one a row, or the name of a column."""


def row_costs(
    classes: Classes, X: Any, n: int, cost_fp: RowCost | None, cost_fn: RowCost | None
) -> RowCosts:
    """Return the rule that decides ``n`` rows of ``X`` by their costs, or raise."""
    check_both(classes.size, cost_fp, cost_fn)
    positive = 0 if classes.swapped else 1
    fp, fn = (
        check_row_cost(_values(X, cost, name), n, name)
        for name, cost in (("cost_fp", cost_fp), ("cost_fn", cost_fn))
    )
    return RowCosts(fp, fn, positive)


def is_cost(metric: object) -> bool:
    """Whether a metric is that of costs of each row."""
    return isinstance(metric, str) and metric == COST


def refuse_costs_beside_source(metric: object, cost_fp: object, cost_fn: object) -> None:
    """Raise if a fit on a source is to serve costs of each row."""
    if is_cost(metric) or cost_fp is not None or cost_fn is not None:
        msg = (
            f"metric={COST!r} with cost_fp and cost_fn needs a table in memory, got a "
            "ParquetSource as X. Read it with pandas.read_parquet, or give the costs to predict "
            "alone."
        )
        raise InvalidParameterError(msg)


def costs_of_fit(
    metric: object, n_classes: int, n: int, cost_fp: RowCost | None, cost_fn: RowCost | None
) -> RowCosts | None:
    """Return the costs of ``n`` rows to train on, of the positive class in column 1, or raise."""
    if not serves_costs(metric, n_classes, cost_fp, cost_fn):
        return None
    fp, fn = (
        check_row_cost(_values(None, cost, name), n, name)
        for name, cost in (("cost_fp", cost_fp), ("cost_fn", cost_fn))
    )
    return RowCosts(fp, fn, 1)


def serves_costs(metric: object, n_classes: int, cost_fp: object, cost_fn: object) -> bool:
    """Whether a fit serves costs of each row; raise if metric and costs do not go together."""
    serves = is_cost(metric)
    if not serves and cost_fp is None and cost_fn is None:
        return False
    if not serves:
        msg = (
            f"cost_fp and cost_fn of fit go with metric={COST!r}, got metric={metric!r:.60}. Set "
            "it, or give the costs to predict alone."
        )
        raise InvalidParameterError(msg)
    if cost_fp is None and cost_fn is None:
        msg = (
            f"metric={COST!r} needs cost_fp and cost_fn in fit, numbers or one for each row, got "
            "neither."
        )
        raise InvalidTypeError(msg)
    check_both(n_classes, cost_fp, cost_fn)
    return True


def check_both(n_classes: int, cost_fp: object, cost_fn: object) -> None:
    """Raise unless both costs are given, for two classes."""
    if n_classes > 2:
        msg = (
            f"cost_fp and cost_fn need two classes, got {n_classes}. For more give "
            "ImbalancedClassifier a matrix of costs as metric."
        )
        raise InvalidParameterError(msg)
    if cost_fp is None or cost_fn is None:
        missing, other = ("cost_fp", "cost_fn") if cost_fp is None else ("cost_fn", "cost_fp")
        msg = f"{missing} is missing: give it with {other}, a number or one for each row."
        raise InvalidTypeError(msg)


def _values(X: Any, cost: Any, name: str) -> Any:
    """Return the values of a column that is named, other costs as they are."""
    if not isinstance(cost, str):
        return cost
    if not isinstance(X, ParquetSource):
        msg = (
            f"{name} must be a number or an array of shape (n,), got the text {cost!r}. Names of "
            "columns go with a ParquetSource; of a data frame give the column itself."
        )
        raise InvalidTypeError(msg)
    X.require_columns([cost])
    return np.concatenate([frame[cost].to_numpy(np.float64) for frame in X.frames([cost])])
