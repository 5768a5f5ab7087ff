"""Soft MCC and soft F1 after a warm start, in both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy.special import expit

import gbimb
from gbimb.engines.registry import get_engine
from gbimb.metrics import best_threshold, f_beta_score, mcc_score
from tests.adapters.tables import LGB, XGB, Rows, lgb_set, rows

if TYPE_CHECKING:
    from gbimb.losses import SoftLoss

WARM, MORE = 40, 80
LOG = gbimb.LogisticLoss()


def with_lightgbm(table: Rows, loss: Any) -> np.ndarray:
    """Raw scores of the training rows, of ``WARM`` rounds of log loss and ``MORE`` of ``loss``."""
    train = lgb_set(table)
    start = gbimb.lightgbm.set_start(LOG, train)
    first = lgb.train({**LGB, "objective": gbimb.lightgbm.objective(LOG)}, train, WARM)
    gbimb.lightgbm.bake_start(first, start)
    params = {**LGB, "objective": gbimb.lightgbm.objective(loss)}
    booster = lgb.train(params, lgb_set(table), MORE, init_model=first)
    return np.asarray(booster.predict(table.X, raw_score=True))


def with_xgboost(table: Rows, loss: Any) -> np.ndarray:
    train = xgb.DMatrix(table.X, table.y)
    params = {**XGB, "base_score": gbimb.xgboost.base_score(LOG, table.y)}
    first = xgb.train(params, train, WARM, obj=gbimb.xgboost.objective(LOG))
    obj = gbimb.xgboost.objective(loss)
    booster = xgb.train(params, train, MORE, obj=obj, xgb_model=first)
    return np.asarray(booster.predict(train, output_margin=True))


ENGINES = {"lightgbm": with_lightgbm, "xgboost": with_xgboost}


def hard_table() -> Rows:
    """A table with much noise, on which trees of this size cannot learn the labels by heart."""
    table = gbimb.datasets.load("coil2000_insurance")
    columns = {
        name: column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
        for name, column in table.X.items()
    }
    return Rows(pd.DataFrame(columns).to_numpy(np.float64), table.y.astype(float), np.empty(0))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_trees_reach_a_higher_training_mcc_and_f1_than_with_log_loss(engine: str) -> None:
    table = hard_table()
    fit = ENGINES[engine]
    log, mcc = fit(table, LOG), fit(table, gbimb.SoftMCCLoss())
    f1 = fit(table, gbimb.SoftFBetaLoss())
    assert mcc_score(table.y, mcc >= 0) > mcc_score(table.y, log >= 0) + 0.1
    assert f_beta_score(table.y, f1 >= 0) > f_beta_score(table.y, log >= 0) + 0.1
    best = best_threshold(table.y, log, metric="mcc").score
    assert best_threshold(table.y, mcc, metric="mcc").score > best
    smooth = gbimb.SoftMCCLoss()
    assert smooth.score(smooth.sums(table.y, mcc)) > smooth.score(smooth.sums(table.y, log))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("loss", [gbimb.SoftMCCLoss(), gbimb.SoftFBetaLoss(2.0)], ids=str)
def test_a_round_of_training_lowers_the_loss(engine: str, loss: SoftLoss) -> None:
    table = rows(2000)
    before, after = ENGINES[engine](table, LOG), ENGINES[engine](table, loss)
    assert loss.loss(table.y, after).sum() < loss.loss(table.y, before).sum()


def test_lightgbm_stops_early_in_the_second_training_and_predicts_with_both() -> None:
    table, fresh = rows(2000), rows(1000, seed=1)
    loss = gbimb.SoftMCCLoss()
    train = lgb_set(table)
    start = gbimb.lightgbm.set_start(LOG, train)
    first = lgb.train({**LGB, "objective": gbimb.lightgbm.objective(LOG)}, train, WARM)
    gbimb.lightgbm.bake_start(first, start)
    seen: dict[str, Any] = {}
    train = lgb_set(table)
    valid = lgb.Dataset(fresh.X, fresh.y, reference=train)
    booster = lgb.train(
        {**LGB, "objective": gbimb.lightgbm.objective(loss)},
        train,
        300,
        valid_sets=[valid],
        init_model=first,
        feval=gbimb.lightgbm.feval(["mcc", "log_loss"], loss),
        callbacks=[
            lgb.early_stopping(20, first_metric_only=True, verbose=False),
            lgb.record_evaluation(seen),
        ],
    )
    values = seen["valid_0"]["mcc"]
    assert booster.best_iteration == WARM + int(np.argmax(values)) + 1
    assert len(values) < 300
    raw = booster.predict(fresh.X, raw_score=True)
    assert best_threshold(fresh.y, raw, metric="mcc").score == pytest.approx(max(values))


def test_xgboost_stops_early_in_the_second_training_and_predicts_with_both() -> None:
    table, fresh = rows(2000), rows(1000, seed=1)
    loss = gbimb.SoftMCCLoss()
    train, valid = xgb.DMatrix(table.X, table.y), xgb.DMatrix(fresh.X, fresh.y)
    params = {**XGB, "base_score": gbimb.xgboost.base_score(LOG, table.y)}
    first = xgb.train(params, train, WARM, obj=gbimb.xgboost.objective(LOG))
    seen: dict[str, Any] = {}
    booster = xgb.train(
        params,
        train,
        300,
        evals=[(valid, "valid")],
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(["mcc"], loss),
        callbacks=[gbimb.xgboost.early_stopping(20, metric="mcc")],
        evals_result=seen,
        verbose_eval=False,
        xgb_model=first,
    )
    values = seen["valid"]["mcc"]
    assert booster.num_boosted_rounds() == WARM + int(np.argmax(values)) + 1
    raw = booster.predict(valid, output_margin=True)
    assert best_threshold(fresh.y, raw, metric="mcc").score == pytest.approx(max(values), abs=1e-6)
    np.testing.assert_allclose(booster.predict(valid), expit(raw), atol=1e-6)


@pytest.mark.parametrize(("name", "own"), [("lightgbm", LGB), ("xgboost", XGB)])
def test_going_on_from_a_round_is_as_if_no_later_one_had_been(
    name: str, own: dict[str, Any]
) -> None:
    table = rows(1000)
    engine = get_engine(name)
    params = {k: v for k, v in own.items() if k not in ("objective", "metric")}
    train, held_out = np.arange(800), np.arange(800, 1000)
    start = np.array([LOG.init_score(table.y)])
    scores = []
    for wasted in (0, 7):
        columns = [f"f{i}" for i in range(table.X.shape[1])]
        bins = engine.Bins(
            table.X, table.y, None, categorical=[], feature_names=columns, params=params
        )
        member = bins.member(LOG, start, train, held_out, {})
        for _ in range(10 + wasted):
            member.update()
        member.go_on(gbimb.SoftMCCLoss(), 10)
        for _ in range(10):
            member.update()
        scores.append(member.held_out().copy())
        booster = engine.merge([member.model(20)], 1.0, start)
        raw = engine.raw_score(booster, table.X[held_out], 1)
        np.testing.assert_allclose(raw, scores[-1], atol=1e-5)
    np.testing.assert_allclose(*scores, atol=1e-5)
