"""The constructor parameters of each class, and what each may be: in a fit and in a model file."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.constraints import (
    FLAGS,
    INTEGERS,
    LABELS,
    NUMBERS,
    SEEDS,
    Choice,
    Constraint,
    Flag,
    Jobs,
    Later,
    Number,
    Types,
)
from gbimb.decisions.calibration import CALIBRATIONS
from gbimb.engines.registry import ENGINES
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.json_text import shown
from gbimb.losses import LOSSES, Loss, loss_parameters
from gbimb.metrics import refuse_function
from gbimb.model.values import SPLITTERS

if TYPE_CHECKING:
    from gbimb.constraints import Constraints

MOST_ROUNDS: Final = 1_000_000
MOST_BAGS: Final = 100_000
FASTEST: Final = 100.0
LARGEST: Final = 1e30  # engines keep numbers as float32, and multiply them
MOST: Final = 1_000_000_000  # engines keep whole numbers in 32 bits
MOST_LEAVES: Final = 131_072  # LightGBM's own bound
SPLITTER: Final[Types] = tuple(kind for kind, _ in SPLITTERS.values())


@dataclass(frozen=True)
class MetricNames:
    """The name of a metric or a list of names, which has only one unless ``several``."""

    several: bool
    types: Types = (str, list, tuple)

    def check(self, name: str, value: Any) -> None:
        """Raise unless there is a name, and no name twice; each is looked up later."""
        names = value if isinstance(value, list | tuple) else [value]
        for metric in names:
            refuse_function(name, metric)
        if not isinstance(value, self.types):
            msg = f"{name} must be a name or a list of names, got {value!r}."
            raise InvalidTypeError(msg)
        if not value:
            msg = f"{name} must name a metric, such as 'mcc', got {value!r}."
            raise InvalidParameterError(msg)
        if len(names) > 1 and not self.several:
            msg = f"{name} must name one metric here, got {value!r}. Leave the others out."
            raise InvalidParameterError(msg)
        if repeated := [each for i, each in enumerate(names) if each in names[:i]]:
            msg = f"{name} must name a metric once, got {repeated[0]!r} more than once."
            raise InvalidParameterError(msg)


OPTIONAL: Final = Later((*NUMBERS, NoneType))
SEED: Final = Later(SEEDS)
LABEL: Final = Later((*LABELS, NoneType))
SHARE: Final = Number(0, 1, low_open=True, optional=True)
PENALTY: Final = Number(0, LARGEST)
THRESHOLD: Final = Number(0, 1, named=True)
CONFIDENCE: Final = Number(0, 1, low_open=True, high_open=True, optional=True)
CALIBRATION: Final = Choice(CALIBRATIONS, optional=True)
VERBOSE: Final = Number(0, integer=True)

# checkpoint_path is not saved: whoever loads a model should not write where it says.
BOOSTING: Final[dict[str, Constraint]] = {
    "n_estimators": Number(1, MOST_ROUNDS, integer=True),
    "verbose": VERBOSE,
    "n_jobs": Jobs(),
    "eval_metric": MetricNames(several=True),
    "early_stopping_rounds": Number(1, integer=True, optional=True),
    "threshold": THRESHOLD,
    "confidence": CONFIDENCE,
    "calibration": CALIBRATION,
    "keep_on_interrupt": Flag(),
    "checkpoint_every": Number(1, integer=True),
    "learning_rate": Number(0, FASTEST, low_open=True, optional=True),
    "min_child_weight": Number(0, LARGEST, optional=True),
    "reg_alpha": PENALTY,
    "reg_lambda": PENALTY,
    "subsample": SHARE,
    "colsample_bytree": SHARE,
    "loss": Later((str, Loss)),
    "gamma": OPTIONAL,
    "alpha": OPTIONAL,
    "scale_pos_weight": Later((*NUMBERS, NoneType, str, dict)),
    "pos_label": LABEL,
    "cv": Later((*INTEGERS, str, list, tuple, *SPLITTER, NoneType)),
    "engine_params": Later((dict, NoneType)),
    "random_state": SEED,
}
LIGHTGBM: Final[Constraints] = {
    **BOOSTING,
    "num_leaves": Number(2, MOST_LEAVES, integer=True, optional=True),
    "max_depth": Number(-1, MOST, integer=True),
    "min_child_samples": Number(0, MOST, integer=True, optional=True),
}
XGBOOST: Final[Constraints] = {
    **BOOSTING,
    "gamma_split": PENALTY,
    "max_depth": Number(0, MOST, integer=True, optional=True),
    "max_leaves": Number(0, MOST, integer=True),
}
BAGGING: Final[Constraints] = {
    "n_estimators": Number(1, MOST_BAGS, integer=True),
    "verbose": VERBOSE,
    "n_jobs": Jobs(),
    "replacement": Flag(),
    "warm_start": Flag(),
    "eval_metric": MetricNames(several=False),
    "sampling": Choice(("random", "self_paced")),
    "threshold": THRESHOLD,
    "confidence": CONFIDENCE,
    "calibration": CALIBRATION,
    "sampling_strategy": Later((*NUMBERS, str, dict)),
    "random_state": SEED,
}
PORTFOLIO: Final[Constraints] = {
    "n_jobs": Jobs(),
    "verbose": VERBOSE,
    "metric": Later((str, list, tuple, np.ndarray)),
    "threshold": THRESHOLD,
    "confidence": CONFIDENCE,
    "pos_label": LABEL,
    "random_state": SEED,
}
AUTO: Final[Constraints] = {
    **PORTFOLIO,
    "engine": Choice(("auto", *ENGINES)),
    "time_budget": Number(0, low_open=True, high_open=True, optional=True),
    "n_trials": Number(1, integer=True, optional=True),
}


def check_saved(params: dict[str, Any], allowed: Constraints, kind: str) -> None:
    """Raise unless ``params`` are parameters of the class ``kind``, each of an allowed type.

    A gamma of 2 was "not given" in version 0.1: it becomes None where the loss has none.
    """
    for name, value in params.items():
        if name not in allowed:
            msg = f"{kind} has no parameter {shown(name)}."
            raise InvalidDataError(msg)
        types = allowed[name].types
        flag = isinstance(value, FLAGS) and not set(FLAGS) & set(types)
        if flag or not isinstance(value, types):
            names = sorted({t.__name__ for t in types})
            got = f"{shown(value)} ({type(value).__name__})"
            msg = f"{kind} takes {name} as one of {names}, got {got}."
            raise InvalidDataError(msg)
    loss = params.get("loss")
    has_gamma = loss in LOSSES and "gamma" in loss_parameters(LOSSES[loss].two)
    if params.get("gamma") == 2.0 and not has_gamma:
        params["gamma"] = None
