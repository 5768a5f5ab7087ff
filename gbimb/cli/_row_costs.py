"""Costs of each row on the command line: numbers, or columns of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gbimb.decisions.outcome_costs import COST, WRONG, not_of_the_form, read_outcome_costs
from gbimb.exceptions import InvalidParameterError

if TYPE_CHECKING:
    import pandas as pd

    from gbimb.array_types import FloatArray
    from gbimb.decisions.rules import RowCosts as Rule


@dataclass(frozen=True)
class CostOption:
    """What a false positive and a false negative cost: a number or the name of a column each."""

    fp: float | str
    fn: float | str

    @classmethod
    def parse(cls, text: str | None) -> CostOption | None:
        """Return the costs in text such as "fp=5,fn=amount"."""
        if text is None:
            return None
        costs = read_outcome_costs("--cost", text, WRONG)
        if costs.keys() != set(WRONG):
            raise not_of_the_form("--cost", text)
        return cls(**costs)

    @property
    def columns(self) -> list[str]:
        """The columns that are named."""
        return [cost for cost in (self.fp, self.fn) if isinstance(cost, str)]

    def read(self, frame: pd.DataFrame) -> tuple[float | FloatArray, float | FloatArray]:
        """Return both costs of a table of rows."""
        from gbimb.tables.files.columns import read_weights

        fp, fn = (
            read_weights(frame[cost], "cost") if isinstance(cost, str) else cost
            for cost in (self.fp, self.fn)
        )
        return fp, fn

    def rule(self, model: Any, frame: pd.DataFrame) -> Rule:
        """Return the rule of a table of rows."""
        from gbimb.estimators.row_costs import row_costs

        return row_costs(model.model_.classes, frame, len(frame), *self.read(frame))


def costs_of_rows(text: str | None, metric: str) -> CostOption | None:
    """Return the costs that ``gbimb fit`` serves row by row, None where they are a threshold.

    Those are columns, and numbers beside ``--metric cost``.
    """
    if metric == COST and text is None:
        msg = "--metric cost needs --cost with what a wrong prediction costs, such as fp=5,fn=9."
        raise InvalidParameterError(msg)
    if text is None:
        return None
    has_columns = any(isinstance(v, str) for v in read_outcome_costs("--cost", text).values())
    return CostOption.parse(text) if has_columns or metric == COST else None


def serve_costs(model: Any, costs: CostOption | None, metric: str) -> None:
    """Make a model serve costs of each row, or raise where it cannot."""
    if costs is None:
        return
    if "metric" not in model.get_params(deep=False):
        msg = (
            "--cost with a column goes with --estimator blend or auto, got it for a "
            f"{type(model).__name__}. Give the costs to gbimb predict."
        )
        raise InvalidParameterError(msg)
    if metric not in ("mcc", COST):
        msg = (
            "--cost with a column is served instead of a metric, got --metric "
            f"{metric}. Leave one of them out."
        )
        raise InvalidParameterError(msg)
    model.set_params(metric=COST)
