"""Forests among the candidates of the automatic choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest
from scipy import sparse
from sklearn.tree import ExtraTreeRegressor

import gbimb
from gbimb.auto import _forest
from gbimb.auto._forest import Forest, Rows, grow, number_of_trees
from gbimb.lightgbm import forest_text
from gbimb.losses import BrierLoss
from tests.auto.common import numbers, quick
from tests.bagging.tables import many

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def rows(n: int = 400) -> Rows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    y = (X[:, 0] + rng.normal(size=n) > 1.5).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[0, 0], X[1, 1] = 1e300, -np.inf
    return Rows.of(X, y, rng.uniform(0.5, 2.0, n))


def models(
    table: Rows, forest: Forest, parts: list[NDArray[np.intp]], **options: object
) -> list[str]:
    names = [f"x{i}" for i in range(5)]
    given = {"seed": 7, "threads": 1, "stop": None, "unit": None, **options}
    return grow(table, forest, parts, names, **given)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("leaf", [1, 20, 400])
def test_a_forest_predicts_as_a_lightgbm_model_what_scikit_learn_predicts(leaf: int) -> None:
    table = rows()
    trees = [
        ExtraTreeRegressor(max_features=0.5, min_samples_leaf=leaf, random_state=i).fit(
            table.matrix, table.y, table.weight
        )
        for i in range(7)
    ]
    grown = [table.tree(Forest(leaf, 0.5), i) for i in range(7)]
    text = forest_text(grown, [f"x{i}" for i in range(5)])
    booster = lgb.Booster(model_str=text)
    X = np.vstack([table.matrix, np.random.default_rng(1).normal(size=(200, 5))]).astype(np.float32)
    np.testing.assert_allclose(
        booster.predict(X, raw_score=True),
        np.mean([tree.predict(X) for tree in trees], axis=0),
        atol=1e-12,
    )
    assert lgb.Booster(model_str=booster.model_to_string()).num_trees() == 7


def test_a_forest_knows_which_columns_it_split_on() -> None:
    table = rows()
    [text] = models(table, Forest(20, 1.0), [np.arange(400)])
    gains = lgb.Booster(model_str=text).feature_importance("gain")
    assert np.argmax(gains) == 0
    assert (gains >= 0).all()


def test_large_tables_get_fewer_trees() -> None:
    assert [number_of_trees(n) for n in (100, 10_000, 20_000, 1_000_000)] == [60, 60, 30, 20]


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    table, parts = rows(), [np.arange(200), np.arange(200, 400)]
    assert models(table, Forest(1, 0.5), parts) == models(table, Forest(1, 0.5), parts, threads=2)


def test_a_forest_out_of_time_has_the_trees_so_far() -> None:
    [text] = models(rows(), Forest(1, 0.5), [np.arange(400)], stop=lambda _, done: done >= 10)
    assert lgb.Booster(model_str=text).num_trees() == 10


def test_forests_take_part_are_kept_and_give_no_row_a_probability_of_zero(tmp_path: Path) -> None:
    X, y = numbers(600)
    clf = quick(n_trials=4).fit(X, y)
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
    several = many(400, seed=0, n_classes=3)
    for clf, table, labels in (
        (quick(engine="lightgbm"), X, y),
        (quick(), sparse.csr_matrix(X), y),
        (quick(), several.X, several.y),
    ):
        board = clf.set_params(n_trials=3).fit(table, labels).leaderboard_
        assert not board["candidate"].str.startswith("Forest").any()
    monkeypatch.setattr("gbimb.auto._compare.MOST_ROWS", 500)
    board = quick(n_trials=3).fit(X, y).leaderboard_
    assert not board["candidate"].str.startswith("Forest").any()


def test_weights_count_as_rows_in_the_share_of_the_positives() -> None:
    table = Rows.of(np.zeros((3, 1)), np.array([0.0, 1.0, 1.0]), np.array([2.0, 1.0, 1.0]))
    assert table.share == 0.5
    assert _forest.TREES >= _forest.FEWEST_TREES
