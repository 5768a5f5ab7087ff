"""Bounds on rates, such as "precision >= 0.9": what a metric keeps to and a threshold promises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from gbimb.exceptions import InvalidParameterError
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._scores import (
    alert_rate,
    false_positive_rate,
    precision_score,
    ratio,
    recall_score,
    specificity_score,
)
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.metrics._scores import Score

RATES: Final[dict[str, Callable[[ConfusionCounts], Score]]] = {
    "precision": precision_score,
    "recall": recall_score,
    "specificity": specificity_score,
    "fpr": false_positive_rate,
    "alerts": alert_rate,
}
ROUNDING: Final = 1e-12
SERVED: Final = {
    "precision": "recall",
    "recall": "precision",
    "specificity": "recall",
    "fpr": "recall",
    "alerts": "recall",
}
"""What is best to have under a bound on each rate."""
FORM: Final = re.compile(r"(precision|recall|specificity) ?>= ?(\S+)|(fpr|alerts) ?<= ?(\S+)")


@dataclass(frozen=True)
class RateBound:
    """A bound on a rate of new rows.

    Attributes
    ----------
    rate : {"precision", "recall", "specificity", "fpr", "alerts"}
        The first three are to be at least ``value``; the false-positive rate and the share of
        rows flagged at most.
    value : float in (0, 1]; for "fpr" and "alerts" in (0, 1)
    """

    rate: str
    value: float

    EXAMPLES: ClassVar = (
        "'precision >= 0.9', 'recall >= 0.8', 'specificity >= 0.99', 'fpr <= 0.01' or "
        "'alerts <= 0.005'"
    )

    def __str__(self) -> str:
        """Return the rule as it is written."""
        return f"{self.rate} {'>=' if self.is_least else '<='} {self.value:.12g}"

    @property
    def is_least(self) -> bool:
        """Whether the rate is to be at least ``value``."""
        return self.rate not in {"fpr", "alerts"}

    @property
    def metric(self) -> str:
        """Name of the score that is best to have under the bound."""
        return f"{SERVED[self.rate]} at {self}"

    def observed(self, counts: ConfusionCounts) -> Score:
        """Return the rate of confusion counts."""
        return RATES[self.rate](counts)

    def within(self, counts: ConfusionCounts, fewest: Any) -> ConfusionCounts:
        """Return counts with as many true positives as a budget of alerts has room for.

        There are ``fewest`` at least, whatever the room.
        """
        if self.rate != "alerts":
            return counts
        tp, fp, fn, tn = counts.as_tuple()
        budget = self.value * (1.0 - ROUNDING) * (tp + fp + fn + tn)
        room = np.clip(budget - fp, fewest, tp)
        return ConfusionCounts(room, fp, fn + tp - room, tn)

    def score(self, counts: ConfusionCounts, served: str) -> Score:
        """Return the rate ``served`` where the bound is kept, and a number below 0 elsewhere.

        The nearer to the bound, the higher it is there, so that the best threshold comes as near
        as it can. The precision of a budget of alerts is the share of true positives in as many
        alerts as the budget has: one row flagged and right would otherwise be the best.
        """
        rate = np.asarray(self.observed(counts))
        value = RATES[served](counts)
        if served == "precision" and self.rate == "alerts":
            value = ratio(counts.tp, self.value * sum(counts.as_tuple()))
        kept = rate >= self.value if self.is_least else rate <= self.value
        found = np.where(kept, value, rate - 1.0 if self.is_least else -rate)
        return float(found) if found.ndim == 0 else found


def parse_bound(text: object) -> RateBound | None:
    """Return the bound that a rule such as "precision >= 0.9" writes; None for other values.

    Raises
    ------
    InvalidParameterError
        If its number is none, or out of range.

    Examples
    --------
    >>> parse_bound("precision >= 0.9")
    RateBound(rate='precision', value=0.9)
    >>> parse_bound("mcc") is None
    True
    """
    found = FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    least, low, most, high = found.groups()
    rate, number = (least, low) if least else (most, high)
    try:
        value = float(number)
    except ValueError:
        msg = f"{rate} must have a number as its bound, got {text!r}. Write {RateBound.EXAMPLES}."
        raise InvalidParameterError(msg) from None
    checked = check_number(rate, value, low=0, high=1, low_open=True, high_open=not least)
    return RateBound(rate, checked)
