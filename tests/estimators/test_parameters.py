"""Nothing is silently ignored: a parameter works, or a sentence says what to use instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gbimb
from gbimb.exceptions import GbimbError, InvalidParameterError, InvalidTypeError
from tests.estimators.common import KINDS, Kind, both, numbers, quick

LGBM, XGB = KINDS


@both
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "fokal"}, r"loss must be one of .*'focal'.*got 'fokal'. Did you mean 'focal'"),
        ({"loss": 3}, r"loss must be .*got 3"),
        ({"eval_metric": "mmc"}, r"eval_metric: .*'mcc'.*got 'mmc'. Did you mean 'mcc'"),
        ({"eval_metric": ("mcc", "f 1")}, r"eval_metric: .*'f1'.*got 'f 1'"),
        ({"eval_metric": ()}, r"eval_metric must name"),
        ({"eval_metric": 3}, r"eval_metric must be .*got 3"),
        ({"eval_metric": [3]}, r"eval_metric: .*must be .*got 3"),
        ({"eval_metric": "precision"}, r"'precision@0.5'"),
        ({"eval_metric": "mcc@high"}, r"number after .*got 'mcc@high'"),
        ({"eval_metric": "mcc@1.5"}, r"threshold must be .*\[0, 1\], got 1.5"),
        (
            {"threshold": "mmc"},
            r"threshold: .*must be one of .*'mcc'.*got 'mmc'. Did you mean 'mcc'",
        ),
        ({"threshold": "log_loss"}, r"threshold: .*must be one of .*got 'log_loss'"),
        ({"threshold": 1.5}, r"threshold must be .*\[0, 1\], got 1.5"),
        ({"threshold": None}, r"threshold must be .*got None"),
        ({"threshold": True}, r"threshold must be .*got True"),
        ({"threshold": float("nan")}, r"threshold must be .*got nan"),
        ({"gamma": -1}, r"gamma must be .*\[0, 100\], got -1"),
        ({"gamma": "2"}, r"gamma must be .*got '2'"),
        ({"alpha": 1.0}, r"alpha must be .*\(0, 1\), got 1.0"),
        ({"scale_pos_weight": 0}, r"scale_pos_weight must be .*got 0"),
        ({"scale_pos_weight": "balance"}, r"scale_pos_weight must be .*got 'balance'"),
        ({"scale_pos_weight": float("inf")}, r"scale_pos_weight must be .*got inf"),
        ({"n_estimators": 0}, r"n_estimators must be .*got 0"),
        ({"n_estimators": 2.5}, r"n_estimators must be .*got 2.5"),
        ({"early_stopping_rounds": 0}, r"early_stopping_rounds must be .*got 0"),
        ({"n_jobs": 0}, r"n_jobs must be .*got 0"),
        ({"n_jobs": 1.5}, r"n_jobs must be .*got 1.5"),
        ({"verbose": "loud"}, r"verbose must be .*got 'loud'"),
        ({"learning_rate": 0.0}, r"learning_rate must be .*got 0"),
        ({"learning_rate": "fast"}, r"learning_rate must be .*got 'fast'"),
        ({"subsample": 0.0}, r"subsample must be .*got 0"),
        ({"subsample": 1.1}, r"subsample must be .*got 1.1"),
        ({"colsample_bytree": 0.0}, r"colsample_bytree must be .*got 0"),
        ({"min_child_weight": -1.0}, r"min_child_weight must be .*got -1"),
        ({"reg_alpha": -1.0}, r"reg_alpha must be .*got -1"),
        ({"reg_lambda": -1.0}, r"reg_lambda must be .*got -1"),
        ({"max_depth": -2}, r"max_depth must be .*got -2"),
        ({"max_depth": 2.5}, r"max_depth must be .*got 2.5"),
        ({"engine_params": [1]}, r"engine_params must be a dict.*got \[1\]"),
    ],
    ids=lambda value: (
        "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_a_wrong_value_gets_a_sentence(
    kind: Kind, parameters: dict[str, Any], message: str
) -> None:
    X, y = numbers(200)
    with pytest.raises(GbimbError, match=message):
        quick(kind, **parameters).fit(X, y)


def test_wrong_values_of_one_engine_get_a_sentence() -> None:
    X, y = numbers(200)
    for kind, name, value in (
        (LGBM, "num_leaves", 1),
        (LGBM, "min_child_samples", -1),
        (XGB, "max_leaves", -1),
        (XGB, "gamma_split", -1.0),
    ):
        with pytest.raises(InvalidParameterError, match=rf"{name} must be .*got {value}"):
            quick(kind, **{name: value}).fit(X, y)


@both
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "logistic", "gamma": 1.0}, r"gamma=1.0 would be ignored: loss='logistic'"),
        ({"loss": "logistic", "gamma": 2.0}, r"gamma=2.0 would be ignored: loss='logistic'"),
        ({"loss": "soft_f1", "gamma": 2.0}, r"gamma=2.0 would be ignored: loss='soft_f1'"),
        ({"loss": gbimb.FocalLoss(), "gamma": 2.0}, r"gamma=2.0 would be ignored: loss=FocalLoss"),
        ({"loss": "logistic", "alpha": 0.3}, r"alpha=0.3 would be ignored"),
        ({"loss": gbimb.FocalLoss(), "gamma": 1.0}, r"gamma=1.0 would be ignored: loss=FocalLoss"),
        ({"loss": gbimb.FocalLoss(), "alpha": 0.3}, r"alpha=0.3 would be ignored"),
        (
            {"loss": gbimb.LogisticLoss(), "scale_pos_weight": 5.0},
            r"scale_pos_weight=5.0 would be ignored: loss=LogisticLoss",
        ),
        (
            {"loss": gbimb.FocalLoss(), "scale_pos_weight": "balanced"},
            r"scale_pos_weight='balanced' would be ignored",
        ),
    ],
)
def test_a_parameter_that_the_loss_would_ignore_is_refused(
    kind: Kind, parameters: dict[str, Any], message: str
) -> None:
    X, y = numbers(200)
    with pytest.raises(InvalidParameterError, match=message):
        quick(kind, **parameters).fit(X, y)


@both
def test_a_loss_by_name_and_its_instance_are_one(kind: Kind) -> None:
    X, y = numbers()
    by_name = quick(kind, gamma=1.5, alpha=0.6, scale_pos_weight=4.0).fit(X, y)
    loss = gbimb.FocalLoss(gamma=1.5, alpha=0.6, scale_pos_weight=4.0)
    by_instance = quick(kind, loss=loss).fit(X, y)
    assert by_name.loss_ == by_instance.loss_ == loss
    np.testing.assert_array_equal(by_name.predict_proba(X), by_instance.predict_proba(X))
    assert quick(kind, loss="logistic").fit(X, y).loss_ == gbimb.LogisticLoss()


@both
def test_balanced_weighs_with_the_sample_weights(kind: Kind) -> None:
    X, y = numbers()
    weight = np.where(y == 1, 3.0, 0.5)
    clf = quick(kind, scale_pos_weight="balanced").fit(X, y, sample_weight=weight)
    ratio = weight[y == 0].sum() / weight[y == 1].sum()
    assert clf.loss_.scale_pos_weight == pytest.approx(ratio)


LGBM_TAKEN = {
    "eta": "learning_rate",
    "shrinkage_rate": "learning_rate",
    "learning_rate": "learning_rate",
    "lambda_l2": "reg_lambda",
    "reg_lambda": "reg_lambda",
    "lambda": "reg_lambda",
    "l1_regularization": "reg_alpha",
    "num_boost_round": "n_estimators",
    "n_iter": "n_estimators",
    "nrounds": "n_estimators",
    "bagging_fraction": "subsample",
    "sub_row": "subsample",
    "subsample_freq": "subsample",
    "sub_feature": "colsample_bytree",
    "max_leaf": "num_leaves",
    "max_depth": "max_depth",
    "min_child_samples": "min_child_samples",
    "min_data": "min_child_samples",
    "min_hessian": "min_child_weight",
    "app": "loss",
    "loss": "loss",
    "metrics": "eval_metric",
    "metric_types": "eval_metric",
    "n_iter_no_change": "early_stopping_rounds",
    "nthreads": "n_jobs",
    "random_state": "random_state",
    "data_seed": "random_state",
    "verbose": "verbose",
}
XGB_TAKEN = {
    "eta": "learning_rate",
    "learning_rate": "learning_rate",
    "lambda": "reg_lambda",
    "reg_lambda": "reg_lambda",
    "alpha": "reg_alpha",
    "gamma": "gamma_split",
    "min_split_loss": "gamma_split",
    "max_depth": "max_depth",
    "max_leaves": "max_leaves",
    "subsample": "subsample",
    "colsample_bytree": "colsample_bytree",
    "min_child_weight": "min_child_weight",
    "objective": "loss",
    "eval_metric": "eval_metric",
    "scale_pos_weight": "scale_pos_weight",
    "nthread": "n_jobs",
    "n_jobs": "n_jobs",
    "seed": "random_state",
    "random_state": "random_state",
}


@pytest.mark.parametrize(
    ("kind", "name", "own"),
    [(LGBM, *pair) for pair in LGBM_TAKEN.items()] + [(XGB, *pair) for pair in XGB_TAKEN.items()],
)
def test_an_engine_parameter_under_another_name_is_refused(kind: Kind, name: str, own: str) -> None:
    X, y = numbers(200)
    with pytest.raises(InvalidParameterError, match=rf"must not hold '{name}': use {own}="):
        quick(kind, engine_params={name: 1}).fit(X, y)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (LGBM, "num_class", 3),
        (LGBM, "boosting", "rf"),
        (LGBM, "boost", "dart"),
        (LGBM, "boosting_type", "goss"),
        (LGBM, "feature_pre_filter", True),
        (LGBM, "cat_feature", [0]),
        (XGB, "num_class", 3),
        (XGB, "base_score", 0.3),
        (XGB, "booster", "dart"),
        (XGB, "booster", "gblinear"),
        (XGB, "tree_method", "exact"),
        (XGB, "disable_default_eval_metric", 0),
    ],
)
def test_an_engine_parameter_that_contradicts_is_refused(
    kind: Kind,
    name: str,
    value: Any,
) -> None:
    X, y = numbers(200)
    with pytest.raises(InvalidParameterError, match=rf"must not hold '{name}': "):
        quick(kind, engine_params={name: value}).fit(X, y)


@both
@pytest.mark.parametrize("name", ["nonsense", "n_estimator", "max_bins_", "class_wait"])
def test_an_engine_parameter_that_does_not_exist_is_refused(kind: Kind, name: str) -> None:
    X, y = numbers(200)
    with pytest.raises(InvalidParameterError, match=f"has no '{name}'"):
        quick(kind, engine_params={name: 1}).fit(X, y)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (LGBM, {"max_bin": 7}),
        (LGBM, {"extra_trees": True}),
        (LGBM, {"path_smooth": 5.0}),
        (LGBM, {"linear_tree": True}),
        (LGBM, {"feature_fraction_bynode": 0.5}),
        (LGBM, {"data_sample_strategy": "goss"}),
        (LGBM, {"monotone_constraints": [-1, 0, 0, 0]}),
        (LGBM, {"max_delta_step": 0.05}),
        (XGB, {"max_bin": 7}),
        (XGB, {"grow_policy": "lossguide", "max_cat_to_onehot": 2, "max_bin": 8}),
        (XGB, {"colsample_bynode": 0.5}),
        (XGB, {"max_delta_step": 0.05}),
        (XGB, {"num_parallel_tree": 2, "colsample_bylevel": 0.6}),
        (XGB, {"monotone_constraints": "(-1,0,0,0)"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_engine_parameters_reach_the_engine(kind: Kind, params: dict[str, Any]) -> None:
    X, y = numbers()
    given = dict(params)
    clf = quick(kind, engine_params=params).fit(X, y)
    assert not np.array_equal(clf.predict_proba(X), quick(kind).fit(X, y).predict_proba(X))
    assert params == given
    assert clf.engine_params is params


@both
def test_constructor_stores_what_it_gets(kind: Kind) -> None:
    names = kind().get_params()
    marked: dict[str, Any] = {name: object() for name in names}
    clf = kind(**marked)
    assert all(getattr(clf, name) is value for name, value in marked.items())
    with pytest.raises(TypeError):
        kind("focal")
    with pytest.raises(TypeError):
        kind(gama=2.0)


@both
def test_fit_does_not_change_parameters(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind, scale_pos_weight="balanced", eval_metric="f1", engine_params={"max_bin": 63})
    before = clf.get_params()
    clf.fit(X, y)
    assert clf.get_params() == before


@both
def test_min_child_weight_as_a_word_is_refused(kind: Kind) -> None:
    X, y = numbers(200)
    with pytest.raises(InvalidTypeError, match="min_child_weight"):
        quick(kind, min_child_weight="small").fit(X, y)
