"""What goes wrong with a custom loss in LightGBM and XGBoost, one test a trap.

Most packages with a focal loss fall into several of these; the engines say nothing. Where a test
also shows the trap itself, it says "the trap".
"""

from __future__ import annotations

import copy
import io
import pickle
from typing import TYPE_CHECKING, Any, TypeAlias

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost as xgb
from scipy.special import logit
from sklearn.metrics import log_loss

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.metrics import best_threshold
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

if TYPE_CHECKING:
    from pathlib import Path

Classifier: TypeAlias = type[gbimb.ImbalancedLGBMClassifier | gbimb.ImbalancedXGBClassifier]
Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

FOCAL = gbimb.FocalLoss(gamma=2.0)
ESTIMATORS = [gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier]
both_estimators = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["lgbm", "xgb"])


@pytest.fixture(scope="module")
def table() -> Rows:
    return rows(2000, seed=0)


@pytest.fixture(scope="module")
def fresh() -> Rows:
    return rows(2000, seed=1)


def fit(estimator: Classifier, table: Rows, **parameters: object) -> Any:  # noqa: ANN401  either estimator
    """A quick fit; the traps are about what is done, not about how well."""
    small = {
        "n_estimators": 40,
        "learning_rate": 0.1,
        "subsample": 1.0,
        "cv": 2,
        "random_state": 0,
        "n_jobs": 1,
    }
    return estimator(**{**small, **parameters}).fit(table.X, table.y)


# --- what comes out: raw scores, starts ------------------------------------------------------


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
    np.testing.assert_array_equal(
        proba[:, 1], clf.loss_.probability(clf.decision_function(fresh.X))
    )
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
    np.testing.assert_allclose(raw, clf.decision_function(table.X), rtol=1e-6)
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


# --- what is watched -----------------------------------------------------------------------


def xgb_watched(
    table: Rows,
    fresh: Rows,
    callback: xgb.callback.TrainingCallback,
    metrics: list[str],
    **options: object,
) -> tuple[xgb.Booster, dict[str, Any]]:
    history: dict[str, Any] = {}
    booster = xgb.train(
        {**XGB, "base_score": gbimb.xgboost.base_score(FOCAL, table.y), **options},
        xgb.DMatrix(table.X, table.y),
        60,
        evals=[(xgb.DMatrix(fresh.X, fresh.y), "valid")],
        obj=gbimb.xgboost.objective(FOCAL),
        custom_metric=gbimb.xgboost.custom_metric(metrics, FOCAL),
        callbacks=[callback],
        evals_result=history,
        verbose_eval=False,
    )
    return booster, history["valid"]


def test_mcc_is_minimised_by_xgboosts_early_stopping(table: Rows, fresh: Rows) -> None:
    own, watched = xgb_watched(
        table, fresh, xgb.callback.EarlyStopping(rounds=5, metric_name="mcc"), ["mcc"]
    )
    assert watched["mcc"][own.best_iteration] == min(watched["mcc"])  # the trap
    booster, watched = xgb_watched(
        table, fresh, gbimb.xgboost.early_stopping(5, metric="mcc"), ["f1", "mcc", "log_loss"]
    )
    assert booster.best_iteration == int(np.argmax(watched["mcc"]))
    assert booster.best_iteration > 0
    loss, watched = xgb_watched(
        table, fresh, gbimb.xgboost.early_stopping(5, metric="log_loss"), ["mcc", "log_loss"]
    )
    assert loss.best_iteration == int(np.argmin(watched["log_loss"]))


def test_all_trees_are_used_after_early_stopping(table: Rows, fresh: Rows) -> None:
    own, _ = xgb_watched(
        table,
        fresh,
        xgb.callback.EarlyStopping(rounds=5, metric_name="mcc", maximize=True),
        ["mcc"],
        eta=0.5,
    )
    assert own.num_boosted_rounds() > own.best_iteration + 1  # the trap
    booster, watched = xgb_watched(
        table, fresh, gbimb.xgboost.early_stopping(5, metric="mcc"), ["mcc"], eta=0.5
    )
    assert len(watched["mcc"]) == booster.best_iteration + 6
    assert booster.num_boosted_rounds() == booster.best_iteration + 1
    reached = best_threshold(fresh.y, xgb_raw(booster, fresh.X)).score
    assert reached == pytest.approx(watched["mcc"][booster.best_iteration], abs=1e-6)


@both_estimators
def test_an_estimator_uses_all_trees_after_early_stopping(
    estimator: Classifier, table: Rows
) -> None:
    clf = fit(
        estimator,
        table,
        cv="holdout",
        eval_metric="log_loss",
        early_stopping_rounds=5,
        n_estimators=300,
        learning_rate=0.15,
        **({"num_leaves": 8} if estimator is gbimb.ImbalancedLGBMClassifier else {"max_depth": 4}),
    )
    trained = len(clf.evals_result_["valid"]["log_loss"])
    assert clf.best_iteration_ < trained < 300
    kept = (
        clf.booster_.num_trees()
        if estimator is gbimb.ImbalancedLGBMClassifier
        else clf.booster_.num_boosted_rounds()
    )
    assert kept == clf.best_iteration_


def test_mcc_at_one_half_stays_0_and_keeps_one_tree(table: Rows, fresh: Rows) -> None:
    def train(metric: str) -> tuple[lgb.Booster, list[float]]:
        history: dict[str, Any] = {}
        train_set = lgb_set(table)
        valid = train_set.create_valid(fresh.X, fresh.y)
        gbimb.lightgbm.set_start(FOCAL, train_set, valid)
        booster = lgb.train(
            {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), "learning_rate": 0.03},
            train_set,
            60,
            valid_sets=[valid],
            feval=gbimb.lightgbm.feval([metric], FOCAL),
            callbacks=[
                lgb.early_stopping(10, first_metric_only=True, verbose=False),
                lgb.record_evaluation(history),
            ],
        )
        return booster, history["valid_0"][metric]

    booster, watched = train("mcc@0.5")
    assert watched == [0.0] * 11  # the trap
    assert booster.num_trees() == 1
    booster, watched = train("mcc")
    assert booster.num_trees() == booster.best_iteration > 1
    assert max(watched) > watched[0] > 0


@both_estimators
@pytest.mark.parametrize("n_estimators", [5, 20, 30])
def test_a_window_as_long_as_the_history_keeps_one_tree(
    estimator: Classifier, n_estimators: int, table: Rows
) -> None:
    clf = fit(
        estimator, table, n_estimators=n_estimators, learning_rate=0.02, eval_metric="log_loss"
    )
    watched = clf.evals_result_["valid"]["log_loss"]
    assert np.argmin(watched) == n_estimators - 1
    assert clf.best_iteration_ >= n_estimators - 1


def test_a_built_in_metric_is_fed_raw_scores_and_leads_early_stopping(
    table: Rows, fresh: Rows
) -> None:
    history: dict[str, Any] = {}
    train_set = lgb_set(table)
    valid = train_set.create_valid(fresh.X, fresh.y)
    gbimb.lightgbm.set_start(FOCAL, train_set, valid)
    params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)}
    lgb.train(
        {**params, "metric": "binary_logloss"},
        train_set,
        10,
        valid_sets=[valid],
        feval=gbimb.lightgbm.feval(["log_loss"], FOCAL),
        callbacks=[lgb.record_evaluation(history)],
    )
    ours, theirs = history["valid_0"]["log_loss"], history["valid_0"]["binary_logloss"]
    assert next(iter(history["valid_0"])) == "binary_logloss"  # the trap: it comes first, and it is
    assert theirs[0] > 1.5 * ours[0]  # nonsense

    history.clear()
    lgb.train(
        params,
        train_set,
        2,
        valid_sets=[valid],
        feval=gbimb.lightgbm.feval(["mcc", "f1"], FOCAL),
        callbacks=[lgb.record_evaluation(history)],
    )
    assert list(history["valid_0"]) == ["mcc", "f1"]
    _, watched = xgb_watched(table, fresh, gbimb.xgboost.early_stopping(5), ["mcc", "f1"])
    assert list(watched) == ["mcc", "f1"]


@both_estimators
def test_a_built_in_metric_leads_the_early_stopping_of_an_estimator(
    estimator: Classifier, table: Rows
) -> None:
    clf = fit(estimator, table, eval_metric=("f1", "log_loss", "mcc@0.3"), n_estimators=7)
    assert {name: len(v) for name, v in clf.evals_result_["valid"].items()} == {
        "f1": 7,
        "log_loss": 7,
        "mcc@0.3": 7,
    }


def test_a_feval_changes_the_scores_that_the_next_round_sees(table: Rows) -> None:
    feval = gbimb.lightgbm.feval(["mcc", "f1@0.3", "log_loss", "average_precision"], FOCAL)
    raw = np.random.default_rng(0).normal(size=table.y.size)
    before = raw.copy()
    feval(raw, lgb_set(table).construct())
    np.testing.assert_array_equal(raw, before)

    def train(**options: object) -> np.ndarray:
        train_set = lgb_set(table)
        gbimb.lightgbm.set_start(FOCAL, train_set)
        params = {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)}
        watched = {"valid_sets": [train_set]} if options else {}
        return lgb_raw(lgb.train(params, train_set, 10, **watched, **options), table.X)

    np.testing.assert_array_equal(train(feval=feval), train())


def test_labels_of_an_eval_set_are_not_encoded(table: Rows, fresh: Rows) -> None:
    for bad in (fresh.y + 1, 2 * fresh.y - 1):
        train_set = lgb_set(table)
        valid = train_set.create_valid(fresh.X, bad)
        with pytest.raises(InvalidDataError, match="must hold only 0 and 1"):
            lgb.train(
                {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)},
                train_set,
                1,
                valid_sets=[valid],
                feval=gbimb.lightgbm.feval(["mcc"], FOCAL),
            )
        with pytest.raises(InvalidDataError, match="must hold only 0 and 1"):
            lgb.train(
                {**LGB, "objective": gbimb.lightgbm.objective(FOCAL)},
                lgb.Dataset(fresh.X, bad),
                1,
            )
        with pytest.raises(InvalidDataError, match="must hold only 0 and 1"):
            gbimb.xgboost.objective(FOCAL)(np.zeros(bad.size), xgb.DMatrix(fresh.X, bad))
        with pytest.raises(InvalidDataError, match="must hold only 0 and 1"):
            gbimb.xgboost.custom_metric(["mcc"], FOCAL)(
                np.zeros(bad.size), xgb.DMatrix(fresh.X, bad)
            )


@both_estimators
def test_labels_of_the_eval_set_of_an_estimator_are_not_encoded(
    estimator: Classifier, table: Rows, fresh: Rows
) -> None:
    names = np.array(["fraud", "fine"])
    clf = estimator(n_estimators=20, random_state=0, n_jobs=1).fit(
        table.X,
        np.where(table.y == 1, *names),
        eval_set=[(fresh.X, np.where(fresh.y == 1, *names))],
    )
    assert clf.pos_label_ == "fraud"
    scores = np.negative(clf.decision_function(fresh.X))  # for classes_[1], which is not positive
    if clf.classes_[1] == "fraud":
        scores = -scores
    assert clf.best_score_ == pytest.approx(best_threshold(fresh.y, scores).score, abs=1e-3)


# --- what the engines leave undone ---------------------------------------------------------


@pytest.mark.parametrize(
    "parameter",
    [
        {"scale_pos_weight": 10.0},
        {"is_unbalance": True},
        {"unbalance": True},
        {"unbalanced_sets": True},
        {"pos_bagging_fraction": 0.5},
        {"neg_bagging_fraction": 0.5},
        {"neg_sub_row": 0.5},
        {"pos_subsample": 0.5},
        {"class_weight": "balanced"},
        {"boost_from_average": True},
        {"sigmoid": 2.0},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_a_parameter_is_silently_ignored_by_lightgbm(
    parameter: dict[str, object], table: Rows
) -> None:
    name = next(iter(parameter))
    with pytest.raises(InvalidParameterError, match=rf"{name}=.*would be ignored.* Instead, "):
        lgb.train(
            {**LGB, "objective": gbimb.lightgbm.objective(FOCAL), **parameter}, lgb_set(table), 1
        )
    with pytest.raises(
        InvalidParameterError, match=rf"'{name}': the engine ignores it.* Instead, "
    ):
        fit(gbimb.ImbalancedLGBMClassifier, table, engine_params=parameter)


def test_scale_pos_weight_is_silently_ignored_by_xgboost(table: Rows, fresh: Rows) -> None:
    own = [train_xgb(FOCAL, table, scale_pos_weight=s) for s in (1.0, 10.0)]
    np.testing.assert_array_equal(*(xgb_raw(b, table.X) for b in own))  # the trap
    stop = gbimb.xgboost.early_stopping(5)
    with pytest.raises(InvalidParameterError, match=r"scale_pos_weight=10 would be.* Instead, "):
        xgb_watched(table, fresh, stop, ["mcc"], scale_pos_weight=10.0)
    with pytest.raises(InvalidParameterError, match=r"'scale_pos_weight': use scale_pos_weight="):
        fit(gbimb.ImbalancedXGBClassifier, table, engine_params={"scale_pos_weight": 10.0})


@both_estimators
def test_scale_pos_weight_is_silently_ignored_by_an_estimator(
    estimator: Classifier, table: Rows
) -> None:
    plain, weighted, balanced = (
        fit(estimator, table, scale_pos_weight=s, eval_metric="log_loss", learning_rate=0.03)
        for s in (None, 10.0, "balanced")
    )
    assert weighted.loss_.scale_pos_weight == 10.0
    ratio = (table.y == 0).sum() / table.y.sum()
    assert balanced.loss_.scale_pos_weight == pytest.approx(ratio)
    gap = weighted.decision_function(table.X) - plain.decision_function(table.X)
    assert gap.mean() > 0.3  # the scores move, the probabilities do not
    for clf in (plain, weighted, balanced):
        assert clf.predict_proba(table.X)[:, 1].mean() == pytest.approx(table.y.mean(), rel=0.5)


def test_the_objective_goes_to_the_engines_own_classifier(table: Rows) -> None:
    """They would call it with labels and scores, and return raw scores from predict_proba."""
    with pytest.raises(InvalidTypeError, match="use ImbalancedLGBMClassifier"):
        lgb.LGBMClassifier(objective=gbimb.lightgbm.objective(FOCAL)).fit(table.X, table.y)
    with pytest.raises(InvalidTypeError, match="use ImbalancedXGBClassifier"):
        xgb.XGBClassifier(objective=gbimb.xgboost.objective(FOCAL)).fit(table.X, table.y)
    with pytest.raises(InvalidTypeError, match="use ImbalancedLGBMClassifier"):
        gbimb.lightgbm.feval(["mcc"], FOCAL)(table.y, table.y)
    with pytest.raises(InvalidTypeError, match="use ImbalancedXGBClassifier"):
        gbimb.xgboost.custom_metric(["mcc"], FOCAL)(table.y, table.y)


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logitraw", "binary:hinge"])
def test_another_declared_objective_moves_the_start_of_xgboost(
    objective: str, table: Rows, fresh: Rows
) -> None:
    base = gbimb.xgboost.base_score(FOCAL, table.y)
    model = train_xgb(FOCAL, table, 1, objective=objective, eta=1e-9)
    assert xgb_raw(model, table.X)[0] == pytest.approx(base, abs=1e-6)  # the trap: not its logit
    with pytest.raises(InvalidParameterError, match=r'Set "objective": "binary:logistic"'):
        xgb_watched(table, fresh, gbimb.xgboost.early_stopping(5), ["mcc"], objective=objective)


def test_weights_of_a_dataset_are_ignored(table: Rows) -> None:
    weight = np.random.default_rng(0).integers(1, 4, table.y.size).astype(np.float32)
    raw = np.random.default_rng(1).normal(size=table.y.size)
    expected = FOCAL.gradient(table.y, raw, weight), FOCAL.curvature(table.y, raw, weight)
    dataset = lgb_set(table, weight).construct()
    dmatrix = xgb.DMatrix(table.X, table.y, weight=weight)
    pairs = (
        (gbimb.lightgbm.objective(FOCAL)(raw, dataset), expected),
        (gbimb.xgboost.objective(FOCAL)(raw, dmatrix), expected),
    )
    for got, wanted in pairs:
        np.testing.assert_allclose(got[0], wanted[0], rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(got[1], wanted[1], rtol=1e-5, atol=1e-9)
    mcc = best_threshold(table.y, raw, "mcc", weight).score
    assert gbimb.lightgbm.feval(["mcc"], FOCAL)(raw, dataset)[0][1] == pytest.approx(mcc)
    assert gbimb.xgboost.custom_metric(["mcc"], FOCAL)(raw, dmatrix)[0][1] == pytest.approx(mcc)


def test_weights_are_not_as_good_as_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 8, size=(600, 4)).astype(np.float64)  # so few values that bins are values
    y = (X[:, 0] + 2 * rng.random(600) > 7.2).astype(np.float64)
    weight = rng.integers(1, 4, 600)
    table, times = Rows(X, y, y), np.repeat(np.arange(600), weight)
    repeated = Rows(X[times], y[times], y[times])
    free = {"min_data_in_leaf": 0, "min_data_in_bin": 1}
    np.testing.assert_allclose(
        lgb_raw(train_lgb(FOCAL, table, weight=weight, **free), X),
        lgb_raw(train_lgb(FOCAL, repeated, **free), X),
        rtol=1e-4,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        xgb_raw(train_xgb(FOCAL, table, weight=weight), X),
        xgb_raw(train_xgb(FOCAL, repeated), X),
        rtol=1e-4,
        atol=1e-5,
    )


def test_weights_of_a_dmatrix_move_the_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    table = rows(3000, seed=5)
    weight = np.where(table.X[:, 0] > 1, 100.0, 1.0)
    cuts = [
        xgb.QuantileDMatrix(table.X, table.y, weight=w, max_bin=16).get_quantile_cut()[1]
        for w in (None, weight)
    ]
    assert not np.array_equal(*cuts)  # the trap

    made: list[xgb.QuantileDMatrix] = []
    quantised = xgb.QuantileDMatrix

    class Spy(quantised):  # type: ignore[misc, valid-type]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(xgb, "QuantileDMatrix", Spy)
    clf = gbimb.ImbalancedXGBClassifier(
        n_estimators=3, cv=None, engine_params={"max_bin": 16}, n_jobs=1
    )
    clf.fit(table.X, table.y)
    clf.fit(table.X, table.y, sample_weight=weight)
    bins = [dmatrix.get_quantile_cut()[1] for dmatrix in made]
    np.testing.assert_array_equal(bins[0], bins[-1])
    np.testing.assert_array_equal(bins[0], cuts[0])


def test_the_curvature_is_negative(table: Rows) -> None:
    raw = np.linspace(-700, 700, table.y.size)
    assert FOCAL.hessian(table.y, np.linspace(-8, 8, table.y.size)).min() < 0  # the trap
    _, curvature = gbimb.lightgbm.objective(FOCAL)(raw, lgb_set(table).construct())
    assert curvature.min() > 0
    _, curvature = gbimb.xgboost.objective(FOCAL)(raw, xgb.DMatrix(table.X, table.y))
    assert curvature.min() > 0


def test_raw_scores_that_are_nan_give_a_constant_model_in_silence(table: Rows) -> None:
    raw = np.zeros(table.y.size)
    raw[7] = np.nan
    with pytest.raises(InvalidDataError, match="finite"):
        gbimb.lightgbm.objective(FOCAL)(raw, lgb_set(table).construct())
    with pytest.raises(InvalidDataError, match="finite"):
        gbimb.xgboost.objective(FOCAL)(raw, xgb.DMatrix(table.X, table.y))
    dtrain = xgb.DMatrix(table.X, table.y, base_margin=np.full(table.y.size, np.inf))
    with pytest.raises(InvalidDataError, match="finite"):
        xgb.train(XGB, dtrain, 2, obj=gbimb.xgboost.objective(FOCAL))


# --- time and memory -----------------------------------------------------------------------


def test_the_objective_is_deep_copied(table: Rows) -> None:
    objective = gbimb.lightgbm.objective(FOCAL)
    assert copy.deepcopy(objective) is objective
    assert copy.deepcopy({"objective": objective})["objective"] is objective
    train_set = lgb_set(table)
    lgb.train({**LGB, "objective": objective}, train_set, 2)
    assert list(objective._buffers) == [train_set]  # LightGBM called this one, not a copy


def test_gradient_buffers_are_copied(table: Rows) -> None:
    handed: list[Any] = []
    lgb_objective = gbimb.lightgbm.objective(FOCAL)
    xgb_objective = gbimb.xgboost.objective(FOCAL)

    def watch_lgb(preds: np.ndarray, dataset: lgb.Dataset) -> Pair:
        handed.append(lgb_objective(preds, dataset))
        return handed[-1]

    def watch_xgb(predt: np.ndarray, dmatrix: xgb.DMatrix) -> Pair:
        handed.append(xgb_objective(predt, dmatrix))
        return handed[-1]

    lgb.train({**LGB, "objective": watch_lgb}, lgb_set(table), 5)
    xgb.train(XGB, xgb.DMatrix(table.X, table.y), 5, obj=watch_xgb)
    for rounds in (handed[:5], handed[5:]):
        for which in (0, 1):
            buffers = [pair[which] for pair in rounds]
            assert all(buffer is buffers[0] for buffer in buffers)
            assert buffers[0].dtype == np.float32
            assert buffers[0].flags.c_contiguous
            taken = lgb.basic._list_to_1d_numpy(data=buffers[0], dtype=np.float32, name="grad")
            assert np.shares_memory(taken, buffers[0])


def test_buffers_outlive_their_dataset(table: Rows) -> None:
    lgb_objective, xgb_objective = gbimb.lightgbm.objective(FOCAL), gbimb.xgboost.objective(FOCAL)
    for _ in range(3):
        lgb.train({**LGB, "objective": lgb_objective}, lgb_set(table), 1)
        xgb.train(XGB, xgb.DMatrix(table.X, table.y), 1, obj=xgb_objective)
    assert len(lgb_objective._buffers) <= 1
    assert len(xgb_objective._cache) <= 1


def test_xgboost_copies_labels_on_every_call(
    table: Rows, fresh: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[xgb.DMatrix] = []
    get_label = xgb.DMatrix.get_label

    def counting(self: xgb.DMatrix) -> np.ndarray:
        calls.append(self)
        return get_label(self)

    dmatrix = xgb.DMatrix(table.X, table.y)
    assert not np.shares_memory(dmatrix.get_label(), dmatrix.get_label())  # the trap
    monkeypatch.setattr(xgb.DMatrix, "get_label", counting)
    xgb_watched(table, fresh, gbimb.xgboost.early_stopping(60), ["mcc"])
    assert len(calls) == 2  # the train set in the objective, the validation set in the metric


# --- tables and output ---------------------------------------------------------------------


@both_estimators
@pytest.mark.parametrize("kind", ["polars", "arrow", "batch"])
def test_strings_in_polars_and_arrow_abort_the_process(
    estimator: Classifier, kind: str, table: Rows
) -> None:
    frame = pl.DataFrame(
        {
            "number": table.X[:, 0],
            "text": np.array(["a", "b", "c"])[np.arange(table.y.size) % 3],
            "shade": np.array(["dark", "light"])[(table.X[:, 3] > 0).astype(int)],
        }
    ).with_columns(pl.col("shade").cast(pl.Categorical))
    X = {
        "polars": lambda: frame,
        "arrow": frame.to_arrow,
        "batch": lambda: frame.to_arrow().combine_chunks().to_batches()[0],
    }[kind]()
    clf = estimator(n_estimators=10, cv=2, random_state=0, n_jobs=1).fit(X, table.y)
    assert list(clf.feature_names_in_) == ["number", "text", "shade"]
    assert clf.feature_importances_[2] > clf.feature_importances_[1]
    np.testing.assert_array_equal(
        clf.predict_proba(X), clf.predict_proba(frame.to_pandas().astype({"shade": str}))
    )


@both_estimators
def test_an_engine_prints_from_its_threads(
    estimator: Classifier, table: Rows, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny = Rows(np.ones((300, 2)), table.y[:300], table.y[:300])
    with pytest.warns(gbimb.GbimbWarning):
        fit(estimator, tiny, n_jobs=2, cv=3)
    clf = fit(estimator, table, n_jobs=2, cv=3)
    clf.predict_proba(table.X)
    pickle.dump(clf, io.BytesIO())
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
