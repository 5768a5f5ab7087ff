"""The outcome in a few sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.json_text import percent, some_of
from gbimb.plots.draws import sum_of_groups_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

CHANCE: Final = 1.96
"""Standard deviations within chance: those of a two-sided 5 % test."""
WIDEST: Final = 0.25
"""Half the 95 % interval of expected over found rows, below which the probabilities are called
trustworthy: about 60 rows of a rare class."""
MAYBE_CHANCE: Final = "; the model may be no better than chance"


@dataclass(frozen=True)
class Finding:
    """Whether probabilities and threshold can be trusted.

    Attributes
    ----------
    expected, found, spread : float
        Positives by the sum of the probabilities, the actual number, and its standard deviation
        if the probabilities are true.
    error : float
        The relative standard error of expected over found rows.
    best : float
        The threshold with the highest MCC of these rows, or with the lowest cost.
    gain, least_gain : float
        The gain in MCC (or saving in cost) from the best threshold of one half of the rows on the
        other half: the mean over random halves, and its 2.5 % quantile.
    cost : float or None
        Of a row at the chosen threshold, if costs are given.
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
    def is_sure(self) -> bool:
        """Whether there are enough rows to tell whether the probabilities add up."""
        return CHANCE * self.error <= WIDEST

    @property
    def differs(self) -> bool:
        """Whether the number of positives contradicts the probabilities."""
        return abs(self.found - self.expected) > CHANCE * self.spread

    @property
    def is_better(self) -> bool:
        """Whether another threshold is better beyond chance."""
        return self.least_gain > 0

    @property
    def better(self) -> float | None:
        """Another threshold that is better beyond chance, if there is one."""
        return self.best if self.is_better else None


def binary_verdict(facts: dict[str, Any], finding: Finding) -> list[str]:
    """Return what the model finds, and whether probabilities and threshold can be trusted."""
    mcc, _, precision, recall, _ = facts["scores"][:5]
    counts, positive = facts["counts"], facts["positive"]
    if counts["tp"] + counts["fp"] == 0:
        first = f"No row is flagged as {positive!r} at the threshold {facts['threshold']:.3g}"
    else:
        first = (
            f"The model finds {number(counts['tp'])} of {number(counts['tp'] + counts['fn'])} "
            f"{positive!r} rows (recall {percent(recall['value'])}), and "
            f"{percent(precision['value'])} of the rows it flags are right (precision)"
        )
    trust = (
        f"Its probabilities add up to {number(finding.expected)} {positive!r} rows; there are "
        f"{number(finding.found)}"
    )
    if finding.differs:
        size = "too high" if finding.expected > finding.found else "too low"
        trust += f", so they are {size} here"
    elif finding.is_sure:
        trust += ", so on average they can be trusted"
    else:
        trust += ", too few to tell whether they can be trusted"
    lines = [f"{first}. {_interval('MCC', mcc)}", f"{trust}. {_rule(facts, finding)}."]
    return lines if facts["cost"] is None else [_worth(facts), *lines]


def _worth(facts: dict[str, Any]) -> str:
    """Return whether the model costs less than flagging no row, or every row."""
    cost, positive = facts["cost"], facts["positive"]
    best = min(cost["nobody"], cost["everybody"])
    which = "no row" if cost["nobody"] <= cost["everybody"] else "every row"
    how = "better" if cost["chosen"] < best else "worse" if cost["chosen"] > best else "no better"
    return (
        f"A row costs {cost['chosen']:.3g} on average at the threshold {facts['threshold']:.3g}, "
        f"{cost['nobody']:.3g} if no row is flagged as {positive!r} and {cost['everybody']:.3g} if "
        f"every row is: the model is {how} than flagging {which}."
    )


def _interval(label: str, score: dict[str, Any]) -> str:
    low, high = score["low"], score["high"]
    return (
        f"{label} is {score['value']:z.2f} (95 % interval {low:z.2f} to {high:z.2f}; 0 is chance, "
        f"1 is perfect){MAYBE_CHANCE if low <= 0 else ''}."
    )


def _rule(facts: dict[str, Any], finding: Finding) -> str:
    """Return whether another threshold is clearly better, or cheaper if costs are given."""
    chosen = facts["threshold"]
    if finding.cost is None:
        if finding.is_better:
            return f"A threshold near {finding.best:.3g} would add {finding.gain:.2f} to MCC"
        return f"No threshold is clearly better than {chosen:.3g}"
    if not finding.is_better:
        return (
            f"No threshold is clearly cheaper than {chosen:.3g}, where a row costs "
            f"{finding.cost:.3g} on average"
        )
    rule = (
        f"At the threshold {chosen:.3g} a row costs {finding.cost:.3g} on average, and "
        f"{finding.gain:.3g} less near {finding.best:.3g}"
    )
    expected = facts["cost"]["expected_threshold"]
    return rule if expected is None else f"{rule}; with true probabilities {expected:.3g} is best"


def ratio_error(found: FloatArray, squares: FloatArray, total: float) -> FloatArray:
    """Return the relative standard error of expected over found rows, by the delta method.

    Parameters
    ----------
    found, squares : float64 array of shape (K,)
        Sums of the weights, and of their squares, of the rows of each class; the error is infinite
        for a class without rows.
    total : float
        The sum of all weights.
    """
    # The weight found is a random sum with variance (1 - share) * sum of squared weights.
    part = np.sqrt(np.maximum(1 - found / total, 0.0) * squares)
    return np.divide(part, found, out=np.full_like(part, np.inf), where=found > 0)


def spread_of_found(
    hits: NDArray[Any], proba: FloatArray, weight: FloatArray, groups: IntArray | None
) -> float:
    """Return the standard deviation of the rows of a class that are found, if ``proba`` is true.

    Each row is a coin of variance p (1 - p), times its weight; rows of a group may miss together.
    """
    alone = float(np.sqrt((proba * (1 - proba)) @ weight**2))
    if groups is None:
        return alone
    return max(alone, sum_of_groups_error(groups, weight * (hits - proba)))


def relative_error(hits: NDArray[Any], weight: FloatArray, groups: IntArray | None) -> float:
    """Return the relative standard error of expected over found rows of a class."""
    found, squares, total = float(hits @ weight), float(hits @ weight**2), float(weight.sum())
    alone = float(ratio_error(np.array([found]), np.array([squares]), total)[0])
    if groups is None or found == 0:
        return alone
    return max(alone, sum_of_groups_error(groups, weight * (hits - found / total)) / found)


def many_verdict(facts: dict[str, Any], differs: list[str], unsure: list[str]) -> list[str]:
    """Return the share predicted correctly, the worst class, and whether to trust probabilities.

    ``differs`` are the classes whose probabilities do not add up, ``unsure`` those with too few
    rows to tell.
    """
    rk = facts["scores"][0]
    present = [row for row in facts["classes"] if row["rows"] > 0]
    worst = min(present, key=lambda row: float(row["f1"]))
    first = (
        f"The model predicts {percent(facts['right'])} of {number(facts['rows'])} rows of "
        f"{len(facts['names'])} classes correctly. {_interval('R_K (multi-class MCC)', rk)}"
    )
    second = (
        f"Its worst class is {worst['class']!r}: it finds {number(worst['hits'])} of "
        f"{number(worst['rows'])} rows. "
    )
    if differs:
        second += f"The probabilities do not add up for {', '.join(map(repr, differs[:3]))}."
    elif len(unsure) == len(present):
        second += "The rows are too few to tell whether the probabilities add up."
    elif unsure:
        second += (
            "The probabilities add up, except for classes with too few rows to tell: "
            f"{some_of([*map(repr, unsure)], 3)}."
        )
    else:
        second += "The probabilities of every class add up to its number of rows."
    return [first, second]


def number(value: float) -> str:
    """Return a count, or a sum of weights, as it is read.

    >>> number(1234.0), number(12.345)
    ('1,234', '12.3')
    """
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.1f}"
