"""What goes wrong with a custom loss in LightGBM and XGBoost: starts and raw scores.

Most packages with a focal loss fall into several of these; the engines say nothing. Where a test
also shows the trap itself, it says "the trap".
"""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy.special import logit
from sklearn.metrics import log_loss

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.exceptions import InvalidDataError
from tests.adapters.tables import (
    LGB,
    XGB,
    Rows,
    lgb_raw,
    lgb_set,
    rows,
    train_lgb,
    train_xgb,
    xgb_raw,
)
from tests.adapters.traps import FOCAL, Classifier, Pair, both_estimators, fit

if TYPE_CHECKING:
    from pathlib import Path


def test_raw_scores_are_returned_as_probabilities(table: Rows, fresh: Rows) -> None:
    for raw in (
        lgb_raw(train_lgb(FOCAL, table), fresh.X),
        xgb_raw(train_xgb(FOCAL, table), fresh.X),
    ):
        assert raw.min() < 0  # the trap: LightGBM's predict returns these, raw_score or not
        proba = FOCAL.probability(raw)
        assert ((proba > 0) & (proba < 1)).all()
        assert proba.mean() == pytest.approx(fresh.posterior.mean(), rel=0.4)


@both_estimators
def test_an_estimator_returns_raw_scores_as_probabilities(
    estimator: Classifier, table: Rows, fresh: Rows
) -> None:
    clf = fit(estimator, table)
    proba = clf.predict_proba(fresh.X)
    assert proba.shape == (len(fresh.X), 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(proba[:, 1], clf.loss_.probability(clf.raw_score(fresh.X)))
    assert proba[:, 1].mean() == pytest.approx(fresh.posterior.mean(), rel=0.4)


def test_training_has_no_starting_score(table: Rows) -> None:
    seen: list[np.ndarray] = []
    train_set = lgb_set(table)
    start = gbimb.lightgbm.set_start(FOCAL, train_set)
    inner = gbimb.lightgbm.objective(FOCAL)

    def watch(preds: np.ndarray, dataset: lgb.Dataset) -> Pair:
        seen.append(np.array(preds))
        return inner(preds, dataset)

    lgb.train({**LGB, "objective": watch}, train_set, 1)
    lgb.train({**LGB, "objective": watch}, lgb_set(table), 1)
    assert start == pytest.approx(FOCAL.init_score(table.y))
    np.testing.assert_array_equal(seen[0], start)
    np.testing.assert_array_equal(seen[1], 0.0)  # the trap: boost_from_average does nothing

    def watch_margin(predt: np.ndarray, dmatrix: xgb.DMatrix) -> Pair:
        seen.append(np.array(predt))
        return gbimb.xgboost.objective(FOCAL)(predt, dmatrix)

    dtrain = xgb.DMatrix(table.X, table.y)
    base = gbimb.xgboost.base_score(FOCAL, table.y)
    xgb.train({**XGB, "base_score": base}, dtrain, 1, obj=watch_margin)
    xgb.train(XGB, dtrain, 1, obj=watch_margin)
    np.testing.assert_allclose(seen[2], start, rtol=1e-6)
    np.testing.assert_array_equal(seen[3], 0.0)  # the trap


def test_the_starting_score_is_lost_at_predict(table: Rows) -> None:
    train_set = lgb_set(table)
    start = gbimb.lightgbm.set_start(FOCAL, train_set)
    params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)}
    last: list[np.ndarray] = []

    def keep(preds: np.ndarray, _: lgb.Dataset) -> tuple[str, float, bool]:
        last.append(np.array(preds))
        return "kept", 0.0, True

    booster = lgb.train(
        params, train_set, 20, valid_sets=[train_set], valid_names=["train"], feval=keep
    )
    lost = lgb_raw(booster, table.X)
    np.testing.assert_allclose(last[-1] - lost, start, atol=1e-12)  # the trap
    gbimb.lightgbm.bake_start(booster, start)
    np.testing.assert_allclose(lgb_raw(booster, table.X), last[-1], atol=1e-12)


def test_the_starting_score_of_linear_trees_is_baked_into_their_constants(table: Rows) -> None:
    train_set = lgb.Dataset(table.X, table.y, params={"linear_tree": True, "verbosity": -1})
    start = gbimb.lightgbm.set_start(FOCAL, train_set)
    params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), "linear_tree": True}
    booster = lgb.train(params, train_set, 5)
    booster.best_iteration = 3
    lost = lgb_raw(booster, table.X)
    gbimb.lightgbm.bake_start(booster, start)
    np.testing.assert_allclose(lgb_raw(booster, table.X), lost + start, atol=1e-12)
    assert booster.best_iteration == 3


def test_the_starting_score_of_a_model_without_splits_is_lost_at_predict() -> None:
    table = Rows(
        np.tile([[0.0, 1.0], [1.0, 0.0]], (200, 1)),
        np.r_[np.ones(20), np.zeros(380)],
        np.full(400, 0.05),
    )
    booster = train_lgb(FOCAL, table, 3, min_sum_hessian_in_leaf=1000.0)
    assert not booster.feature_importance().any()
    np.testing.assert_allclose(FOCAL.probability(lgb_raw(booster, table.X)), 0.05, rtol=1e-6)
    booster = train_xgb(FOCAL, table, 3, min_child_weight=1000)
    np.testing.assert_allclose(FOCAL.probability(xgb_raw(booster, table.X)), 0.05, rtol=1e-5)


def test_the_starting_score_is_lost_after_saving(table: Rows, tmp_path: Path) -> None:
    booster = train_lgb(FOCAL, table)
    raw = lgb_raw(booster, table.X)
    booster.save_model(tmp_path / "model.txt")
    for again in (
        lgb.Booster(model_file=tmp_path / "model.txt"),
        lgb.Booster(model_str=booster.model_to_string()),
        pickle.loads(pickle.dumps(booster)),
        copy.deepcopy(booster),
    ):
        np.testing.assert_array_equal(lgb_raw(again, table.X), raw)
    contributions = np.asarray(booster.predict(table.X, pred_contrib=True))
    np.testing.assert_allclose(contributions.sum(axis=1), raw, atol=1e-9)

    model = train_xgb(FOCAL, table)
    margin = xgb_raw(model, table.X)
    for suffix in ("json", "ubj"):
        model.save_model(tmp_path / f"model.{suffix}")
        again = xgb.Booster(model_file=tmp_path / f"model.{suffix}")
        np.testing.assert_array_equal(xgb_raw(again, table.X), margin)
    np.testing.assert_array_equal(xgb_raw(pickle.loads(pickle.dumps(model)), table.X), margin)


def test_the_starting_score_is_lost_in_continued_training(table: Rows) -> None:
    straight = train_lgb(FOCAL, table, 25)
    booster = train_lgb(FOCAL, table, 10)
    params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)}
    continued = lgb.train(params, lgb_set(table), 15, init_model=booster)
    np.testing.assert_allclose(
        lgb_raw(continued, table.X), lgb_raw(straight, table.X), rtol=1e-9, atol=1e-9
    )

    whole = train_xgb(FOCAL, table, 25)
    model = xgb.train(
        {**XGB, "base_score": gbimb.xgboost.base_score(FOCAL, table.y)},
        xgb.DMatrix(table.X, table.y),
        15,
        obj=gbimb.xgboost.objective(FOCAL),
        xgb_model=train_xgb(FOCAL, table, 10),
    )
    np.testing.assert_allclose(xgb_raw(model, table.X), xgb_raw(whole, table.X), atol=1e-5)


@both_estimators
def test_the_starting_score_is_lost_in_the_booster_of_an_estimator(
    estimator: Classifier, table: Rows
) -> None:
    clf = fit(estimator, table)
    if estimator is gbimb.ImbalancedLGBMClassifier:
        raw = lgb_raw(lgb.Booster(model_str=clf.booster_.model_to_string()), table.X)
    else:
        saved = xgb.Booster(model_file=clf.booster_.save_raw("json"))
        raw = saved.inplace_predict(table.X, predict_type="margin")
    np.testing.assert_allclose(raw, clf.raw_score(table.X), rtol=1e-6)
    assert clf.loss_.probability(raw).mean() == pytest.approx(table.y.mean(), rel=0.25)


def test_valid_sets_have_no_start_of_their_own(table: Rows, fresh: Rows) -> None:
    history: dict[str, Any] = {}
    train_set = lgb_set(table)
    with_start, without = (
        train_set.create_valid(fresh.X, fresh.y),
        train_set.create_valid(fresh.X, fresh.y),
    )
    gbimb.lightgbm.set_start(FOCAL, train_set, with_start)
    lgb.train(
        {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), "learning_rate": 1e-6},
        train_set,
        1,
        valid_sets=[with_start, without],
        valid_names=["with", "without"],
        feval=gbimb.lightgbm.feval(["log_loss"], FOCAL),
        callbacks=[lgb.record_evaluation(history)],
    )
    constant = log_loss(fresh.y, np.full(fresh.y.size, table.y.mean()))
    assert history["with"]["log_loss"][0] == pytest.approx(constant, rel=1e-4)
    assert history["without"]["log_loss"][0] > 2 * constant  # the trap


def test_a_dataset_not_yet_constructed_gets_no_start(table: Rows) -> None:
    for label in (table.y, table.y.tolist(), pd.Series(table.y)):
        dataset = lgb.Dataset(table.X, label=label, params={"verbosity": -1})
        start = gbimb.lightgbm.set_start(FOCAL, dataset)
        assert start == pytest.approx(FOCAL.init_score(table.y))
        np.testing.assert_array_equal(dataset.construct().get_field("init_score"), start)


def test_the_folds_of_lightgbms_cv_lose_the_start(table: Rows) -> None:
    data = lgb.Dataset(table.X, label=table.y, params=LGB, free_raw_data=False)
    gbimb.lightgbm.set_start(FOCAL, data)
    result = lgb.cv(
        {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), "learning_rate": 1e-6},
        data,
        1,
        nfold=3,
        feval=gbimb.lightgbm.feval(["log_loss"], FOCAL),
    )
    constant = log_loss(table.y, np.full(table.y.size, table.y.mean()))
    assert result["valid log_loss-mean"][0] == pytest.approx(constant, rel=1e-3)


def test_a_start_set_on_a_lazy_subset_is_dropped(table: Rows) -> None:
    weight = 1.0 + (np.arange(table.y.size) % 3)
    full = lgb_set(table, weight)
    even, odd = np.arange(0, 2000, 2), np.arange(1, 2000, 2)

    dropped = full.subset(even)
    dropped.set_init_score(np.full(even.size, -1.0))
    assert dropped.construct().get_field("init_score") is None  # the trap

    def train(full: lgb.Dataset) -> np.ndarray:
        train_set, valid_set = full.subset(even), full.subset(odd)
        start = gbimb.lightgbm.set_start(FOCAL, train_set, valid_set)
        assert start == pytest.approx(FOCAL.init_score(table.y[even], weight[even]))
        for dataset in (train_set, valid_set):
            np.testing.assert_array_equal(dataset.construct().get_field("init_score"), start)
        params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)}
        booster = lgb.train(params, train_set, 20, valid_sets=[valid_set])
        gbimb.lightgbm.bake_start(booster, start)
        return lgb_raw(booster, table.X)

    binned = lgb.Dataset(table.X, label=table.y, weight=weight, params=LGB, free_raw_data=False)
    proba = FOCAL.probability(train(binned))
    assert proba.mean() == pytest.approx(np.average(table.y, weights=weight), rel=0.4)
    # Other parameters than those of the Dataset make lightgbm.train construct the subset anew.
    with pytest.raises(InvalidDataError, match="dropped the init_score"):
        train(full)


def test_a_start_from_a_file_is_dropped(table: Rows, tmp_path: Path) -> None:
    lgb_set(table, 1.0 + table.X[:, 0] ** 2).construct().save_binary(tmp_path / "train.bin")
    dataset = lgb.Dataset(tmp_path / "train.bin", params={"verbosity": -1})
    start = gbimb.lightgbm.set_start(FOCAL, dataset)
    assert start == pytest.approx(FOCAL.init_score(table.y, 1.0 + table.X[:, 0] ** 2), rel=1e-5)
    np.testing.assert_array_equal(dataset.get_init_score(), start)


def test_a_set_without_labels_gets_a_start_of_nothing(table: Rows) -> None:
    with pytest.raises(InvalidDataError, match="no labels"):
        gbimb.lightgbm.set_start(FOCAL, lgb.Dataset(table.X))
    with pytest.raises(InvalidDataError, match="no labels"):
        gbimb.lightgbm.set_start(FOCAL, lgb_set(table), lgb.Dataset(table.X))
    with pytest.raises(InvalidDataError, match="no labels"):
        xgb.train(XGB, xgb.DMatrix(table.X), 1, obj=gbimb.xgboost.objective(FOCAL))


def test_a_start_at_the_logit_of_the_prevalence_freezes_focal() -> None:
    table = rows(4000, seed=3, prevalence=0.005)

    def train(start: float) -> tuple[int, float, float]:
        train_set = lgb_set(table).set_init_score(np.full(table.y.size, start))
        params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), "lambda_l2": 0.0}
        booster = lgb.train(params, train_set, 30)
        gbimb.lightgbm.bake_start(booster, start)
        raw = lgb_raw(booster, table.X)
        splits = int(booster.feature_importance().sum())
        return splits, float(np.abs(raw).max()), log_loss(table.y, FOCAL.probability(raw))

    prior = log_loss(table.y, np.full(table.y.size, table.y.mean()))
    frozen = train(float(logit(table.y.mean())))
    grown = train(FOCAL.init_score(table.y))
    assert frozen[0] == 0 or frozen[1] > 20  # the trap: no tree, or scores that run away
    assert grown[0] > 100
    assert grown[1] < 20
    assert grown[2] < prior
    for margin in (gbimb.xgboost.base_score(FOCAL, table.y),):
        assert logit(margin) == pytest.approx(FOCAL.init_score(table.y))
        assert logit(margin) > logit(table.y.mean()) + 1
