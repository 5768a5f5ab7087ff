"""Metrics by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from gbimb.exceptions import InvalidParameterError, unknown_name
from gbimb.metrics import _scores
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.metrics._counts import ConfusionCounts
    from gbimb.metrics._scores import Score

COUNT_METRICS: Final[dict[str, Callable[[ConfusionCounts], Score]]] = {
    "balanced_accuracy": _scores.balanced_accuracy_score,
    "f1": _scores.f1_score,
    "g_mean": _scores.g_mean_score,
    "mcc": _scores.mcc_score,
    "precision": _scores.precision_score,
    "recall": _scores.recall_score,
    "specificity": _scores.specificity_score,
}
CURVE_METRICS: Final = ("average_precision", "roc_auc")
PROBABILITY_METRICS: Final = ("brier", "log_loss")
# Their best value over thresholds is 1 for any model: everything, or nothing, is called.
ONE_SIDED: Final = ("precision", "recall", "specificity")
CONSTRAINT: Final = re.compile(
    r"(recall(?= at p)|precision(?= at r)) at (precision|recall) ?>= ?(\S+)"
)


@dataclass(frozen=True)
class CountMetric:
    """A score that is a function of confusion counts; higher is better."""

    name: str
    function: Callable[[ConfusionCounts], Score]

    def __call__(self, counts: ConfusionCounts) -> Score:
        """Return the score of ``counts``."""
        return self.function(counts)


@dataclass(frozen=True)
class Metric:
    """A metric that can be watched while trees are trained.

    Attributes
    ----------
    name : str
        As given: "mcc", ``"mcc@0.5"``, "fbeta:2", "average_precision", "log_loss", ...
    count : CountMetric or None
        The score from counts, if it is one.
    threshold : float or None
        Fixed threshold on the true probability; None for the best over all thresholds.
    greater_is_better : bool
    """

    name: str
    count: CountMetric | None
    threshold: float | None
    greater_is_better: bool


def get_count_metric(metric: str | CountMetric) -> CountMetric:
    """Return the score from counts called ``metric``.

    "recall at precision >= 0.9" is the recall where the precision is that high, and negative
    where it is not; "precision at recall >= 0.9" is the other way round.

    >>> get_count_metric("fbeta:2").name
    'fbeta:2'
    """
    if isinstance(metric, CountMetric):
        return metric
    _check_name(metric)
    name, _, argument = metric.partition(":")
    if name == "fbeta" and argument:
        beta = _number("metric", metric, argument)
        check_number("beta", beta, low=0, low_open=True, high_open=True)
        return CountMetric(metric, partial(_scores.f_beta_score, beta=beta))
    if constraint := CONSTRAINT.fullmatch(metric):
        served, held, number = constraint.groups()
        bound = check_number(f"metric: {held}", _number("metric", metric, number), low=0, high=1)
        return CountMetric(
            metric, partial(_scores.constrained_score, served=served, held=held, bound=bound)
        )
    if metric not in COUNT_METRICS:
        known = [*COUNT_METRICS, "fbeta:2", "recall at precision >= 0.9"]
        raise unknown_name("metric", metric, known)
    return CountMetric(metric, COUNT_METRICS[metric])


def get_metric(name: str) -> Metric:
    """Return the metric called ``name``; ``"mcc@0.3"`` is MCC at the probability 0.3.

    >>> get_metric("mcc").threshold is None
    True
    >>> get_metric("f1@0.5").threshold
    0.5
    """
    _check_name(name)
    if name in CURVE_METRICS or name in PROBABILITY_METRICS:
        return Metric(name, None, None, name in CURVE_METRICS)
    base, fixed, at = name.partition("@")
    if CONSTRAINT.fullmatch(name):
        return Metric(name, get_count_metric(name), None, greater_is_better=True)
    known = [*COUNT_METRICS, "fbeta:2", *CURVE_METRICS, *PROBABILITY_METRICS]
    if base not in COUNT_METRICS and not base.startswith("fbeta:"):
        raise unknown_name("metric", name, known)
    threshold = (
        check_number("threshold", _number("metric", name, at), low=0, high=1) if fixed else None
    )
    if threshold is None and base in ONE_SIDED:
        msg = (
            f"The best {base} over all thresholds is 1 for any model. "
            f"Name a threshold, such as '{base}@0.5', or use 'f1' or 'mcc'; got {name!r}."
        )
        raise InvalidParameterError(msg)
    return Metric(name, get_count_metric(base), threshold, greater_is_better=True)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        msg = f"A metric must be named by a string such as 'mcc' or 'f1@0.5', got {name!r}."
        raise InvalidParameterError(msg)


def _number(argument: str, name: object, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{argument} must have a number after ':' or '@', got {name!r}."
        raise InvalidParameterError(msg) from None
