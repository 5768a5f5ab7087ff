"""A fit that was ended anywhere goes on to the very model that it would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gbimb
from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.training import boosting as _boosting
from tests.checkpoints.works import LGBM, XGB, X, Y, text_of

if TYPE_CHECKING:
    from pathlib import Path

MANY = np.digitize(X[:, 0] + X[:, 1], [1.0, 2.0])
SETTINGS: dict[str, dict[str, Any]] = {
    "folds": {"cv": 3},
    "one hold-out": {"cv": "holdout"},
    "no hold-out": {"cv": None},
    "weights and categories": {"cv": 2, "loss": "logistic"},
}


class Killed(BaseException):
    """What ends a fit where no except clause expects it."""


def make(kind: Any, folder: Path | None, **params: Any) -> Any:
    quick = {"n_estimators": 45, "random_state": 3, "n_jobs": 1, "subsample": 0.7}
    if kind in (LGBM, XGB):
        quick["checkpoint_every"] = 10
    else:
        quick = {"n_estimators": 4, "random_state": 3, "n_jobs": 1}
        quick["estimator"] = LGBM(n_estimators=20)
    return kind(**{**quick, **params, "checkpoint_path": folder})


def end_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """End the next fit at a step of five rounds."""
    advance, calls = _boosting._advance, iter(range(10**6))

    def dying(*args: Any, **options: Any) -> Any:
        if next(calls) == step:
            raise Killed
        return advance(*args, **options)

    monkeypatch.setattr(_boosting, "_advance", dying)


@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_fit_goes_on_to_the_same_trees(
    kind: Any,
    setting: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = SETTINGS[setting]
    weight = 1.0 + Y if "weights" in setting else None
    expected = make(kind, None, **params).fit(X, Y, weight)
    with monkeypatch.context() as patch:
        end_at(patch, 5 * {"folds": 3, "weights and categories": 2}.get(setting, 1))
        with pytest.raises(Killed):
            make(kind, tmp_path, **params).fit(X, Y, weight)
    assert (tmp_path / "rounds.json").exists()
    resumed = make(kind, tmp_path, **params).fit(X, Y, weight)
    assert text_of(resumed) == text_of(expected)
    assert resumed.evals_result_ == expected.evals_result_
    assert resumed.best_iteration_ == expected.best_iteration_
    np.testing.assert_array_equal(resumed.predict_proba(X), expected.predict_proba(X))
    again = make(kind, tmp_path, **params).fit(X, Y, weight)  # from what is done
    assert text_of(again) == text_of(expected)


@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])
def test_many_classes_go_on(
    kind: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = make(kind, None, cv=2).fit(X, MANY)
    with monkeypatch.context() as patch:
        end_at(patch, 8)
        with pytest.raises(Killed):
            make(kind, tmp_path, cv=2).fit(X, MANY)
    assert text_of(make(kind, tmp_path, cv=2).fit(X, MANY)) == text_of(expected)


@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])
def test_validation_rows_of_your_own_go_on(
    kind: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"X_val": X[:300], "y_val": Y[:300]}
    expected = make(kind, None).fit(X[300:], Y[300:], **given)
    with monkeypatch.context() as patch:
        end_at(patch, 5)
        with pytest.raises(Killed):
            make(kind, tmp_path).fit(X[300:], Y[300:], **given)
    resumed = make(kind, tmp_path).fit(X[300:], Y[300:], **given)
    assert text_of(resumed) == text_of(expected)
    given["y_val"] = 1 - given["y_val"]
    with pytest.raises(InvalidDataError, match="other rows"):
        make(kind, tmp_path).fit(X[300:], Y[300:], **given)


@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])
@pytest.mark.parametrize("cv", ["holdout", 2, None])
@pytest.mark.parametrize("step", [3, 6, 7])
def test_a_loss_that_warms_up_goes_on_in_either_stage(
    kind: Any,
    cv: Any,
    step: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"cv": cv, "loss": "soft_mcc"}
    expected = make(kind, None, **given).fit(X, Y)
    with monkeypatch.context() as patch:
        end_at(patch, step * (2 if cv == 2 else 1))
        with pytest.raises(Killed):
            make(kind, tmp_path, **given).fit(X, Y)
    kept = {"rounds-warm-up.json"} | ({"rounds.json"} if step == 7 else set())
    assert {path.name for path in tmp_path.glob("rounds*")} == kept
    resumed = make(kind, tmp_path, **given).fit(X, Y)
    assert text_of(resumed) == text_of(expected)
    assert resumed.evals_result_ == expected.evals_result_
    again = make(kind, tmp_path, **given).fit(X, Y)
    assert text_of(again) == text_of(expected)


def test_bags_that_are_done_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = gbimb.UnderBaggingClassifier
    expected = make(kind, None).fit(X, Y).predict_proba(X)
    with monkeypatch.context() as patch:
        end_at(patch, 10)  # four steps a bag
        with pytest.raises(Killed):
            make(kind, tmp_path).fit(X, Y)
    assert len(list(tmp_path.glob("bag-*.json"))) == 2
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("bag-*.json")}
    np.testing.assert_array_equal(make(kind, tmp_path).fit(X, Y).predict_proba(X), expected)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())


def test_candidates_that_are_done_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(folder: Path | None) -> Any:
        clf = gbimb.AutoImbalancedClassifier(
            time_budget=None, n_trials=3, engine="lightgbm", random_state=0, n_jobs=1
        )
        return clf.set_params(checkpoint_path=folder).fit(X[:500], Y[:500])

    expected = choose(None)
    run_trial = gbimb.training.search.search.Search.run_trial
    calls = iter(range(100))

    def dying(*args: Any) -> Any:
        if next(calls) == 2:
            raise Killed
        return run_trial(*args)

    with monkeypatch.context() as patch:
        patch.setattr("gbimb.training.search.search.Search.run_trial", dying)
        with pytest.raises(Killed):
            choose(tmp_path)
    assert len(list(tmp_path.glob("candidate-*.json"))) == 2
    resumed = choose(tmp_path)
    np.testing.assert_array_equal(resumed.predict_proba(X), expected.predict_proba(X))
    assert list(resumed.leaderboard_["score"]) == list(expected.leaderboard_["score"])


def test_a_candidate_that_the_clock_cut_off_is_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose() -> Any:
        return gbimb.AutoImbalancedClassifier(
            time_budget=None,
            n_trials=1,
            engine="lightgbm",
            random_state=0,
            n_jobs=1,
            checkpoint_path=tmp_path,
        ).fit(X[:500], Y[:500])

    with monkeypatch.context() as patch:
        patch.setattr("gbimb.training.search.search.Watcher.__call__", lambda *_: True)
        assert choose().leaderboard_["rounds"][0] <= 5
    assert choose().leaderboard_["rounds"][0] > 5


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"learning_rate": 0.2}, "other rows or parameters"),
        ({"random_state": None}, "random_state to be a whole number"),
        ({"checkpoint_every": 0}, "checkpoint_every must be"),
        ({"keep_on_interrupt": "yes"}, "keep_on_interrupt must be True or False"),
        ({"engine_params": {"extra_trees": True}}, "'extra_trees' beside checkpoint_path"),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_fit_is_refused(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    make(LGBM, tmp_path, n_estimators=5).fit(X, Y)
    with pytest.raises(GbimbError, match=sentence):
        make(LGBM, tmp_path, **{"n_estimators": 5, **change}).fit(X, Y)


def test_a_checkpoint_of_other_rows_is_refused(tmp_path: Path) -> None:
    make(LGBM, tmp_path, n_estimators=5).fit(X, Y)
    for given in ((X + 1, Y), (X, np.roll(Y, 1)), (X, Y, 1.0 + Y)):
        with pytest.raises(InvalidDataError, match=r"other rows or parameters\. Delete it"):
            make(LGBM, tmp_path, n_estimators=5).fit(*given)


@pytest.mark.parametrize("damage", ["empty", "cut", "altered", "version", "binary"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    make(LGBM, tmp_path, n_estimators=5).fit(X, Y)
    path = tmp_path / "rounds.json"
    text = path.read_text()
    damaged = {
        "empty": b"",
        "cut": text[:-100].encode(),
        "altered": text.replace("leaf_value=", "leaf_value=1").encode(),
        "version": text.replace('"version": 1', '"version": 9').encode(),
        "binary": bytes([255, 254, 0]),
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(InvalidDataError, match=r"checkpoint .*rounds\.json .*[Dd]elete it"):
        make(LGBM, tmp_path, n_estimators=5).fit(X, Y)


def test_a_foreign_classifier_in_bags_is_refused(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    bags = gbimb.UnderBaggingClassifier(
        DecisionTreeClassifier(), checkpoint_path=tmp_path, random_state=0
    )
    with pytest.raises(GbimbError, match="checkpoint_path needs one of gbimb's estimators"):
        bags.fit(X, Y)


# --- Ctrl-C; for kill see test_killed.py --------------------------------------------------------


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    advance, calls = _boosting._advance, iter(range(10**6))

    def interrupted(*args: Any, **options: Any) -> Any:
        if next(calls) == step:
            raise KeyboardInterrupt
        return advance(*args, **options)

    monkeypatch.setattr(_boosting, "_advance", interrupted)


@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["lgbm", "xgb"])
def test_an_interrupt_keeps_what_is_trained_if_asked(
    kind: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupt_at(monkeypatch, 4)
    clf = make(kind, None, cv="holdout", keep_on_interrupt=True)
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted: the 20 rounds"):
        clf.fit(X, Y)
    assert len(clf.evals_result_["valid"]["mcc"]) == 20
    assert clf.predict_proba(X).shape == (1500, 2)


@pytest.mark.parametrize("step", [4, 24, 27], ids=["first kind", "between", "second kind"])
def test_an_interrupt_ends_all_kinds_of_trees(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, step)
    clf = LGBM(n_estimators=40, cv=3, random_state=3, n_jobs=1, keep_on_interrupt=True)
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted") as said:
        clf.fit(X, Y)
    assert len(said) == 1
    assert clf.predict_proba(X).shape == (1500, 2)
    assert next(iter(clf.evals_result_["valid"].values()))


def test_an_interrupt_while_rounds_are_judged_keeps_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record, calls = _boosting._record, iter(range(100))

    def dies(*given: Any) -> None:
        record(*given)
        if next(calls) == 12:
            raise KeyboardInterrupt

    monkeypatch.setattr(_boosting, "_record", dies)
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted: the 10 rounds"):
        clf = make(LGBM, None, cv="holdout", keep_on_interrupt=True).fit(X, Y)
    assert len(clf.evals_result_["valid"]["mcc"]) == 10


def test_an_interrupt_ends_a_loss_that_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, 2)
    clf = make(LGBM, None, cv="holdout", loss="soft_mcc", keep_on_interrupt=True)
    with pytest.warns(gbimb.GbimbWarning, match="Interrupted: the 10 rounds"):
        clf.fit(X, Y)
    assert len(clf.evals_result_["valid"]["mcc"]) == 10


def test_after_an_interrupt_that_keeps_the_rounds_a_fit_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make(LGBM, None, cv="holdout").fit(X, Y)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 4)
        with pytest.warns(gbimb.GbimbWarning, match="Interrupted: the 20 rounds"):
            make(LGBM, tmp_path, cv="holdout", keep_on_interrupt=True).fit(X, Y)
    assert text_of(make(LGBM, tmp_path, cv="holdout").fit(X, Y)) == text_of(expected)


def test_an_interrupt_ends_a_fit_if_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, 4)
    with pytest.raises(KeyboardInterrupt):
        make(LGBM, None, cv="holdout").fit(X, Y)
