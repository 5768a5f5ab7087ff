"""UnderBaggingClassifier: labels, columns, weights and parameters."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import gbimb
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from tests.bagging.tables import OURS, Rows, bagged, many, quick

Model: TypeAlias = BaseEstimator | None


# --- labels, columns, weights ----------------------------------------------------------------


@pytest.mark.parametrize("estimator", [quick(OURS[0]), quick(OURS[1]), LogisticRegression()])
def test_labels_can_be_strings_and_the_positive_one_may_sort_first(
    estimator: Model, table: Rows
) -> None:
    numbers = bagged(estimator).fit(table.X, table.y)
    names = np.where(table.y == 1, "anomaly", "normal")
    clf = bagged(estimator).fit(table.X, names)
    assert clf.classes_.tolist() == ["anomaly", "normal"]
    assert clf.pos_label_ == "anomaly"
    p = clf.predict_proba(table.X)
    assert p[:, 0].mean() == pytest.approx(table.y.mean(), rel=0.1)
    assert roc_auc_score(table.y, p[:, 0]) > 0.8
    flagged = clf.predict(table.X) == "anomaly"
    np.testing.assert_array_equal(flagged, p[:, 0] >= clf.threshold_)
    assert clf.threshold_ == pytest.approx(numbers.threshold_, abs=0.1)
    np.testing.assert_array_equal(clf.raw_score(table.X) > 0, p[:, 0] > 0.5)


def test_labels_can_be_booleans_and_the_dict_names_them(table: Rows) -> None:
    clf = bagged(LogisticRegression(), sampling_strategy={False: 200}).fit(table.X, table.y == 1)
    assert clf.predict(table.X).dtype == bool
    names = np.where(table.y == 1, "b", "a")
    clf = bagged(LogisticRegression(), sampling_strategy={"a": 200}).fit(table.X, names)
    assert (names[clf.estimators_samples_[0]] == "a").sum() == 200
    with pytest.raises(InvalidParameterError, match="labels of y"):
        bagged(LogisticRegression(), sampling_strategy={"c": 200}).fit(table.X, names)


@pytest.mark.parametrize(
    "estimator",
    [quick(OURS[0]), quick(OURS[1]), HistGradientBoostingClassifier(max_iter=20)],
    ids=["lgbm", "xgb", "hist"],
)
def test_categories_and_missing_values_work(estimator: Model, table: Rows) -> None:
    rng = np.random.default_rng(0)
    town = np.array(["x", "y", "z"])[rng.integers(0, 3, 3000)]
    frame = pd.DataFrame(table.X[:, :4].copy(), columns=list("abcd"))
    frame["town"] = pd.Categorical(np.where(table.y & (rng.random(3000) < 0.8), "w", town))
    frame.loc[::7, "a"] = np.nan
    frame.loc[::11, "town"] = np.nan
    clf = bagged(estimator).fit(frame, table.y)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c", "d", "town"]
    assert roc_auc_score(table.y, clf.predict_proba(frame)[:, 1]) > 0.85
    if not isinstance(estimator, HistGradientBoostingClassifier):
        assert clf.feature_importances_[4] > 0.05
    assert not np.isnan(clf.oob_score_)


@pytest.mark.parametrize("estimator", [quick(OURS[0]), quick(OURS[1]), LogisticRegression()])
def test_sample_weight_moves_the_probabilities(estimator: Model, table: Rows) -> None:
    weight = np.where(table.y == 1, 5.0, 1.0)
    clf = bagged(estimator).fit(table.X, table.y, sample_weight=weight)
    prevalence = np.average(table.y, weights=weight)
    mean = np.average(clf.predict_proba(table.X)[:, 1], weights=weight)
    assert mean == pytest.approx(prevalence, rel=0.12)


def test_the_scale_of_weights_hardly_matters(table: Rows) -> None:
    """For a tree not at all; the slope of the recalibration is drawn to 1 as by a few rows."""
    weight = np.random.default_rng(0).uniform(0.5, 2, 3000)
    tree = DecisionTreeClassifier(max_depth=3)
    a, b = (
        bagged(tree, threshold=0.2).fit(table.X, table.y, sample_weight=w)
        for w in (weight, 1000 * weight)
    )
    np.testing.assert_allclose(a.predict_proba(table.X), b.predict_proba(table.X), rtol=0.1)


def test_rows_of_weight_zero_are_as_if_they_were_not_there(table: Rows) -> None:
    weight = np.ones(3000)
    weight[::3] = 0
    there = weight > 0
    a = bagged().fit(table.X, table.y, sample_weight=weight)
    b = bagged().fit(table.X[there], table.y[there], sample_weight=weight[there])
    np.testing.assert_array_equal(a.predict_proba(table.X), b.predict_proba(table.X))
    assert a.oob_proba_.shape == (3000, 2)
    assert np.isnan(a.oob_proba_[::3]).all()
    np.testing.assert_array_equal(a.oob_proba_[there], b.oob_proba_)
    for rows in a.estimators_samples_:
        assert there[rows].all()


def test_weights_are_refused_where_the_estimator_takes_none(table: Rows) -> None:
    for estimator in (
        KNeighborsClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ):
        with pytest.raises(InvalidTypeError, match="sample_weight"):
            bagged(estimator).fit(table.X, table.y, sample_weight=np.ones(3000))


# --- parameters ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"n_estimators": 2.5}, "n_estimators"),
        ({"sampling": "selfpaced"}, "Did you mean 'self_paced'"),
        ({"sampling": "self_paced", "replacement": True}, "without replacement"),
        ({"replacement": 1}, "True or False"),
        ({"sampling_strategy": -1}, "sampling_strategy"),
        ({"sampling_strategy": None}, "'auto' or a dict"),
        ({"estimator": LogisticRegression}, "such as RandomForestClassifier\\(\\)"),
        ({"estimator": "lgbm"}, "estimator must be a classifier"),
        ({"eval_metric": "mccc"}, "Did you mean 'mcc'"),
        ({"eval_metric": ("mcc", "f1")}, "eval_metric must name one metric here"),
        ({"threshold": "f2"}, "metric must be"),
        ({"threshold": 1.5}, "threshold"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"estimator": quick(OURS[0], cv=3)}, "cv=3 of the estimator would be ignored"),
        ({"estimator": quick(OURS[1], early_stopping_rounds=0)}, "early_stopping_rounds"),
        ({"estimator": quick(OURS[1], loss="fokal")}, "Did you mean 'focal'"),
        ({"estimator": quick(OURS[0], pos_label=2)}, "pos_label"),
    ],
)
def test_a_wrong_parameter_gets_a_sentence_before_any_bag_is_trained(
    parameters: dict[str, Any], match: str, table: Rows
) -> None:
    clf = bagged(**parameters)
    with pytest.raises((ValueError, TypeError), match=match):
        clf.fit(table.X, table.y)
    assert not getattr(clf, "estimators_", [])


def test_bags_of_a_few_rows_are_said_to_be_small() -> None:
    table = many(600, 3)
    y = table.y.copy()
    y[:2] = 3  # one row of each class would make a bag of four
    clf = bagged(LogisticRegression())
    with (
        pytest.warns(gbimb.GbimbWarning, match="No bag has more than 2 rows of a class"),
        pytest.warns(gbimb.GbimbWarning, match="1 of 4 classes have fewer than 5 rows"),
    ):
        clf.fit(table.X, y)
    clf.set_params(sampling_strategy=50)
    with pytest.warns(gbimb.GbimbWarning, match="1 of 4 classes") as caught:
        clf.fit(table.X, y)
    assert len(caught) == 1


def test_nested_parameters_reach_the_estimator(table: Rows) -> None:
    clf = bagged(quick(OURS[0]), n_estimators=2)
    assert {"estimator__gamma", "estimator__loss", "sampling_strategy"} <= set(clf.get_params())
    clf.set_params(estimator__gamma=0.5).fit(table.X, table.y)
    assert clf.estimators_[0].loss_.gamma == 0.5
    assert clone(clf).estimator.gamma == 0.5
