"""Laws of the chosen threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.metrics import ConfusionCounts, best_threshold, get_count_metric, mcc_score
from gbimb.thresholds import choose_threshold
from tests.helpers.strategies import QUICK

METRICS = ("mcc", "f1", "fbeta:2", "g_mean", "balanced_accuracy")


class Scored(NamedTuple):
    y: np.ndarray
    proba: np.ndarray


def scored(n: int, *, seed: int, positives: float = 0.05, warp: float = 1.0) -> Scored:
    """Labels and probabilities; calibrated if ``warp`` is 1."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(scale=1.8, size=n)
    low, high = -30.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(raw + middle).mean() < positives else (low, middle)
    return Scored((rng.random(n) < expit(raw + low)).astype(int), expit(warp * (raw + low)))


@st.composite
def small(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tied probabilities, both classes, whole weights."""
    n = draw(st.integers(4, 30))
    y = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))])
    values = st.one_of(st.sampled_from([0.0, 1.0, 1e-300, 0.5]), st.floats(0, 1))
    p = np.array(draw(st.lists(values, min_size=n, max_size=n)))
    w = np.array([1, 1, *draw(st.lists(st.integers(0, 3), min_size=n - 2, max_size=n - 2))])
    return y, p, w


@QUICK
@given(small(), st.sampled_from(METRICS))
def test_the_threshold_is_a_probability(
    table: tuple[np.ndarray, np.ndarray, np.ndarray], metric: str
) -> None:
    y, p, w = table
    assert 0 <= choose_threshold(y, p, metric) <= 1
    assert 0 <= choose_threshold(y, p, metric, w / 7) <= 1


@QUICK
@given(small())
def test_a_whole_weight_is_as_many_rows(table: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, p, w = table
    rows = np.repeat(np.arange(y.size), w)
    assert choose_threshold(y, p, "mcc", w) == choose_threshold(y[rows], p[rows], "mcc")


def test_the_order_of_the_rows_does_not_matter() -> None:
    y, p = scored(3000, seed=0)
    order = np.random.default_rng(1).permutation(3000)
    assert choose_threshold(y[order], p[order]) == choose_threshold(y, p)


@pytest.mark.parametrize("line", [(1.6, 0.0), (0.6, 0.5), (1.0, -2.0)])
def test_a_monotone_change_of_the_scores_calls_the_same_rows(line: tuple[float, float]) -> None:
    y, p = scored(20_000, seed=2)
    changed = expit(line[0] * logit(p) + line[1])
    before, after = p >= choose_threshold(y, p), changed >= choose_threshold(y, changed)
    assert (before != after).mean() < 0.05 * before.mean()


@pytest.mark.parametrize("metric", METRICS)
def test_with_many_rows_the_best_threshold_is_found(metric: str) -> None:
    table, fresh = scored(60_000, seed=3), scored(60_000, seed=4)
    measure = get_count_metric(metric)

    def reached(threshold: float) -> float:
        flagged = fresh.proba >= threshold
        return float(measure(ConfusionCounts.from_labels(fresh.y, flagged)))

    best = best_threshold(fresh.y, fresh.proba, metric).score
    assert reached(choose_threshold(table.y, table.proba, metric)) > best - 0.01


def test_on_few_positives_it_is_steadier_than_the_best_of_the_sample() -> None:
    population = scored(200_000, seed=99, positives=0.02, warp=1.3)
    eta = expit(logit(population.proba) / 1.3)

    def true_mcc(threshold: float) -> float:
        flagged = population.proba >= threshold
        positive, negative = eta[flagged].sum(), (1 - eta[flagged]).sum()
        return float(
            mcc_score(
                ConfusionCounts(
                    positive, negative, eta.sum() - positive, (1 - eta).sum() - negative
                )
            )
        )

    chosen, plain, spread = [], [], []
    for seed in range(30):
        y, p = scored(2000, seed=seed, positives=0.02, warp=1.3)  # about 40 positives
        pair = choose_threshold(y, p), best_threshold(y, p).threshold
        chosen.append(true_mcc(pair[0]))
        plain.append(true_mcc(pair[1]))
        spread.append(logit(np.clip(pair, 1e-6, 1 - 1e-6)))
    assert np.mean(chosen) > np.mean(plain) + 0.005
    assert min(chosen) > min(plain)
    assert np.std(spread, axis=0)[0] < 0.7 * np.std(spread, axis=0)[1]


def test_the_seed_decides() -> None:
    y, p = scored(1000, seed=5)
    assert choose_threshold(y, p, random_state=3) == choose_threshold(y, p, random_state=3)
    assert choose_threshold(y, p, random_state=3) != choose_threshold(y, p, random_state=4)


def test_large_tables_cost_no_more_than_middling_ones() -> None:
    y, p = scored(300_000, seed=6)
    part = choose_threshold(y[:40_000], p[:40_000])
    assert choose_threshold(y, p) == pytest.approx(part, rel=0.3)


def test_scores_without_order_or_with_one_value_are_no_obstacle() -> None:
    y = (np.arange(300) % 10 == 0).astype(int)
    assert 0 <= choose_threshold(y, np.full(300, 0.1)) <= 1
    assert 0 <= choose_threshold(y, np.zeros(300)) <= 1
    assert 0 <= choose_threshold(y, y.astype(float)) <= 1
    worse = choose_threshold(y, 0.5 - 0.4 * y)  # positives score lowest
    assert 0 <= worse <= 1


def test_a_perfect_score_gets_a_threshold_between_the_classes() -> None:
    y = (np.arange(400) % 8 == 0).astype(int)
    threshold = choose_threshold(y, np.where(y == 1, 0.8, 0.1))
    assert 0.1 < threshold <= 0.8


def test_what_cannot_be_used_is_refused() -> None:
    y, p = scored(200, seed=7, positives=0.2)
    with pytest.raises(InvalidDataError, match="both classes"):
        choose_threshold(np.zeros(5, int), np.full(5, 0.1))
    with pytest.raises(InvalidDataError, match="both classes"):
        choose_threshold(y, p, "mcc", (y == 0).astype(float))
    for bad in (p + 1, p - 1, p[:-1], np.where(p > 0.2, np.nan, p)):
        with pytest.raises(
            InvalidDataError, match=r"y_proba must h(ave one number|old probabilities) in \[0, 1\]"
        ):
            choose_threshold(y, bad)
    with pytest.raises(InvalidDataError, match="only 0 and 1"):
        choose_threshold(y + 1, p)
    with pytest.raises(InvalidDataError, match="sample_weight must be >= 0"):
        choose_threshold(y, p, "mcc", -p)
    with pytest.raises(InvalidParameterError, match=r"'mmc'\. Did you mean 'mcc'"):
        choose_threshold(y, p, "mmc")
