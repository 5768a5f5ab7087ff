"""The cost of right and wrong predictions at every threshold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidParameterError, unknown_name
from gbimb.plots.statistics import QUANTILES, RESAMPLES, widen_to_include
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.metrics import ConfusionCounts
    from gbimb.plots.statistics import Sweep

OUTCOMES: Final = ("tp", "fp", "fn", "tn")
FORM: Final = "fp=5,fn=100"


def parse_costs(text: str | None) -> dict[str, float] | None:
    """Return the cost of each outcome from text such as "fp=5,fn=100,tp=-20".

    Raises
    ------
    InvalidParameterError
        If it is not of that form, or a wrong prediction costs the same as a right one.

    Examples
    --------
    >>> parse_costs("fp=5, fn=100")
    {'tp': 0.0, 'fp': 5.0, 'fn': 100.0, 'tn': 0.0}
    """
    if text is None:
        return None
    costs: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in re.split("[,;]", text))):
        name, equals, amount = (p.strip() for p in part.partition("="))
        if name.lower() not in OUTCOMES:
            raise unknown_name("costs", name, OUTCOMES)
        try:
            costs[name.lower()] = float(amount)
        except ValueError:
            equals = ""
        if not equals:
            msg = f"costs must be of the form {FORM}, got {part!r}."
            raise InvalidParameterError(msg)
    return check_costs(costs)


def check_costs(costs: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of each outcome, zero where none is given.

    Raises
    ------
    GbimbError
        If a name or a number is invalid, or a wrong prediction costs the same as a right one.
    """
    for name, amount in costs.items():
        if name not in OUTCOMES:
            raise unknown_name("costs", name, OUTCOMES)
        check_number(f"costs[{name!r}]", amount, low_open=True, high_open=True)
    full = {name: float(costs.get(name, 0.0)) for name in OUTCOMES}
    if full["fp"] == full["tn"] and full["fn"] == full["tp"]:
        msg = (
            "costs must differ between right and wrong predictions, for example "
            f"{FORM}, got {dict(costs)}."
        )
        raise InvalidParameterError(msg)
    return full


def cost_of_a_row(costs: dict[str, float], counts: ConfusionCounts) -> Any:
    """Return the mean cost; a float, or an array with one for each threshold."""
    rows = np.maximum(sum(counts.as_tuple()), np.finfo(float).tiny)
    return sum(costs[name] * getattr(counts, name) for name in OUTCOMES) / rows


def saving(costs: dict[str, float], counts: ConfusionCounts) -> Any:
    """Return the negative cost of a row: a score of which more is better."""
    return -cost_of_a_row(costs, counts)


def cost_facts(costs: dict[str, float], sweep: Sweep, threshold: float) -> dict[str, Any]:
    """Return the cost at every threshold with its band, and the cheapest threshold."""
    each = np.asarray(cost_of_a_row(costs, sweep.counts))
    drawn = cost_of_a_row(costs, sweep.resample(RESAMPLES, 0))
    low, high = widen_to_include(each, np.quantile(drawn, QUANTILES, axis=0))
    best = int(np.argmin(each))
    false_alarm, miss = costs["fp"] - costs["tn"], costs["fn"] - costs["tp"]
    facts: dict[str, Any] = {
        "costs": costs,
        "chosen": float(cost_of_a_row(costs, sweep.at(threshold))),
        "least": float(each[best]),
        "least_threshold": float(sweep.thresholds[best]),
        "nobody": float(each[0]),
        "everybody": float(each[-1]),
        # With true probabilities, flagging a row pays from the p on where
        # p * miss = (1 - p) * false_alarm.
        "expected_threshold": (
            false_alarm / (false_alarm + miss) if false_alarm > 0 and miss > 0 else None
        ),
        "curve": {"cost": each, "cost_low": low, "cost_high": high},
    }
    return facts | {"note": _note(facts)}


def _note(cost: dict[str, Any]) -> str:
    given = ", ".join(f"{name} {value:g}" for name, value in cost["costs"].items() if value)
    note = (
        f"Cost of a row: {given}. On average a row costs {cost['chosen']:.3g} at the chosen "
        f"threshold, {cost['nobody']:.3g} if no row is flagged, {cost['everybody']:.3g} if all "
        f"are, and {cost['least']:.3g} at the cheapest threshold, {cost['least_threshold']:.3g}."
    )
    if cost["expected_threshold"] is not None:
        note += (
            f" With true probabilities the cheapest threshold is {cost['expected_threshold']:.3g}."
        )
    return note + " Negative costs are profits." if min(cost["costs"].values()) < 0 else note
