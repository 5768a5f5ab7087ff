"""UnderBaggingClassifier: what it trains, what it says about rows out of the bags."""

from __future__ import annotations

import pickle
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import gbimb
from gbimb.estimators._bags import link_after_drawing
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.bagging.tables import OURS, Rows, bagged, binary, many, quick

Model: TypeAlias = BaseEstimator | None
both = pytest.mark.parametrize("kind", OURS, ids=["lgbm", "xgb"])
PLAIN = [
    LogisticRegression(),
    HistGradientBoostingClassifier(max_iter=20),
    make_pipeline(StandardScaler(), LogisticRegression()),
    KNeighborsClassifier(20),
    RandomForestClassifier(20),
]


@pytest.fixture(scope="module")
def table() -> Rows:
    return binary(3000)


@pytest.fixture(scope="module")
def fresh() -> Rows:
    return binary(6000, seed=1)


# --- any classifier --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [*(quick(kind) for kind in OURS), *PLAIN], ids=lambda e: type(e).__name__
)
def test_any_classifier_can_be_bagged(estimator: Model, table: Rows, fresh: Rows) -> None:
    clf = bagged(estimator).fit(table.X, table.y)
    proba = clf.predict_proba(fresh.X)
    assert len(clf.estimators_) == len(clf.estimators_samples_) == 5
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert proba[:, 1].mean() == pytest.approx(table.y.mean(), rel=0.15)
    assert roc_auc_score(fresh.y, proba[:, 1]) > 0.75
    np.testing.assert_array_equal(clf.predict(fresh.X), proba[:, 1] >= clf.threshold_)
    assert 0.1 < clf.oob_score_ < 0.6
    assert clf.classes_.tolist() == [0, 1]
    assert clf.n_features_in_ == 8


def test_an_estimator_without_probabilities_is_refused(table: Rows) -> None:
    with pytest.raises(InvalidTypeError, match="predict_proba"):
        bagged(LinearSVC()).fit(table.X, table.y)


@pytest.mark.parametrize("estimator", [None, LogisticRegression()], ids=["default", "logistic"])
def test_feature_importances_are_there_where_the_bags_have_some(
    estimator: Model, table: Rows
) -> None:
    clf = bagged(DecisionTreeClassifier(max_depth=3)).fit(table.X, table.y)
    assert clf.feature_importances_.sum() == pytest.approx(1)
    clf.set_params(estimator=quick(OURS[0]) if estimator is None else estimator)
    clf.fit(table.X, table.y)
    assert hasattr(clf, "feature_importances_") == (estimator is None)
    if estimator is None:
        assert clf.feature_importances_.argmax() == 0


@both
def test_the_classifier_of_a_bag_is_one_of_its_own_right(
    kind: type, table: Rows, fresh: Rows
) -> None:
    clf = bagged(quick(kind), n_estimators=2).fit(table.X, table.y)
    for member in clf.estimators_:
        proba = member.predict_proba(fresh.X)
        assert proba[:, 1].mean() == pytest.approx(table.y.mean(), rel=0.4)  # not of the bag
        np.testing.assert_array_equal(member.predict(fresh.X), proba[:, 1] >= member.threshold_)
        assert member.validation_ == "rows out of the bag"
        assert len(member.evals_result_["valid"]["mcc"]) >= member.best_iteration_


@both
def test_sparse_tables_can_be_bagged(kind: type, table: Rows) -> None:
    X = np.where(table.X > 0, table.X, 0.0)
    clf = bagged(quick(kind), n_estimators=2).fit(sparse.csr_matrix(X), table.y)
    assert clf.predict_proba(sparse.csr_matrix(X)).shape == (3000, 2)
    assert clf.estimators_[0].predict(sparse.csr_matrix(X)).shape == (3000,)


def test_the_link_after_drawing_undoes_the_drawing() -> None:
    raw = np.linspace(-3, 3, 9)
    for loss in (gbimb.LogisticLoss(3.0), gbimb.FocalLoss(2.0, alpha=0.25, scale_pos_weight=4.0)):
        p = link_after_drawing(loss, np.array([0.1, 5.0])).probability(raw)
        share = np.array([0.5, 0.5])
        data = share / np.array([0.1, 5.0])
        data /= data.sum()
        np.testing.assert_allclose(
            p, gbimb.correct_prior(loss.probability(raw), share, data), rtol=1e-9
        )
    many_loss = gbimb.SoftmaxFocalLoss(3, class_weight=(1, 2, 3))
    scores, factor = np.random.default_rng(0).normal(size=(5, 3)), np.array([0.2, 1.0, 3.0])
    data = np.array([1, 1, 1]) / factor
    np.testing.assert_allclose(
        link_after_drawing(many_loss, factor).probability(scores),
        gbimb.correct_prior(many_loss.probability(scores), np.full(3, 1 / 3), data / data.sum()),
        rtol=1e-9,
    )


# --- rows out of the bags --------------------------------------------------------------------


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers the rows it was fitted on, by their first column, and is sure of them."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Spy:
        self.classes_ = np.unique(y)
        self.rows_ = set(X[:, 0].astype(int).tolist())
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        known = np.array([int(v) in self.rows_ for v in X[:, 0]])
        p = np.where(known, 0.999, 0.25)
        return np.column_stack([1 - p, p])


@pytest.mark.parametrize("sampling", ["random", "self_paced"])
@pytest.mark.parametrize("strategy", [1.0, 5.0, 1000.0, {0: 300, 1: 40}])
def test_out_of_bag_probabilities_never_come_from_a_bag_that_trained_on_the_row(
    sampling: str, strategy: float | dict[int, int]
) -> None:
    X, y = np.arange(1000.0)[:, None], np.repeat([0, 1], [940, 60])
    clf = bagged(Spy(), n_estimators=7, sampling=sampling, sampling_strategy=strategy).fit(X, y)
    assert (~np.isnan(clf.oob_proba_[:, 1])).sum() > 600
    # Rows out of a bag all look alike to it; had one been known, its value would stand out.
    shifted = {
        round(float(gbimb.correct_prior([0.25], share[1], 0.06)[0]), 12) for share in clf._shares
    }
    low, high = min(shifted), max(shifted)
    for proba in (clf._oob.mean()[:, 1], clf._oob.in_turn()[:, 1]):
        assert proba.size > 600
        assert proba.min() >= low - 1e-9
        assert proba.max() <= high + 1e-9
    for member, rows in zip(clf.estimators_, clf.estimators_samples_, strict=True):
        assert member.rows_ == set(rows.tolist())


def test_rows_of_all_classes_are_judged_by_as_many_bags(table: Rows) -> None:
    """By every fifth bag, less those that trained on the row; the mean over all sets the level."""
    clf = bagged(LogisticRegression(), n_estimators=10).fit(table.X, table.y)
    assert clf.oob_proba_.shape == (3000, 2)
    assert np.isnan(clf.oob_proba_[:, 1]).mean() < 0.02
    outside = 10 - np.bincount(np.concatenate(clf.estimators_samples_), minlength=3000)
    positive = table.y == 1
    assert (outside[positive] == 2).all()  # held out in turn
    assert np.ptp(outside[~positive]) <= 1  # covered as evenly as can be
    np.testing.assert_array_equal(clf._oob.count, outside)
    in_turn = clf._oob.in_turn_count
    assert (in_turn[positive] == 2).all()
    assert in_turn.max() == 2
    assert in_turn[~positive].mean() > 1.8


def test_the_out_of_bag_score_is_that_of_the_decision(table: Rows) -> None:
    for metric in ("mcc", "f1"):
        clf = bagged(LogisticRegression(), eval_metric=metric).fit(table.X, table.y)
        judged = ~np.isnan(clf.oob_proba_[:, 1])
        y, called = table.y[judged], clf.oob_proba_[judged, 1] >= clf.threshold_
        weight = (np.bincount(table.y) / np.bincount(y))[y]  # the classes' shares in the data
        counts = gbimb.metrics.ConfusionCounts.from_labels(y, called, weight)
        expected = gbimb.metrics.get_count_metric(metric)(counts)
        assert clf.oob_score_ == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "estimator", [quick(OURS[0]), quick(OURS[1]), LogisticRegression()], ids=["lgbm", "xgb", "lr"]
)
def test_the_threshold_is_about_the_best_on_a_large_truth_set(
    estimator: Model,
) -> None:
    train, truth = binary(12_000, prevalence=0.04), binary(100_000, seed=1, prevalence=0.04)
    clf = bagged(estimator, n_estimators=10).fit(train.X, train.y)
    p = clf.predict_proba(truth.X)[:, 1]
    best = gbimb.metrics.best_threshold(truth.y, p, "mcc")
    got = matthews_corrcoef(truth.y, clf.predict(truth.X))
    assert got > best.score - 0.015
    assert clf.oob_score_ == pytest.approx(got, abs=0.05)
    assert p.mean() == pytest.approx(train.y.mean(), rel=0.08)


def test_a_threshold_can_be_given_or_serve_another_metric(table: Rows) -> None:
    assert bagged(LogisticRegression(), threshold=0.3).fit(table.X, table.y).threshold_ == 0.3
    a, b = (
        bagged(LogisticRegression(), threshold=name).fit(table.X, table.y).threshold_
        for name in ("balanced_accuracy", "mcc")
    )
    assert a < b


# --- how bags are drawn ----------------------------------------------------------------------


def test_bags_keep_the_rare_class_but_for_a_fifth_and_draw_from_the_other(table: Rows) -> None:
    n = int(table.y.sum())
    for strategy, common in [(1.0, n), (0.5, 2 * n), (3.0, 3 * n), ("auto", n), ({0: 77}, 77)]:
        clf = bagged(LogisticRegression(), sampling_strategy=strategy).fit(table.X, table.y)
        for rows in clf.estimators_samples_:
            counts = np.bincount(table.y[rows])
            assert counts[0] == common
            assert abs(counts[1] - 0.8 * n) <= 1
            assert np.unique(rows).size == rows.size


@both
def test_rows_drawn_twice_count_twice(kind: type) -> None:
    """In bags of more than half the rows, which XGBoost trains on the whole table by weights."""
    table = binary(1500, prevalence=0.3)
    clf = bagged(
        quick(kind), replacement=True, n_estimators=2, sampling_strategy={0: 700, 1: 300}
    ).fit(table.X, table.y)
    for member, rows in zip(clf.estimators_, clf.estimators_samples_, strict=True):
        assert rows.size == 1000
        assert np.unique(rows).size < 1000
        # The start is the minimum of the loss over the rows drawn, each as often as it was.
        proba = member.predict_proba(table.X[rows])[:, 1]
        assert proba.mean() == pytest.approx(table.y.mean(), rel=0.15)


def test_self_paced_bags_hold_harder_rows_as_they_go_on(table: Rows) -> None:
    clf = bagged(LogisticRegression(), n_estimators=8, sampling="self_paced").fit(table.X, table.y)
    hardness = [
        table.posterior[rows][table.y[rows] == 0].mean() for rows in clf.estimators_samples_
    ]
    assert np.mean(hardness[-3:]) > 1.5 * hardness[0]
    counts = [np.bincount(table.y[rows]) for rows in clf.estimators_samples_]
    assert len({int(c[0]) for c in counts}) == 1


def test_a_self_paced_bag_judges_rows_that_were_not_offered_to_it() -> None:
    """Of those offered the easy ones are left over, and the mean probability would come out low."""
    train, fresh = binary(6000), binary(20_000, seed=1)
    clf = bagged(
        RandomForestClassifier(10, min_samples_leaf=3),
        n_estimators=10,
        sampling="self_paced",
        sampling_strategy=5,
    ).fit(train.X, train.y)
    assert (clf._oob.in_turn_count == 2).all()
    assert (clf._oob.count == 2).all()
    assert clf.predict_proba(fresh.X)[:, 1].mean() == pytest.approx(train.y.mean(), rel=0.05)


@both
@pytest.mark.parametrize("sampling", ["random", "self_paced"])
def test_probabilities_are_true_however_rows_are_drawn(kind: type, sampling: str) -> None:
    train, fresh = binary(8000), binary(20_000, seed=1)
    clf = bagged(quick(kind), n_estimators=10, sampling=sampling).fit(train.X, train.y)
    p = clf.predict_proba(fresh.X)[:, 1]
    assert p.mean() == pytest.approx(train.y.mean(), rel=0.08)
    assert roc_auc_score(fresh.y, p) > roc_auc_score(fresh.y, fresh.posterior) - 0.04


def test_self_paced_bags_that_hold_all_rows_are_random_ones(table: Rows) -> None:
    both_ways = [
        bagged(LogisticRegression(), sampling=sampling, sampling_strategy=1e6)
        .fit(table.X, table.y)
        .predict_proba(table.X)
        for sampling in ("random", "self_paced")
    ]
    np.testing.assert_array_equal(*both_ways)


def test_bags_do_not_depend_on_the_names_of_the_labels(table: Rows) -> None:
    names = [np.where(table.y == 1, positive, "m") for positive in ("a", "z")]
    first, last = (bagged(LogisticRegression()).fit(table.X, y) for y in names)
    np.testing.assert_allclose(
        first.predict_proba(table.X)[:, 0], last.predict_proba(table.X)[:, 1], rtol=1e-5
    )
    assert first.threshold_ == pytest.approx(last.threshold_, rel=1e-5)


@pytest.mark.parametrize("sampling", ["random", "self_paced"])
def test_bags_are_drawn_for_many_classes(sampling: str) -> None:
    train, fresh = many(4000, 4), many(5000, 4, seed=1)
    clf = bagged(n_estimators=6, sampling=sampling, sampling_strategy=2.0).fit(train.X, train.y)
    counts = np.bincount(train.y)
    for rows in clf.estimators_samples_:
        drawn = np.bincount(train.y[rows])
        assert (drawn[:3] <= 2 * counts.min()).all()
    np.testing.assert_allclose(
        clf.predict_proba(fresh.X).mean(axis=0), counts / counts.sum(), rtol=0.15
    )


def test_more_bags_are_better() -> None:
    train, truth = binary(4000), binary(30_000, seed=1)
    tree = DecisionTreeClassifier(max_depth=4)
    one, few, more = (
        roc_auc_score(
            truth.y, bagged(tree, n_estimators=n).fit(train.X, train.y).predict_proba(truth.X)[:, 1]
        )
        for n in (1, 5, 30)
    )
    assert one < few < more


def test_one_bag_is_enough(table: Rows) -> None:
    clf = bagged(n_estimators=1).fit(table.X, table.y)
    assert not np.isnan(clf.oob_score_)
    assert np.isnan(clf.oob_proba_[:, 1]).any()
    assert 0 < clf.threshold_ < 1


@pytest.mark.parametrize("estimator", [quick(OURS[0]), quick(OURS[1]), LogisticRegression()])
@pytest.mark.parametrize("positives", [2, 7])
def test_fewer_than_ten_positives_are_all_kept_in_every_bag(
    estimator: Model, positives: int
) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)), np.repeat([0, 1], [500 - positives, positives])
    X[y == 1] += 3
    clf = bagged(estimator, sampling_strategy=0.05).fit(X, y)
    for rows in clf.estimators_samples_:
        assert y[rows].sum() == positives
    assert np.isnan(clf.oob_score_)
    assert clf.threshold_ == 0.5
    assert clf.predict_proba(X)[y == 1, 1].mean() > clf.predict_proba(X)[y == 0, 1].mean()


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
    called = clf.predict(table.X) == "anomaly"
    np.testing.assert_array_equal(called, p[:, 0] >= clf.threshold_)
    assert clf.threshold_ == pytest.approx(numbers.threshold_, abs=0.1)
    np.testing.assert_array_equal(clf.decision_function(table.X) < 0, p[:, 0] > 0.5)


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
    frame = pd.DataFrame(table.X[:, :4], columns=list("abcd"))
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
    for estimator in (KNeighborsClassifier(), make_pipeline(StandardScaler(), PLAIN[0])):
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
