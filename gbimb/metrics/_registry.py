"""Metrics by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from gbimb.exceptions import InvalidParameterError, InvalidTypeError, unknown_name
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
# Their best value over thresholds is 1 for any model: all rows, or none, are flagged. What to use.
ONE_SIDED: Final = {
    "precision": "precision at recall >= 0.5",
    "recall": "recall at precision >= 0.5",
    "specificity": "g_mean",
}
# Names that other packages have for these, without "_", "neg" and "score".
_ELSEWHERE: Final = {
    "average_precision": "ap aucpr auprc averageprecision map prauc precisionrecallauc",
    "balanced_accuracy": "acc accuracy bacc balacc balancedaccuracy error",
    "brier": "brier brierloss",
    "f1": "dice f f1 f1macro f1measure fmeasure macrof1",
    "fbeta:2": "f2 fbeta",
    "g_mean": "geometricmean gmean",
    "log_loss": "binarylogloss crossentropy logloss mlogloss multilogloss nll xentropy",
    "mcc": "matthews matthewscc matthewscorrcoef matthewscorrelation phi rk",
    "precision": "ppv precision",
    "recall": "hitrate recall sensitivity tpr truepositiverate",
    "roc_auc": "auc aucroc auroc roc rocauc",
    "specificity": "specificity tnr truenegativerate",
}
_USUAL: Final = {word: name for name, words in _ELSEWHERE.items() for word in words.split()}
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

    @property
    def is_one_sided(self) -> bool:
        """Whether flagging all rows, or none, is best for any model."""
        return self.name in ONE_SIDED

    @property
    def has_bound(self) -> bool:
        """Whether it is one rate where another reaches a bound."""
        return CONSTRAINT.fullmatch(self.name) is not None


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
        bound = check_number(
            f"metric: {held}", _number("metric", metric, number), low=0, high=1, low_open=True
        )
        return CountMetric(
            metric, partial(_scores.constrained_score, served=served, held=held, bound=bound)
        )
    if metric not in COUNT_METRICS:
        known = [*COUNT_METRICS, "fbeta:2", "recall at precision >= 0.9"]
        raise unknown_name("metric", metric, known, usual=usual_name(metric))
    return CountMetric(metric, COUNT_METRICS[metric])


def get_searched_metric(metric: str | CountMetric) -> CountMetric:
    """Return the score called ``metric`` that a threshold is to be best for.

    Raises
    ------
    InvalidParameterError
        If flagging all rows, or none, is best for any model.
    """
    measure = get_count_metric(metric)
    if isinstance(metric, str) and measure.is_one_sided:
        msg = (
            f"metric must tell models apart, but the best {measure.name} over all thresholds is 1 "
            f"for any of them, got {measure.name!r}. Use 'mcc', 'f1' or {ONE_SIDED[measure.name]!r}"
            f" (as eval_metric also '{measure.name}@0.5')."
        )
        raise InvalidParameterError(msg)
    return measure


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
        raise unknown_name("metric", name, known, usual=usual_name(base))
    threshold = (
        check_number("threshold", _number("metric", name, at), low=0, high=1) if fixed else None
    )
    measure = get_searched_metric(base) if threshold is None else get_count_metric(base)
    return Metric(name, measure, threshold, greater_is_better=True)


def usual_name(name: str) -> str | None:
    """Return the name here of a metric by its name elsewhere; None if it is not known.

    >>> usual_name("matthews_corrcoef")
    'mcc'
    """
    bare = re.sub("[^a-z0-9]", "", name.lower())
    return _USUAL.get(bare.removeprefix("neg").replace("score", ""))


def refuse_function(argument: str, metric: object) -> None:
    """Raise if ``metric`` is a function or a scorer instead of a name."""
    function = getattr(metric, "_score_func", metric)
    if not callable(function):
        return
    name = str(getattr(function, "__name__", type(function).__name__))
    usual = usual_name(name)
    remedy = (
        f"Use {usual!r}."
        if usual
        else "Name one of gbimb's, and compare fits by your own with GridSearchCV(scoring=...)."
    )
    msg = f"{argument} must be a name such as 'mcc' or 'f1@0.5', got the function {name}. {remedy}"
    raise InvalidTypeError(msg)


def _check_name(name: object) -> None:
    refuse_function("metric", name)
    if not isinstance(name, str):
        msg = f"A metric must be named by a string such as 'mcc' or 'f1@0.5', got {name!r}."
        raise InvalidParameterError(msg)


def _number(argument: str, name: object, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{argument} must have a number after ':' or '@', got {name!r}."
        raise InvalidParameterError(msg) from None
