"""True probabilities whatever the loss and its weights do inside, and rare positives found."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, matthews_corrcoef

from tests.adapters.tables import Rows, rows
from tests.estimators.common import KINDS as OURS
from tests.estimators.common import Kind, both, numbers, quick

LOSSES: dict[str, dict[str, Any]] = {
    "gamma 0.5": {"gamma": 0.5},
    "gamma 2": {"gamma": 2.0},
    "gamma 5": {"gamma": 5.0},
    "scale_pos_weight 10": {"scale_pos_weight": 10.0},
    "scale_pos_weight 50": {"scale_pos_weight": 50.0},
    "alpha 0.25": {"alpha": 0.25},
    "alpha 0.75": {"alpha": 0.75},
    "all": {"gamma": 1.0, "alpha": 0.75, "scale_pos_weight": 10.0},
    "weighted log loss": {"loss": "logistic", "scale_pos_weight": 50.0},
}
QUICK = ("gamma 2", "scale_pos_weight 50")


def expected_log_loss(table: Rows, proba: np.ndarray) -> float:
    """The log loss over all labels that the rows could have: less noise than over one draw."""
    eta = table.posterior
    return float(-np.mean(eta * np.log(proba) + (1 - eta) * np.log1p(-proba)))


@cache
def simulated() -> tuple[Rows, Rows]:
    return rows(20_000, seed=10), rows(20_000, seed=11)


@cache
def fitted_probability(kind: Kind, name: str) -> np.ndarray:
    table, fresh = simulated()
    parameters = LOSSES.get(name, {"loss": "logistic"})
    clf = kind(
        **parameters,
        learning_rate=0.05,
        cv=3,
        eval_metric="log_loss",
        early_stopping_rounds=30,
        random_state=0,
        n_jobs=1,
    )
    return clf.fit(table.X, table.y).predict_proba(fresh.X)[:, 1]


@both
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow, id=name)
        for name in LOSSES
    ],
)
def test_probabilities_are_true_whatever_the_loss(kind: Kind, name: str) -> None:
    table, fresh = simulated()
    proba = fitted_probability(kind, name)
    reached = expected_log_loss(fresh, proba)
    assert reached < 1.02 * expected_log_loss(fresh, fitted_probability(kind, "log loss"))
    assert reached < 1.05 * expected_log_loss(fresh, fresh.posterior)
    drawn = table.y.mean() / table.posterior.mean()  # how lucky the labels trained on were
    assert proba.mean() == pytest.approx(fresh.posterior.mean() * drawn, rel=0.05)
    # Not only on average: in ten groups by probability too.
    groups = np.array_split(np.argsort(proba), 10)
    for group in groups:
        truth = fresh.posterior[group].mean()
        assert proba[group].mean() == pytest.approx(truth, rel=0.3, abs=0.002)


@both
def test_the_mean_probability_is_the_prevalence(kind: Kind) -> None:
    table, fresh = rows(3000, seed=20), rows(3000, seed=21)
    for parameters in ({}, {"scale_pos_weight": "balanced"}, {"gamma": 5.0, "alpha": 0.9}):
        clf = quick(kind, cv=3, n_estimators=40, eval_metric="log_loss", **parameters)
        proba = clf.fit(table.X, table.y).predict_proba(fresh.X)[:, 1]
        assert proba.mean() == pytest.approx(table.y.mean(), rel=0.12)


@both
def test_the_chosen_threshold_beats_one_half(kind: Kind) -> None:
    table, fresh = rows(4000, seed=30), rows(8000, seed=31)
    clf = quick(kind, cv=5, n_estimators=60, learning_rate=0.05).fit(table.X, table.y)
    assert 0.05 < clf.threshold_ < 0.45
    at_half = fresh.y == 1, clf.predict_proba(fresh.X)[:, 1] >= 0.5
    assert matthews_corrcoef(fresh.y, clf.predict(fresh.X)) > matthews_corrcoef(*at_half) + 0.05


@both
def test_thresholds_follow_the_metric(kind: Kind) -> None:
    table = rows(3000, seed=32)
    at = {
        name: quick(kind, threshold=name).fit(table.X, table.y).threshold_
        for name in ("mcc", "f1", "fbeta:4", "balanced_accuracy")
    }
    assert at["fbeta:4"] < at["f1"]
    assert at["balanced_accuracy"] < at["mcc"]
    assert at["balanced_accuracy"] == pytest.approx(table.y.mean(), rel=0.6)
    auto = quick(kind, eval_metric=("f1", "mcc")).fit(table.X, table.y)
    assert auto.threshold_ == at["f1"]


@both
def test_near_equal_classes_are_told_apart_at_one_half(kind: Kind) -> None:
    X, _ = numbers()
    y = (X[:, 0] + np.random.default_rng(0).normal(size=400) > 0).astype(int)
    assert quick(kind).fit(X, y).threshold_ == 0.5


@both
def test_twelve_positives_in_twenty_thousand_rows_are_learnt(kind: Kind) -> None:
    rng = np.random.default_rng(1)

    def draw(n: int, positives: int) -> tuple[np.ndarray, np.ndarray]:
        X, y = rng.normal(size=(n, 6)), (np.arange(n) < positives).astype(int)
        X[:positives] += [3.5, -2.5, 0, 0, 0, 0]
        return X, y

    X, y = draw(20_000, 12)
    fresh, truth = draw(20_000, 60)
    clf = kind(random_state=0, n_jobs=1).fit(X, y)
    # LightGBM's own defaults reach 0.1 to 0.3 here, and chance is 0.003.
    assert average_precision_score(truth, clf.predict_proba(fresh)[:, 1]) > 0.5
    assert matthews_corrcoef(truth, clf.predict(fresh)) > 0.4
    assert clf.predict_proba(fresh)[:, 1].mean() < 0.01


@both
@pytest.mark.parametrize("gamma", [2.0, 5.0])
def test_the_mean_probability_is_the_prevalence_where_the_raw_score_is_flattened(
    kind: Kind, gamma: float
) -> None:
    table = rows(8_000, seed=3)
    clf = kind(
        gamma=gamma, scale_pos_weight=10.0, cv=5, n_estimators=60, random_state=0, n_jobs=1
    ).fit(table.X, table.y)
    proba = clf.predict_proba(rows(8_000, seed=4).X)[:, 1]
    assert proba.mean() == pytest.approx(rows(8_000, seed=4).posterior.mean(), rel=0.2)
    assert clf.predict_proba(table.X)[:, 1].mean() == pytest.approx(table.y.mean(), rel=0.08)


@pytest.mark.parametrize("gamma", [2.0, 5.0])
def test_many_classes_keep_their_shares_under_the_focal_loss(gamma: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 4))
    y = np.digitize(X[:, 0] + rng.normal(size=3_000), [1.6, 2.5])
    clf = OURS[0](gamma=gamma, cv=3, n_estimators=40, random_state=0, n_jobs=1).fit(X, y)
    shares = np.bincount(y) / y.size
    np.testing.assert_allclose(clf.predict_proba(X).mean(axis=0), shares, rtol=0.06)
