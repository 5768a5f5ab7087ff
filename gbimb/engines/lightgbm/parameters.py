"""From the estimator's parameters to LightGBM's, with defaults for rare classes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gbimb.engines.defaults import ONE_HOT, SMALL_TABLE, learning_rate, min_child_weight, subsample
from gbimb.engines.lightgbm.native import IGNORED_PARAMETERS, check_linear, synonyms
from gbimb.engines.parameters import check_engine_params, check_files
from gbimb.validation import plain_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.engines.defaults import Pace

# LightGBM's parameters that the estimator has under its own names, or the reason to have none.
SET_BY_ESTIMATOR: Final[dict[str, str]] = {
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample",
    "boosting": "trees are boosted with 'gbdt'",
    "categorical_feature": "columns of text and pandas categories are categorical",
    "data_random_seed": "random_state",
    "early_stopping_round": "early_stopping_rounds",
    "feature_fraction": "colsample_bytree",
    "feature_pre_filter": "several boosters share the bins, which wants it off",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
    "learning_rate": "learning_rate",
    "max_depth": "max_depth",
    "metric": "eval_metric",
    "min_data_in_leaf": "min_child_samples",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "num_class": "y tells the number of classes",
    "num_iterations": "n_estimators",
    "num_leaves": "num_leaves",
    "num_threads": "n_jobs",
    "objective": "loss",
    "seed": "random_state",
    "verbosity": "verbose",
    **dict.fromkeys(
        ("local_listen_port", "machine_list_filename", "machines", "num_machines", "time_out"),
        "several machines train through gbimb.dask",
    ),
    **dict.fromkeys(  # of LightGBM's command line, which reads a file
        (
            *("data", "group_column", "header", "ignore_column", "input_model", "label_column"),
            *("output_model", "task", "valid", "weight_column"),
        ),
        "it belongs to LightGBM's command line",
    ),
}

# At 0 LightGBM takes rounding errors for the rows of a leaf, and fails.
LEAST_CURVATURE: Final = 1e-10

MANY_CLASSES: Final[Mapping[str, Any]] = MappingProxyType(
    {"feature_fraction": 1.0, "bagging_freq": 0, "num_leaves": 31, "learning_rate": 0.1}
)
"""Of the trees on small tables of more than two classes, where their size is left open."""

SMALL_MEMBERS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "best splits": MANY_CLASSES,
        "random splits": {**MANY_CLASSES, "learning_rate": 0.15, "extra_trees": True},
    }
)
"""Of each member of the blend on small tables of two classes."""


def size_is_open(parameters: Any) -> bool:
    """Return whether the size of the trees is left to the package."""
    return parameters.num_leaves is None


def tree_params(
    parameters: Any,
    rows: int,
    pace: Pace,
    seed: int,
    threads: int,
) -> dict[str, Any]:
    """Return LightGBM's parameters.

    Parameters
    ----------
    parameters : ImbalancedLGBMClassifier
        Its constructor parameters are read.
    rows : int
        Rows to train on.
    pace : Pace
    seed, threads : int

    Raises
    ------
    GbimbError
        If one cannot be used.
    """
    fewest = parameters.min_child_samples
    share = subsample(parameters, rows)
    leaves = parameters.num_leaves or (8 if rows <= SMALL_TABLE else 31)
    params = {
        "learning_rate": learning_rate(parameters, rows, pace),
        "num_leaves": min(leaves, max(rows, 2)),
        "max_depth": parameters.max_depth,
        "min_data_in_leaf": min(20, rows // 50) if fewest is None else fewest,
        "min_sum_hessian_in_leaf": max(min_child_weight(parameters), LEAST_CURVATURE),
        "bagging_fraction": share,
        "bagging_freq": int(share < 1),
        "feature_fraction": parameters.colsample_bytree or 0.5,
        "cat_smooth": 50.0,
        "cat_l2": 30.0,
        "max_cat_to_onehot": ONE_HOT,
        "lambda_l1": parameters.reg_alpha,
        "lambda_l2": parameters.reg_lambda,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }
    given = check_engine_params(
        parameters.engine_params, IGNORED_PARAMETERS, SET_BY_ESTIMATOR, synonyms
    )
    check_linear(given)
    check_files(given, ("forcedsplits_filename", "forcedbins_filename"), synonyms)
    return {name: plain_number(value) for name, value in params.items()} | given
