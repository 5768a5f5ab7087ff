"""Which estimator the options of ``gbimb fit`` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gbimb.decisions.outcome_costs import COST, read_outcome_costs
from gbimb.exceptions import GbimbError, InvalidParameterError, unknown_name
from gbimb.validation import check_number

if TYPE_CHECKING:
    from gbimb.tables.files.options import ReadOptions

BLEND, BOOSTER, BAGGING, SEARCH = "blend", "booster", "bagging", "auto"
ESTIMATORS: Final = (BLEND, BOOSTER, BAGGING, SEARCH)
ENGINE_CHOICES: Final = ("lightgbm", "xgboost", "auto")


def make_model(
    estimator: str | None,
    loss: str | None,
    engine: str | None,
    metric: str,
    *,
    time_budget: float | None,
    validation: str,
    dask: str | None,
    threshold: float | str = "auto",
) -> Any:  # any of our estimators
    """Return what is to be fitted; raise where options contradict each other.

    The threshold is checked, not set.
    """
    check_loss(loss)
    _check_choice("--engine", engine or "auto", ENGINE_CHOICES)
    _check_choice("--estimator", estimator or BLEND, ESTIMATORS)
    given = {
        "--loss": loss,
        "--engine": engine,
        "--validation": None if validation == "auto" else validation,
        "--dask": dask,
        "--time-budget": time_budget,
    }
    kind = _kind(estimator, given)
    _refuse(kind, given, estimator)
    _check_metrics(metric, threshold)
    if kind == BOOSTER:
        return _booster(loss, engine, metric, validation, far=dask is not None)
    from gbimb.estimators import AutoImbalancedClassifier, ImbalancedClassifier

    if kind == BLEND and dask is not None:
        from gbimb.dask import DaskImbalancedClassifier

        return DaskImbalancedClassifier(metric=metric)
    if kind == BLEND:
        return ImbalancedClassifier(metric=metric)
    if kind == SEARCH:
        seconds = 60 if time_budget is None else time_budget
        return AutoImbalancedClassifier(metric=metric, engine=engine or "auto", time_budget=seconds)
    return _bagging(loss, engine, metric, far=dask is not None)


def check_loss(loss: str | None) -> None:
    """Raise if it is neither a loss of the registry nor "auto"."""
    if loss in (None, "auto"):
        return
    from gbimb.losses import LOSSES  # takes half a second, which --help need not wait for

    _check_choice("--loss", loss, (*LOSSES, "auto"))


def _kind(estimator: str | None, given: dict[str, Any]) -> str:
    """Return which estimator; without a name the other options say it."""
    if given["--loss"] == "auto":
        if estimator not in (None, SEARCH):
            msg = f"--loss auto goes with --estimator auto, got --estimator {estimator}."
            raise InvalidParameterError(msg)
        return SEARCH
    if estimator is not None:
        return estimator
    others = (value for option, value in given.items() if option not in ALLOWED[BLEND])
    return BLEND if all(value is None for value in others) else BOOSTER


ALLOWED: Final = {
    BLEND: ("--dask",),
    BOOSTER: ("--loss", "--engine", "--validation", "--dask"),
    BAGGING: ("--loss", "--engine", "--dask"),
    SEARCH: ("--engine", "--time-budget"),
}


def _refuse(kind: str, given: dict[str, Any], estimator: str | None) -> None:
    """Raise if an option would be ignored."""
    for option, value in given.items():
        if value is None or option in ALLOWED[kind] or (option, value) == ("--loss", "auto"):
            continue
        fitting = [name for name, options in ALLOWED.items() if option in options]
        got = "without it" if estimator is None else f"for --estimator {estimator}"
        msg = f"{option} goes with --estimator {' or '.join(fitting)}, got {value} {got}."
        raise InvalidParameterError(msg)
    if kind != SEARCH and given["--engine"] == "auto":
        msg = "--engine auto goes with --estimator auto. Name lightgbm or xgboost."
        raise InvalidParameterError(msg)


def _booster(
    loss: str | None, engine: str | None, metric: str, validation: str, *, far: bool
) -> Any:
    cv = int(validation) if validation.isdecimal() and len(validation) < 10 else validation
    if cv not in ("auto", "holdout") and not (isinstance(cv, int) and cv >= 2):
        msg = f"--validation must be auto, holdout or a number of folds >= 2, got {validation!r}."
        raise InvalidParameterError(msg)
    if far and isinstance(cv, int):
        msg = f"--validation must be auto or holdout with --dask, got {validation!r}."
        raise InvalidParameterError(msg)
    if far:
        from gbimb.dask import DaskImbalancedLGBMClassifier, DaskImbalancedXGBClassifier

        make: Any = (
            DaskImbalancedXGBClassifier if engine == "xgboost" else DaskImbalancedLGBMClassifier
        )
    else:
        make = _one_booster(engine)
    return make(loss=loss or "focal", eval_metric=(metric,), cv=cv)


def _bagging(loss: str | None, engine: str | None, metric: str, *, far: bool) -> Any:
    from gbimb.estimators import UnderBaggingClassifier

    inner: Any = None if loss is None and engine is None else _one_booster(engine)()
    if loss is not None:
        inner.set_params(loss=loss)
    if not far:
        return UnderBaggingClassifier(inner, eval_metric=metric)
    from gbimb.dask import DaskUnderBaggingClassifier

    return DaskUnderBaggingClassifier(estimator=inner, eval_metric=metric)


def _one_booster(engine: str | None) -> Any:
    from gbimb.estimators import ImbalancedLGBMClassifier, ImbalancedXGBClassifier

    return ImbalancedXGBClassifier if engine == "xgboost" else ImbalancedLGBMClassifier


def set_labels(
    model: Any, labels: list[Any], positive: str | None, known: ReadOptions, *, cost: str | None
) -> None:
    """Set which label is positive, if one was named; raise where costs need two labels."""
    from gbimb.tables.files.match import match_label

    if cost is not None and len(labels) > 2:
        msg = f"--cost is for two labels, got {len(labels)}. Leave it out."
        raise InvalidParameterError(msg)
    if positive is None:
        return
    label = match_label(known.clean_label(positive), labels)
    if "pos_label" in model.get_params(deep=False):
        model.set_params(pos_label=label)
    else:  # of bags it belongs to the classifier in them
        inner = _one_booster(None)() if model.estimator is None else model.estimator
        model.set_params(estimator=inner.set_params(pos_label=label))


def _check_metrics(metric: str, threshold: float | str) -> None:
    """Raise for names of metrics that are not known, and for a threshold that is out of range."""
    from gbimb.metrics import get_metric, get_multiclass_metric

    if isinstance(threshold, float):
        check_number("--threshold", threshold, low=0, high=1)
    for option, name in {"--metric": metric, "--threshold": threshold}.items():
        if isinstance(name, float) or name in ("auto", COST) or {*"<>"} & {*name}:
            continue
        try:
            get_metric(name)
        except GbimbError as error:
            if name.removesuffix("@argmax") in ("mcc", "f1", "balanced_accuracy"):
                get_multiclass_metric(name)
            else:
                msg = str(error).replace("metric", option, 1)
                raise InvalidParameterError(msg) from None


def threshold_of(threshold: str, cost: str | None) -> float | str:
    """Return the threshold: as given, or the cheapest one of true probabilities.

    ``cost`` holds numbers.
    """
    if cost is None:
        try:
            return float(threshold)
        except ValueError:
            return threshold
    if threshold != "auto":
        msg = f"--cost gives the threshold, got --threshold {threshold} as well. Leave one out."
        raise InvalidParameterError(msg)
    costs: dict[str, Any] = {"tp": 0.0, "tn": 0.0, "fp": 0.0, "fn": 0.0}
    costs |= read_outcome_costs("costs", cost)
    false_alarm, miss = costs["fp"] - costs["tn"], costs["fn"] - costs["tp"]
    if false_alarm <= 0 or miss <= 0:
        msg = (
            "--cost must make a wrong prediction cost more than a right one for both labels, such "
            f"as fp=5,fn=100, got {cost!r}."
        )
        raise InvalidParameterError(msg)
    return float(false_alarm / (false_alarm + miss))


def _check_choice(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise unknown_name(option, value, known)
