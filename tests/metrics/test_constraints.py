"""Recall and precision at a bound on another rate, or within a budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gbimb
from gbimb.decisions.threshold import choose_threshold
from gbimb.metrics import ConfusionCounts, best_threshold, get_count_metric, get_metric


def test_recall_counts_where_the_precision_is_held() -> None:
    score = get_count_metric("recall at precision >= 0.9")
    assert score(ConfusionCounts(9, 1, 3, 100)) == pytest.approx(0.75)
    assert score(ConfusionCounts(9, 2, 3, 100)) == pytest.approx(9 / 11 - 1)
    assert score(ConfusionCounts(0, 0, 3, 100)) == -1.0


def test_precision_counts_where_the_recall_is_held() -> None:
    score = get_count_metric("precision at recall >= 0.75")
    assert score(ConfusionCounts(9, 1, 3, 100)) == pytest.approx(0.9)
    assert score(ConfusionCounts(8, 0, 4, 100)) == pytest.approx(8 / 12 - 1)


def test_rates_count_within_a_budget_of_alerts_or_of_false_positives() -> None:
    counts = ConfusionCounts(6, 4, 2, 88)
    assert get_count_metric("recall at alerts <= 0.1")(counts) == pytest.approx(6 / 8)
    assert get_count_metric("recall at alerts <= 0.09")(counts) == pytest.approx(-0.1)
    assert get_count_metric("recall at fpr <= 0.05")(counts) == pytest.approx(6 / 8)
    assert get_count_metric("recall at fpr <= 0.04")(counts) == pytest.approx(-4 / 92)
    assert get_count_metric("recall at specificity >= 0.95")(counts) == pytest.approx(6 / 8)


def test_the_precision_of_a_budget_is_that_of_its_top_rows() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=1000)
    y = rng.random(1000) < 1 / (1 + np.exp(2 - 2 * scores))
    top = np.argsort(-scores)[:50]
    found = best_threshold(y, scores, "precision at alerts <= 0.05")
    assert found.score == pytest.approx(y[top].mean())
    assert np.count_nonzero(scores >= found.threshold) >= y[top].sum()


BOUNDS = [f"recall at precision >= {b}" for b in (0.2, 0.5, 0.9, 1.0)] + [
    "recall at fpr <= 0.1",
    "recall at alerts <= 0.2",
    "precision at alerts <= 0.2",
    "recall at specificity >= 0.9",
]


@given(st.integers(0, 2**32 - 1), st.sampled_from(BOUNDS))
def test_the_best_threshold_is_that_of_a_search_over_all(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    y = rng.random(60) < 0.3
    y[0], y[1] = True, False
    scores = np.round(rng.normal(y, 1.0), 1)
    by_hand = max(
        get_count_metric(name)(ConfusionCounts.from_labels(y, scores >= t))
        for t in [*scores, np.inf]
    )
    assert best_threshold(y, scores, metric=name).score == pytest.approx(by_hand)


def test_it_can_be_watched_and_served() -> None:
    assert get_metric("recall at precision >= 0.5").threshold is None
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    y = X[:, 0] + rng.normal(size=2000) > 2.2
    clf = gbimb.ImbalancedLGBMClassifier(
        eval_metric="recall at precision >= 0.5", n_estimators=30, random_state=0
    ).fit(X, y)
    assert 0 < clf.best_score_ <= 1


@pytest.mark.parametrize(
    "name",
    [
        "recall at precision >= 2",
        "recall at recall >= 0.5",
        "recall at precision >= x",
        "recall at",
        "precision at fpr <= 0.1",
        "recall at fpr >= 0.1",
        "recall at alerts <= 0",
    ],
)
def test_what_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(gbimb.exceptions.InvalidParameterError):
        get_count_metric(name)


def test_a_bound_on_precision_holds_on_average_on_new_rows() -> None:
    rng = np.random.default_rng(0)
    new = np.sort(rng.beta(0.1, 5, 300_000))[::-1]
    precision = np.cumsum(new) / np.arange(1, new.size + 1)
    found = []
    for _ in range(60):
        p = rng.beta(0.1, 5, 5000)
        threshold = choose_threshold(rng.random(p.size) < p, p, "recall at precision >= 0.5")
        found.append(precision[np.searchsorted(-new, -threshold, side="right") - 1])
    assert np.mean(found) == pytest.approx(0.505, abs=0.015)


def test_a_threshold_is_not_chosen_for_recall_where_recall_is_watched_at_one() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = X[:, 0] + rng.normal(size=600) > 1.8
    given = {"n_estimators": 10, "cv": 2, "random_state": 0}
    clf = gbimb.ImbalancedLGBMClassifier(eval_metric="recall@0.2", **given).fit(X, y)
    assert 0.01 < clf.predict(X).mean() < 0.3
