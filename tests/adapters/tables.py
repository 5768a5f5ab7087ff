"""Small tables with a rare class, and the engines' parameters that the adapter tests share."""

from __future__ import annotations

from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from scipy.special import expit

import gbimb
import gbimb.lightgbm
import gbimb.xgboost

LGB: dict[str, Any] = {
    "metric": "None",
    "learning_rate": 0.1,
    "num_leaves": 7,
    "min_data_in_leaf": 5,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 0,
    "verbosity": -1,
}
XGB: dict[str, Any] = {
    "objective": "binary:logistic",
    "disable_default_eval_metric": 1,
    "tree_method": "hist",
    "eta": 0.1,
    "max_depth": 3,
    "min_child_weight": 1e-3,
    "nthread": 1,
    "seed": 0,
    "verbosity": 0,
}


class Rows(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    posterior: np.ndarray


def rows(n: int, *, seed: int = 0, prevalence: float = 0.04) -> Rows:
    """Rows of six numbers with a known P(y = 1 | x)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    signal = 1.5 * X[:, 0] + 1.0 * X[:, 1] * (X[:, 2] > 0) - 1.0 * X[:, 3]
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(signal + middle).mean() < prevalence else (low, middle)
    posterior = expit(signal + low)
    return Rows(X, (rng.random(n) < posterior).astype(np.float64), posterior)


def lgb_set(table: Rows, weight: np.ndarray | None = None) -> lgb.Dataset:
    return lgb.Dataset(
        table.X, label=table.y, weight=weight, params={"verbosity": -1}, free_raw_data=False
    )


def train_lgb(
    loss: gbimb.FocalLoss | gbimb.LogisticLoss,
    table: Rows,
    n_rounds: int = 20,
    *,
    weight: np.ndarray | None = None,
    **options: object,
) -> lgb.Booster:
    """Train as the module's docstring says, the start baked in."""
    train_set = lgb_set(table, weight)
    start = gbimb.lightgbm.set_start(loss, train_set)
    params = {**LGB, "objective": gbimb.lightgbm.objective(loss), **options}
    booster = lgb.train(params, train_set, n_rounds)
    gbimb.lightgbm.bake_start(booster, start)
    return booster


def train_xgb(
    loss: gbimb.FocalLoss | gbimb.LogisticLoss,
    table: Rows,
    n_rounds: int = 20,
    *,
    weight: np.ndarray | None = None,
    **options: object,
) -> xgb.Booster:
    """Train as the module's docstring says."""
    params = {**XGB, "base_score": gbimb.xgboost.base_score(loss, table.y, weight)}
    return xgb.train(
        {**params, **options},
        xgb.DMatrix(table.X, table.y, weight=weight),
        n_rounds,
        obj=gbimb.xgboost.objective(loss),
    )


def lgb_raw(booster: lgb.Booster, X: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(X, raw_score=True, num_threads=1))


def xgb_raw(booster: xgb.Booster, X: np.ndarray) -> np.ndarray:
    return booster.predict(xgb.DMatrix(X), output_margin=True)
