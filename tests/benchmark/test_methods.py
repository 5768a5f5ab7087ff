from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier

from gbimb.benchmark._plain import PlainClassifier
from gbimb.benchmark.methods import (
    BASELINE,
    DEFAULT_METHODS,
    ENGINES,
    HOLDOUT,
    MAIN,
    METHODS,
    PORTFOLIO,
    SAME_RECIPE,
)
from gbimb.benchmark.plan import Plan
from gbimb.benchmark.tables import BenchmarkTable
from gbimb.estimators import UnderBaggingClassifier
from gbimb.losses import LOSSES

both = pytest.mark.parametrize("engine", list(ENGINES))


@pytest.fixture
def X(rng: np.random.Generator) -> pd.DataFrame:  # noqa: N802  a table
    frame = pd.DataFrame(
        {
            "a[b] <c>, {d}": rng.normal(size=400),
            "x": np.where(rng.random(400) < 0.2, np.nan, rng.normal(size=400)),
            "kind": pd.Categorical(rng.choice(list("pqr"), 400)),
        }
    )
    frame.loc[::9, "kind"] = np.nan
    return frame


@pytest.fixture
def y(X: pd.DataFrame) -> np.ndarray:
    return ((X.iloc[:, 0] > 1) | (X["kind"] == "p") & (X["x"] > 0.5)).to_numpy().astype(np.int8)


def test_every_method_says_what_it_is() -> None:
    assert {BASELINE, MAIN, SAME_RECIPE} <= {method.name for method in DEFAULT_METHODS}
    for name, method in METHODS.items():
        assert method.name == name
        assert method.label
        assert method.description.endswith(".")


def test_focal_and_tuned_log_loss_differ_in_the_loss_alone() -> None:
    for engine in ENGINES:
        focal = METHODS[MAIN].build(engine, 1, 7, 2)
        tuned = METHODS[SAME_RECIPE].build(engine, 1, 7, 2)
        assert is_classifier(focal)
        ours, theirs = focal.get_params(), tuned.get_params()
        assert {k for k in ours if ours[k] != theirs[k]} == {"loss"}
        assert (ours["pos_label"], ours["random_state"], ours["n_jobs"]) == (1, 7, 1)


def test_focal_and_hold_out_differ_in_the_rows_held_out_alone() -> None:
    for engine in ENGINES:
        ours = METHODS[MAIN].build(engine, 1, 7, 2).get_params()
        theirs = METHODS[HOLDOUT].build(engine, 1, 7, 2).get_params()
        assert {k for k in ours if ours[k] != theirs[k]} == {"cv"}


def test_soft_mcc_and_focal_differ_in_the_loss_alone_and_it_runs_when_it_is_named() -> None:
    for engine in ENGINES:
        ours = METHODS["soft-mcc"].build(engine, 1, 7, 2).get_params()
        theirs = METHODS[MAIN].build(engine, 1, 7, 2).get_params()
        assert {k for k in ours if ours[k] != theirs[k]} == {"loss"}
    named = {m.name for m in METHODS.values() if not m.by_default}
    others = {name.replace("_", "-") for name in LOSSES if name not in ("focal", "logistic")}
    assert named == {"focal-weighted", *others}


@both
def test_bagging_is_over_focal(engine: str) -> None:
    bagging = METHODS["bagging"].build(engine, 1, 7, 2)
    assert isinstance(bagging, UnderBaggingClassifier)
    assert (bagging.n_estimators, bagging.random_state, bagging.n_jobs) == (10, 7, 1)
    assert bagging.estimator.get_params() == METHODS[MAIN].build(engine, 1, 7, 2).get_params()


@both
def test_the_line_to_beat_gives_every_class_the_same_weight(
    engine: str, rng: np.random.Generator
) -> None:
    # No feature helps, so that the probabilities are the shares by weight.
    y = rng.permutation(np.repeat([0, 2, 5], [600, 300, 100]))
    X = pd.DataFrame({"x": np.zeros(1000)})
    for name, expected in (("logloss", [0.6, 0.3, 0.1]), (BASELINE, [1 / 3] * 3)):
        classifier = METHODS[name].build(engine, 1, 0, 3)
        classifier.fit(X, y)
        np.testing.assert_array_equal(classifier.classes_, [0, 2, 5])
        np.testing.assert_allclose(classifier.predict_proba(X)[0], expected, atol=0.02)
        assert set(classifier.predict(X)) <= {0, 2, 5}
        assert classifier.best_iteration_ == (100 if engine == "xgboost" else 1)  # no split
        assert classifier.threshold_ is None


@both
def test_the_plain_classifier_is_that_of_the_engine(
    engine: str, X: pd.DataFrame, y: np.ndarray
) -> None:
    classifier = METHODS["logloss"].build(engine, 1, 0, 2)
    classifier.fit(X, y)
    proba = classifier.predict_proba(X)
    assert isinstance(classifier, PlainClassifier)
    assert type(classifier.model_).__module__.startswith(engine)
    assert classifier.best_iteration_ == 100
    np.testing.assert_array_equal(classifier.classes_, [0, 1])
    np.testing.assert_array_equal(classifier.predict(X), (proba[:, 1] > 0.5).astype(int))


@both
def test_the_line_to_beat_weighs_positives_by_the_training_rows(
    engine: str, X: pd.DataFrame, y: np.ndarray
) -> None:
    classifier = METHODS[BASELINE].build(engine, 1, 0, 2)
    classifier.fit(X, y)
    params = classifier.model_.get_params()
    assert params["scale_pos_weight"] == pytest.approx((y == 0).sum() / (y == 1).sum())


@both
def test_unseen_categories_are_missing_values(engine: str, X: pd.DataFrame, y: np.ndarray) -> None:
    classifier = METHODS["logloss"].build(engine, 1, 0, 2)
    classifier.fit(X, y)
    unseen, missing = X.head(5).copy(), X.head(5).copy()
    unseen["kind"] = pd.Categorical(["zebra"] * 5)
    missing["kind"] = pd.Categorical([np.nan] * 5, categories=list("pqr"))
    np.testing.assert_array_equal(
        classifier.predict_proba(unseen), classifier.predict_proba(missing)
    )


@both
def test_text_and_categories_are_the_same(engine: str, X: pd.DataFrame, y: np.ndarray) -> None:
    text = X.assign(kind=X["kind"].astype(object))
    found = []
    for frame in (X, text):
        classifier = METHODS["logloss"].build(engine, 1, 0, 2)
        classifier.fit(frame, y)
        found.append(classifier.predict_proba(frame))
    np.testing.assert_array_equal(*found)


def test_a_method_that_chooses_its_engines_runs_once_beside_the_first_engine(
    X: pd.DataFrame, y: np.ndarray
) -> None:
    table = BenchmarkTable("table", X, y, "yes")
    methods = (METHODS[BASELINE], METHODS[PORTFOLIO])
    for engines in (("lightgbm", "xgboost"), ("xgboost",)):
        cells = Plan(tables=(table,), engines=engines, methods=methods, folds=2).cells()
        assert [c.engine for c in cells if c.method == PORTFOLIO] == [engines[0]] * 2
        assert len(cells) == 2 * (len(engines) + 1)
