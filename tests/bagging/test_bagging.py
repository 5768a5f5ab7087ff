"""UnderBaggingClassifier: what it trains, what it says about rows out of the bags."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import gbimb
from gbimb.exceptions import InvalidTypeError
from gbimb.training.bagging.one_bag import link_after_drawing
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
        round(float(gbimb.correct_prior([0.25], share[1], 0.06)[0]), 12)
        for share in clf.bags_.shares
    }
    low, high = min(shifted), max(shifted)
    for proba in (clf.bags_.oob.mean()[:, 1], clf.bags_.oob.in_turn()[:, 1]):
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
    np.testing.assert_array_equal(clf.bags_.oob.count, outside)
    in_turn = clf.bags_.oob.in_turn_count
    assert (in_turn[positive] == 2).all()
    assert in_turn.max() == 2
    assert in_turn[~positive].mean() > 1.8


def test_the_out_of_bag_score_is_that_of_the_decision(table: Rows) -> None:
    for metric, given in (("mcc", "mcc"), ("f1", ("f1",))):
        clf = bagged(LogisticRegression(), eval_metric=given).fit(table.X, table.y)
        judged = ~np.isnan(clf.oob_proba_[:, 1])
        y, flagged = table.y[judged], clf.oob_proba_[judged, 1] >= clf.threshold_
        weight = (np.bincount(table.y) / np.bincount(y))[y]  # the classes' shares in the data
        counts = gbimb.metrics.ConfusionCounts.from_labels(y, flagged, weight)
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
    for strategy, common in [(1.0, n), (0.5, 2 * n), (3.0, 3 * n), ({0: 77}, 77)]:
        clf = bagged(LogisticRegression(), sampling_strategy=strategy).fit(table.X, table.y)
        for rows in clf.estimators_samples_:
            counts = np.bincount(table.y[rows])
            assert counts[0] == common
            assert abs(counts[1] - 0.8 * n) <= 1
            assert np.unique(rows).size == rows.size


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_bags_leave_out_a_fifth_of_every_class_of_which_they_draw_more_than_half(
    table: Rows, share: float
) -> None:
    wanted = (np.bincount(table.y) * [share, 1.0]).astype(int)
    clf = bagged(LogisticRegression(), sampling_strategy={0: int(wanted[0])})
    for rows in clf.fit(table.X, table.y).estimators_samples_:
        np.testing.assert_allclose(np.bincount(table.y[rows]), 0.8 * wanted, rtol=0.03)
    assert not np.isnan(clf.oob_proba_).any()


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
    assert (clf.bags_.oob.in_turn_count == 2).all()
    assert (clf.bags_.oob.count == 2).all()
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
    clf = bagged(estimator, sampling_strategy=0.05)
    with pytest.warns(
        gbimb.exceptions.GbimbWarning, match=f"stays at 0.5.*with {positives} rows of the rarest"
    ):
        clf.fit(X, y)
    for rows in clf.estimators_samples_:
        assert y[rows].sum() == positives
    assert np.isnan(clf.oob_score_)
    assert clf.threshold_ == 0.5
    assert clf.predict_proba(X)[y == 1, 1].mean() > clf.predict_proba(X)[y == 0, 1].mean()
