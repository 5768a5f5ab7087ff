"""What the constructor parameters of each class may be."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown
from gbimb.losses import LOSSES, Loss, loss_parameters
from gbimb.model.values import SPLITTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

Types: TypeAlias = "tuple[type, ...]"

FLAG: Final[Types] = (bool, np.bool_)
INTEGER: Final[Types] = (int, np.integer)
NUMBER: Final[Types] = (int, float, np.integer, np.floating)
LABEL: Final[Types] = (str, *FLAG, *NUMBER)
SPLITTER: Final[Types] = tuple(kind for kind, _ in SPLITTERS.values())
SEED: Final[Types] = (*INTEGER, np.random.RandomState, NoneType)
OPTIONAL: Final[Types] = (*NUMBER, NoneType)

# checkpoint_path is not saved: whoever loads a model should not write where it says.
BOOSTING: Final[dict[str, Types]] = {
    "loss": (str, Loss),
    "gamma": OPTIONAL,
    "alpha": OPTIONAL,
    "scale_pos_weight": (*OPTIONAL, str, dict),
    "pos_label": (*LABEL, NoneType),
    "eval_metric": (str, list, tuple),
    "early_stopping_rounds": OPTIONAL,
    "threshold": (*NUMBER, str),
    "calibration": (str, NoneType),
    "cv": (*INTEGER, str, list, tuple, *SPLITTER, NoneType),
    "n_estimators": INTEGER,
    "learning_rate": OPTIONAL,
    "min_child_weight": OPTIONAL,
    "subsample": OPTIONAL,
    "colsample_bytree": OPTIONAL,
    "reg_alpha": NUMBER,
    "reg_lambda": NUMBER,
    "engine_params": (dict, NoneType),
    "checkpoint_every": INTEGER,
    "keep_on_interrupt": FLAG,
    "random_state": SEED,
    "n_jobs": (*INTEGER, NoneType),
    "verbose": INTEGER,
}
LIGHTGBM: Final[dict[str, Types]] = {
    **BOOSTING,
    "max_depth": INTEGER,
    "num_leaves": (*INTEGER, NoneType),
    "min_child_samples": (*INTEGER, NoneType),
}
XGBOOST: Final[dict[str, Types]] = {
    **BOOSTING,
    "max_depth": (*INTEGER, NoneType),
    "max_leaves": INTEGER,
    "gamma_split": NUMBER,
}
BAGGING: Final[dict[str, Types]] = {
    "n_estimators": INTEGER,
    "sampling_strategy": (*NUMBER, str, dict),
    "replacement": FLAG,
    "sampling": (str,),
    "eval_metric": (str,),
    "threshold": (*NUMBER, str),
    "calibration": (str, NoneType),
    "warm_start": FLAG,
    "random_state": SEED,
    "n_jobs": (*INTEGER, NoneType),
    "verbose": INTEGER,
}
AUTO: Final[dict[str, Types]] = {
    "metric": (str, list, tuple, np.ndarray),
    "engine": (str,),
    "time_budget": OPTIONAL,
    "n_trials": (*INTEGER, NoneType),
    "pos_label": (*LABEL, NoneType),
    "random_state": SEED,
    "n_jobs": (*INTEGER, NoneType),
    "verbose": INTEGER,
}


def check_parameters(params: dict[str, Any], allowed: Mapping[str, Types], kind: str) -> None:
    """Raise unless ``params`` are parameters of the class ``kind``, each of an allowed type.

    A gamma of 2 was "not given" in version 0.1: it becomes None where the loss has none.
    """
    for name, value in params.items():
        if name not in allowed:
            msg = f"{kind} has no parameter {shown(name)}."
            raise InvalidDataError(msg)
        flag = isinstance(value, FLAG) and not set(FLAG) & set(allowed[name])
        if flag or not isinstance(value, allowed[name]):
            names = sorted({t.__name__ for t in allowed[name]})
            got = f"{shown(value)} ({type(value).__name__})"
            msg = f"{kind} takes {name} as one of {names}, got {got}."
            raise InvalidDataError(msg)
    loss = params.get("loss")
    has_gamma = loss in LOSSES and "gamma" in loss_parameters(LOSSES[loss].two)
    if params.get("gamma") == 2.0 and not has_gamma:
        params["gamma"] = None
