"""What the boosting estimators refuse before rows are looked at."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from gbimb.decisions.calibration import CURVES, check_calibration
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.metrics import refuse_function
from gbimb.validation import check_flag, check_jobs, check_number, check_printable

if TYPE_CHECKING:
    from gbimb.training.plan import ValidationPlan

MOST_ROUNDS: Final = 1_000_000


def check_parameters(estimator: Any) -> None:  # either engine's
    """Raise where a parameter cannot be used."""
    check_printable(estimator.get_params(deep=False))
    check_number("n_estimators", estimator.n_estimators, low=1, high=MOST_ROUNDS, integer=True)
    check_number("verbose", estimator.verbose, low=0, integer=True)
    check_jobs(estimator.n_jobs)
    _check_metrics(estimator.eval_metric)
    patience = estimator.early_stopping_rounds
    if patience is not None:
        check_number("early_stopping_rounds", patience, low=1, integer=True)
    if not isinstance(estimator.threshold, str):
        check_number("threshold", estimator.threshold, low=0, high=1)
    check_calibration(estimator.calibration)
    check_flag("keep_on_interrupt", estimator.keep_on_interrupt)
    check_number("checkpoint_every", estimator.checkpoint_every, low=1, integer=True)
    if estimator.checkpoint_path is not None:
        get_engine(estimator.engine_name).check_resumable(estimator.engine_params or {})


def _check_metrics(eval_metric: Any) -> None:
    for metric in eval_metric if isinstance(eval_metric, list | tuple) else [eval_metric]:
        refuse_function("eval_metric", metric)
    if not isinstance(eval_metric, str | list | tuple):
        msg = f"eval_metric must be a name or a list of names, got {eval_metric!r}."
        raise InvalidTypeError(msg)
    if not eval_metric:
        msg = f"eval_metric must name a metric, such as 'mcc', got {eval_metric!r}."
        raise InvalidParameterError(msg)
    names = [] if isinstance(eval_metric, str) else list(eval_metric)
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        msg = f"eval_metric must name a metric once, got {repeated[0]!r} more than once."
        raise InvalidParameterError(msg)


def check_held_out(estimator: Any, plan: ValidationPlan, validation: object) -> None:
    """Refuse what was asked for and wants held-out rows, where ``cv=None`` holds out none."""
    if plan.splits or validation is not None or estimator.cv is not None:
        return
    patience = estimator.early_stopping_rounds
    default = signature(type(estimator)).parameters["early_stopping_rounds"].default
    choices = {
        "early_stopping_rounds": patience not in (None, default),
        "threshold": isinstance(estimator.threshold, str) and estimator.threshold != "auto",
        "calibration": estimator.calibration in CURVES,
    }
    for name in (name for name, wanted in choices.items() if wanted):
        msg = (
            f"{name}={getattr(estimator, name)!r} needs held-out rows, got none "
            "with cv=None. Give X_val and y_val to fit, leave cv at 'auto', or leave it out."
        )
        raise InvalidParameterError(msg)


def refuse_beside(name: str, other: str) -> None:
    """Refuse groups or times, named by ``name``, beside another word on what is held out."""
    msg = f"{name} must not be given beside {other}: each says what is held out. Leave one out."
    raise InvalidParameterError(msg)
