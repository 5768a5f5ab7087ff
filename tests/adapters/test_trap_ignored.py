"""What goes wrong with a custom loss in LightGBM and XGBoost: what the engines ignore.

Most packages with a focal loss fall into several of these; the engines say nothing. Where a test
also shows the trap itself, it says "the trap".
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

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
from tests.adapters.traps import FOCAL, Classifier, both_estimators, fit, xgb_watched


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
    gap = weighted.raw_score(table.X) - plain.raw_score(table.X)
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


def test_the_curvature_is_positive_where_the_second_derivative_is_negative(table: Rows) -> None:
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
