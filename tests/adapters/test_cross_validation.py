"""Losses, metrics and starts in the ``cv`` functions of both engines."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.exceptions import InvalidParameterError
from gbimb.metrics import best_threshold

N, ROUNDS, FOLDS = 600, 12, 3
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 4))
SCORE = X[:, 0] + rng.normal(size=N)
LABELS = {1: (SCORE > 1.6).astype(int), 3: np.digitize(SCORE, [0.8, 1.8])}
WEIGHT = rng.uniform(0.5, 2.0, N)
TWO = ["mcc", "fbeta:2", "mcc@0.5", "average_precision", "log_loss", "recall at precision >= 0.5"]
MANY = ["mcc", "f1", "balanced_accuracy", "log_loss", "mcc@argmax"]
LOSSES = [
    (gbimb.FocalLoss(), TWO),
    (gbimb.LogisticLoss(scale_pos_weight=5.0), TWO),
    (gbimb.SoftMCCLoss(), TWO),
    (gbimb.SoftFBetaLoss(), TWO),
    (gbimb.SoftmaxLoss(3), MANY),
    (gbimb.SoftmaxFocalLoss(3), MANY),
]
each_loss = pytest.mark.parametrize(
    ("loss", "metrics"), LOSSES, ids=[type(loss).__name__ for loss, _ in LOSSES]
)


def xgb_params(loss: Any, **more: Any) -> dict[str, Any]:
    many = {"objective": "multi:softprob", "num_class": 3} if loss.n_outputs > 1 else {}
    return {
        "objective": "binary:logistic",
        "base_score": gbimb.xgboost.base_score(loss, LABELS[loss.n_outputs], WEIGHT),
        "disable_default_eval_metric": 1,
        "max_depth": 3,
        "nthread": 1,
        **many,
        **more,
    }


def xgb_cv(loss: Any, metrics: Any, stop: str, **more: Any) -> Any:
    return xgb.cv(
        xgb_params(loss, **more),
        xgb.DMatrix(X, LABELS[loss.n_outputs], weight=WEIGHT),
        ROUNDS,
        nfold=FOLDS,
        stratified=True,
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(metrics, loss),
        callbacks=[gbimb.xgboost.early_stopping(3, metric=stop)],
    )


@each_loss
def test_xgboost_cv_stops_at_the_best_round(loss: Any, metrics: list[str]) -> None:
    for stop in metrics[::2]:
        table = xgb_cv(loss, metrics, stop)
        column = f"test-{stop.replace(':', '_').replace(' ', '_')}-mean"
        values = table[column].to_numpy()
        best = values.argmin() if stop == "log_loss" else values.argmax()
        assert best == len(values) - 1 or (len(values) == ROUNDS and best >= ROUNDS - 3)


def test_xgboost_cv_reports_the_values_of_boosters_trained_by_hand() -> None:
    loss, y = gbimb.FocalLoss(), LABELS[1]
    folds = [(np.flatnonzero(np.arange(N) % 2 != k), np.arange(N)[k::2]) for k in range(2)]
    table = xgb.cv(
        xgb_params(loss),
        xgb.DMatrix(X, y, weight=WEIGHT),
        4,
        folds=folds,
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(["mcc"], loss),
        callbacks=[gbimb.xgboost.early_stopping(4)],
    )
    found = []
    for train, test in folds:
        data = xgb.DMatrix(X[train], y[train], weight=WEIGHT[train])
        booster = xgb.train(xgb_params(loss), data, len(table), obj=gbimb.xgboost.objective(loss))
        margin = booster.predict(xgb.DMatrix(X[test]), output_margin=True)
        found.append(best_threshold(y[test], margin, "mcc", WEIGHT[test]).score)
    assert table["test-mcc-mean"].iloc[-1] == pytest.approx(np.mean(found), abs=1e-5)


def test_xgboost_train_reports_a_metric_whose_name_has_blanks() -> None:
    loss, name = gbimb.FocalLoss(), "recall at precision >= 0.5"
    data, history = xgb.DMatrix(X, LABELS[1]), {}
    booster = xgb.train(
        xgb_params(loss),
        data,
        5,
        evals=[(data, "train")],
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric([name], loss),
        callbacks=[gbimb.xgboost.early_stopping(5, metric=name)],
        evals_result=history,
        verbose_eval=False,
    )
    score = best_threshold(LABELS[1], booster.predict(data, output_margin=True), name).score
    assert max(history["train"]["recall_at_precision_>=_0.5"]) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("more", [{"scale_pos_weight": 9.0}, {"objective": "reg:squarederror"}])
def test_xgboost_cv_refuses_what_train_refuses(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError, match=next(iter(more))):
        xgb_cv(gbimb.FocalLoss(), ["mcc"], "mcc", **more)


@each_loss
def test_lightgbm_cv_takes_losses_metrics_and_starts(loss: Any, metrics: list[str]) -> None:
    data = lgb.Dataset(X, LABELS[loss.n_outputs], weight=WEIGHT, params={"verbosity": -1})
    start = gbimb.lightgbm.set_start(loss, data)
    found = lgb.cv(
        {
            "objective": gbimb.lightgbm.objective(loss),
            "metric": "None",
            "num_class": loss.n_outputs,
            "num_leaves": 7,
            "num_threads": 1,
            "verbosity": -1,
        },
        data,
        ROUNDS,
        nfold=FOLDS,
        stratified=True,
        feval=gbimb.lightgbm.feval(metrics, loss),
        callbacks=[lgb.early_stopping(3, first_metric_only=True, verbose=False)],
        return_cvbooster=True,
    )
    boosters: Any = found.pop("cvbooster")
    values = np.array(found[f"valid {metrics[0]}-mean"])
    assert len(found) == 2 * len(metrics)
    assert boosters.best_iteration == values.argmax() + 1
    for booster in boosters.boosters:
        before = booster.predict(X[:5], raw_score=True)
        gbimb.lightgbm.bake_start(booster, start)
        assert booster.predict(X[:5], raw_score=True) == pytest.approx(before + start)
