"""From the estimator's parameters to XGBoost's, with defaults for rare classes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gbimb.engines.defaults import learning_rate, min_child_weight, subsample
from gbimb.engines.parameters import check_engine_params
from gbimb.engines.xgboost.native import synonyms
from gbimb.validation import plain_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.engines.defaults import Pace

_ON_CPU: Final = (
    "GPUs are not supported: losses are computed, and trees grown by 'hist', on the CPU"
)

# XGBoost's parameters that the estimator has under its own names, or the reason to have none.
SET_BY_ESTIMATOR: Final[dict[str, str]] = {
    "alpha": "reg_alpha",
    "base_score": "training starts at the minimum of the loss",
    "booster": "trees are boosted with 'gbtree'",
    "colsample_bytree": "colsample_bytree",
    "device": _ON_CPU,
    "disable_default_eval_metric": "eval_metric alone is watched",
    "eta": "learning_rate",
    "eval_metric": "eval_metric",
    "gamma": "gamma_split",
    "gpu_id": _ON_CPU,
    "lambda": "reg_lambda",
    "max_depth": "max_depth",
    "max_leaves": "max_leaves",
    "min_child_weight": "min_child_weight",
    "nthread": "n_jobs",
    "num_class": "y tells the number of classes",
    "objective": "loss",
    "predictor": _ON_CPU,
    "process_type": "trees are always new",
    "scale_pos_weight": "scale_pos_weight",
    "seed": "random_state",
    "seed_per_iteration": "random_state decides on all that is random",
    "subsample": "subsample",
    "tree_method": _ON_CPU,
    "updater": _ON_CPU,
    "verbosity": "verbose",
}

MANY_CLASSES: Final[Mapping[str, Any]] = MappingProxyType(
    {"max_depth": 6, "learning_rate": 0.1, "subsample": 1.0, "colsample_bytree": 1.0}
)
"""Of the trees on small tables of more than two classes, where their size is left open."""

SMALL_MEMBERS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "small trees": {"max_depth": 4, "learning_rate": 0.1},
        "random columns": {
            "max_depth": 6,
            "learning_rate": 0.15,
            "subsample": 0.6,
            "colsample_bynode": 0.4,
            "min_child_weight": 1.0,
        },
    }
)
"""Of each member of the blend on small tables of two classes."""


def size_is_open(parameters: Any) -> bool:
    """Return whether the size of the trees is left to the package."""
    return parameters.max_depth is None


def tree_params(
    parameters: Any,
    rows: int,
    pace: Pace,
    seed: int,
    threads: int,
) -> dict[str, Any]:
    """Return XGBoost's parameters; arguments as LightGBM's ``tree_params``.

    Raises
    ------
    GbimbError
        If one cannot be used.
    """
    columns = parameters.colsample_bytree
    params = {
        "tree_method": "hist",
        "learning_rate": learning_rate(parameters, rows, pace),
        "max_depth": 4 if parameters.max_depth is None else parameters.max_depth,
        "max_leaves": parameters.max_leaves,
        "min_child_weight": min_child_weight(parameters),
        "gamma": parameters.gamma_split,
        "subsample": subsample(parameters, rows),
        "colsample_bytree": 0.5 if columns is None else columns,
        "reg_alpha": parameters.reg_alpha,
        "reg_lambda": parameters.reg_lambda,
        "seed": seed,
        "nthread": threads,
        # XGBoost's generator belongs to a thread, which several boosters share.
        "seed_per_iteration": True,
        "verbosity": 0,
    }
    given = check_engine_params(parameters.engine_params, {}, SET_BY_ESTIMATOR, synonyms)
    return {name: plain_number(value) for name, value in params.items()} | given
