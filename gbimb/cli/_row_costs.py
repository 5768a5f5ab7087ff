"""Costs of each row on the command line: numbers, or columns of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidParameterError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from gbimb.decisions.rules import RowCosts as Rule

OUTCOMES = ("fp", "fn")


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
        costs: dict[str, float | str] = {}
        for part in filter(None, (p.strip() for p in re.split("[,;]", text))):
            name, _, amount = (p.strip() for p in part.partition("="))
            if name.lower() not in OUTCOMES:
                raise unknown_name("--cost", name, OUTCOMES)
            try:
                costs[name.lower()] = float(amount)
            except ValueError:
                costs[name.lower()] = amount
        if costs.keys() != set(OUTCOMES) or "" in costs.values():
            msg = f"--cost must be of the form fp=5,fn=amount, got {text!r}."
            raise InvalidParameterError(msg)
        return cls(**costs)

    @property
    def columns(self) -> list[str]:
        """The columns that are named."""
        return [cost for cost in (self.fp, self.fn) if isinstance(cost, str)]

    def rule(self, model: Any, frame: pd.DataFrame) -> Rule:
        """Return the rule of a table of rows."""
        from gbimb.estimators.row_costs import row_costs
        from gbimb.tables.files.columns import read_weights

        fp, fn = (
            read_weights(frame[cost], "cost") if isinstance(cost, str) else cost
            for cost in (self.fp, self.fn)
        )
        return row_costs(model.model_.classes, frame, len(frame), fp, fn)
