"""UnderBaggingClassifier: the same again, more bags, inside scikit-learn."""

from __future__ import annotations

import pickle
from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from tests.bagging.tables import OURS, Rows, bagged, quick

Model: TypeAlias = BaseEstimator | None
both = pytest.mark.parametrize("kind", OURS, ids=["lgbm", "xgb"])


# --- the same again --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [*(quick(kind, subsample=0.7) for kind in OURS), RandomForestClassifier(10)],
    ids=["lgbm", "xgb", "forest"],
)
@pytest.mark.parametrize("sampling", ["random", "self_paced"])
def test_the_seed_decides_whatever_n_jobs_is(estimator: Model, sampling: str, table: Rows) -> None:
    def fit(**parameters: object) -> gbimb.UnderBaggingClassifier:
        return bagged(clone(estimator), sampling=sampling, **parameters).fit(table.X, table.y)

    a, b, c = fit(n_jobs=1), fit(n_jobs=2), fit(n_jobs=3)
    for other in (b, c):
        np.testing.assert_array_equal(a.predict_proba(table.X), other.predict_proba(table.X))
        assert a.threshold_ == other.threshold_
    other = fit(random_state=1)
    assert not np.array_equal(a.predict_proba(table.X), other.predict_proba(table.X))


@pytest.mark.parametrize(
    "estimator",
    [*(quick(kind, subsample=0.7) for kind in OURS), RandomForestClassifier(10)],
    ids=["lgbm", "xgb", "forest"],
)
@pytest.mark.parametrize("replacement", [False, True])
def test_bags_added_later_are_those_of_a_longer_fit(
    estimator: Model, replacement: bool, table: Rows
) -> None:
    grown = bagged(estimator, n_estimators=2, warm_start=True, replacement=replacement)
    grown.fit(table.X, table.y)
    first = grown.estimators_[0]
    grown.set_params(n_estimators=5).fit(table.X, table.y)
    assert grown.estimators_[0] is first
    grown.fit(table.X, table.y)  # nothing to add
    whole = bagged(estimator, n_estimators=5, replacement=replacement).fit(table.X, table.y)
    np.testing.assert_array_equal(grown.predict_proba(table.X), whole.predict_proba(table.X))
    np.testing.assert_array_equal(grown.oob_proba_, whole.oob_proba_)
    assert grown.threshold_ == whole.threshold_
    assert grown.oob_score_ == whole.oob_score_
    for a, b in zip(grown.estimators_samples_, whole.estimators_samples_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bags_are_only_added_to_those_of_the_same_rows(table: Rows) -> None:
    clf = bagged(LogisticRegression(), n_estimators=3, warm_start=True).fit(table.X, table.y)
    for X, y in ((table.X[:-1], table.y[:-1]), (table.X, table.y[::-1]), (table.X, table.y + 1)):
        with pytest.raises(InvalidDataError, match="warm_start"):
            clone_of(clf).set_params(n_estimators=4).fit(X, y)
    with pytest.raises(InvalidParameterError, match="must not fall"):
        clone_of(clf).set_params(n_estimators=2).fit(table.X, table.y)
    for changed in ({"estimator": quick(OURS[0])}, {"sampling_strategy": 5.0}):
        with pytest.raises((InvalidParameterError, InvalidDataError), match="warm_start adds"):
            clone_of(clf).set_params(n_estimators=4, **changed).fit(table.X, table.y)
    with pytest.raises(InvalidDataError, match="labels and weights"):
        clone_of(clf).set_params(n_estimators=4).fit(table.X, table.y, np.full(table.y.size, 2.0))
    grown = bagged(LogisticRegression(), n_estimators=3, warm_start=True, sampling="self_paced")
    grown.fit(table.X, table.y).set_params(n_estimators=5).fit(table.X, table.y)
    assert len(grown.estimators_) == 5


def clone_of(clf: gbimb.UnderBaggingClassifier) -> gbimb.UnderBaggingClassifier:
    """The fitted classifier again, with its bags."""
    return pickle.loads(pickle.dumps(clf))


@both
def test_a_pickled_classifier_is_the_same_and_keeps_no_training_data(
    kind: type, table: Rows
) -> None:
    clf = bagged(quick(kind), n_estimators=3).fit(table.X, table.y)
    wide = bagged(quick(kind), n_estimators=3).fit(np.tile(table.X, (1, 10)), table.y)
    text = pickle.dumps(clf)
    np.testing.assert_array_equal(
        pickle.loads(text).predict_proba(table.X),
        clf.predict_proba(table.X),
    )
    assert len(text) < 400_000
    assert len(pickle.dumps(wide)) < len(text) + 200_000  # ten times the table, 1.9 MB
    for member in clf.estimators_:
        assert len(pickle.dumps(member)) < 60_000


# --- inside scikit-learn ---------------------------------------------------------------------


def test_a_fit_with_another_estimator_forgets_the_columns_of_the_one_before(table: Rows) -> None:
    words = (
        pd.DataFrame(table.X)
        .rename(columns=str)
        .assign(word=pd.Categorical(np.where(table.y, "a", "b")))
    )
    clf = gbimb.UnderBaggingClassifier(n_estimators=2, n_jobs=1, random_state=0)
    clf.fit(words, table.y)
    clf.set_params(estimator=DecisionTreeClassifier(max_depth=3)).fit(table.X, table.y)
    assert clf.predict(table.X).shape == table.y.shape


@both
def test_grid_search_reaches_the_strategy_and_the_loss(kind: type, table: Rows) -> None:
    search = GridSearchCV(
        bagged(quick(kind, n_estimators=10), n_estimators=2),
        {"sampling_strategy": [1.0, 5.0], "estimator__gamma": [0.0, 2.0]},
        cv=2,
        scoring="roc_auc",
    ).fit(table.X, table.y)
    assert search.best_score_ > 0.75
    assert len(search.cv_results_["params"]) == 4
    assert hasattr(search.best_estimator_, "threshold_")


def test_it_stands_in_pipelines_calibration_and_stacks(table: Rows, fresh: Rows) -> None:
    bag = bagged(quick(OURS[0], n_estimators=10), n_estimators=2)
    models = [
        make_pipeline(StandardScaler(), bag),
        CalibratedClassifierCV(bag, cv=2),
        StackingClassifier([("bag", bag), ("lr", LogisticRegression())], cv=2),
    ]
    for model in models:
        p = model.fit(table.X, table.y).predict_proba(fresh.X)[:, 1]
        assert roc_auc_score(fresh.y, p) > 0.75
        assert p.mean() == pytest.approx(table.y.mean(), rel=0.3)
    assert (cross_val_score(bag, table.X, table.y, cv=2, scoring="neg_log_loss") > -0.25).all()
