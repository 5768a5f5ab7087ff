"""The blends take groups and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gbimb
from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from pathlib import Path

BLENDS = [
    gbimb.ImbalancedClassifier(random_state=0, n_jobs=1),
    gbimb.AutoImbalancedClassifier(time_budget=None, n_trials=2, random_state=0, n_jobs=1),
]


def customers(n_groups: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that look alike within a customer, whose propensity no column tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), each)
    face = rng.normal(size=(n_groups, 4))[group] + 0.05 * rng.normal(size=(group.size, 4))
    own = rng.normal(size=group.size)
    odds = 1.5 * own + 2.5 * rng.normal(size=n_groups)[group] - 3.0
    y = (rng.random(group.size) < 1 / (1 + np.exp(-odds))).astype(int)
    return np.column_stack([face, own]), y, group


@pytest.mark.parametrize("clf", BLENDS, ids=["portfolio", "auto"])
def test_blends_hold_groups_out_whole(clf: Any) -> None:
    X, y, group = customers(450, 6, 0)
    new = group >= 300
    clf.fit(X[~new], y[~new], groups=group[~new])
    assert "300 groups, none on both sides" in clf.validation_
    kept = matthews_corrcoef(y[new], clf.predict(X[new]))
    assert clf.best_score_ < kept + 0.12
    with pytest.raises(InvalidDataError, match="groups must let rows of two classes"):
        clf.fit(X, y, groups=y)


@pytest.mark.parametrize("clf", BLENDS, ids=["portfolio", "auto"])
def test_groups_reach_each_fit_of_a_cross_validation(clf: Any) -> None:
    X, y, group = customers(160, 5, 1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(StandardScaler(), clone(clf).set_fit_request(groups=True))
        found = cross_validate(
            model, X, y, cv=GroupKFold(2), params={"groups": group}, return_estimator=True
        )
    for fitted in found["estimator"]:
        assert "80 groups, none on both sides" in fitted[-1].validation_


def test_blends_are_judged_on_later_rows() -> None:
    X, y, _ = customers(300, 4, 0)
    clf = BLENDS[1].fit(X, y, time=np.arange(y.size))
    assert clf.validation_.startswith("the newest 360 of 1,200 rows, in 3 blocks")
    assert clf.predict_proba(X).shape == (1200, 2)


def turning(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in order of time, of which one column means the opposite in the end."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    odds = 2.0 * X[:, 0] * np.linspace(1, -1, n) + 1.2 * X[:, 1] - 2.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.mark.parametrize("clf", BLENDS, ids=["portfolio", "auto"])
def test_blends_are_trained_again_up_to_the_newest_row(clf: Any) -> None:
    X, y = turning(4_000, 0)
    train, later = np.arange(3_600), np.arange(3_600, 4_000)
    drawn = clone(clf).fit(X[train], y[train]).predict(X[later])
    in_time = clone(clf).fit(X[train], y[train], time=train).predict(X[later])
    random, newest = (matthews_corrcoef(y[later], found) for found in (drawn, in_time))
    assert newest > random + 0.1


def test_classifiers_of_other_packages_serve_the_newest_rows() -> None:
    X, y = turning(2_400, 1)
    clf = gbimb.ImbalancedClassifier(
        estimators=[("line", LogisticRegression())], random_state=0, n_jobs=1
    )
    clf.fit(X[:2_000], y[:2_000], time=np.arange(2_000))
    board = clf.leaderboard_
    line = next(member.classifiers[0] for member in clf.members_ if hasattr(member, "classifiers"))
    assert line.coef_[0, 0] < 0  # as in the end: over all rows it is about 0
    assert board["weight"].sum() == pytest.approx(1)


def test_checkpoints_of_fits_in_time_go_on(tmp_path: Path) -> None:
    X, y = turning(900, 2)

    def fit(trials: int) -> Any:
        clf = gbimb.AutoImbalancedClassifier(
            time_budget=None, n_trials=trials, random_state=0, n_jobs=1,
            checkpoint_path=tmp_path / "kept",
        )  # fmt: skip
        return clf.fit(X, y, time=np.arange(900))

    once = fit(2)
    files = {file.name for file in (tmp_path / "kept").iterdir()}
    again = fit(2)
    assert {file.name for file in (tmp_path / "kept").iterdir()} == files
    assert (once.predict_proba(X) == again.predict_proba(X)).all()
