"""The adapters against the engines' own log loss, and merged boosters against their parts."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, TypeAlias

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from gbimb.engines import lightgbm, xgboost
from gbimb.exceptions import InvalidParameterError
from tests.adapters.tables import LGB, XGB, Rows, lgb_raw, lgb_set, rows, train_xgb, xgb_raw

if TYPE_CHECKING:
    from pathlib import Path

Loss: TypeAlias = gbimb.FocalLoss | gbimb.LogisticLoss

LOGISTIC = gbimb.LogisticLoss()
FOCAL = gbimb.FocalLoss(gamma=2.0)
METRICS = ["mcc", "f1", "fbeta:2", "mcc@0.3", "average_precision", "roc_auc", "log_loss", "brier"]


@pytest.fixture(scope="module")
def table() -> Rows:
    return rows(3000, seed=10)


@pytest.fixture(scope="module")
def weight(table: Rows) -> np.ndarray:
    return np.random.default_rng(11).integers(1, 5, table.y.size).astype(np.float32)


# --- log loss as the engines have it --------------------------------------------------------


def lgb_splits(booster: lgb.Booster) -> list[tuple[int, str, float]]:
    splits = booster.trees_to_dataframe().dropna(subset=["split_feature"])
    return list(
        zip(splits["tree_index"], splits["split_feature"], splits["threshold"], strict=True)
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale_pos_weight", [1.0, 10.0])
def test_log_loss_grows_the_trees_of_lightgbm(
    weighted: bool, scale_pos_weight: float, table: Rows, weight: np.ndarray
) -> None:
    loss = gbimb.LogisticLoss(scale_pos_weight=scale_pos_weight)
    given = weight if weighted else None
    train_set, their_set = lgb_set(table, given), lgb_set(table, given)
    start = gbimb.lightgbm.set_start(loss, train_set)
    their_set.set_init_score(np.full(table.y.size, start))
    ours = lgb.train({**LGB, "objective": gbimb.lightgbm.objective(loss)}, train_set, 30)
    theirs = lgb.train(
        {
            **LGB,
            "objective": "binary",
            "boost_from_average": False,
            "scale_pos_weight": scale_pos_weight,
        },
        their_set,
        30,
    )
    assert lgb_splits(ours) == lgb_splits(theirs)
    np.testing.assert_allclose(
        lgb_raw(ours, table.X), lgb_raw(theirs, table.X), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_log_loss_starts_where_lightgbm_starts(
    weighted: bool, table: Rows, weight: np.ndarray
) -> None:
    given = weight if weighted else None
    train_set = lgb_set(table, given)
    start = gbimb.lightgbm.set_start(LOGISTIC, train_set)
    ours = lgb.train({**LGB, "objective": gbimb.lightgbm.objective(LOGISTIC)}, train_set, 30)
    gbimb.lightgbm.bake_start(ours, start)
    theirs = lgb.train({**LGB, "objective": "binary"}, lgb_set(table, given), 30)
    np.testing.assert_allclose(
        LOGISTIC.probability(lgb_raw(ours, table.X)), theirs.predict(table.X), rtol=1e-4
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale_pos_weight", [1.0, 10.0])
def test_log_loss_grows_the_trees_of_xgboost(
    weighted: bool, scale_pos_weight: float, table: Rows, weight: np.ndarray
) -> None:
    loss = gbimb.LogisticLoss(scale_pos_weight=scale_pos_weight)
    given = weight if weighted else None
    ours = train_xgb(loss, table, 30, weight=given)
    base = gbimb.xgboost.base_score(loss, table.y, given)
    theirs = xgb.train(
        {**XGB, "scale_pos_weight": scale_pos_weight, "base_score": base},
        xgb.DMatrix(table.X, table.y, weight=given),
        30,
    )
    np.testing.assert_allclose(
        xgb_raw(ours, table.X), xgb_raw(theirs, table.X), rtol=1e-3, atol=1e-3
    )
    splits = [
        [(line["Tree"], line["Feature"]) for line in b.trees_to_dataframe().to_dict("records")]
        for b in (ours, theirs)
    ]
    assert splits[0] == splits[1]


def test_focal_without_focus_is_the_log_loss(table: Rows) -> None:
    plain, focal = train_xgb(LOGISTIC, table), train_xgb(gbimb.FocalLoss(gamma=0.0), table)
    np.testing.assert_allclose(xgb_raw(plain, table.X), xgb_raw(focal, table.X), atol=1e-5)


# --- objects that travel ---------------------------------------------------------------------


@pytest.mark.parametrize("loss", [FOCAL, gbimb.FocalLoss(0.5, 0.25, 3.0), LOGISTIC], ids=repr)
def test_objectives_and_metrics_pickle(loss: Loss, table: Rows) -> None:
    raw = np.random.default_rng(0).normal(size=table.y.size)
    dataset, dmatrix = lgb_set(table).construct(), xgb.DMatrix(table.X, table.y)
    for thing, data in (
        (gbimb.lightgbm.objective(loss), dataset),
        (gbimb.xgboost.objective(loss), dmatrix),
        (gbimb.lightgbm.feval(METRICS, loss), dataset),
        (gbimb.xgboost.custom_metric(METRICS, loss), dmatrix),
    ):
        first = thing(raw, data)  # caches are full now
        again = pickle.loads(pickle.dumps(thing))
        assert len(pickle.dumps(thing)) < 2000
        for a, b in zip(first, again(raw, data), strict=True):
            np.testing.assert_array_equal(a, b)
    assert repr(loss) in repr(gbimb.lightgbm.objective(loss))
    assert repr(loss) in repr(gbimb.xgboost.objective(loss))


# --- metrics ---------------------------------------------------------------------------------


def direct(loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """The same values from scikit-learn, with thresholds tried one by one."""
    proba = loss.probability(raw)
    flagged = [raw >= t for t in np.unique(raw)]
    beta = [5 * (w := weight * y)[c].sum() / (4 * w.sum() + weight[c].sum()) for c in flagged]
    return {
        "mcc": max(matthews_corrcoef(y, c, sample_weight=weight) for c in flagged),
        "f1": max(f1_score(y, c, sample_weight=weight) for c in flagged),
        "fbeta:2": max(beta),
        "mcc@0.3": matthews_corrcoef(y, proba >= 0.3, sample_weight=weight),
        "average_precision": average_precision_score(y, raw, sample_weight=weight),
        "roc_auc": roc_auc_score(y, raw, sample_weight=weight),
        "log_loss": log_loss(y, proba, sample_weight=weight),
        "brier": brier_score_loss(y, proba, sample_weight=weight),
    }


@pytest.mark.parametrize("loss", [FOCAL, gbimb.LogisticLoss(5.0)], ids=repr)
def test_metrics_have_the_values_computed_directly(loss: Loss) -> None:
    table = rows(300, seed=12, prevalence=0.2)
    weight = np.random.default_rng(13).integers(1, 4, 300).astype(np.float32)
    raw = np.round(2 * table.X[:, 0] - 1, 1).astype(np.float32)  # with ties
    expected = direct(loss, table.y, raw, weight)
    assert expected["mcc@0.3"] > 0
    reported = gbimb.lightgbm.feval(METRICS, loss)(
        raw.astype(np.float64), lgb_set(table, weight).construct()
    )
    assert [name for name, _, _ in reported] == METRICS
    assert {name for name, _, greater in reported if not greater} == {"log_loss", "brier"}
    assert {name: value for name, value, _ in reported} == pytest.approx(expected, rel=1e-6)
    dmatrix = xgb.DMatrix(table.X, table.y, weight=weight)
    values = dict(gbimb.xgboost.custom_metric(METRICS, loss)(raw, dmatrix))
    assert values.pop("fbeta_2") == pytest.approx(expected.pop("fbeta:2"), rel=1e-6)
    assert values == pytest.approx(expected, rel=1e-6)


def test_one_metric_may_be_named_without_a_list(table: Rows) -> None:
    raw = table.X[:, 0].copy()
    ((name, _, _),) = gbimb.lightgbm.feval("f1", FOCAL)(raw, lgb_set(table).construct())
    assert name == "f1"
    ((name, _),) = gbimb.xgboost.custom_metric("f1", FOCAL)(raw, xgb.DMatrix(table.X, table.y))
    assert name == "f1"


def test_a_metric_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match=r"'mmc'.*Did you mean 'mcc'"):
        gbimb.lightgbm.feval(["mmc"], FOCAL)
    with pytest.raises(InvalidParameterError, match=r"'mmc'.*Did you mean 'mcc'"):
        gbimb.xgboost.custom_metric(["mmc"], FOCAL)
    with pytest.raises(InvalidParameterError, match=r"'mmc'.*Did you mean 'mcc'"):
        gbimb.xgboost.early_stopping(5, metric="mmc")


def test_a_metric_with_a_colon_can_stop_xgboost(table: Rows) -> None:
    fresh = rows(1000, seed=14)
    booster = xgb.train(
        {**XGB, "base_score": gbimb.xgboost.base_score(FOCAL, table.y)},
        xgb.DMatrix(table.X, table.y),
        30,
        evals=[(xgb.DMatrix(fresh.X, fresh.y), "valid")],
        obj=gbimb.xgboost.objective(FOCAL),
        custom_metric=gbimb.xgboost.custom_metric(["fbeta:2", "mcc@0.1"], FOCAL),
        callbacks=[gbimb.xgboost.early_stopping(5, metric="fbeta:2", data_name="valid")],
        verbose_eval=False,
    )
    assert 0 < booster.best_score <= 1


# --- merging ---------------------------------------------------------------------------------


class Mixed:
    """Numbers with missing values, and a column of categories."""

    def __init__(self) -> None:
        rng = np.random.default_rng(20)
        self.X = rng.normal(size=(1500, 5))
        self.X[rng.random(self.X.shape) < 0.1] = np.nan
        self.X[:, 4] = rng.integers(0, 12, 1500)
        raw = np.nan_to_num(self.X[:, 0]) + np.isin(self.X[:, 4], [1, 5, 7]) * 2 - 2.5
        self.y = (rng.random(1500) < expit(raw)).astype(np.float64)

    def lightgbm(self, seed: int, **options: object) -> lgb.Booster:
        params = {
            **LGB,
            "objective": gbimb.lightgbm.objective(FOCAL),
            "max_cat_to_onehot": 1,
            "min_data_per_group": 1,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "seed": seed,
            **options,
        }
        data = lgb.Dataset(self.X, self.y, categorical_feature=[4], params=params)
        return lgb.train(params, data, 8 + seed)

    def xgboost(self, seed: int, **options: object) -> xgb.Booster:
        params = {**XGB, "subsample": 0.7, "seed": seed, "max_cat_to_onehot": 1, **options}
        return xgb.train(params, self.dmatrix(), 8 + seed, obj=gbimb.xgboost.objective(FOCAL))

    def dmatrix(self) -> xgb.DMatrix:
        kinds = ["q"] * 4 + ["c"]
        return xgb.DMatrix(self.X, self.y, feature_types=kinds, enable_categorical=True)


@pytest.fixture(scope="module")
def mixed() -> Mixed:
    return Mixed()


@pytest.mark.parametrize("options", [{}, {"linear_tree": True}], ids=["plain", "linear"])
def test_merged_lightgbm_boosters_give_the_mean_raw_score(
    options: dict[str, object], mixed: Mixed, tmp_path: Path
) -> None:
    parts = [mixed.lightgbm(seed, **options) for seed in (0, 1, 2)]
    if not options:
        assert any("num_cat=1" in part.model_to_string() for part in parts)
    expected = 0.8 * np.mean([lgb_raw(part, mixed.X) for part in parts], axis=0) - 1.25
    merged = lightgbm.merge([p.model_to_string() for p in parts], 0.8, np.array([-1.25]))
    assert merged.num_trees() == sum(part.num_trees() for part in parts)
    raw = lgb_raw(merged, mixed.X)
    np.testing.assert_allclose(raw, expected, atol=1e-12)
    merged.save_model(tmp_path / "model.txt")
    for again in (
        lgb.Booster(model_file=tmp_path / "model.txt"),
        lgb.Booster(model_str=merged.model_to_string()),
        pickle.loads(pickle.dumps(merged)),
    ):
        np.testing.assert_array_equal(lgb_raw(again, mixed.X), raw)
    if not options:
        contributions = np.asarray(merged.predict(mixed.X, pred_contrib=True))
        np.testing.assert_allclose(contributions.sum(axis=1), raw, atol=1e-9)
    gain = np.sum([part.feature_importance("gain") for part in parts], axis=0)
    np.testing.assert_allclose(merged.feature_importance("gain"), gain, rtol=1e-5)
    assert merged.feature_name() == parts[0].feature_name()


@pytest.mark.parametrize("options", [{}, {"num_parallel_tree": 2}], ids=["plain", "forest"])
def test_merged_xgboost_boosters_give_the_mean_raw_score(
    options: dict[str, object], mixed: Mixed, tmp_path: Path
) -> None:
    parts = [mixed.xgboost(seed, **options) for seed in (0, 1, 2)]
    models = [bytes(part.save_raw("json")) for part in parts]
    if not options:
        trees = json.loads(models[0])["learner"]["gradient_booster"]["model"]["trees"]
        assert any(tree["categories"] for tree in trees)
    data = mixed.dmatrix()
    sums = [part.predict(data, output_margin=True) for part in parts]  # these start at 0
    expected = 0.8 * np.mean(sums, axis=0) - 1.25
    merged = xgboost.merge(models, 0.8, np.array([-1.25]))
    assert merged.num_boosted_rounds() == 8 + 9 + 10
    raw = merged.predict(data, output_margin=True)
    np.testing.assert_allclose(raw, expected, atol=1e-6)
    for suffix in ("json", "ubj"):
        merged.save_model(tmp_path / f"model.{suffix}")
        again = xgb.Booster(model_file=tmp_path / f"model.{suffix}")
        np.testing.assert_array_equal(again.predict(data, output_margin=True), raw)
    contributions = merged.predict(data, pred_contribs=True)
    np.testing.assert_allclose(contributions.sum(axis=1), raw, atol=1e-5)
    gain = merged.get_score(importance_type="total_gain")
    for name, value in gain.items():
        total = sum(p.get_score(importance_type="total_gain").get(name, 0.0) for p in parts)
        assert value == pytest.approx(total, rel=1e-5)


def test_one_booster_merged_is_the_same_booster(mixed: Mixed) -> None:
    booster = mixed.lightgbm(0)
    same = lightgbm.merge([booster.model_to_string()], 1.0, np.array([0.0]))
    np.testing.assert_array_equal(lgb_raw(same, mixed.X), lgb_raw(booster, mixed.X))
    model = mixed.xgboost(0)
    same = xgboost.merge([bytes(model.save_raw("json"))], 1.0, np.array([0.0]))
    np.testing.assert_array_equal(
        same.predict(mixed.dmatrix(), output_margin=True),
        model.predict(mixed.dmatrix(), output_margin=True),
    )


def test_boosters_without_splits_can_be_merged() -> None:
    X, y = np.tile([[0.0, 1.0], [1.0, 0.0]], (100, 1)), np.r_[np.ones(10), np.zeros(190)]
    table = Rows(X, y, y)
    params = {
        **LGB,
        "objective": gbimb.lightgbm.objective(FOCAL),
        "min_sum_hessian_in_leaf": 1e6,
    }
    stump = lgb.train(params, lgb_set(table), 3)
    merged = lightgbm.merge([stump.model_to_string()] * 2, 0.5, np.array([-1.0]))
    np.testing.assert_allclose(lgb_raw(merged, X), 0.5 * lgb_raw(stump, X) - 1.0, atol=1e-12)
    tree = train_xgb(FOCAL, table, 3, min_child_weight=1e6, base_score=0.5)
    root = xgboost.merge([bytes(tree.save_raw("json"))] * 2, 0.5, np.array([-1.0]))
    np.testing.assert_allclose(xgb_raw(root, X), 0.5 * xgb_raw(tree, X) - 1.0, atol=1e-6)
