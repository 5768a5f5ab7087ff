"""Bags of rows that belong to groups, or have a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.exceptions import GbimbError
from gbimb.tables.dependence import Dependence
from gbimb.training.bagging.population import Population

QUICK = gbimb.ImbalancedLGBMClassifier(n_estimators=20, num_leaves=8)


def customers(n_groups: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that look alike within a customer, whose propensity no column tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), each)
    face = rng.normal(size=(n_groups, 4))[group] + 0.05 * rng.normal(size=(group.size, 4))
    own = rng.normal(size=group.size)
    odds = 1.5 * own + 2.5 * rng.normal(size=n_groups)[group] - 3.5
    y = (rng.random(group.size) < 1 / (1 + np.exp(-odds))).astype(int)
    return np.column_stack([face, own]), y, group


def bags(**options: Any) -> gbimb.UnderBaggingClassifier:
    """A few small bags."""
    options = {"estimator": QUICK, "n_estimators": 5, "random_state": 0, "n_jobs": 1, **options}
    return gbimb.UnderBaggingClassifier(**options)


def test_no_bag_judges_a_group_that_it_trained_on() -> None:
    _, y, group = customers(300, 6, 0)
    counts = np.bincount(y)
    population = Population.make(
        y, np.ones(y.size), np.array([counts[1]] * 2), 0, dependence=Dependence(groups=group)
    )
    rng = np.random.default_rng(0)
    for i in range(10):
        drawn = np.sort(
            np.r_[np.flatnonzero(y), rng.choice(np.flatnonzero(y == 0), counts[1], replace=False)]
        )
        bag = population.bag(i, drawn)
        assert not set(group[bag.train]) & set(group[bag.unseen])
        assert set(bag.held_out) <= set(bag.unseen)
        assert np.unique(y[bag.held_out]).size == 2
        assert np.isclose(np.average(y[bag.held_out], weights=bag.weight), y.mean())


@pytest.mark.parametrize("sampling", ["random", "self_paced"])
@pytest.mark.parametrize("estimator", [QUICK, RandomForestClassifier(20, max_depth=6)])
def test_promise_of_bags_with_groups_is_what_new_groups_give(sampling: str, estimator: Any) -> None:
    promised, kept = [], []
    for seed in range(3):
        X, y, group = customers(600, 8, seed)
        new = group >= 400
        clf = bags(sampling=sampling, estimator=estimator)
        clf.fit(X[~new], y[~new], groups=group[~new])
        promised.append(clf.oob_score_)
        kept.append(matthews_corrcoef(y[new], clf.predict(X[new])))
        assert clf.validation_ == "rows out of the bags, no group on both sides"
    assert abs(np.mean(promised) - np.mean(kept)) < 0.05


@pytest.mark.parametrize("estimator", [QUICK, RandomForestClassifier(20, max_depth=6)])
def test_bags_are_judged_on_later_rows_and_then_trained_on_them(estimator: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = (X[:, 0] + rng.normal(size=3000) > 2).astype(int)
    day = pd.Series(pd.date_range("2024-01-01", periods=3000, freq="h")).sample(frac=1.0)
    clf = bags(estimator=estimator).fit(X, y, time=day)
    newest = day.rank().to_numpy() > 2400
    assert (~np.isnan(clf.oob_proba_[:, 0]) == newest).all()
    assert clf.validation_ == "the newest 600 of 3,000 rows, after bags of earlier ones"
    for rows in clf.estimators_samples_:
        assert newest[rows].mean() == pytest.approx(0.2, abs=0.05)
    judged = matthews_corrcoef(y[newest], clf.oob_proba_[newest, 1] >= clf.threshold_)
    assert clf.oob_score_ == pytest.approx(judged)
    assert clf.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.25)


def test_more_bags_of_the_same_groups_are_those_of_one_longer_fit() -> None:
    X, y, group = customers(200, 6, 0)
    whole = bags().fit(X, y, groups=group)
    part = bags(n_estimators=2, warm_start=True).fit(X, y, groups=group)
    part.set_params(n_estimators=5).fit(X, y, groups=group)
    assert np.allclose(part.predict_proba(X), whole.predict_proba(X))
    with pytest.raises(GbimbError, match="warm_start adds bags of the same labels"):
        part.fit(X, y, time=np.arange(y.size))


def test_groups_that_cannot_judge_bags_are_refused() -> None:
    X, y, _ = customers(100, 6, 0)
    with pytest.raises(GbimbError, match="groups must let rows of two classes"):
        bags().fit(X, y, groups=y)


def test_a_source_tells_its_bags_the_groups(tmp_path: Any) -> None:
    X, y, group = customers(200, 6, 0)
    table = pd.DataFrame(X).add_prefix("x")
    table.assign(y=y, owner=group).to_parquet(tmp_path / "rows.parquet")
    source = gbimb.ParquetSource(tmp_path / "rows.parquet", target="y", group="owner")
    streamed, local = bags().fit(source), bags().fit(table, y, groups=group)
    assert streamed.validation_ == local.validation_
    streamed.save(tmp_path / "bags.gbimb")
    assert gbimb.load(tmp_path / "bags.gbimb").validation_ == local.validation_
    assert np.allclose(streamed.predict_proba(table), local.predict_proba(table))
