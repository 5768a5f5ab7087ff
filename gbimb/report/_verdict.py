"""The outcome in two sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

CHANCE: Final = 1.96
"""Standard deviations that chance explains."""
WIDEST: Final = 0.25
"""Half the interval of expected to found rows that lets one speak of trust; of a rare class about
60 rows are that sure."""
CANNOT_EXCLUDE: Final = "; that it is no better than chance cannot be excluded"


@dataclass(frozen=True)
class Finding:
    """What the second sentence is about.

    Attributes
    ----------
    expected, found, spread : float
        Positives by the sum of the probabilities, those that there are, and the standard
        deviation of their number if the probabilities are true.
    error : float
        The standard error of the ratio of expected to found, whatever the probabilities are.
    best : float
        The threshold with the highest MCC of these rows, or with the least cost.
    gain, least_gain : float
        What the best threshold of one half of the rows adds on the other half: the mean over
        random halves, and what it adds in all but 2.5 % of them; of a cost, what it saves.
    cost : float or None
        Of a row at the chosen threshold, where costs are given.
    """

    expected: float
    found: float
    spread: float
    error: float
    best: float
    gain: float
    least_gain: float
    cost: float | None = None

    @property
    def gains(self) -> tuple[float, float]:
        """``gain`` and ``least_gain``."""
        return self.gain, self.least_gain

    @property
    def is_sure(self) -> bool:
        """Whether there are rows enough to tell whether the probabilities add up."""
        return CHANCE * self.error <= WIDEST

    @property
    def differs(self) -> bool:
        """Whether chance does not explain how many positives there are."""
        return abs(self.found - self.expected) > CHANCE * self.spread

    @property
    def is_better(self) -> bool:
        """Whether chance does not explain what the best threshold adds."""
        return self.least_gain > 0


def binary_verdict(facts: dict[str, Any], finding: Finding) -> list[str]:
    """Return what is found and missed, and whether probabilities and threshold can be trusted."""
    mcc, _, precision, recall, _ = facts["scores"][:5]
    counts, positive = facts["counts"], facts["positive"]
    if counts["tp"] + counts["fp"] == 0:
        first = f"No row is called {positive!r} at the threshold {facts['threshold']:.3g}"
    else:
        first = (
            f"It finds {number(counts['tp'])} of {number(counts['tp'] + counts['fn'])} "
            f"{positive!r} rows ({recall['value']:.0%}), and {precision['value']:.0%} of the rows "
            f"that it calls {positive!r} are"
        )
    first += (
        f": MCC {mcc['value']:z.2f}, between {mcc['low']:z.2f} and {mcc['high']:z.2f} for all that "
        f"{number(facts['rows'])} rows can tell, where 0 is chance and 1 is perfect"
    )
    first += CANNOT_EXCLUDE if mcc["low"] <= 0 else ""
    trust = (
        f"Its probabilities add up to {number(finding.expected)} {positive!r} rows, there are "
        f"{number(finding.found)}"
    )
    if finding.differs:
        size = "too high" if finding.expected > finding.found else "too low"
        trust += f", so they are {size} here"
    elif finding.is_sure:
        trust += ", so on average they can be trusted"
    else:
        trust += ", which are too few to tell whether they can be trusted"
    return [f"{first}.", f"{trust}, and {_rule(facts, finding)}."]


def _rule(facts: dict[str, Any], finding: Finding) -> str:
    """Return whether another threshold is clearly better, or cheaper where costs are given."""
    chosen = facts["threshold"]
    if finding.cost is None:
        if finding.is_better:
            return f"a threshold near {finding.best:.3g} would add {finding.gain:.2f} to MCC"
        return f"no threshold is clearly better than {chosen:.3g}"
    cost = f"a row costs {finding.cost:.3g}"
    if not finding.is_better:
        return f"no threshold is clearly cheaper than {chosen:.3g}, where {cost}"
    less = f"{finding.gain:.3g} less near {finding.best:.3g}"
    rule = f"{cost} at the threshold {chosen:.3g}, and {less}"
    expected = facts["cost"]["expected_threshold"]
    return rule if expected is None else f"{rule}; with true probabilities {expected:.3g} is best"


def ratio_error(found: FloatArray, squares: FloatArray, total: float) -> FloatArray:
    """Return the standard error of expected to found, over its value, by the delta method.

    Parameters
    ----------
    found, squares : float64 array of shape (K,)
        Sums of the weights, and of their squares, of the rows of each class; without a row the
        error is infinite.
    total : float
        The sum of all weights.
    """
    part = np.sqrt(np.maximum(1 - found / total, 0.0) * squares)
    return np.divide(part, found, out=np.full_like(part, np.inf), where=found > 0)


def many_verdict(facts: dict[str, Any], differs: list[str], unsure: list[str]) -> list[str]:
    """Return how many are called right, which class fares worst, and whether to trust.

    ``unsure`` are the classes that are there with too few rows to tell.
    """
    rk = facts["scores"][0]
    there = [row for row in facts["classes"] if row["rows"] > 0]
    worst = min(there, key=lambda row: float(row["f1"]))
    first = (
        f"It calls {facts['right']:.0%} of {number(facts['rows'])} rows of {len(facts['names'])} "
        f"classes right: R_K (MCC of many classes) {rk['value']:z.2f}, between {rk['low']:z.2f} "
        f"and {rk['high']:z.2f} for all that these rows can tell, where 0 is chance and 1 perfect"
    )
    first += CANNOT_EXCLUDE if rk["low"] <= 0 else ""
    second = (
        f"It does worst on {worst['class']!r}, of which it finds {number(worst['hits'])} of "
        f"{number(worst['rows'])} rows; "
    )
    if differs:
        second += f"the probabilities do not add up for {', '.join(map(repr, differs[:3]))}."
    elif len(unsure) == len(there):
        second += "the rows are too few to tell whether the probabilities add up."
    elif unsure:
        shown = ", ".join(map(repr, unsure[:3])) + (", ..." if len(unsure) > 3 else "")
        second += (
            f"the probabilities add up for the classes with rows enough to tell, which {shown} "
            f"{'has' if len(unsure) == 1 else 'have'} not."
        )
    else:
        second += "for every class the probabilities add up to the rows that there are."
    return [f"{first}.", second]


def number(value: float) -> str:
    """Return a count, or a sum of weights, as it is read.

    >>> number(1234.0), number(12.345)
    ('1,234', '12.3')
    """
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.1f}"
