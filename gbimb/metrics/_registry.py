"""Metrics by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from gbimb.exceptions import InvalidParameterError, InvalidTypeError, unknown_name
from gbimb.metrics import _scores
from gbimb.metrics._bounds import parse_bound
from gbimb.metrics._multiclass_counts import macro_f1_score, macro_recall_score, rk_score
from gbimb.metrics._scores import average_precision, roc_auc, row_brier, row_log_loss
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from gbimb.array_types import FloatArray
    from gbimb.metrics._bounds import RateBound
    from gbimb.metrics._counts import ConfusionCounts, HasCounts
    from gbimb.metrics._multiclass_counts import MulticlassCounts
    from gbimb.metrics._scores import Score

    RowScore: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]

CONSTRAINT: Final = re.compile(r"(recall|precision) at (.+)")
BOUNDED: Final = {
    "recall": ("precision", "specificity", "fpr", "alerts"),
    "precision": ("recall", "alerts"),
}
"""Rates to bound, by the rate that is served: under others one row flagged is the best."""


@dataclass(frozen=True)
class MetricRow:
    """A metric: one of ``count``, ``area`` and ``proper``.

    Attributes
    ----------
    count : callable or None
        Score from :class:`ConfusionCounts`, whose fields may be arrays; higher is better.
    area : callable or None
        Score of a :class:`ThresholdCurve`; higher is better.
    proper : callable or None
        From labels and probabilities to a loss of each row; the metric is the mean, lower is
        better.
    many : callable or None
        The same from :class:`MulticlassCounts`.
    rises : bool
        Whether a ``count`` never falls with true positives nor rises with false ones, so that a
        search of thresholds may leave out those that cannot be best.
    instead : str or None
        If flagging all rows, or none, is best for any model: what to use instead.
    elsewhere : str
        Names that other packages have for it, without "_", "neg" and "score".
    """

    count: Callable[[ConfusionCounts], Score] | None = None
    area: Callable[[HasCounts], float] | None = None
    proper: RowScore | None = None
    many: Callable[[MulticlassCounts], float] | None = None
    rises: bool = True
    instead: str | None = None
    elsewhere: str = ""


METRICS: Final[dict[str, MetricRow]] = {
    "average_precision": MetricRow(
        area=average_precision,
        elsewhere="ap aucpr auprc averageprecision map prauc precisionrecallauc",
    ),
    "balanced_accuracy": MetricRow(
        _scores.balanced_accuracy_score,
        many=macro_recall_score,
        elsewhere="acc accuracy bacc balacc balancedaccuracy error",
    ),
    "brier": MetricRow(proper=row_brier, elsewhere="brier brierloss"),
    "f1": MetricRow(
        _scores.f1_score,
        many=macro_f1_score,
        elsewhere="dice f f1 f1macro f1measure fmeasure macrof1",
    ),
    "g_mean": MetricRow(_scores.g_mean_score, elsewhere="geometricmean gmean"),
    "log_loss": MetricRow(
        proper=row_log_loss,
        elsewhere="binarylogloss crossentropy logloss mlogloss multilogloss nll xentropy",
    ),
    "mcc": MetricRow(
        _scores.mcc_score,
        many=rk_score,
        elsewhere="matthews matthewscc matthewscorrcoef matthewscorrelation phi rk",
    ),
    "precision": MetricRow(
        _scores.precision_score,
        instead="precision at recall >= 0.5",
        elsewhere="ppv precision",
    ),
    "recall": MetricRow(
        _scores.recall_score,
        instead="recall at precision >= 0.5",
        elsewhere="hitrate recall sensitivity tpr truepositiverate",
    ),
    "roc_auc": MetricRow(area=roc_auc, elsewhere="auc aucroc auroc roc rocauc"),
    "specificity": MetricRow(
        _scores.specificity_score, instead="g_mean", elsewhere="specificity tnr truenegativerate"
    ),
}
"""Every metric but F-beta and the rates with a bound, which have a number in their name."""


@dataclass(frozen=True)
class CountMetric:
    """A score that is a function of confusion counts; higher is better.

    Attributes
    ----------
    name : str
    function : callable
    rises : bool
        Whether it is known never to fall with true positives nor to rise with false ones.
    bound : RateBound or None
        What it keeps to: it is then one rate where another reaches a bound.
    """

    name: str
    function: Callable[[ConfusionCounts], Score]
    rises: bool = False
    bound: RateBound | None = None

    def __call__(self, counts: ConfusionCounts) -> Score:
        """Return the score of ``counts``."""
        return self.function(counts)

    @property
    def is_one_sided(self) -> bool:
        """Whether flagging all rows, or none, is best for any model."""
        return self.name in METRICS and METRICS[self.name].instead is not None

    @property
    def has_bound(self) -> bool:
        """Whether it is one rate where another reaches a bound."""
        return self.bound is not None

    def ceiling(self, counts: ConfusionCounts, fewest: Score) -> Score:
        """Return the highest score of at least these false positives and at most these true ones.

        ``fewest`` are the true positives that there are at least.
        """
        return self(counts if self.bound is None else self.bound.within(counts, fewest))


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
    area, proper : callable or None
        As in :class:`MetricRow`.
    """

    name: str
    count: CountMetric | None
    threshold: float | None
    greater_is_better: bool
    area: Callable[[HasCounts], float] | None = None
    proper: RowScore | None = None


def get_count_metric(metric: str | CountMetric) -> CountMetric:
    """Return the score from counts named ``metric``.

    "recall at precision >= 0.9" is the recall where the precision is that high, and negative
    where it is not; "precision at recall >= 0.9" is the other way round, "recall at fpr <= 0.01"
    has a bound on the false-positive rate, "recall at alerts <= 0.01" and "precision at alerts
    <= 0.01" on the share of rows flagged.

    >>> get_count_metric("fbeta:2").name
    'fbeta:2'
    """
    if isinstance(metric, CountMetric):
        return metric
    _check_name(metric)
    name, _, argument = metric.partition(":")
    if name == "fbeta" and argument:
        beta = _number("metric", metric, argument)
        check_number("metric: beta", beta, low=0, low_open=True, high_open=True)
        return CountMetric(metric, partial(_scores.f_beta_score, beta=beta), rises=True)
    if (bounded := _bounded(metric)) is not None:
        return bounded
    row = METRICS.get(metric)
    if row is None or row.count is None:
        raise _unknown_metric(metric, _count_names(), metric)
    return CountMetric(metric, row.count, row.rises)


def _bounded(metric: str) -> CountMetric | None:
    """Return the rate with a bound that is named, or None for other names."""
    found = CONSTRAINT.fullmatch(metric)
    if found is None:
        return None
    served, rule = found.groups()
    try:
        bound = parse_bound(rule)
    except InvalidParameterError as error:
        msg = f"metric: {error}"
        raise InvalidParameterError(msg) from None
    if bound is None or bound.rate not in BOUNDED[served]:
        return None
    return CountMetric(metric, partial(bound.score, served=served), bound=bound)


def get_searched_metric(metric: str | CountMetric) -> CountMetric:
    """Return the score named ``metric`` that a threshold is to be best for.

    Raises
    ------
    InvalidParameterError
        If flagging all rows, or none, is best for any model.
    """
    measure = get_count_metric(metric)
    if isinstance(metric, str) and measure.is_one_sided:
        instead = METRICS[measure.name].instead
        msg = (
            f"metric must tell models apart, but the best {measure.name} over all thresholds is 1 "
            f"for any of them, got {measure.name!r}. Use 'mcc', 'f1' or {instead!r}"
            f" (as eval_metric also '{measure.name}@0.5')."
        )
        raise InvalidParameterError(msg)
    return measure


def get_metric(name: str) -> Metric:
    """Return the metric named ``name``; ``"mcc@0.3"`` is MCC at the probability 0.3.

    >>> get_metric("mcc").threshold is None
    True
    >>> get_metric("f1@0.5").threshold
    0.5
    """
    _check_name(name)
    row = METRICS.get(name)
    if row is not None and row.count is None:
        return Metric(name, None, None, row.area is not None, row.area, row.proper)
    base, fixed, at = name.partition("@")
    if (bounded := _bounded(name)) is not None:
        return Metric(name, bounded, None, greater_is_better=True)
    if base not in _count_names() and not base.startswith("fbeta:"):
        known = [own for own, each in METRICS.items() if fixed or each.instead is None]
        raise _unknown_metric(name, known, base)
    threshold = (
        check_number("metric: threshold", _number("metric", name, at), low=0, high=1)
        if fixed
        else None
    )
    measure = get_searched_metric(base) if threshold is None else get_count_metric(base)
    return Metric(name, measure, threshold, greater_is_better=True)


def usual_name(name: str) -> str | None:
    """Return the name here of a metric by its name elsewhere; None if it is not known.

    >>> usual_name("matthews_corrcoef")
    'mcc'
    """
    bare = re.sub("[^a-z0-9]", "", name.lower()).removeprefix("neg").replace("score", "")
    if bare in ("f2", "fbeta"):
        return "fbeta:2"
    return next((own for own, row in METRICS.items() if bare in row.elsewhere.split()), None)


def _unknown_metric(name: str, known: Collection[str], base: str) -> InvalidParameterError:
    """Return the error for a name that is none; ``base`` is without a threshold."""
    bound = parse_bound(name)
    usual = usual_name(base) if bound is None else bound.metric
    row = METRICS.get(usual or "")
    if row is not None and usual not in known:
        usual = row.instead
    bounded = usual if usual and CONSTRAINT.fullmatch(usual) else "recall at precision >= 0.9"
    return unknown_name("metric", name, [*known, "fbeta:2", bounded], usual=usual)


def _count_names() -> list[str]:
    return [name for name, row in METRICS.items() if row.count is not None]


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
