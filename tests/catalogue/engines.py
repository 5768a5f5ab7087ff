"""What the adapters may be given in training code of one's own."""

from __future__ import annotations

from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.linear_model import LogisticRegression

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from tests.catalogue.case import Case, rows

X, Y = rows(120)
FOCAL = gbimb.FocalLoss()


def train_lgbm(*, y: Any = Y, metrics: Any = ("mcc",), loss: Any = FOCAL, **params: Any) -> None:
    """Train two rounds as a user of LightGBM does."""
    data = lgb.Dataset(X, y, params={"verbosity": -1})
    options = {"objective": gbimb.lightgbm.objective(loss), "metric": "None", "verbosity": -1}
    feval = gbimb.lightgbm.feval(metrics, loss)
    lgb.train({**options, **params}, data, 2, valid_sets=[data], feval=feval)


def train_xgb(
    *,
    y: Any = Y,
    metrics: Any = ("mcc",),
    loss: Any = FOCAL,
    types: Any = None,
    **params: Any,
) -> None:
    """Train two rounds as a user of XGBoost does."""
    data = xgb.DMatrix(np.abs(X).round(), y, feature_types=types, enable_categorical=True)
    options = {"objective": "binary:logistic", "disable_default_eval_metric": 1, "nthread": 1}
    xgb.train(
        {**options, **params},
        data,
        2,
        evals=[(data, "valid")],
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(metrics, loss),
        callbacks=[gbimb.xgboost.early_stopping(5)],
        verbose_eval=False,
    )


def unlabelled() -> Any:
    """A Dataset without labels."""
    return lgb.Dataset(X, params={"verbosity": -1})


def bake(start: Any) -> None:
    """Bake a start into a booster with one raw score."""
    booster = lgb.train({"verbosity": -1, "objective": "binary"}, lgb.Dataset(X, Y), 1)
    gbimb.lightgbm.bake_start(booster, start)


def set_start(*sets: Any, loss: Any = FOCAL) -> None:
    """Set a start."""
    gbimb.lightgbm.set_start(loss, *sets)


def losses(module: Any, watch: str) -> list[Case]:
    """What is no loss, in each function that takes one."""
    return [
        Case(f"{what} for {act.__name__}", "loss", got, partial(act, *before, loss))
        for act, before in ((module.objective, ()), (getattr(module, watch), (["mcc"],)))
        for what, got, loss in (
            ("a loss by name", "'focal'", "focal"),
            ("the class of a loss", "the class FocalLoss", gbimb.FocalLoss),
            ("no loss", "None", None),
        )
    ] + [
        Case(f"{what} for {watch}", "metrics", got, partial(getattr(module, watch), metrics, FOCAL))
        for what, got, metrics in (("no metrics", "None", None), ("metrics of numbers", "3", [3]))
    ]


LIGHTGBM = [
    Case("labels 0, 1 and 2", "label", "2", lambda: train_lgbm(y=Y * 2)),
    Case("labels -1 and 1", "label", "-1", lambda: train_lgbm(y=Y * 2 - 1)),
    Case("scale_pos_weight", "scale_pos_weight", "9", lambda: train_lgbm(scale_pos_weight=9)),
    Case("is_unbalance", "is_unbalance", "True", lambda: train_lgbm(is_unbalance=True)),
    Case("unbalance", "is_unbalance", "True", lambda: train_lgbm(unbalance=True)),
    Case("sigmoid", "sigmoid", "2.0", lambda: train_lgbm(sigmoid=2.0)),
    Case(
        "boost_from_average",
        "boost_from_average",
        "True",
        lambda: train_lgbm(boost_from_average=True),
    ),
    Case(
        "linear leaves with directions",
        "linear_tree",
        "[1, 0, 0, 0]",
        lambda: train_lgbm(linear_tree=True, mc=[1, 0, 0, 0]),
    ),
    Case("an unknown metric", "metric", "'mmc'", lambda: train_lgbm(metrics=["mmc"])),
    Case(
        "a loss of three classes",
        "label",
        "7.0",
        lambda: train_lgbm(loss=gbimb.SoftmaxLoss(3), y=Y * 7, num_class=3),
    ),
    *losses(gbimb.lightgbm, "feval"),
    Case(
        "the estimator of LightGBM",
        "LGBMClassifier",
        "ndarray",
        lambda: lgb.LGBMClassifier(objective=gbimb.lightgbm.objective(FOCAL), verbosity=-1).fit(
            X, Y
        ),
    ),
    Case(
        "a start without labels",
        "label",
        "no labels",
        lambda: gbimb.lightgbm.set_start(FOCAL, unlabelled()),
    ),
    Case(
        "a start with one class",
        "y_true",
        "0 of 120",
        lambda: gbimb.lightgbm.set_start(FOCAL, lgb.Dataset(X, Y * 0)),
    ),
    Case(
        "a start for a class",
        "loss",
        "the class FocalLoss",
        partial(set_start, None, loss=gbimb.FocalLoss),
    ),
    Case("a start for no set", "train_set", "NoneType", lambda: set_start(None)),
    Case("a start for a list", "train_set", "list", lambda: set_start([lgb.Dataset(X, Y)])),
    Case(
        "a start for a list to watch",
        "valid_sets",
        "list",
        lambda: set_start(lgb.Dataset(X, Y), [lgb.Dataset(X, Y)]),
    ),
    *(
        Case(f"a start of {what}", "start", got, partial(bake, start))
        for what, got, start in (
            ("two numbers", "2", [0.1, 0.2]),
            ("None", "None", None),
            ("NaN", "nan", float("nan")),
            ("infinity", "inf", float("inf")),
            ("words", "'x'", "x"),
            ("two dimensions", "[[0.1]]", [[0.1]]),
        )
    ),
    *(
        Case(
            f"a start in {type(model).__module__}.{type(model).__name__}",
            "booster",
            type(model).__name__,
            partial(gbimb.lightgbm.bake_start, model, 0.1),
        )
        for model in (lgb.LGBMClassifier(), xgb.Booster(), None)
    ),
]
XGBOOST = [
    Case("labels 0, 1 and 2", "label", "2", lambda: train_xgb(y=Y * 2)),
    Case("scale_pos_weight", "scale_pos_weight", "9", lambda: train_xgb(scale_pos_weight=9)),
    Case(
        "another objective",
        "objective",
        "'reg:squarederror'",
        lambda: train_xgb(objective="reg:squarederror"),
    ),
    Case(
        "a direction of categories",
        "monotone_constraints",
        "got -1",
        lambda: train_xgb(types=["q", "q", "c", "q"], monotone_constraints=(1, 0, -1, 0)),
    ),
    Case("an unknown metric", "metric", "'mmc'", lambda: train_xgb(metrics=["mmc"])),
    Case(
        "an unknown metric to stop on",
        "metric",
        "'mmc'",
        lambda: gbimb.xgboost.early_stopping(5, "mmc"),
    ),
    Case("zero rounds to wait", "rounds", "0", lambda: gbimb.xgboost.early_stopping(0)),
    Case("rounds of words", "rounds", "'many'", lambda: gbimb.xgboost.early_stopping("many")),  # type: ignore[arg-type]
    Case(
        "nothing to stop on",
        "metric",
        "None",
        lambda: gbimb.xgboost.early_stopping(5, None),  # type: ignore[arg-type]
    ),
    *losses(gbimb.xgboost, "custom_metric"),
    Case(
        "a start for a class",
        "loss",
        "the class FocalLoss",
        lambda: gbimb.xgboost.base_score(gbimb.FocalLoss, Y),  # type: ignore[arg-type]
    ),
    Case(
        "a loss of scikit-learn",
        "loss",
        "LogisticRegression()",
        lambda: gbimb.xgboost.objective(LogisticRegression()),
    ),  # type: ignore[arg-type]
    Case(
        "the estimator of XGBoost",
        "XGBClassifier",
        "ndarray",
        lambda: xgb.XGBClassifier(objective=gbimb.xgboost.objective(FOCAL), n_jobs=1).fit(X, Y),
    ),
    Case(
        "a start with one class",
        "y_true",
        "0 of 120",
        lambda: gbimb.xgboost.base_score(FOCAL, np.zeros(120)),
    ),
]
