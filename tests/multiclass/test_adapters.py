"""Softmax losses in your own LightGBM and XGBoost code."""

from __future__ import annotations

import pickle

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.metrics import evaluate_multiclass
from tests.bagging.tables import Rows, many

LOSS = gbimb.SoftmaxFocalLoss(3, gamma=2.0, class_weight=(1.0, 2.0, 4.0))
NAMES = ["mcc", "f1", "balanced_accuracy", "mcc@argmax", "log_loss"]
QUIET = {"verbosity": -1, "num_threads": 1, "learning_rate": 0.05, "num_leaves": 7}
XGB = {
    "objective": "multi:softprob",
    "num_class": 3,
    "disable_default_eval_metric": 1,
    "max_depth": 3,
    "eta": 0.05,
    "nthread": 1,
}


@pytest.fixture(scope="module")
def train() -> Rows:
    return many(3000, 3)


@pytest.fixture(scope="module")
def valid() -> Rows:
    return many(2000, 3, seed=1)


def sets(train: Rows, valid: Rows) -> tuple[lgb.Dataset, lgb.Dataset]:
    first = lgb.Dataset(train.X, train.y, params={"verbosity": -1}, free_raw_data=False)
    return first, lgb.Dataset(valid.X, valid.y, reference=first, params={"verbosity": -1})


def test_lightgbm_trains_watches_stops_and_predicts_true_probabilities(
    train: Rows, valid: Rows
) -> None:
    train_set, valid_set = sets(train, valid)
    start = gbimb.lightgbm.set_start(LOSS, train_set, valid_set)
    np.testing.assert_allclose(start, LOSS.init_score(train.y))
    np.testing.assert_array_equal(
        train_set.get_init_score().reshape(3, -1), np.repeat(start, 3000).reshape(3, -1)
    )
    watched: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        {**QUIET, "objective": gbimb.lightgbm.objective(LOSS), "num_class": 3, "metric": "None"},
        train_set,
        300,
        valid_sets=[valid_set],
        feval=gbimb.lightgbm.feval(NAMES, LOSS),
        callbacks=[
            lgb.early_stopping(30, first_metric_only=True, verbose=False),
            lgb.record_evaluation(watched),
        ],
    )
    assert booster.current_iteration() < 300
    gbimb.lightgbm.bake_start(booster, start)
    raw = booster.predict(valid.X, raw_score=True)
    best = {name: values[booster.best_iteration - 1] for name, values in watched["valid_0"].items()}
    assert evaluate_multiclass(NAMES, LOSS, valid.y, raw) == pytest.approx(best, abs=1e-9)
    proba = LOSS.probability(raw)
    np.testing.assert_allclose(proba.mean(axis=0), valid.posterior.mean(axis=0), rtol=0.1)
    again = lgb.Booster(model_str=booster.model_to_string())
    np.testing.assert_allclose(again.predict(valid.X, raw_score=True), raw, atol=1e-12)


def test_xgboost_trains_watches_stops_and_predicts_true_probabilities(
    train: Rows, valid: Rows
) -> None:
    watched: dict[str, dict[str, list[float]]] = {}
    dvalid = xgb.DMatrix(valid.X, valid.y)
    start = gbimb.xgboost.base_score(LOSS, train.y)
    np.testing.assert_allclose(start, LOSS.init_score(train.y))
    booster = xgb.train(
        {**XGB, "base_score": start},
        xgb.DMatrix(train.X, train.y),
        300,
        evals=[(dvalid, "valid")],
        obj=gbimb.xgboost.objective(LOSS),
        custom_metric=gbimb.xgboost.custom_metric(NAMES, LOSS),
        callbacks=[gbimb.xgboost.early_stopping(30, "mcc@argmax")],
        evals_result=watched,
        verbose_eval=False,
    )
    assert booster.num_boosted_rounds() < 300
    raw = booster.predict(dvalid, output_margin=True)
    best = {name: values[booster.best_iteration] for name, values in watched["valid"].items()}
    assert evaluate_multiclass(NAMES, LOSS, valid.y, raw) == pytest.approx(best, abs=1e-5)
    proba = LOSS.probability(raw)
    np.testing.assert_allclose(proba.mean(axis=0), valid.posterior.mean(axis=0), rtol=0.1)
    again = xgb.Booster()
    again.load_model(booster.save_raw("json"))
    np.testing.assert_array_equal(again.predict(dvalid, output_margin=True), raw)


def test_weights_of_the_set_count(train: Rows) -> None:
    weight = np.array([1.0, 3.0, 1.0])[train.y]
    share = np.bincount(train.y, weights=weight) / weight.sum()
    train_set = lgb.Dataset(train.X, train.y, weight=weight, params={"verbosity": -1})
    starts = [
        gbimb.lightgbm.set_start(LOSS, train_set),
        gbimb.xgboost.base_score(LOSS, train.y, weight),
    ]
    for start in starts:
        np.testing.assert_allclose(LOSS.probability([start])[0], share, rtol=1e-6)


def test_labels_that_are_no_class_codes_are_refused(train: Rows) -> None:
    labels = train.y + 1
    train_set = lgb.Dataset(train.X, labels, params={"verbosity": -1})
    with pytest.raises(InvalidDataError, match="label of the Dataset must hold whole numbers"):
        lgb.train(
            {**QUIET, "objective": gbimb.lightgbm.objective(LOSS), "num_class": 3}, train_set, 2
        )
    with pytest.raises(InvalidDataError, match="label of the DMatrix must hold whole numbers"):
        gbimb.xgboost.objective(LOSS)(np.zeros((3000, 3)), xgb.DMatrix(train.X, labels))


def test_metrics_of_two_classes_are_refused_by_name() -> None:
    for make in (gbimb.lightgbm.feval, gbimb.xgboost.custom_metric):
        with pytest.raises(GbimbError, match="average_precision"):
            make(["average_precision"], LOSS)
        with pytest.raises(GbimbError, match=r"mcc@0\.5"):
            make("mcc@0.5", LOSS)


def test_a_start_for_another_number_of_classes_is_refused(train: Rows) -> None:
    train_set = lgb.Dataset(train.X, train.y, params={"verbosity": -1})
    params = {**QUIET, "objective": gbimb.lightgbm.objective(LOSS), "num_class": 3}
    booster = lgb.train(params, train_set, 1)
    for start in (0.5, [0.1, 0.2]):
        with pytest.raises(InvalidDataError, match="one number a raw score, 3"):
            gbimb.lightgbm.bake_start(booster, start)


def test_adapters_of_many_classes_can_be_pickled() -> None:
    for adapter in (
        gbimb.lightgbm.objective(LOSS),
        gbimb.xgboost.objective(LOSS),
        gbimb.xgboost.custom_metric(["mcc"], LOSS),
        gbimb.lightgbm.feval(["mcc"], LOSS),
    ):
        assert pickle.loads(pickle.dumps(adapter)).loss == LOSS
