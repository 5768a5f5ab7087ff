"""Rows of one group are held out together: in the folds, from files, in pipelines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gbimb
from gbimb.exceptions import (
    GbimbError,
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
)
from gbimb.tables.dependence import Dependence
from gbimb.tables.keys import codes_of, group_keys
from gbimb.training.held_out.folds import deal_groups, joined
from gbimb.training.held_out.plan import make_plan
from tests.estimators.common import Kind, both, numbers, probability, quick

if TYPE_CHECKING:
    from pathlib import Path


def customers(n_groups: int, each: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that look alike within a customer, whose propensity no column tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), each)
    face = rng.normal(size=(n_groups, 4))[group] + 0.05 * rng.normal(size=(group.size, 4))
    own = rng.normal(size=group.size)
    odds = 1.5 * own + 2.5 * rng.normal(size=n_groups)[group] - 3.5
    y = rng.random(group.size) < 1 / (1 + np.exp(-odds))
    return np.column_stack([face, own]), y.astype(int), group


def splits_of(groups: Any, y: np.ndarray, cv: object = "auto") -> list[tuple[Any, Any]]:
    """The splits of a plan by groups."""
    return list(make_plan(cv, y, 0, None, Dependence(groups=np.asarray(groups))).splits)


# Dealing --------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(300, 4000),
    n_groups=st.integers(5, 3000),
    folds=st.integers(2, 5),
)
def test_no_group_is_in_two_folds_and_every_row_in_one(
    seed: int, rows: int, n_groups: int, folds: int
) -> None:
    rng = np.random.default_rng(seed)
    groups = codes_of(group_keys(pd.Series(rng.integers(0, n_groups, rows))))
    codes = rng.choice(3, rows, p=[0.85, 0.1, 0.05])
    fold = deal_groups(groups, codes, folds, rng)
    assert fold.shape == (rows,)
    assert set(np.unique(fold)) <= set(range(folds))
    assert pd.Series(fold).groupby(groups).nunique().max() == 1


@pytest.mark.parametrize("each", [1, 3, 10])
def test_folds_have_even_shares_of_rows_and_of_every_class(each: int) -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6000 // each), each)
    codes = rng.choice(3, groups.size, p=[0.9, 0.08, 0.02])
    fold = deal_groups(groups, codes, 5, rng)
    for k in range(3):
        counts = np.bincount(fold[codes == k], minlength=5)
        assert np.ptp(counts) <= 0.1 * counts.mean() + 2


def test_groups_of_very_unequal_size_still_give_even_folds() -> None:
    rng = np.random.default_rng(1)
    sizes = np.r_[np.full(4, 2000), np.full(40, 100), np.ones(8000, int)]
    groups = np.repeat(np.arange(sizes.size), sizes)
    codes = (rng.random(groups.size) < 0.03).astype(int)
    fold = deal_groups(groups, codes, 5, rng)
    for counts in (np.bincount(fold), np.bincount(fold, codes)):
        assert np.ptp(counts) < 0.05 * counts.mean()


def test_groups_are_joined_with_the_copies_of_their_rows() -> None:
    groups = np.array([0, 0, 1, 1, 2, 3, 4, 5])
    copies = np.array([0, 1, 1, 2, 3, 4, 5, 6])  # the second row equals the third
    together = joined(groups, copies, 2)
    assert np.unique(together[:4]).size == 1
    assert np.unique(together).size == 5


# Fits -----------------------------------------------------------------------------------------


@both
def test_promise_with_groups_is_what_new_groups_give(kind: Kind) -> None:
    promised, kept, alone = [], [], []
    for seed in range(3):
        X, y, group = customers(600, 8, seed=seed)
        new = group >= 400
        clf = quick(kind, n_estimators=60, cv="auto")
        clf.fit(X[~new], y[~new], groups=group[~new])
        promised.append(clf.best_score_)
        kept.append(matthews_corrcoef(y[new], clf.predict(X[new])))
        alone.append(quick(kind, n_estimators=60, cv="auto").fit(X[~new], y[~new]).best_score_)
    assert abs(np.mean(promised) - np.mean(kept)) < 0.04
    assert np.mean(alone) > np.mean(kept) + 0.08


@both
@pytest.mark.parametrize("cv", ["auto", "holdout"])
def test_validation_says_what_random_folds_would_have_promised(kind: Kind, cv: str) -> None:
    X, y, group = customers(500, 8, seed=3)
    clf = quick(kind, n_estimators=60, cv=cv).fit(X, y, groups=group)
    said = re.search(r"rows held out at random would have promised mcc ([\d.]+)", clf.validation_)
    assert said is not None
    assert float(said[1]) > clf.best_score_ + 0.05
    alone = quick(kind, n_estimators=60, cv=cv).fit(X, y)
    assert float(said[1]) == pytest.approx(alone.best_score_, abs=0.12)
    own = quick(kind, cv=cv).fit(X, y, groups=np.arange(y.size))  # no group of two rows
    said = re.search(r"promised mcc ([\d.]+)", own.validation_)
    assert said is not None
    assert float(said[1]) == pytest.approx(own.best_score_, abs=0.1)


@both
def test_what_names_a_group_does_not_matter(kind: Kind) -> None:
    X, y = numbers(600)
    groups = np.arange(600) // 4
    whole = quick(kind).fit(X, y, groups=groups)
    for named in (
        groups * 17 + 3,
        [f"customer {g}" for g in groups],
        pd.Categorical(groups),
        pd.Series(groups, index=np.arange(600)[::-1], dtype="Int64"),
        pd.date_range("2024-01-01", periods=150).to_numpy()[groups],
        groups.reshape(-1, 1).astype(float),
    ):
        again = quick(kind).fit(X, y, groups=named)
        assert (probability(again, X) == probability(whole, X)).all()
        assert again.validation_ == whole.validation_
    assert "150 groups, none on both sides" in whole.validation_


def test_every_missing_group_is_a_group_of_its_own() -> None:
    keys = group_keys(pd.Series(["a", None, "a", np.nan, "b", pd.NA], dtype=object))
    assert codes_of(keys).tolist() == [0, 1, 0, 2, 3, 4] or np.unique(codes_of(keys)).size == 5
    X, y = numbers(400)
    groups = np.where(np.arange(400) % 2, np.arange(400) // 8, np.nan)
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(X, y, groups=groups)
    assert "250 groups" in clf.validation_


def test_keys_of_pieces_agree_whatever_their_type() -> None:
    whole = group_keys(pd.Series([1, 2, 3]))
    assert (group_keys(pd.Series([1.0, 2.0, 3.0])) == whole).all()
    assert (group_keys(pd.Series([1, 2, 3], dtype="Int8")) == whole).all()
    text = group_keys(pd.Series(["x", "y"]))
    assert (group_keys(pd.Series(["x", "y"], dtype="category")) == text).all()
    assert (group_keys(pd.Series(["x", "y"], dtype="string")) == text).all()


@both
def test_groups_of_one_row_are_like_no_groups(kind: Kind) -> None:
    X, y = numbers(600)
    clf = quick(kind, cv=5).fit(X, y, groups=np.arange(600))
    for _, test in splits_of(np.arange(600), y, 5):
        assert abs(test.size - 120) <= 2
        assert abs(y[test].sum() - y.sum() / 5) <= 1
    assert clf.validation_.startswith("5-fold cross-fitting by groups (600 groups")


def test_few_groups_give_fewer_folds_and_say_so() -> None:
    X, y = numbers(600)
    clf = quick(gbimb.ImbalancedLGBMClassifier, cv=5).fit(X, y, groups=np.arange(600) % 3)
    assert "3-fold" in clf.validation_
    assert "3 folds instead of 5 because of few groups" in clf.validation_


@both
@pytest.mark.parametrize("cv", ["auto", 5, "holdout"])
def test_groups_that_cannot_be_held_out_are_refused_in_a_sentence(kind: Kind, cv: object) -> None:
    X, y = numbers(600)
    for groups, words in ((np.zeros(600), "got 1 group,"), (y, "1 has rows of the second class")):
        with pytest.raises(InvalidDataError, match=words):
            quick(kind, cv=cv).fit(X, y, groups=groups)
    assert quick(kind, cv=None).fit(X, y, groups=y).validation_.startswith("no rows held out")


@both
def test_wrong_groups_are_refused(kind: Kind) -> None:
    X, y = numbers(400)
    with pytest.raises(InvalidDataError, match="groups must hold one value for each of the 400"):
        quick(kind).fit(X, y, groups=np.arange(399))
    with pytest.raises(InvalidDataError, match="groups must hold one value a row"):
        quick(kind).fit(X, y, groups=np.zeros((400, 2)))
    with pytest.raises(InvalidParameterError, match="groups and time must not be given together"):
        quick(kind).fit(X, y, groups=np.arange(400), time=np.arange(400))
    with pytest.raises(InvalidParameterError, match="groups must not be given beside X_val"):
        quick(kind, cv="auto").fit(X, y, X_val=X, y_val=y, groups=np.arange(400))
    splits = list(GroupKFold(3).split(X, y, np.arange(400)))
    with pytest.raises(InvalidParameterError, match="groups must not be given beside cv"):
        quick(kind, cv=splits).fit(X, y, groups=np.arange(400))
    with pytest.raises(GbimbError, match="cv must be 'auto'"):
        quick(kind, cv="folds").fit(X, y, groups=np.arange(400))


@both
def test_rows_without_weight_do_not_count_as_groups(kind: Kind) -> None:
    X, y = numbers(600)
    groups = np.arange(600) // 4
    weight = np.where(groups < 100, 1.0, 0.0)
    clf = quick(kind).fit(X, y, sample_weight=weight, groups=groups)
    same = quick(kind).fit(X[:400], y[:400], groups=groups[:400])
    assert "100 groups" in clf.validation_
    assert np.allclose(probability(clf, X), probability(same, X))


# Elsewhere ------------------------------------------------------------------------------------


@both
def test_groups_of_a_source_are_those_of_a_frame(kind: Kind, tmp_path: Path) -> None:
    X, y = numbers(600)
    table = pd.DataFrame(X).add_prefix("x")
    names = list(table.columns)
    table = table.assign(y=y, customer=[f"c{i // 4}" for i in range(600)])
    table[:250].to_parquet(tmp_path / "a.parquet")
    table[250:].to_parquet(tmp_path / "b.parquet")
    source = gbimb.ParquetSource(tmp_path, target="y", group="customer")
    assert list(source.features) == names
    streamed = quick(kind).fit(source)
    local = quick(kind).fit(table[names], y, groups=table["customer"])
    assert streamed.validation_ == local.validation_
    assert np.allclose(probability(streamed, table[names]), probability(local, table[names]))
    with pytest.raises(InvalidParameterError, match="groups must be None beside a ParquetSource"):
        quick(kind).fit(source, groups=table["customer"])
    both_named = gbimb.ParquetSource(
        tmp_path, target="y", group="customer", time="x0", features=names[1:]
    )
    with pytest.raises(InvalidParameterError, match="group and time must not be given together"):
        quick(kind).fit(both_named)


@both
def test_groups_are_routed_through_a_pipeline_and_cross_validate(kind: Kind) -> None:
    X, y, group = customers(120, 5, seed=0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(StandardScaler(), quick(kind).set_fit_request(groups=True))
        found = cross_validate(
            model, X, y, cv=GroupKFold(3), params={"groups": group}, return_estimator=True
        )
    for fitted in found["estimator"]:
        assert "80 groups, none on both sides" in fitted[-1].validation_


def test_complex_groups_and_a_splitter_by_groups_are_refused_in_a_sentence() -> None:
    X, y = numbers(400)
    clf = gbimb.ImbalancedLGBMClassifier()
    with pytest.raises(InvalidTypeError, match="groups must hold numbers, text or dates"):
        clf.fit(X, y, groups=np.arange(400) + 1j)
    clf.set_params(cv=GroupKFold(3))
    for by in ({}, {"groups": np.arange(400) // 4}):
        with pytest.raises(InvalidParameterError, match="Leave cv out and give groups to fit"):
            clf.fit(X, y, **by)
