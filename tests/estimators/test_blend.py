"""Two members on small tables, averaged with shares that held-out rows choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gbimb
from gbimb.engines.defaults import Pace, learning_rate
from gbimb.engines.registry import get_engine
from gbimb.training.recipe import Recipe
from tests.estimators.common import KINDS, Estimator, Kind, both, numbers, quick

if TYPE_CHECKING:
    from pathlib import Path

SHAPES: dict[Kind, dict[str, Any]] = {
    gbimb.ImbalancedLGBMClassifier: {"num_leaves": 8},
    gbimb.ImbalancedXGBClassifier: {"max_depth": 4},
}


def blended(kind: Kind, **parameters: Any) -> Estimator:
    """A quick estimator with the size of its trees left open."""
    (name,) = SHAPES[kind]
    return quick(kind, **{name: None, **parameters})


@both
def test_small_tables_of_two_classes_get_two_kinds_of_trees(kind: Kind) -> None:
    X, y = numbers(600)
    clf = blended(kind).fit(X, y)
    assert len(clf.blend_) == 2
    assert sum(clf.blend_.values()) == pytest.approx(1.0)
    assert [*clf.evals_result_] == ["valid", f"valid, {[*clf.blend_][1]}"]
    assert [*clf.best_iterations_] == [*clf.evals_result_]
    assert clf.best_iterations_["valid"] == clf.best_iteration_
    assert all([*history] == ["mcc", "f1"] for history in clf.evals_result_.values())


@both
@pytest.mark.parametrize("case", ["shape given", "many classes", "nothing held out"])
def test_elsewhere_there_is_one_kind(kind: Kind, case: str) -> None:
    X, y = numbers(600)
    if case == "shape given":
        clf = quick(kind).fit(X, y)
    elif case == "many classes":
        clf = blended(kind).fit(X, y + (X[:, 2] > 1))
    else:
        clf = blended(kind, cv=None).fit(X, y)
    assert clf.blend_ == {}


@both
def test_the_score_is_that_of_the_blend_on_the_rows_held_out(kind: Kind) -> None:
    X, y = numbers(900)
    clf = blended(kind, cv=None, n_estimators=10).fit(
        X[:600], y[:600], X_val=X[600:], y_val=y[600:]
    )
    best = gbimb.metrics.best_threshold(y[600:], clf.raw_score(X[600:]))
    assert clf.best_score_ == pytest.approx(best.score, abs=1e-6)


@both
def test_a_blend_is_one_booster_that_is_saved_and_loaded(kind: Kind, tmp_path: Path) -> None:
    X, y = numbers(600)
    clf = blended(kind).fit(X, y)
    clf.save(tmp_path / "model.gbimb")
    loaded = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.blend_ == clf.blend_
    assert loaded.best_iterations_ == clf.best_iterations_


@both
def test_engine_parameters_go_before_what_is_peculiar_to_a_kind(kind: Kind) -> None:
    X, y = numbers(600)
    given = {"extra_trees": False} if "LGBM" in kind.__name__ else {"colsample_bynode": 1.0}
    plain = blended(kind).fit(X, y).predict_proba(X)
    assert (blended(kind, engine_params=given).fit(X, y).predict_proba(X) != plain).any()


@both
def test_the_weight_in_a_leaf_that_somebody_chose_holds_for_every_kind(kind: Kind) -> None:
    X, y = numbers(600)
    with pytest.warns(gbimb.GbimbWarning, match="no split"):
        clf = blended(kind, min_child_weight=1e9).fit(X, y)
    assert not clf.feature_importances_.any()


@both
def test_a_kind_that_cannot_go_on_in_the_middle_is_trained_again_to_the_same_trees(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = numbers(600)
    settings: dict[str, Any] = {"checkpoint_path": tmp_path, "checkpoint_every": 5}
    whole = blended(kind, n_estimators=40).fit(X, y)
    engine: Any = get_engine(kind.engine_name)
    update = engine.Member.update
    calls = 0

    def dies(member: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 2 * 40 + 30:  # in the second kind
            raise KeyboardInterrupt
        update(member)

    monkeypatch.setattr(engine.Member, "update", dies)
    with pytest.raises(KeyboardInterrupt):
        blended(kind, n_estimators=40, **settings).fit(X, y)
    monkeypatch.undo()
    resumed = blended(kind, n_estimators=40, **settings).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))


@both
def test_the_learning_rate_depends_on_how_steep_the_loss_is(kind: Kind) -> None:
    losses = (gbimb.LogisticLoss(), gbimb.FocalLoss(gamma=2.0), gbimb.SoftMCCLoss())
    rates = [learning_rate(kind(), 1000, Pace(loss.steepness, 2)) for loss in losses]
    assert rates == pytest.approx([0.1, 0.1 / 2.71, 0.1], rel=1e-2)
    assert learning_rate(kind(learning_rate=0.3), 1000, Pace(2.71, 2)) == 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_of_rounds_within_a_standard_error_the_log_loss_decides(kind: Kind) -> None:
    X, y = numbers(2000)
    settings: dict[str, Any] = {"n_estimators": 200, "early_stopping_rounds": 20, "cv": 2}
    by_mcc = quick(kind, **settings).fit(X, y)
    watched = quick(kind, **settings, eval_metric=("mcc", "log_loss")).fit(X, y)
    assert by_mcc.best_iteration_ == watched.best_iteration_
    history = watched.evals_result_["valid"]
    kept = watched.best_iteration_ - 1
    best = max(history["mcc"])
    error = (1 - best**2) / np.sqrt(y.sum())
    assert history["mcc"][kept] > best - 1.5 * error  # the rule is on moving averages
    assert history["log_loss"][kept] <= history["log_loss"][int(np.argmax(history["mcc"]))]


@both
def test_shares_of_rows_and_columns_that_are_given_hold_for_both_kinds(kind: Kind) -> None:
    X, y = numbers(1200)
    clf = blended(kind, subsample=0.6, colsample_bytree=0.3).fit(X, y)
    shares = {"subsample", "bagging_freq", "feature_fraction", "colsample_bytree"}
    recipe = Recipe(clf, clf.model_.schema, clf.model_.classes)
    kinds = recipe.member_specs(clf.loss_, y.size)
    assert len(kinds) == 2
    assert not any(shares & each.params.keys() for each in kinds)
    plain = blended(kind).fit(X, y).predict_proba(X)
    assert (clf.predict_proba(X) != plain).any()
