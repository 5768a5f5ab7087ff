"""The automatic choice as an estimator."""

from __future__ import annotations

import io
import pickle
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import cross_val_score

import gbimb
from gbimb.training.search import search as _search
from gbimb.training.search.search import Search
from tests.auto.common import numbers, quick
from tests.bagging.tables import binary, many
from tests.estimators.common import frame

if TYPE_CHECKING:
    from pathlib import Path


def test_it_decides_better_than_chance_and_its_probabilities_are_true() -> None:
    train, test = binary(3000, seed=1, prevalence=0.1), binary(10_000, seed=2, prevalence=0.1)
    clf = quick(n_trials=4).fit(train.X, train.y)
    proba = clf.predict_proba(test.X)[:, 1]
    assert abs(proba.mean() / 0.1 - 1) < 0.15
    assert matthews_corrcoef(test.y, clf.predict(test.X)) > 0.25
    np.testing.assert_array_equal(clf.predict(test.X), proba >= clf.threshold_)


def test_the_blend_is_the_weighted_mean_of_its_members_recalibrated() -> None:
    X, y = numbers()
    clf = quick(n_trials=4).fit(X, y)
    mean = sum(
        w * m.predict_proba(X)[:, 1] for w, m in zip(clf.weights_, clf.members_, strict=True)
    )
    raw = np.log(mean / (1 - mean))
    slope, intercept = np.polyfit(raw, clf.raw_score(X), 1)
    np.testing.assert_allclose(slope * raw + intercept, clf.raw_score(X), atol=1e-8)
    assert clf.weights_.sum() == pytest.approx(1.0)


def test_the_leaderboard_has_all_candidates_best_first() -> None:
    X, y = numbers()
    clf = quick(n_trials=5).fit(X, y)
    board = clf.leaderboard_
    assert len(board) == 5
    assert board["score"].is_monotonic_decreasing
    assert (board["log_loss"] < 0).all()
    assert board["weight"].sum() == pytest.approx(1.0)
    assert set(board["state"]) == {"finished"}
    assert board["candidate"].str.contains("XGBoost").any()
    assert np.count_nonzero(board["weight"]) == len(clf.members_)


def test_the_seed_and_the_number_of_trials_fix_the_result() -> None:
    X, y = numbers()
    one, two = (quick(n_trials=15).fit(X, y) for _ in range(2))
    other = quick(n_trials=15, random_state=1).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert one.explain_choice().splitlines()[3:] == two.explain_choice().splitlines()[3:]
    assert np.abs(one.predict_proba(X) - other.predict_proba(X)).max() > 0


@pytest.mark.parametrize("n_jobs", [2])
def test_the_result_does_not_depend_on_threads(n_jobs: int) -> None:
    X, y = numbers()
    one, two = quick(n_trials=3).fit(X, y), quick(n_trials=3, n_jobs=n_jobs).fit(X, y)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-6)


def test_time_is_up_in_time() -> None:
    X, y = numbers(3000)
    quick(n_trials=1).fit(X, y)  # imports and compiled loops
    began = time.perf_counter()
    clf = quick(time_budget=4, n_trials=None).fit(X, y)
    spent = time.perf_counter() - began
    assert spent < 8  # a wide bound: this machine may be busy
    assert len(clf.leaderboard_) >= 1


def test_a_budget_below_one_candidate_still_gives_a_model() -> None:
    X, y = numbers(3000)
    clf = quick(time_budget=0.01, n_trials=None).fit(X, y)
    assert clf.leaderboard_["state"].tolist() == ["out of time"]
    assert clf.predict_proba(X).shape == (3000, 2)


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_one_engine_where_asked(engine: str) -> None:
    X, y = numbers()
    clf = quick(engine=engine, n_trials=3).fit(X, y)
    assert set(clf.leaderboard_["param_engine"]) == {engine}


@pytest.mark.parametrize("metric", ["f1", "average_precision", "recall at precision >= 0.5"])
def test_other_metrics_are_served(metric: str) -> None:
    X, y = numbers()
    clf = quick(metric=metric).fit(X, y)
    assert f"Decision rule: chosen for {metric}." in clf.explain_choice()
    assert np.isfinite(clf.best_score_)


def test_costs_move_the_threshold() -> None:
    X, y = numbers()
    dear, even = (quick(metric=[[0, 1], [c, 0]]).fit(X, y) for c in (19, 1))
    assert dear.threshold_ == pytest.approx(0.05)
    assert even.threshold_ == pytest.approx(0.5)
    assert dear.predict(X).sum() > even.predict(X).sum()
    assert "minus the mean cost" in dear.explain_choice()
    names = np.where(y == 1, "a fault", "fine")  # the rare label comes first
    named = quick(metric=[[0, 19], [1, 0]]).fit(X, names)
    np.testing.assert_array_equal(named.predict(X) == "a fault", dear.predict(X) == 1)


def test_many_classes() -> None:
    rows = many(2000, 4)
    names = np.array(["d", "a", "c", "b"])[rows.y]
    clf = quick().fit(rows.X, names)
    proba = clf.predict_proba(rows.X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert clf.class_weights_.shape == (4,)
    assert set(clf.predict(rows.X)) <= set(names)


@pytest.mark.filterwarnings("ignore::gbimb.GbimbWarning")  # of the class with three rows
@pytest.mark.parametrize("rarest", [1, 3])
def test_rows_can_be_drawn_where_a_class_has_hardly_any(
    rarest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = {"engine": "lightgbm", "rows": "drawn", "drawn": 1.0}
    monkeypatch.setattr("gbimb.training.search.space.FIRST", (drawing,))
    rows = many(1000, 5)
    few = np.flatnonzero(rows.y == 4)[rarest:]
    X, y = np.delete(rows.X, few, axis=0), np.delete(rows.y, few)
    for seed in range(2):
        clf = quick(n_trials=1, engine="lightgbm", random_state=seed).fit(X, y)
        np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1.0)


def test_many_classes_with_costs() -> None:
    rows = many(2000, 3)
    costs = np.array([[0, 1, 50], [1, 0, 50], [1, 1, 0]])
    clf = quick(metric=costs).fit(rows.X, rows.y)
    wanted = np.argmin(clf.predict_proba(rows.X) @ costs, axis=1)
    np.testing.assert_array_equal(clf.predict(rows.X), wanted)
    assert (clf.predict(rows.X) == 2).mean() < 0.05


def test_frames_with_categories_and_missing_values() -> None:
    X, y = frame(600)
    names = np.where(y == 1, "yes", "no")
    clf = quick(n_trials=12).fit(X, names)
    assert clf.pos_label_ == "yes"
    assert clf.leaderboard_["candidate"].str.contains("categories as numbers").any()
    assert list(clf.feature_names_in_) == list(X.columns)
    assert clf.feature_importances_.shape == (X.shape[1],)


def test_weights_of_zero_are_rows_left_out() -> None:
    X, y = numbers()
    weight = np.ones(len(y))
    weight[::7] = 0
    kept = weight > 0
    one = quick().fit(X, y, weight)
    other = quick().fit(X[kept], y[kept], weight[kept])
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_too_few_rows_to_compare_is_said() -> None:
    X, y = numbers(60)
    with pytest.warns(gbimb.GbimbWarning, match="Too few rows to compare") as caught:
        clf = quick().fit(X, y)
    assert caught[0].filename == __file__
    assert clf.threshold_ == 0.5
    assert len(clf.members_) == 2
    assert "Chosen" in clf.explain_choice()


def test_large_tables_are_searched_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbimb.training.search.compare.SEARCH_ROWS", 800)
    X, y = numbers(3000)
    clf = quick(n_trials=4).fit(X, y)
    board = clf.leaderboard_
    assert (board["compared_on"] == "a part").sum() == 4
    assert 1 <= (board["compared_on"] == "all rows").sum() <= 3
    assert board["compared_on"].iloc[0] == "all rows"
    assert board.loc[board["compared_on"] == "a part", "weight"].sum() == 0
    assert "3,000 rows" in clf.validation_


def test_an_interrupt_keeps_the_candidates_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Search.run_trial

    def interrupted(self: Search, *arguments: object) -> object:
        if arguments[1] == 2:
            raise KeyboardInterrupt
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "run_trial", interrupted)
    X, y = numbers()
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted") as caught:
        clf = quick(n_trials=9).fit(X, y)
    assert caught[0].filename == __file__
    assert len(clf.leaderboard_) == 2
    monkeypatch.setattr(
        _search.Search, "run_trial", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        quick().fit(X, y)


@pytest.mark.parametrize(("done", "compared_on"), [(0, "a part"), (1, "all rows")])
def test_an_interrupt_after_the_search_keeps_what_is_done(
    monkeypatch: pytest.MonkeyPatch, done: int, compared_on: str
) -> None:
    original = Search.run_trial
    monkeypatch.setattr("gbimb.training.search.compare.SEARCH_ROWS", 800)

    def interrupted(self: Search, *arguments: object) -> object:
        if len(self.fitter.labels.codes) == 3000 and arguments[1] == done:
            raise KeyboardInterrupt
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "run_trial", interrupted)
    X, y = numbers(3000)
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted"):
        clf = quick(n_trials=4).fit(X, y)
    chosen = clf.leaderboard_.query("weight > 0")
    assert set(chosen["compared_on"]) == {compared_on}
    assert clf.predict_proba(X).shape == (3000, 2)


def test_what_is_chosen_on_a_part_has_the_probabilities_of_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Search.run_trial
    monkeypatch.setattr("gbimb.training.search.compare.SEARCH_ROWS", 800)

    def interrupted(self: Search, *arguments: object) -> object:
        if len(self.fitter.labels.codes) == 4000:
            raise KeyboardInterrupt
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "run_trial", interrupted)
    rows = binary(4000, prevalence=0.02)  # a hundred of the positives are in the part
    with pytest.warns(gbimb.GbimbWarning, match="search on a part"):
        clf = quick(n_trials=4).fit(rows.X, rows.y)
    assert clf.predict_proba(rows.X)[:, 1].mean() == pytest.approx(rows.y.mean(), rel=0.3)


def test_large_tables_use_the_time_that_the_search_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbimb.training.search.compare.SEARCH_ROWS", 800)
    told_apart = {True: 5, False: 7}  # on the part, and on all rows
    monkeypatch.setattr(
        Search, "_most_told_apart", lambda self: told_apart[len(self.fitter.labels.codes) < 3000]
    )
    X, y = numbers(3000)
    clf = quick(n_trials=None, time_budget=600).fit(X, y)
    assert clf.leaderboard_["compared_on"].tolist() == ["all rows"] * 7 + ["a part"] * 5


def test_the_choice_is_explained_in_words() -> None:
    X, y = numbers(1000)
    text = quick(n_trials=10).fit(X, y).explain_choice()
    assert "Decision rule: chosen for mcc." in text
    assert "5-fold cross-fitting (1,000 rows" in text
    assert "10 candidates" in text
    assert "XGBoost instead of LightGBM" in text
    assert "Focal loss instead of log loss" in text


def test_progress_is_shown_on_standard_error_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    X, y = numbers()
    quick().fit(X, y)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 candidates" in err


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"engine": "lightgmb"}, "'lightgbm'"),
        ({"time_budget": None, "n_trials": None}, "no end"),
        ({"time_budget": -1}, "time_budget"),
        ({"n_trials": 0}, "n_trials"),
        ({"metric": "mmc"}, "'mcc'"),
        ({"metric": [[0, 1]]}, "2 rows and columns"),
        ({"pos_label": 7}, "pos_label"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], message: str) -> None:
    X, y = numbers()
    with pytest.raises(gbimb.GbimbError, match=message):
        quick(**parameters).fit(X, y)


def test_it_works_in_scikit_learns_tools() -> None:
    X, y = numbers()
    assert np.isfinite(cross_val_score(quick(), X, y, cv=2)).all()
    assert clone(quick(metric="f1")).metric == "f1"


def test_it_travels_through_pickle() -> None:
    X, y = numbers()
    clf = quick().fit(X, y)
    again = pickle.load(io.BytesIO(pickle.dumps(clf)))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.explain_choice() == clf.explain_choice()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("metric", ["mcc", "costs"])
def test_it_is_saved_and_loaded(n_classes: int, metric: str, tmp_path: Path) -> None:
    rows = many(1000, n_classes)
    served = (1.0 - np.eye(n_classes)) if metric == "costs" else metric
    clf = quick(metric=served, n_trials=3).fit(rows.X, rows.y)
    clf.save(tmp_path / "model.gbimb")
    again = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(again.predict_proba(rows.X), clf.predict_proba(rows.X))
    np.testing.assert_array_equal(again.predict(rows.X), clf.predict(rows.X))
    pd.testing.assert_frame_equal(again.leaderboard_, clf.leaderboard_, check_dtype=False)
    assert again.explain_choice() == clf.explain_choice()


def test_a_search_without_comparison_is_saved(tmp_path: Path) -> None:
    X, y = numbers(60)
    with pytest.warns(gbimb.GbimbWarning):
        clf = quick().fit(X, y)
    clf.save(tmp_path / "model.gbimb")
    again = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
