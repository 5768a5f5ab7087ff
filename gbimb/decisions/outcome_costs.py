"""Costs of the outcomes of a row as text, such as "fp=5,fn=amount"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gbimb.exceptions import InvalidParameterError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTCOMES: Final = ("tp", "fp", "fn", "tn")
WRONG: Final = ("fp", "fn")
COST: Final = "cost"
"""The metric of rows that each have their own costs."""


def read_outcome_costs(
    name: str, text: str, outcomes: Sequence[str] = OUTCOMES
) -> dict[str, float | str]:
    """Return the cost of each outcome in the text: a number, or the name of a column.

    Raises
    ------
    InvalidParameterError
        If it is not of that form; ``name`` is what the text is called.

    Examples
    --------
    >>> read_outcome_costs("costs", "fp=5, fn=amount")
    {'fp': 5.0, 'fn': 'amount'}
    """
    costs: dict[str, float | str] = {}
    for part in filter(None, (p.strip() for p in re.split("[,;]", text))):
        outcome, _, amount = (p.strip() for p in part.partition("="))
        if outcome.lower() not in outcomes:
            raise unknown_name(name, outcome, outcomes)
        if not amount:
            raise not_of_the_form(name, text)
        try:
            costs[outcome.lower()] = float(amount)
        except ValueError:
            costs[outcome.lower()] = amount
    return costs


def not_of_the_form(name: str, text: str) -> InvalidParameterError:
    """Return the error of a text that holds no costs."""
    return InvalidParameterError(
        f"{name} must be of the form fp=5,fn=100, numbers or names of columns, got {text!r}."
    )
