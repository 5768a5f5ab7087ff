"""The outcome in two sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CHANCE: Final = 1.96
"""Standard deviations that chance explains."""


@dataclass(frozen=True)
class Finding:
    """What the second sentence is about.

    Attributes
    ----------
    expected, found, spread : float
        Positives by the sum of the probabilities, those that there are, and the standard
        deviation of their number if the probabilities are true.
    best : float
        The threshold with the highest MCC of these rows.
    gain, least_gain : float
        What the best threshold of one half of the rows adds on the other half: the mean over
        random halves, and what it adds in all but 2.5 % of them.
    """

    expected: float
    found: float
    spread: float
    best: float
    gain: float
    least_gain: float

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
        f": MCC {mcc['value']:.2f}, between {mcc['low']:.2f} and {mcc['high']:.2f} for all that "
        f"{number(facts['rows'])} rows can tell, where 0 is chance and 1 is perfect."
    )
    trust = (
        f"Its probabilities add up to {number(finding.expected)} {positive!r} rows, there are "
        f"{number(finding.found)}"
    )
    if finding.differs:
        size = "too high" if finding.expected > finding.found else "too low"
        trust += f", so they are {size} here"
    else:
        trust += ", so on average they can be trusted"
    if finding.is_better:
        rule = f", and a threshold near {finding.best:.3g} would add {finding.gain:.2f} to MCC"
    else:
        rule = f", and no threshold is clearly better than {facts['threshold']:.3g}"
    return [first, f"{trust}{rule}."]


def many_verdict(facts: dict[str, Any], differs: list[str]) -> list[str]:
    """Return how many are called right, which class fares worst, and whether to trust."""
    rk = facts["scores"][0]
    there = [row for row in facts["classes"] if row["rows"] > 0]
    worst = min(there, key=lambda row: float(row["f1"]))
    first = (
        f"It calls {facts['right']:.0%} of {number(facts['rows'])} rows of {len(facts['names'])} "
        f"classes right: R_K (MCC of many classes) {rk['value']:.2f}, between {rk['low']:.2f} and "
        f"{rk['high']:.2f} for all that these rows can tell, where 0 is chance and 1 is perfect."
    )
    second = (
        f"It does worst on {worst['class']!r}, of which it finds {number(worst['hits'])} of "
        f"{number(worst['rows'])} rows; "
    )
    if differs:
        second += f"the probabilities do not add up for {', '.join(map(repr, differs[:3]))}."
    else:
        second += "for every class the probabilities add up to the rows that there are."
    return [first, second]


def number(value: float) -> str:
    """Return a count, or a sum of weights, as it is read.

    >>> number(1234.0), number(12.345)
    ('1,234', '12.3')
    """
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.1f}"
