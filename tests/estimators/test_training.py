"""Rows held out, early stopping, repeatability."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
)

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.metrics import best_threshold
from gbimb.training.cross_fit import average_repeats
from gbimb.training.trained import Trained
from tests.estimators.common import Estimator, Kind, both, numbers, quick


def splits_of(clf: Any) -> list[np.ndarray]:  # an estimator before fit
    """Row numbers held out, recorded while ``clf`` is fitted."""
    seen: list[np.ndarray] = []

    class Recording(StratifiedKFold):
        def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
            for train, test in super().split(X, y, groups):
                seen.append(test)
                yield train, test

    clf.set_params(cv=Recording(clf.cv, shuffle=True, random_state=1))
    return seen


def trees(clf: Estimator) -> pd.DataFrame:
    """Features and thresholds of all splits."""
    table = clf.booster_.trees_to_dataframe()
    columns = (
        ["split_feature", "threshold"]
        if isinstance(clf, gbimb.ImbalancedLGBMClassifier)
        else ["Feature", "Split"]
    )
    return table[columns]


# --- which rows are held out -------------------------------------------------------------------


@both
def test_cv_says_which_rows_are_held_out(kind: Kind) -> None:
    X, y = numbers()
    masks = [(np.arange(400) % 2 == k, np.arange(400) % 2 != k) for k in (0, 1)]
    by_number = [tuple(np.flatnonzero(m) for m in pair) for pair in masks]
    members = {
        "auto": 5,
        3: 3,
        "holdout": 1,
        StratifiedKFold(4): 4,
        ShuffleSplit(3, test_size=0.3, random_state=0): 3,
    }
    for cv, boosters in members.items():
        clf = quick(kind, cv=cv, n_estimators=6).fit(X, y)
        rounds = (
            clf.booster_.num_trees()
            if kind is gbimb.ImbalancedLGBMClassifier
            else clf.booster_.num_boosted_rounds()
        )
        assert rounds == boosters * 6, cv
        assert len(clf.evals_result_["valid"]["mcc"]) == 6
    given = [quick(kind, cv=cv).fit(X, y) for cv in (by_number, iter(by_number), masks)]
    for clf in given[1:]:
        np.testing.assert_array_equal(clf.predict_proba(X), given[0].predict_proba(X))
    nothing = quick(kind, cv=None).fit(X, y)
    assert nothing.evals_result_ == {}
    assert nothing.threshold_ == 0.5


@both
@pytest.mark.parametrize(
    "cv",
    ["hold", 1, 0, True, 2.5, [], [(np.arange(5), np.array([400]))], [(np.arange(5), [-1])]],
    ids=["word", "one", "zero", "bool", "float", "nothing", "too high", "negative"],
)
def test_a_cv_that_cannot_be_used_is_refused(kind: Kind, cv: Any) -> None:
    X, y = numbers()
    with pytest.raises((InvalidParameterError, InvalidDataError), match="cv must"):
        quick(kind, cv=cv).fit(X, y)


@both
def test_fewer_positives_than_folds_are_refused(kind: Kind) -> None:
    X, y = numbers()
    y = (np.arange(400) < 3).astype(int)
    with pytest.raises(InvalidDataError, match=r"5 .*at least 5 rows.* got 3 .*Use fewer folds"):
        quick(kind, cv=5).fit(X, y)
    with pytest.raises(InvalidDataError, match="two rows or more"):
        quick(kind, cv="holdout").fit(X[:, :], (np.arange(400) < 1).astype(int))


@both
def test_rows_held_out_do_not_train(kind: Kind) -> None:
    X, y = numbers(600)
    train, test = np.arange(450), np.arange(450, 600)
    other = y.copy()
    other[test] = np.roll(y[test], 7)  # as many positives, elsewhere
    assert (other != y).any()
    pair = [quick(kind, cv=[(train, test)]).fit(X, labels) for labels in (y, other)]
    pd.testing.assert_frame_equal(trees(pair[0]), trees(pair[1]))
    assert pair[0].evals_result_ != pair[1].evals_result_
    other = y.copy()
    other[train] = np.roll(y[train], 7)
    assert not trees(quick(kind, cv=[(train, test)]).fit(X, other)).equals(trees(pair[0]))


@both
def test_labels_without_signal_score_by_chance(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 5)), (rng.random(3000) < 0.1).astype(int)
    clf = quick(kind, n_estimators=60, cv=5, eval_metric=("mcc", "average_precision")).fit(X, y)
    watched = clf.evals_result_["valid"]
    assert max(watched["mcc"]) < 0.12
    assert max(watched["average_precision"]) < 0.15
    assert best_threshold(y, clf.raw_score(X)).score > 0.3  # known rows look learnt


@both
def test_the_score_reported_is_that_of_the_held_out_rows(kind: Kind) -> None:
    X, y = numbers(800)
    clf = quick(kind, cv=3, n_estimators=12, eval_metric=("log_loss", "mcc"))
    seen = splits_of(clf)
    clf.fit(X, y)
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(800))
    folds = [(np.setdiff1d(np.arange(800), test), test) for test in seen]
    raw = np.concatenate(
        [
            quick(kind, cv=[fold], n_estimators=12).fit(X, y).raw_score(X[np.sort(fold[1])])
            for fold in folds
        ]
    )
    # Every single-fold booster is recalibrated by a line of its own, which keeps the order in it.
    assert len(clf.evals_result_["valid"]["mcc"]) == 12
    for values in clf.evals_result_["valid"].values():
        assert np.isfinite(values).all()
    assert clf.best_score_ == clf.evals_result_["valid"]["log_loss"][clf.best_iteration_ - 1]
    truth = np.concatenate([y[np.sort(test)] for test in seen])
    mcc = best_threshold(truth, raw).score
    assert clf.evals_result_["valid"]["mcc"][-1] == pytest.approx(mcc, abs=0.08)


# --- validation rows of one's own --------------------------------------------------------------


@both
def test_best_score_is_the_mcc_of_the_validation_rows(kind: Kind) -> None:
    X, y = numbers(600)
    X_val, y_val = numbers(600, seed=1)
    clf = quick(kind, cv="auto").fit(X, y, X_val=X_val, y_val=y_val)
    mcc = best_threshold(y_val, clf.raw_score(X_val)).score
    assert clf.best_score_ == pytest.approx(mcc, abs=1e-3)
    assert clf.validation_ == "the validation rows given to fit"
    watched = quick(kind, cv="auto", eval_metric="log_loss").fit(X, y, X_val=X_val, y_val=y_val)
    recalibrated = log_loss(y_val, watched.predict_proba(X_val))
    assert recalibrated <= watched.best_score_ + 1e-3


@both
def test_eval_set_is_another_way_to_give_validation_rows(kind: Kind) -> None:
    X, y = numbers()
    X_val, y_val = numbers(seed=1)
    fits = [
        quick(kind, cv=None).fit(X, y, X_val=X_val, y_val=y_val),
        quick(kind, cv="auto").fit(X, y, eval_set=[(X_val, y_val)]),
        quick(kind, cv="auto").fit(X, y, eval_set=((X_val, y_val),)),
        quick(kind, cv="auto").fit(X, y, X_val=X_val.tolist(), y_val=y_val.tolist()),
    ]
    for clf in fits[1:]:
        np.testing.assert_array_equal(clf.predict_proba(X), fits[0].predict_proba(X))
        assert clf.evals_result_ == fits[0].evals_result_
        assert clf.threshold_ == fits[0].threshold_


@both
def test_labels_of_validation_rows_are_encoded(kind: Kind) -> None:
    X, y = numbers()
    X_val, y_val = numbers(seed=1)
    names = np.array(["no", "yes"])
    plain = quick(kind, cv=None).fit(X, y, X_val=X_val, y_val=y_val)
    named = quick(kind, cv=None).fit(X, names[y], X_val=X_val, y_val=names[y_val])
    np.testing.assert_array_equal(named.predict_proba(X), plain.predict_proba(X))
    with pytest.raises(InvalidDataError, match=r"y_val must hold labels seen in y.* got 'maybe'"):
        quick(kind, cv=None).fit(X, names[y], X_val=X_val[:2], y_val=["no", "maybe"])
    with pytest.raises(InvalidDataError, match=r"y_val must hold labels seen in y.* got 0"):
        quick(kind, cv=None).fit(X, names[y], X_val=X_val, y_val=y_val)


@both
def test_validation_rows_of_one_class_are_refused(kind: Kind) -> None:
    X, y = numbers()
    with pytest.raises(InvalidDataError, match="y_val must have two classes or more"):
        quick(kind, cv=None).fit(X, y, X_val=X[y == 0], y_val=y[y == 0])


@both
def test_validation_rows_given_wrongly_are_refused(kind: Kind) -> None:
    X, y = numbers()
    bad: list[dict[str, Any]] = [
        {"X_val": X},
        {"y_val": y},
        {"X_val": X, "y_val": y, "eval_set": [(X, y)]},
        {"eval_set": [(X, y), (X, y)]},
        {"eval_set": []},
        {"X_val": X, "y_val": y[:-1]},
        {"X_val": X[:, :2], "y_val": y},
        {"X_val": X, "y_val": y, "sample_weight_val": np.zeros(400)},
        {"X_val": X, "y_val": y, "sample_weight_val": np.ones(3)},
        {"X_val": X[:0], "y_val": y[:0]},
    ]
    for arguments in bad:
        with pytest.raises(ValueError, match=r"val|eval_set|features|sample"):
            quick(kind, cv=None).fit(X, y, **arguments)
    with pytest.raises(InvalidParameterError, match=r"either X_val and y_val .* or cv"):
        quick(kind, cv=3).fit(X, y, X_val=X, y_val=y)


# --- early stopping ------------------------------------------------------------------------------


@both
def test_early_stopping_stops_and_keeps_the_best_rounds(kind: Kind) -> None:
    X, y = numbers(1500)
    clf = quick(
        kind, n_estimators=1000, early_stopping_rounds=20, eval_metric=("log_loss", "mcc")
    ).fit(X, y)
    watched = clf.evals_result_["valid"]
    trained = len(watched["log_loss"])
    assert 20 < trained < 1000
    assert len(watched["mcc"]) == trained
    assert 1 < clf.best_iteration_ <= trained - 20
    assert clf.best_score_ == watched["log_loss"][clf.best_iteration_ - 1]
    assert clf.best_score_ == pytest.approx(min(watched["log_loss"]), rel=0.05)


@both
def test_without_patience_all_rounds_are_kept(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind, n_estimators=60, learning_rate=0.5).fit(X, y)
    assert clf.best_iteration_ == 60
    assert len(clf.evals_result_["valid"]["mcc"]) == 60


@both
def test_one_round_kept_is_said(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), (np.arange(400) % 6 == 0).astype(int)
    with pytest.warns(gbimb.GbimbWarning, match="Only one round") as caught:
        quick(
            kind,
            n_estimators=50,
            learning_rate=1.0,
            early_stopping_rounds=4,
            eval_metric="log_loss",
        ).fit(X, y)
    assert caught[0].filename == __file__


@both
def test_the_first_metric_stops(kind: Kind) -> None:
    X, y = numbers(800)
    for names in (("f1", "log_loss"), "average_precision", ["mcc@0.3"], ("fbeta:2", "brier")):
        clf = quick(kind, eval_metric=names, n_estimators=5).fit(X, y)
        first = names if isinstance(names, str) else names[0]
        assert list(clf.evals_result_["valid"]) == ([names] if first is names else list(names))
        assert clf.best_score_ == clf.evals_result_["valid"][first][-1]


# --- again and again -----------------------------------------------------------------------------


@both
@pytest.mark.parametrize("settings", [{}, {"subsample": 0.6, "colsample_bytree": 0.5}])
def test_the_seed_decides_whatever_the_threads(kind: Kind, settings: dict[str, Any]) -> None:
    X, y = numbers(3000, features=8)
    first = quick(kind, cv=3, **settings).fit(X, y)
    for n_jobs in (1, 2, -1):
        again = quick(kind, cv=3, n_jobs=n_jobs, **settings).fit(X, y)
        np.testing.assert_array_equal(again.predict_proba(X), first.predict_proba(X))
        assert again.evals_result_ == first.evals_result_
        assert again.threshold_ == first.threshold_
    other = quick(kind, cv=3, random_state=1, **settings).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), first.predict_proba(X))


@both
def test_a_random_state_may_be_a_generator_of_the_past(kind: Kind) -> None:
    X, y = numbers()
    pair = [quick(kind, random_state=np.random.RandomState(3)).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(*(clf.predict_proba(X) for clf in pair))
    quick(kind, random_state=None, n_estimators=2).fit(X, y)


@both
def test_fitting_twice_forgets_the_first_time(kind: Kind) -> None:
    X, y = numbers()
    other, labels = numbers(300, seed=9, features=6)
    clf = quick(kind).fit(pd.DataFrame(other, columns=list("abcdef")), np.where(labels, "b", "a"))
    clf.fit(X, y)
    expected = quick(kind).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    assert not hasattr(clf, "feature_names_in_")
    assert clf.classes_.tolist() == [0, 1]


# --- output --------------------------------------------------------------------------------------


@both
def test_verbose_speaks_through_logging(
    kind: Kind, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    X, y = numbers()
    with caplog.at_level(logging.INFO, logger="gbimb"):
        quick(kind, verbose=5).fit(X, y)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split()[1] for line in lines if line.startswith("round")] == [
        "5",
        "10",
        "15",
        "20",
    ]
    assert all("mcc" in line and "f1" in line for line in lines if line.startswith("round"))
    assert any("2-fold" in line for line in lines)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


@both
def test_quiet_is_quiet(kind: Kind, capfd: pytest.CaptureFixture[str]) -> None:
    X, y = numbers()
    quick(kind).fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")


@both
def test_groups_may_be_given_as_splits(kind: Kind) -> None:
    X, y = numbers()
    groups = np.arange(400) // 20
    clf = quick(kind, cv=GroupKFold(4).split(X, y, groups)).fit(X, y)
    assert "4 splits" in clf.validation_


@both
def test_rows_that_were_oversampled_are_noticed(kind: Kind) -> None:
    X, y = numbers(600)
    copies = np.repeat(np.arange(y.size), np.where(y == 1, 5, 1))
    with pytest.warns(gbimb.GbimbWarning, match="exact copies of others") as caught:
        quick(kind).fit(X[copies], y[copies])
    assert caught[0].filename == __file__
    doubled = np.repeat(np.arange(y.size), 2)
    quick(kind).fit(X[doubled], y[doubled])  # as common in both classes: nothing is said


@both
def test_a_threshold_that_nothing_chose_is_said(kind: Kind) -> None:
    X, y = numbers(600)
    few = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:9]])
    with pytest.warns(gbimb.GbimbWarning, match="threshold stays at 0.5"):
        quick(kind, cv="auto").fit(X[few], y[few])
    assert quick(kind, cv="auto", threshold=0.2).fit(X[few], y[few]).threshold_ == 0.2


@both
def test_a_fit_that_speaks_leaves_the_next_one_silent(
    kind: Kind, capfd: pytest.CaptureFixture[str]
) -> None:
    X, y = numbers(300)
    logger, handlers = logging.getLogger("gbimb"), logging.getLogger().handlers[:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])
        quick(kind, verbose=5).fit(X, y)
        assert "round" in capfd.readouterr().err
        quick(kind).fit(X, y)
        assert capfd.readouterr().err == ""
    assert not logger.handlers
    assert logging.getLogger().handlers == handlers


@both
@pytest.mark.parametrize("asked", [{"threshold": "f1"}, {"calibration": "isotonic"}], ids=str)
def test_what_wants_held_out_rows_is_refused_without(kind: Kind, asked: dict[str, str]) -> None:
    X, y = numbers(200)
    with pytest.raises(
        InvalidParameterError, match=rf"{next(iter(asked))}='.*' needs held-out rows"
    ):
        quick(kind, cv=None, **asked).fit(X, y)
    quick(kind, cv=None, **asked).fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])


def test_a_row_that_is_held_out_twice_counts_once() -> None:
    splits = tuple((np.arange(3), np.array(rows)) for rows in ([4, 6], [5], [4, 5]))
    y, raw = np.array([1.0, 0.0, 1.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0, 5.0, 7.0])
    twice = Trained(None, (), y, raw, raw / 10, np.array([2.0, 1.0, 3.0, 2.0, 3.0]))
    once = average_repeats(twice, splits)
    np.testing.assert_array_equal(once.y, [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(once.raw, [3.0, 5.0, 2.0])
    np.testing.assert_array_equal(once.proba, [0.3, 0.5, 0.2])
    np.testing.assert_array_equal(once.weight, [2.0, 3.0, 1.0])


@both
def test_repeated_folds_choose_a_threshold(kind: Kind) -> None:
    X, y = numbers(300)
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    clf = quick(kind, cv=cv).fit(X, y)
    assert "6 splits" in clf.validation_
    assert 0 < clf.threshold_ < 1


@both
def test_a_generator_of_splits_that_is_used_up_is_said(kind: Kind) -> None:
    X, y = numbers(200)
    clf = quick(kind, cv=StratifiedKFold(3).split(X, y)).fit(X, y)
    with pytest.raises(InvalidParameterError, match=r"once: give list\(...\)"):
        clf.fit(X, y)
