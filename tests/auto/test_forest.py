"""Forests among the candidates of the automatic choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, logit
from sklearn.tree import ExtraTreeRegressor

import gbimb
from gbimb.decisions.calibration import Calibrator
from gbimb.engines.lightgbm import forest_text, from_text
from gbimb.losses import BrierLoss, MulticlassBrierLoss
from gbimb.training.checkpoint import CheckpointFile
from gbimb.training.search.forest import (
    Forest,
    ForestRows,
    GrownForest,
    calibrate,
    grow,
    number_of_trees,
)
from gbimb.training.search.forest import _arrays as arrays
from tests.auto.common import numbers, quick
from tests.bagging.tables import many

if TYPE_CHECKING:
    from pathlib import Path


def rows(n: int = 400) -> ForestRows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    y = (X[:, 0] + rng.normal(size=n) > 1.5).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[0, 0], X[1, 1] = 1e300, -np.inf
    return ForestRows.of(X, y, rng.uniform(0.5, 2.0, n))


def rows_of_many(n: int = 400) -> ForestRows:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, 5))
    X[rng.random((n, 5)) < 0.05] = np.nan
    codes = np.digitize(np.nan_to_num(X[:, 0]) + 0.5 * rng.normal(size=n), [-0.3, 0.5, 1.2])
    return ForestRows.of(X, codes, rng.uniform(0.5, 2.0, n), 4)


HALVES = ((np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200)))


def forest(given: Forest, table: ForestRows | None = None, **options: Any) -> GrownForest:
    names = [f"x{i}" for i in range(5)]
    settings = {"seed": 7, "threads": 1, "stop": None, "checkpoint": None, **options}
    return grow(table or rows(), given, HALVES, names, **settings)


@pytest.mark.parametrize("leaf", [1, 20, 400])
def test_a_forest_predicts_as_a_lightgbm_model_what_scikit_learn_predicts(leaf: int) -> None:
    table = rows()
    trees = [
        ExtraTreeRegressor(max_features=0.5, min_samples_leaf=leaf, random_state=i).fit(
            table.matrix, table.y, table.weight
        )
        for i in range(7)
    ]
    grown = [arrays(table.tree(Forest(leaf, 0.5), i)) for i in range(7)]
    booster = from_text(forest_text(grown, [f"x{i}" for i in range(5)], 0.1, np.array([0.25])))
    X = np.vstack([table.matrix, np.random.default_rng(1).normal(size=(200, 5))]).astype(np.float32)
    np.testing.assert_allclose(
        booster.predict(X, raw_score=True),
        0.25 + 0.1 * np.sum([tree.predict(X) for tree in trees], axis=0),
        atol=1e-12,
    )
    assert from_text(booster.model_to_string()).num_trees() == 7


@pytest.mark.parametrize("leaf", [1, 20, 400])
def test_a_forest_of_many_classes_predicts_as_a_lightgbm_model_what_scikit_learn_predicts(
    leaf: int,
) -> None:
    table = rows_of_many()
    names = [f"x{i}" for i in range(5)]
    given = Forest(leaf, 0.5)
    grown = [arrays(table.tree(given, i)) for i in range(7)]
    start = np.array([0.5, 0.25, 0.25, 0.0])
    booster = from_text(forest_text(grown, names, 0.1, start))
    X = np.vstack([table.matrix, np.random.default_rng(1).normal(size=(200, 5))]).astype(np.float32)
    votes = np.sum([table.tree(given, i).predict(X)[:, :, 0] for i in range(7)], axis=0)
    assert votes.shape == (600, 4)
    np.testing.assert_allclose(votes.sum(axis=1), 7.0)
    np.testing.assert_allclose(booster.predict(X, raw_score=True), start + 0.1 * votes, atol=1e-12)


def test_trees_of_one_class_have_no_split_that_does_not_matter_to_it() -> None:
    table = rows_of_many()
    whole = arrays(table.tree(Forest(1, 0.5), 0))
    single = whole.one_by_one()
    for tree in single:
        inner = tree.left >= 0
        assert (tree.left[inner] == np.flatnonzero(inner) + 1).all()
        both = inner & ~inner[tree.left] & ~inner[tree.right]
        assert (tree.value[tree.left[both]] != tree.value[tree.right[both]]).all()
    sizes = [tree.left.size for tree in single]
    assert max(sizes) < whole.left.size
    # The gains of the classes add up to what scikit-learn's criterion gained.
    grown = table.tree(Forest(1, 0.5), 0)
    assert whole.gain.sum() / 4 == pytest.approx(
        grown.impurity[0] * grown.weighted_n_node_samples[0]
    )


def test_held_out_rows_are_judged_by_the_trees_of_the_other_folds() -> None:
    table = rows()
    grown = forest(Forest(1, 0.5))
    for fold, (train, test) in enumerate(HALVES):
        trees = [table.part(train).tree(Forest(1, 0.5), 7 + 1009 * fold + i) for i in range(60)]
        votes = np.sum([tree.predict(table.matrix[test])[:, 0] for tree in trees], axis=0)
        np.testing.assert_allclose(
            grown.proba[200 * fold : 200 * fold + 200], (votes + table.shares) / 61, atol=1e-12
        )
    both = grown.booster.predict(table.matrix, raw_score=True)
    seen = np.concatenate([grown.proba[200:], grown.proba[:200]])
    # Half of the trees of the whole judge a row as those that did not see it do.
    assert np.all(2 * both >= seen - 1e-9)


def test_of_many_classes_held_out_rows_are_judged_by_the_trees_of_the_other_folds() -> None:
    table = rows_of_many()
    grown = forest(Forest(1, 0.5), table)
    for fold, (train, test) in enumerate(HALVES):
        trees = [table.part(train).tree(Forest(1, 0.5), 7 + 1009 * fold + i) for i in range(60)]
        votes = np.sum([tree.predict(table.matrix[test])[:, :, 0] for tree in trees], axis=0)
        np.testing.assert_allclose(
            grown.proba[200 * fold : 200 * fold + 200], (votes + table.shares) / 61, atol=1e-12
        )
    both = MulticlassBrierLoss(4).probability(grown.booster.predict(table.matrix, raw_score=True))
    np.testing.assert_allclose(both.sum(axis=1), 1.0)
    assert both.min() > 0


def test_a_forest_knows_which_columns_it_split_on() -> None:
    gains = forest(Forest(20, 1.0)).booster.feature_importance("gain")
    assert np.argmax(gains) == 0
    assert (gains >= 0).all()


def test_large_tables_get_fewer_trees() -> None:
    assert [number_of_trees(n) for n in (100, 10_000, 20_000, 1_000_000)] == [60, 60, 30, 20]
    assert [number_of_trees(n, 3) for n in (1_000, 4_000, 10_000)] == [60, 25, 20]


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    one, two = (forest(Forest(1, 0.5), threads=threads) for threads in (1, 2))
    assert one.booster.model_to_string() == two.booster.model_to_string()
    np.testing.assert_array_equal(one.proba, two.proba)


def test_a_forest_out_of_time_has_the_trees_so_far() -> None:
    grown = forest(Forest(1, 0.5), stop=lambda _, done: done >= 10)
    assert grown.trees == 10
    assert grown.booster.num_trees() == 20


def test_a_forest_from_a_checkpoint_is_the_same(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path / "forest.json", 1)
    first, again = (forest(Forest(1, 0.5), checkpoint=checkpoint) for _ in range(2))
    assert first.booster.model_to_string() == again.booster.model_to_string()
    np.testing.assert_array_equal(first.proba, again.proba)
    gains = [grown.booster.feature_importance("gain") for grown in (first, again)]
    np.testing.assert_array_equal(*gains)


def test_votes_are_calibrated_before_they_are_blended() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.98, 20_000)
    y = (rng.random(p.size) < p).astype(float)
    careful = expit(0.5 * logit(p) - 0.3)
    calibrator, proba = calibrate(y, careful, None)
    np.testing.assert_allclose(proba, p, atol=0.03)
    assert isinstance(calibrator, Calibrator)
    np.testing.assert_array_equal(calibrator(careful), proba)


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_votes_of_many_classes_are_made_as_sharp_as_held_out_rows_ask_for(power: float) -> None:
    rng = np.random.default_rng(1)
    votes = rng.dirichlet([4.0, 2.0, 1.0], 20_000)
    p = votes**power / (votes**power).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    found, proba = calibrate(y, votes, None)
    assert found == power
    np.testing.assert_allclose(proba, p, rtol=1e-12)
    half = rng.random(len(p)) < 0.5
    assert (
        calibrate(y, votes, np.where(half, 1.0, 0.0))[0] == calibrate(y[half], votes[half], None)[0]
    )


def test_forests_take_part_are_kept_and_give_no_row_a_probability_of_zero(tmp_path: Path) -> None:
    X, y = numbers(600)
    clf = quick(n_trials=6).fit(X, y)
    board = clf.leaderboard_
    forests = board["candidate"].str.startswith("Forest")
    assert forests.sum() == 2
    assert np.isfinite(board["log_loss"]).all()
    kept = [m for m in clf.members_ if isinstance(m.loss_, BrierLoss)]
    assert kept
    assert "Forests of random trees" in clf.explain_choice()
    for member in kept:
        proba = member.predict_proba(X)[:, 1]
        assert proba.min() > 0
        assert proba.max() < 1
        assert member.feature_importances_.sum() == pytest.approx(1.0)
    clf.save(tmp_path / "model.gbimb")
    again = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_forests_stay_out_where_they_cannot_be_or_were_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = numbers(600)
    for clf, table, labels in (
        (quick(engine="lightgbm"), X, y),
        (quick(), sparse.csr_matrix(X), y),
    ):
        board = clf.set_params(n_trials=3).fit(table, labels).leaderboard_
        assert not board["candidate"].str.startswith("Forest").any()
    monkeypatch.setattr("gbimb.training.search.compare.MOST_ROWS", 500)
    board = quick(n_trials=3).fit(X, y).leaderboard_
    assert not board["candidate"].str.startswith("Forest").any()
    monkeypatch.setattr("gbimb.training.search.compare.MOST_ROWS_OF_MANY", 300)
    several = many(400, seed=0, n_classes=3)
    board = quick(n_trials=3).fit(several.X, several.y).leaderboard_
    assert not board["candidate"].str.startswith("Forest").any()


def test_forests_take_part_where_there_are_many_classes(tmp_path: Path) -> None:
    several = many(400, seed=0, n_classes=3)
    clf = quick(n_trials=3).fit(several.X, several.y)
    board = clf.leaderboard_
    assert board["candidate"].str.startswith("Forest").sum() == 1
    assert np.isfinite(board["log_loss"]).all()
    for member in clf.members_:
        if isinstance(member.loss_, MulticlassBrierLoss):
            proba = member.predict_proba(several.X)
            assert proba.min() > 0
            np.testing.assert_allclose(proba.sum(axis=1), 1.0)
            assert member.feature_importances_.sum() == pytest.approx(1.0)
    clf.save(tmp_path / "model.gbimb")
    again = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(again.predict_proba(several.X), clf.predict_proba(several.X))


def test_weights_count_as_rows_in_the_share_of_the_positives() -> None:
    table = ForestRows.of(np.zeros((3, 1)), np.array([0.0, 1.0, 1.0]), np.array([2.0, 1.0, 1.0]))
    assert table.shares == [0.5]
