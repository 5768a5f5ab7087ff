"""The cost of right and wrong predictions at every threshold, and of decisions row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.outcome_costs import OUTCOMES, read_outcome_costs
from gbimb.decisions.rules import RowCosts
from gbimb.exceptions import InvalidDataError, InvalidParameterError, unknown_name
from gbimb.json_text import percent
from gbimb.metrics import ConfusionCounts
from gbimb.plots.draws import Clusters, cell_sums
from gbimb.plots.statistics import QUANTILES, Sweep, widen_to_include
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.plots.statistics import Predictions

ERRORS: Final = {"tp": 0.0, "fp": 1.0, "fn": 1.0, "tn": 0.0}


def parse_costs(text: str | None) -> dict[str, float | str] | None:
    """Return the cost of each outcome from text such as "fp=5,fn=amount,tp=-20".

    A cost is a number, or the name of a column with that of each row.

    Raises
    ------
    InvalidParameterError
        If it is not of that form, or a wrong prediction costs the same as a right one.

    Examples
    --------
    >>> parse_costs("fp=5, fn=amount")
    {'tp': 0.0, 'fp': 5.0, 'fn': 'amount', 'tn': 0.0}
    """
    return None if text is None else check_costs(read_outcome_costs("costs", text))


def check_costs(costs: Mapping[str, float | str]) -> dict[str, float | str]:
    """Return the cost of each outcome, zero where none is given.

    Raises
    ------
    GbimbError
        If a name or a number is invalid, or a wrong prediction costs the same as a right one.
    """
    for name, amount in costs.items():
        if name not in OUTCOMES:
            raise unknown_name("costs", name, OUTCOMES)
        if not isinstance(amount, str):
            check_number(f"costs[{name!r}]", amount, low_open=True, high_open=True)
    full: dict[str, float | str] = dict.fromkeys(OUTCOMES, 0.0)
    full |= {name: v if isinstance(v, str) else float(v) for name, v in costs.items()}
    if full["fp"] == full["tn"] and full["fn"] == full["tp"]:
        msg = (
            "costs must differ between right and wrong predictions, for example "
            f"fp=5,fn=100, got {dict(costs)}."
        )
        raise InvalidParameterError(msg)
    return full


def cost_columns(costs: Mapping[str, float | str] | None) -> list[str]:
    """Return the columns that hold costs."""
    return [c for c in (costs or {}).values() if isinstance(c, str)]


@dataclass(frozen=True, eq=False)
class CostCurve:
    """From counts to the mean cost of a row.

    Where columns hold costs, the counts are those of money: a row weighs what its wrong prediction
    costs more than its right one.

    Attributes
    ----------
    given : dict
        The cost of each outcome.
    sweep : Sweep
        Of rows, or of money.
    each : dict
        What each unit of the counts costs.
    right : float
        Mean cost of a row if all predictions are right, if it is not in ``each``.
    total : float or None
        The weight of all rows; None is the sum of the counts.
    stake : float64 array of shape (n,) or None
        What each row weighs in counts of money.
    flagged : bool array of shape (n,) or None
        Which rows their own costs flag.
    """

    given: Mapping[str, float | str]
    sweep: Sweep
    each: dict[str, float]
    right: float = 0.0
    total: float | None = None
    stake: FloatArray | None = None
    flagged: BoolArray | None = None

    @classmethod
    def of(
        cls,
        costs: Mapping[str, float | str] | None,
        values: Mapping[str, FloatArray],
        seen: Predictions,
        sweep: Sweep,
        groups: IntArray | None = None,
    ) -> CostCurve | None:
        """Return the costs of some rows, if any are given; ``values`` are those of columns.

        Raises
        ------
        InvalidDataError
            If a row has a wrong prediction that costs less than its right one.
        """
        if costs is None:
            return None
        if not cost_columns(costs):
            return cls(costs, sweep, {name: float(costs[name]) for name in OUTCOMES})
        fp, fn = more_than_right(costs, values)
        weight = np.ones(seen.y.size) if seen.weight is None else seen.weight.astype(np.float64)
        stake = weight * np.where(seen.y == 1, fn, fp)
        tp, tn = (_cost_of(costs[name], values) for name in ("tp", "tn"))
        right = float(weight @ np.where(seen.y == 1, tp, tn))
        total = float(weight.sum())
        money = money_sweep(sweep, seen, stake, groups)
        rule = RowCosts(np.broadcast_to(fp, weight.shape), np.broadcast_to(fn, weight.shape), 1)
        flagged = rule.decide(np.column_stack([1.0 - seen.proba, seen.proba])) == 1
        return cls(costs, money, ERRORS, right / total, total, stake, flagged)

    def mean(self, counts: ConfusionCounts) -> Any:
        """Return the mean cost; a float, or an array with one for each threshold."""
        spent = sum(self.each[name] * getattr(counts, name) for name in OUTCOMES)
        total = sum(counts.as_tuple()) if self.total is None else self.total
        return self.right + spent / np.maximum(total, np.finfo(float).tiny)

    def saving_of_half(self, counts: ConfusionCounts) -> Any:
        """Return the negative mean cost of a random half of the rows: more is better."""
        half = self if self.total is None else replace(self, total=self.total / 2)
        return -half.mean(counts)


def more_than_right(
    costs: Mapping[str, float | str], values: Mapping[str, FloatArray]
) -> tuple[Any, Any]:
    """Return what flagging a negative row and not flagging a positive one cost more."""
    tp, fp, fn, tn = (_cost_of(costs[name], values) for name in OUTCOMES)
    for wrong, right, more in (("fp", "tn", fp - tn), ("fn", "tp", fn - tp)):
        if np.min(more) < 0:
            bad = "" if np.ndim(more) == 0 else f" in row {int(np.argmin(more)) + 1}"
            msg = (
                f"costs must not be lower for {wrong} than for {right} where a column holds one, "
                f"got {np.min(more):g} less{bad}."
            ).replace("got -", "got ")
            raise InvalidDataError(msg)
    return fp - tn, fn - tp


def _cost_of(cost: float | str, values: Mapping[str, FloatArray]) -> Any:
    return values[cost] if isinstance(cost, str) else float(cost)


def money_sweep(
    sweep: Sweep, seen: Predictions, stake: FloatArray, groups: IntArray | None
) -> Sweep:
    """Return counts of money at the thresholds of a sweep."""
    k = 2 * sweep.thresholds.size
    cells = 2 * np.searchsorted(-sweep.thresholds, -seen.proba) + seen.y
    steps, squares = (sums.reshape(-1, 2) for sums in cell_sums(cells, k, stake))
    clusters = None if groups is None else Clusters.of(groups, cells, stake, k)
    counts = ConfusionCounts.from_steps(steps[:, 1], steps[:, 0])
    return Sweep(sweep.thresholds, counts, squares, clusters)


def cost_facts(curve: CostCurve, seen: Predictions, threshold: float) -> dict[str, Any]:
    """Return the cost at every threshold with its band, and what the model is worth."""
    sweep = curve.sweep
    each = np.asarray(curve.mean(sweep.counts))
    drawn = curve.mean(sweep.resample())
    low, high = widen_to_include(each, np.quantile(drawn, QUANTILES, axis=0))
    best = int(np.argmin(each))
    weight = np.ones(seen.y.size) if seen.weight is None else seen.weight.astype(np.float64)
    without, total = min(float(each[0]), float(each[-1])), float(weight.sum())
    chosen = float(curve.mean(sweep.at(threshold)))
    by_row = None
    if curve.stake is not None and curve.flagged is not None:
        cost = curve.right + float(curve.stake @ (curve.flagged != (seen.y == 1))) / total
        by_row = {
            "flagged": float(np.average(curve.flagged, weights=weight)),
            **_worth(cost, without, total),
        }
    facts: dict[str, Any] = {
        "costs": dict(curve.given),
        "chosen": chosen,
        "least": float(each[best]),
        "least_threshold": float(sweep.thresholds[best]),
        "nobody": float(each[0]),
        "everybody": float(each[-1]),
        "expected_threshold": _expected_threshold(curve),
        **{k: v for k, v in _worth(chosen, without, total).items() if k != "cost"},
        "by_row": by_row,
        "curve": {"cost": each, "cost_low": low, "cost_high": high},
    }
    return facts | {"note": _note(facts)}


def _expected_threshold(curve: CostCurve) -> float | None:
    """Return the p from which on flagging pays: there p * miss = (1 - p) * false alarm."""
    false_alarm = curve.each["fp"] - curve.each["tn"]
    miss = curve.each["fn"] - curve.each["tp"]
    if curve.stake is not None or false_alarm <= 0 or miss <= 0:
        return None
    return false_alarm / (false_alarm + miss)


def _worth(cost: float, without: float, total: float) -> dict[str, Any]:
    """Return the savings of Correa Bahnsen et al. (2015), None of costs <= 0, and the money."""
    savings = 1.0 - cost / without if without > 0 else None
    return {"cost": cost, "savings": savings, "value": total * (without - cost)}


def _note(cost: dict[str, Any]) -> str:
    given = ", ".join(
        f"{name} column {value!r}" if isinstance(value, str) else f"{name} {value:g}"
        for name, value in cost["costs"].items()
        if value
    )
    note = (
        f"Cost of a row: {given}. On average a row costs {cost['chosen']:.3g} at the chosen "
        f"threshold, {cost['nobody']:.3g} if no row is flagged, {cost['everybody']:.3g} if all "
        f"are, and {cost['least']:.3g} at the cheapest threshold, {cost['least_threshold']:.3g}."
    )
    if cost["expected_threshold"] is not None:
        note += (
            f" With true probabilities the cheapest threshold is {cost['expected_threshold']:.3g}."
        )
    note += f" Against the better of flagging no row and all, the chosen threshold {_saved(cost)}."
    if cost["by_row"] is not None:
        note += (
            f" Decided by its own costs a row costs {cost['by_row']['cost']:.3g}, which "
            f"{_saved(cost['by_row'])}."
        )
    numbers = [value for value in cost["costs"].values() if not isinstance(value, str)]
    return note + " Negative costs are profits." if min(numbers, default=0.0) < 0 else note


def _saved(worth: dict[str, Any]) -> str:
    value, savings = worth["value"], worth["savings"]
    verb = "saves" if value >= 0 else "loses"
    share = "" if savings is None else f" ({percent(abs(savings))} of the cost)"
    return f"{verb} {abs(value):,.4g} over all rows{share}"
