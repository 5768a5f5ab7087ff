"""The blends take groups and times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.exceptions import InvalidDataError

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


def test_blends_are_judged_on_later_rows() -> None:
    X, y, _ = customers(300, 4, 0)
    clf = BLENDS[1].fit(X, y, time=np.arange(y.size))
    assert clf.validation_.startswith("the newest 360 of 1,200 rows, in 3 blocks")
    assert clf.predict_proba(X).shape == (1200, 2)
