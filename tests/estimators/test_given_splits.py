"""Splits that do not partition the rows: what the boosters of each are worth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

import gbimb
from gbimb.training.held_out.plan import given_splits, plan_of
from tests.estimators.common import Kind, both, numbers, quick


def drifting(n: int, seed: int, *, at: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order of time, in the course of which a column turns its sign."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, n) if at is None else np.full(n, at)
    X = rng.normal(size=(n, 4))
    odds = 2.5 * X[:, 0] * (1 - 2 * time) + X[:, 1] - 2.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


@both
@pytest.mark.parametrize(
    ("window", "least"), [(None, 0.04), (1200, 0.35)], ids=["growing", "moving"]
)
def test_boosters_of_the_past_do_not_decide_on_the_future(
    kind: Kind, window: int | None, least: float
) -> None:
    X, y = drifting(4000, 0)
    X_new, y_new = drifting(8000, 1, at=1.0)
    cv = TimeSeriesSplit(5, max_train_size=window)
    with pytest.warns(gbimb.GbimbWarning, match="does not hold out each row once") as caught:
        clf = quick(kind, cv=cv).fit(X, y)
    assert caught[0].filename == __file__
    # -0.16 and -0.07 where all boosters have equal shares.
    assert matthews_corrcoef(y_new, clf.predict(X_new)) > least
    smallest = "17 %" if window is None else "17 % to 30 %"
    assert clf.validation_.startswith(f"5 splits given by cv: the boosters trained on {smallest}")
    assert "none on 666 of them" in clf.validation_


def test_where_nothing_drifts_growing_windows_all_count() -> None:
    X, y = numbers(3000)
    with pytest.warns(gbimb.GbimbWarning, match="does not hold out"):
        clf = quick(gbimb.ImbalancedLGBMClassifier, cv=TimeSeriesSplit(4)).fit(X, y)
    assert clf.booster_.num_trees() >= 3 * 20
    X_new, y_new = numbers(8000, seed=1)
    plain = quick(gbimb.ImbalancedLGBMClassifier, cv=4).fit(X, y)
    scores = [matthews_corrcoef(y_new, model.predict(X_new)) for model in (clf, plain)]
    assert scores[0] > scores[1] - 0.02
    assert clf.predict_proba(X_new)[:, 1].mean() == pytest.approx(y_new.mean(), rel=0.15)


@both
def test_uneven_splits_of_many_classes_with_weights(kind: Kind) -> None:
    X, _ = numbers(600)
    y = np.digitize(X[:, 0], [-0.5, 1.0])
    weight = np.random.default_rng(0).integers(0, 3, 600)
    with pytest.warns(gbimb.GbimbWarning, match="does not hold out"):
        clf = quick(kind, cv=TimeSeriesSplit(2), n_estimators=10, learning_rate=0.3).fit(
            X, y, weight
        )
    assert (clf.predict(X) == y).mean() > 0.95
    assert clf.best_score_ > 0.9


def test_boosters_without_unseen_rows_count_by_their_rows() -> None:
    X, y = numbers(900)
    first, second = np.arange(300), np.arange(300, 900)
    with pytest.warns(gbimb.GbimbWarning, match="counts by its rows"):
        clf = quick(
            gbimb.ImbalancedLGBMClassifier,
            cv=[(second, first), (first, second[:300])],
        ).fit(X, y)
    assert clf.booster_.num_trees() == 40


@pytest.mark.parametrize(
    ("cv", "count", "trained_on"),
    [
        (KFold(3), "3 splits", ""),
        (GroupKFold(3), "3 splits", ""),
        (RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0), "10 splits", "80 %"),
        (ShuffleSplit(2, test_size=0.25, random_state=0), "2 splits", "75 %|24|224"),
        ([(np.arange(300), np.arange(300, 400))], "1 split", "75 %|100|300"),
    ],
    ids=["folds", "groups", "repeated", "shuffled", "one"],
)
def test_even_splits_keep_equal_shares_and_are_described(
    cv: Any,
    count: str,
    trained_on: str,
) -> None:
    X, y = numbers(400)
    if isinstance(cv, GroupKFold):
        cv = list(cv.split(X, y, np.arange(400) // 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbimb.GbimbWarning)
        clf = quick(gbimb.ImbalancedLGBMClassifier, cv=cv).fit(X, y)
    share, *rest = trained_on.split("|")
    said = f"{count} given by cv"
    said += f": the boosters trained on {share} of the rows" if share else ""
    if rest:
        said += " and none on {} of them, {} rows were never held out".format(*rest)
    assert clf.validation_ == said
    splits = given_splits(cv, X, y)
    assert splits is not None
    assert not plan_of(splits, 400).uneven
    assert clf.booster_.num_trees() == 20 * len(splits)
