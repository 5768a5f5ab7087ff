"""What an ONNX file predicts is what the estimator predicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.decisions.rules import Costs
from gbimb.model.states import with_model
from gbimb.onnx import categories
from gbimb.training.search.forest import Forest, ForestRows, calibrate, grow
from tests.onnx.models import (
    KINDS,
    LGBM,
    MAKE,
    XGB,
    classes,
    frame,
    model,
    numbers,
    quick,
    rows,
    unlike,
)
from tests.onnx.runs import assert_same, export, run, said
from tests.persistence.make_files import as_frame

both = pytest.mark.parametrize("kind", list(KINDS))
inputs = pytest.mark.parametrize("columns", [False, True], ids=["matrix", "columns"])


@both
@inputs
@pytest.mark.parametrize("name", MAKE)
def test_labels_and_probabilities_are_those_of_the_estimator(
    name: str, kind: str, columns: bool, tmp_path: Path
) -> None:
    clf = model(name, kind)
    # A steep isotonic curve enlarges what logarithms differ by.
    tolerance = 1e-9 if "isotonic" in name and name != "isotonic" and kind == "lgbm" else None
    assert_same(clf, export(clf, tmp_path, columns=columns), rows(clf), tolerance)


@both
@pytest.mark.parametrize("name", ["numbers", "gamma 0.7", "isotonic", "soft F1"])
def test_probabilities_of_two_classes_are_the_same_to_the_last_bit(
    name: str, kind: str, tmp_path: Path
) -> None:
    clf = model(name, kind)
    found = run(export(clf, tmp_path), rows(clf))
    with pytest.warns(gbimb.exceptions.GbimbWarning):
        assert found.probability.tobytes() == clf.predict_proba(rows(clf)).tobytes()


@both
@inputs
@pytest.mark.parametrize("most", [0, 3, 40])
def test_splits_by_category_answer_the_same_as_columns_and_as_sets(
    most: int, kind: str, columns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clf = model("frame", kind)
    before = run(export(clf, tmp_path, columns=columns), rows(clf))
    monkeypatch.setattr(categories, "MOST_COLUMNS", most)
    found = run(export(clf, tmp_path, columns=columns), rows(clf))
    assert found.raw_score.tobytes() == before.raw_score.tobytes()


def thresholds(clf: Any) -> pd.DataFrame:
    """The splits by numbers, as the engines themselves list them."""
    if isinstance(clf, LGBM):
        listed = clf.booster_.trees_to_dataframe()
        listed = listed[listed["decision_type"] == "<="]
        names = dict(zip(clf.booster_.feature_name(), range(clf.n_features_in_), strict=True))
        return pd.DataFrame(
            {"place": listed["split_feature"].map(names), "at": listed["threshold"].astype(float)}
        )
    listed = clf.booster_.trees_to_dataframe()
    listed = listed[listed["Feature"] != "Leaf"]
    names = dict(zip(clf.booster_.feature_names, range(clf.n_features_in_), strict=True))
    return pd.DataFrame({"place": listed["Feature"].map(names), "at": listed["Split"]})


@both
def test_rows_at_each_split_and_at_the_next_doubles_go_the_same_way(
    kind: str, tmp_path: Path
) -> None:
    clf = model("numbers", kind)
    base = np.repeat(numbers(40, seed=8)[0], len(thresholds(clf)), axis=0)
    place = np.tile(thresholds(clf)["place"].to_numpy(), 40)
    at = np.tile(thresholds(clf)["at"].to_numpy(), 40)
    single = at.astype(np.float32)
    path = export(clf, tmp_path)
    for value in (
        at,
        np.nextafter(at, -np.inf),
        np.nextafter(at, np.inf),
        np.nextafter(single, np.float32(-np.inf)).astype(np.float64),
        (single.astype(np.float64) + np.nextafter(single, np.float32(np.inf))) / 2,
    ):
        X = base.copy()
        X[np.arange(len(X)), place] = value
        found = run(path, X)
        assert found.label.tolist() == clf.predict(X).tolist()
        assert found.raw_score.tobytes() == clf.raw_score(X).tobytes()


@both
def test_numbers_that_lightgbm_takes_for_zero_go_the_same_way(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=800), rng.normal(size=800)])
    X[rng.random(800) < 0.5, 0] = 0.0
    clf = quick(KINDS[kind]).fit(X, X[:, 0] + 0.3 * X[:, 1] > 0.9)
    zero = float(np.float32(1e-35))
    edges = np.array([0.0, 5e-324, 1e-40, zero, np.nextafter(zero, 0), np.nextafter(zero, 1)])
    X = np.array([[a, b] for a in np.r_[edges, -edges, np.nan] for b in np.linspace(-2, 2, 9)])
    found = run(export(clf, tmp_path), X)
    with pytest.warns(gbimb.exceptions.GbimbWarning, match="missing"):
        assert found.raw_score.tobytes() == clf.raw_score(X).tobytes()


@pytest.mark.parametrize("kind", ["lgbm"])
def test_zeros_that_are_missing_values_go_the_same_way(kind: str, tmp_path: Path) -> None:
    X, score = numbers()
    clf = quick(KINDS[kind], engine_params={"zero_as_missing": True}).fit(X, score > 1.5)
    X = rows(clf)
    X[::3, 1] = 0.0
    X[::5, 2] = 1e-36
    assert_same(clf, export(clf, tmp_path), X)


@both
@pytest.mark.parametrize("name", ["numbers", "beta", "isotonic", "bags"])
def test_a_row_exactly_at_the_threshold_gets_the_same_label(
    name: str, kind: str, tmp_path: Path
) -> None:
    fitted = MAKE[name](KINDS[kind])
    X = rows(fitted, 300)
    X = X if isinstance(X, np.ndarray) else X.head(300)
    with pytest.warns(gbimb.exceptions.GbimbWarning):
        proba = fitted.predict_proba(X)[:, 1]
    for value in np.sort(proba)[[30, 150, 290]]:
        for threshold in (value, np.nextafter(value, 0), np.nextafter(value, 1)):
            fitted.threshold_ = threshold
            assert_same(fitted, export(fitted, tmp_path), X, 1e-6)


@both
@pytest.mark.parametrize("name", ["numbers", "isotonic", "beta", "bags", "4 classes, beta"])
def test_a_model_adapted_to_another_prevalence_is_a_file_too(
    name: str, kind: str, tmp_path: Path
) -> None:
    clf = model(name, kind)
    share = 0.02 if clf.classes_.size == 2 else [0.7, 0.2, 0.09, 0.01]
    adapted = clf.adapt(prevalence=share)
    found = assert_same(adapted, export(adapted, tmp_path), rows(clf), 1e-9)
    unadapted = run(export(clf, tmp_path), rows(clf)).probability
    assert np.abs(found.probability - unadapted).max() > 0.01


@both
@inputs
def test_columns_of_one_category_or_none_are_written(
    kind: str, columns: bool, tmp_path: Path
) -> None:
    X, score = numbers(600)
    table = pd.DataFrame(X, columns=list("abcde")).assign(one="only", nothing=np.nan)
    table["empty"] = pd.Categorical([None] * 600, categories=["never"])
    clf = quick(KINDS[kind]).fit(table, score > 1.5)
    table.loc[::3, "one"] = "other"
    assert_same(clf, export(clf, tmp_path, columns=columns), table)


def test_class_weights_decide_inside_the_file(tmp_path: Path) -> None:
    clf = quick(LGBM, n_estimators=3).fit(numbers()[0], classes(numbers()[1], 4))
    for weights in ([1.0, 1.0, 1.0, 1.0], [1e-3, 1.0, 5.0, 50.0]):
        clf.class_weights_ = np.array(weights)
        assert_same(clf, export(clf, tmp_path), rows(clf))


def test_costs_decide_inside_the_file(tmp_path: Path) -> None:
    clf = quick(XGB, learning_rate=0.3).fit(numbers()[0], classes(numbers()[1], 3))
    costs = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.2, 1.1, 0.0]])
    clf.model_ = replace(clf.model_, rule=Costs(costs))
    found = assert_same(clf, export(clf, tmp_path), rows(clf))
    assert len(set(found.label.tolist())) > 1
    assert said(tmp_path / "model.onnx")["costs"] == costs.tolist()


def test_a_forest_is_a_file_too(tmp_path: Path) -> None:
    X, score = numbers()
    like = quick(LGBM, n_estimators=2).fit(X, score > 1.5)
    y = (score > 1.5).astype(float)
    halves = np.arange(900) % 2 == 0
    folds = [(np.flatnonzero(halves), np.flatnonzero(~halves))]
    grown = grow(
        ForestRows.of(X, y, None),
        Forest(5, 0.5),
        folds,
        [f"x{j}" for j in range(5)],
        seed=0,
        threads=1,
        stop=lambda _, done: done == 5,
        checkpoint=None,
    )
    curve, _ = calibrate(y[folds[0][1]], grown.proba, None)
    forest = grown.model(like.model_.schema, like.model_.classes, curve, "half of the rows")
    clf = with_model(quick(LGBM), forest)
    assert_same(clf, export(clf, tmp_path), rows(clf))


@pytest.mark.parametrize("power", [1.0, 1.5, 3.0])
def test_a_forest_of_many_classes_is_a_file_too(power: float, tmp_path: Path) -> None:
    X, score = numbers()
    codes = np.digitize(score, [0.5, 1.5])
    like = quick(LGBM, n_estimators=2).fit(X, codes)
    grown = grow(
        ForestRows.of(X, codes, None, 3),
        Forest(5, 0.5),
        [(np.arange(450), np.arange(450, 900))],
        [f"x{j}" for j in range(5)],
        seed=0,
        threads=1,
        stop=lambda _, done: done == 5,
        checkpoint=None,
    )
    forest = grown.model(like.model_.schema, like.model_.classes, power, "half of the rows")
    clf = with_model(quick(LGBM), forest)
    assert_same(clf, export(clf, tmp_path), rows(clf))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_automatic_choice_is_a_file_too(n_classes: int, tmp_path: Path) -> None:
    X, score = frame(300)
    clf = gbimb.AutoImbalancedClassifier(time_budget=None, n_trials=3, random_state=0, n_jobs=1)
    clf.fit(X.drop(columns="many"), classes(score, n_classes))
    assert_same(clf, export(clf, tmp_path), unlike(frame(2000, seed=5)[0]).drop(columns="many"))


def test_the_portfolio_is_a_file_too(tmp_path: Path) -> None:
    X, score = numbers(250)
    clf = gbimb.ImbalancedClassifier(random_state=0, n_jobs=1).fit(X, score > 1.5)
    assert_same(clf, export(clf, tmp_path), rows(clf))


@pytest.mark.slow
@both
def test_a_million_rows_are_the_same(kind: str, tmp_path: Path) -> None:
    X, score = frame(5000)
    clf = KINDS[kind](random_state=0, n_jobs=1).fit(X, score > np.quantile(score, 0.95))
    path = export(clf, tmp_path)
    for seed in range(10):
        assert_same(clf, path, unlike(frame(100_000, seed=seed + 20)[0]))


OLD = sorted((Path(__file__).parents[1] / "persistence/files").glob("v*/*.gbimb"))


@pytest.mark.parametrize("saved", OLD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_models_of_earlier_versions_are_files_too(saved: Path, tmp_path: Path) -> None:
    told = json.loads(saved.with_name("expected.json").read_text(encoding="utf-8"))
    clf = gbimb.load(saved)
    assert_same(clf, export(clf, tmp_path, columns=True), as_frame(told["rows"]))
