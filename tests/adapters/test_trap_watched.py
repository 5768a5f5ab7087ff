"""What goes wrong with a custom loss in LightGBM and XGBoost: what is watched in training.

Most packages with a focal loss fall into several of these; the engines say nothing. Where a test
also shows the trap itself, it says "the trap".
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.exceptions import InvalidDataError
from gbimb.metrics import best_threshold
from tests.adapters.tables import (
    LGB,
    Rows,
    lgb_raw,
    lgb_set,
    xgb_raw,
)
from tests.adapters.traps import FOCAL, Classifier, both_estimators, fit, xgb_watched


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
        estimator, table, n_estimators=n_estimators, learning_rate=0.01, eval_metric="log_loss"
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
    best = best_threshold(fresh.y, clf.raw_score(fresh.X)).score
    assert clf.best_score_ == pytest.approx(best, abs=1e-3)
