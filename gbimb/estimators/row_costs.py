"""Costs of each row, as the methods of estimators take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gbimb.decisions.rules import RowCosts
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.tables.parquet.source import ParquetSource
from gbimb.validation import check_row_cost

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.tables.classes import Classes

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


def check_both(n_classes: int, cost_fp: object, cost_fn: object) -> None:
    """Raise unless both costs are given, for two classes."""
    if n_classes > 2:
        msg = (
            f"cost_fp and cost_fn need two classes, got a model of {n_classes}. For more give "
            "AutoImbalancedClassifier a matrix of costs as metric."
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
