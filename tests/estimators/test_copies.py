"""Rows that an oversampler copied: no booster is judged on copies of rows that it trained on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, train_test_split

import gbimb
from gbimb.training.copies import assign_folds, find_copies, row_hashes
from gbimb.training.held_out.plan import make_plan
from tests.estimators.common import Kind, both, numbers, quick

COPIES = "exact copies of others"
APART = "held out together"


def noise(times: float, *, rare: int = 80, common: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Rows that say nothing of the label, those of label 1 oversampled so many times."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(common + rare, 5))
    drawn = rng.integers(common, common + rare, round(rare * (times - 1)))
    rows = np.concatenate([np.arange(common + rare), drawn])
    return X[rows], (rows >= common).astype(int)


def natural(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Tables with copies that no sampler made."""
    rng = np.random.default_rng(0)
    X, y = numbers(800)
    if kind == "doubled":
        rows = np.repeat(np.arange(800), 2)
        return X[rows], y[rows]
    if kind == "few values":
        X = rng.integers(0, 4, (800, 3)).astype(float)
        return X, ((X[:, 0] == 1) & (X[:, 1] == 2)).astype(int)
    X[rng.random(800) < 0.7] = 0.0  # most rows of an idle machine
    return X, y


@both
@pytest.mark.parametrize("times", [3.0, 7.5, 15.0], ids=["rarer", "balanced", "beyond"])
def test_copies_do_not_make_noise_look_predictable(kind: Kind, times: float) -> None:
    X, y = noise(times)
    with pytest.warns(gbimb.GbimbWarning, match=f"{COPIES}.*{APART}") as caught:
        clf = quick(kind, cv=5).fit(X, y)
    assert caught[0].filename == __file__
    assert clf.best_score_ < 0.25  # 0.9 where copies are on both sides


@pytest.mark.parametrize(
    "form", [sparse.csr_matrix, pd.DataFrame, lambda X: pd.DataFrame(X).round(1).astype("category")]
)
def test_copies_are_found_in_every_kind_of_table(form: Any) -> None:
    X, y = noise(7.5)
    with pytest.warns(gbimb.GbimbWarning, match=APART):
        clf = quick(gbimb.ImbalancedXGBClassifier, cv="holdout").fit(form(X), y)
    assert clf.best_score_ < 0.35


@pytest.mark.parametrize("sampling", ["random", "self_paced"])
@pytest.mark.parametrize("times", [7.5, 15.0], ids=["balanced", "beyond"])
@pytest.mark.parametrize("plain", [False, True], ids=["own", "plain"])
def test_bags_are_not_judged_on_copies(times: float, sampling: str, plain: bool) -> None:
    X, y = noise(times)
    inside: Any = LogisticRegression() if plain else quick(gbimb.ImbalancedLGBMClassifier)
    inside = inside if plain else inside.set_params(cv="auto")
    bags = gbimb.UnderBaggingClassifier(
        inside, n_estimators=5, sampling_strategy=1.0, sampling=sampling, random_state=0, n_jobs=1
    )
    with pytest.warns(gbimb.GbimbWarning, match=APART):
        bags.fit(pd.DataFrame(X).add_prefix("x"), y)
    assert bags.oob_score_ < 0.25
    rows = row_hashes(X)
    judged = np.isfinite(bags.oob_proba_[:, 0])
    assert set(y[judged]) == {0, 1}
    for trained in bags.estimators_samples_:
        assert np.isin(rows, rows[trained])[y == 1].mean() < 0.9  # a fold of them is left out


@pytest.mark.filterwarnings("ignore:The trees")
def test_the_automatic_choice_is_not_misled_by_copies() -> None:
    X, y = noise(7.5)
    clf = gbimb.AutoImbalancedClassifier(
        engine="lightgbm", time_budget=None, n_trials=1, random_state=0, n_jobs=1
    )
    with pytest.warns(gbimb.GbimbWarning, match=APART):
        clf.fit(X, y)
    assert clf.best_score_ < 0.25


def test_every_class_that_was_oversampled_counts() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [600, 90, 60])
    X = rng.normal(size=(y.size, 3))
    rows = np.concatenate([np.arange(600), rng.integers(600, 690, 600), rng.integers(690, 750, 60)])
    found = find_copies(X[rows], y[rows])
    assert found is not None
    assert found.oversampled.tolist() == [False, True, True]
    plan = make_plan(5, y[rows], 0, found.groups)
    hashes = row_hashes(X[rows])
    for train, held_out in plan.splits:
        assert not np.isin(hashes[held_out], hashes[train]).any()
        share = np.bincount(y[rows][held_out]) / np.bincount(y[rows])
        np.testing.assert_allclose(share, 0.2, atol=0.06)


@pytest.mark.parametrize("kind", ["doubled", "few values", "idle"])
def test_natural_copies_are_left_where_they_are(kind: str) -> None:
    X, y = natural(kind)
    assert find_copies(X, y) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbimb.GbimbWarning)
        quick(gbimb.ImbalancedLGBMClassifier).fit(X, y)


def test_given_splits_are_kept_and_what_they_do_to_copies_is_said() -> None:
    X, y = noise(7.5)
    with pytest.warns(gbimb.GbimbWarning, match=f"{COPIES}.*trained on the same rows"):
        quick(gbimb.ImbalancedLGBMClassifier, cv=StratifiedKFold(3)).fit(X, y)
    together = list(GroupKFold(3).split(X, y, row_hashes(X)))
    with pytest.warns(gbimb.GbimbWarning, match=f"{COPIES}.*{APART}"):
        quick(gbimb.ImbalancedLGBMClassifier, cv=together).fit(X, y)


@both
def test_validation_rows_split_off_after_oversampling_are_noticed(kind: Kind) -> None:
    X, y = noise(7.5)
    own, other = train_test_split(np.arange(y.size), test_size=0.25, random_state=0)
    with pytest.warns(gbimb.GbimbWarning, match="trained on the same rows"):
        quick(kind, cv="auto").fit(X[own], y[own], X_val=X[other], y_val=y[other])
    X_val, y_val = noise(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbimb.GbimbWarning)
        new = X_val + 0.5
        quick(kind, cv="auto").fit(X[own], y[own], X_val=new, y_val=y_val)
        quick(kind, cv=None).fit(X, y)


def test_few_different_rows_cannot_be_kept_apart() -> None:
    X, y = noise(120.0, rare=3)
    with pytest.warns(gbimb.GbimbWarning, match="trained on the same rows"):
        clf = quick(gbimb.ImbalancedLGBMClassifier, cv=5).fit(X, y)
    assert np.isfinite(clf.best_score_)
    assert (
        np.bincount(assign_folds(np.repeat([0, 1, 2], 20), 5, np.random.default_rng(0))).min() == 12
    )


def test_rows_are_equal_where_their_values_are() -> None:
    X = np.array([[0.0, np.nan, 2.0], [-0.0, -np.nan, 2.0], [2.0, np.nan, 0.0], [0.0, 1.0, 2.0]])
    for table in (X, X.astype(np.float32), sparse.csr_matrix(X), np.asfortranarray(X)):
        _, group = np.unique(row_hashes(table), return_inverse=True)
        assert group[0] == group[1]
        assert len(set(group)) == 3
    grid = np.array(np.meshgrid(*[np.arange(12.0)] * 4)).reshape(4, -1).T
    assert np.unique(row_hashes(grid)).size == len(grid)
