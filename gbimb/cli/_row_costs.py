"""Costs of each row on the command line: numbers, or columns of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gbimb.decisions.outcome_costs import WRONG, not_of_the_form, read_outcome_costs

if TYPE_CHECKING:
    import pandas as pd

    from gbimb.array_types import FloatArray
    from gbimb.decisions.rules import RowCosts as Rule


@dataclass(frozen=True)
class RowCosts:
    """What a false positive and a false negative cost: a number or the name of a column each."""

    fp: float | str
    fn: float | str

    @classmethod
    def parse(cls, text: str | None) -> RowCosts | None:
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
