from __future__ import annotations

import inspect
import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import (
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

import gbimb
from gbimb.estimators.loading import CLASSES
from tests.persistence.models import (
    LGBM,
    MAKE,
    XGB,
    Kind,
    assert_same,
    bags,
    codes,
    model,
    quick,
    table,
    through_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

both = pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])


@pytest.mark.parametrize("name", MAKE)
def test_predictions_are_the_same_to_the_last_bit(name: str, tmp_path: Path) -> None:
    loaded = through_file(model(name), tmp_path)
    assert type(loaded) is type(model(name))
    assert_same(model(name), loaded, table(200, seed=5))


@pytest.mark.parametrize("name", MAKE)
def test_everything_but_oob_proba_is_there_again(name: str, tmp_path: Path) -> None:
    before, after = vars(model(name)), vars(through_file(model(name), tmp_path))
    assert before.keys() - after.keys() == ({"oob_proba_"} if name.startswith("bagging") else set())
    assert after.keys() <= before.keys()
    for attribute, value in after.items():
        assert type(value) is type(before[attribute]), attribute


@pytest.mark.parametrize("name", MAKE)
def test_a_loaded_estimator_is_saved_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second, third = (tmp_path / part for part in ("first", "second", "third"))
    model(name).save(first)
    loaded = gbimb.load(first)
    loaded.save(second)
    pickle.loads(pickle.dumps(loaded)).save(third)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


@pytest.mark.parametrize("name", MAKE)
def test_a_loaded_estimator_can_be_cloned_and_fitted(name: str, tmp_path: Path) -> None:
    loaded = through_file(model(name), tmp_path)
    again = clone(loaded).fit(table(), codes(table(), loaded.classes_.size))
    assert_same(model(name), again, table(50, seed=5))


@both
@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([7, -3], np.int8),
        np.array([2**63, 1], np.uint64),
        np.array([2.0, 1.0], np.float32),
        np.array([1.0, -1.0]),
        np.array(["fraud", "fine"]),
        np.array(["wider than", "it is"], dtype="U20"),
        np.array(["fräud 🦊", "fine"], dtype=object),
        np.array([True, False], dtype=object),
        np.array(["a", "b", "c"]),
        np.array([10, 20, 30]),
        np.array(["b", "a", "c"], dtype=object),
    ],
    ids=lambda labels: f"{labels.dtype}-{labels.size}",
)
def test_labels_of_every_kind_come_back(
    kind: Kind, labels: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    X = table()
    clf = quick(kind).fit(X, labels[codes(X, labels.size)])
    loaded = through_file(clf, tmp_path)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert type(loaded.pos_label_) is type(clf.pos_label_)
    assert_same(clf, loaded, X)


@both
@pytest.mark.parametrize(
    "categories",
    [
        ["s", "m"],
        [3, 1],
        [0.5, -2.0],
        [True, False],
        list(pd.cut(pd.Series([1.0, 2.0]), [0, 1, 2]).cat.categories),
        list(pd.date_range("2020-01-01", periods=2)),
    ],
    ids=["text", "int", "float", "bool", "interval", "timestamp"],
)
def test_categories_of_every_kind_come_back(
    kind: Kind, categories: list[Any], tmp_path: Path
) -> None:
    y = codes(table())
    value = pd.Categorical.from_codes((y + (np.arange(y.size) % 5 == 0)) % 2, categories=categories)
    X = table().assign(value=value)
    clf = quick(kind).fit(X, y)
    loaded = through_file(clf, tmp_path)
    assert loaded.model_.schema.encoder == clf.model_.schema.encoder
    assert_same(clf, loaded, X.assign(value=value.reorder_categories(categories[::-1])))


@both
@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        np.asfortranarray,
        lambda X: X.astype(np.float32),
        sparse.csr_matrix,
        lambda X: pd.DataFrame(X, columns=[3, 1, 2]),
    ],
    ids=["array", "fortran", "float32", "sparse", "columns of numbers"],
)
def test_tables_of_every_kind(kind: Kind, make: Callable[..., Any], tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3)).round(1)
    clf = quick(kind).fit(make(X), X[:, 0] > 0.8)
    assert_same(clf, through_file(clf, tmp_path), make(X))


@both
@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "logistic"},
        {"loss": gbimb.FocalLoss(gamma=1.5, alpha=0.3)},
        {"scale_pos_weight": {0: 1.0, 1: np.float32(3.5)}},
        {"scale_pos_weight": "balanced", "threshold": 0.25, "pos_label": 0},
        {"eval_metric": ["f1", "log_loss"], "threshold": "f1"},
        {"random_state": np.random.RandomState(3), "n_estimators": np.int64(2)},
        {"cv": StratifiedKFold(2, shuffle=True, random_state=1)},
        {"cv": ShuffleSplit(2, test_size=0.3, random_state=np.random.RandomState(1))},
        {"cv": PredefinedSplit(np.arange(300) % 2)},
        {"cv": TimeSeriesSplit(2)},
        {"cv": [(np.arange(150), np.arange(150, 300)), (np.arange(150, 300), np.arange(150))]},
        {"cv": None},
        {"engine_params": {"max_bin": 15}},
        {"engine_params": {}},
    ],
    ids=lambda parameters: str(parameters).partition(" at 0x")[0],  # the same on every worker
)
@pytest.mark.filterwarnings("ignore:cv does not hold out each row once:gbimb.GbimbWarning")
def test_parameters_of_every_kind_come_back(
    kind: Kind, parameters: dict[str, Any], tmp_path: Path
) -> None:
    clf = quick(kind, **parameters).fit(table(), codes(table()))
    loaded = through_file(clf, tmp_path)
    assert_same(clf, loaded, table())
    for name, value in clf.get_params().items():
        assert type(loaded.get_params()[name]) is type(value)
        if name not in ("cv", "random_state"):
            assert loaded.get_params()[name] == value
    again, refitted = (clone(c).fit(table(), codes(table())) for c in (clf, loaded))
    assert_same(again, refitted, table())


@pytest.mark.parametrize(
    "engine_params",
    [
        {"linear_tree": True},
        {"monotone_constraints": [1, 0]},
        {"extra_trees": True, "path_smooth": 1.0},
        {"data_sample_strategy": "goss"},
    ],
    ids=str,
)
def test_lightgbm_with_parameters_that_change_its_text(
    engine_params: dict[str, Any], tmp_path: Path
) -> None:
    X = table()[["größe", "narrow"]]
    clf = quick(LGBM, engine_params=engine_params).fit(X, codes(table()))
    assert_same(clf, through_file(clf, tmp_path), X)


@pytest.mark.parametrize(
    "engine_params",
    [{"num_parallel_tree": 2}, {"grow_policy": "lossguide"}, {"max_cat_to_onehot": 1}],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_xgboost_with_parameters_that_change_its_json(
    engine_params: dict[str, Any], n_classes: int, tmp_path: Path
) -> None:
    clf = quick(XGB, gamma_split=0.5, engine_params=engine_params)
    clf.fit(table(), codes(table(), n_classes))
    assert_same(clf, through_file(clf, tmp_path), table())


@both
@pytest.mark.filterwarnings("ignore::gbimb.GbimbWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_trees_without_a_split(kind: Kind, n_classes: int, tmp_path: Path) -> None:
    clf = quick(kind, min_child_weight=1e9).fit(table(), codes(table(), n_classes))
    assert_same(clf, through_file(clf, tmp_path), table())


@both
def test_names_of_columns_with_control_characters_come_back(kind: Kind, tmp_path: Path) -> None:
    X = table().rename(columns={table().columns[0]: "a\x1b[2J\x00\x85"})
    clf = quick(kind).fit(X, codes(table(), 2))
    assert_same(clf, through_file(clf, tmp_path), X)


def test_lightgbm_leaves_of_any_size_come_back(tmp_path: Path) -> None:
    clf = MAKE["lightgbm"]()
    rng = np.random.default_rng(0)
    leaves = clf.booster_.dump_model()["tree_info"][0]["num_leaves"]
    for value in (5e-324, -2.2250738585072014e-308, 1e300, *rng.normal(size=leaves) * 1e-3):
        for leaf in range(leaves):
            clf.booster_.set_leaf_output(0, leaf, value * (leaf + 1))
        assert_same(clf, through_file(clf, tmp_path), table())


def test_warm_start_goes_on_after_load(tmp_path: Path) -> None:
    X, y = table(), codes(table())
    clf = bags(warm_start=True).fit(X, y)
    loaded = through_file(clf, tmp_path)
    for estimator in (clf, loaded):
        estimator.set_params(n_estimators=4).fit(X, y)
    assert_same(clf, loaded, X)
    assert clf.oob_proba_.tobytes() == loaded.oob_proba_.tobytes()


def test_bags_of_both_engines(tmp_path: Path) -> None:
    X, y = table(), codes(table())
    clf = bags(LGBM, warm_start=True).fit(X, y)
    clf.set_params(estimator=quick(XGB, cv="auto"), n_estimators=3).fit(X, y)
    assert_same(clf, through_file(clf, tmp_path), X)


@pytest.mark.parametrize("parameters", [{"replacement": True}, {"sampling": "self_paced"}], ids=str)
def test_bags_drawn_in_other_ways(parameters: dict[str, Any], tmp_path: Path) -> None:
    clf = bags(XGB, **parameters).fit(table(), codes(table()))
    assert_same(clf, through_file(clf, tmp_path), table())


def test_every_public_estimator_can_be_saved() -> None:
    estimators = {
        name
        for name in gbimb.__all__
        if inspect.isclass(getattr(gbimb, name)) and hasattr(getattr(gbimb, name), "predict_proba")
    }
    assert estimators == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_constructor_parameter_has_its_types(name: str) -> None:
    elsewhere = {"checkpoint_path"}  # a place on the machine that trained, not part of a model
    elsewhere |= {"estimator"} if name == "UnderBaggingClassifier" else set()
    elsewhere |= {"estimators"} if hasattr(CLASSES[name](), "estimators") else set()
    saved = CLASSES[name].saved_as
    assert set(CLASSES[name]().get_params(deep=False)) == {*saved.parameters, *elsewhere}


@both
def test_a_split_between_missing_values_and_all_others_is_saved(kind: Kind, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    X[rng.random(600) < 0.3, 0] = np.nan
    y = (np.isnan(X[:, 0]) & (rng.random(600) < 0.6)).astype(int)
    clf = quick(kind, n_estimators=10).fit(X, y)
    if kind is LGBM:
        assert "inf" in "".join(re.findall("threshold=.*", clf.booster_.model_to_string()))
    assert_same(clf, through_file(clf, tmp_path), X)
