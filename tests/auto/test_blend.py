"""Weights of a blend."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gbimb.decisions.blending import MOST_MEMBERS, blend_weights


def likelihood(n: int = 500, k: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(4, 2, (n, k))


def penalised(shares: np.ndarray, table: np.ndarray, prior: float) -> float:
    return float(np.log(table @ shares).sum() + prior / shares.size * np.log(shares).sum())


def test_the_weights_are_the_mode() -> None:
    table, prior = likelihood(), 20.0
    found = blend_weights(table, None, prior)
    best = minimize(
        lambda z: -penalised(np.exp(z) / np.exp(z).sum(), table, prior), np.zeros(4), tol=1e-12
    )
    wanted = np.exp(best.x) / np.exp(best.x).sum()
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_the_better_of_two_gets_the_weight_when_there_are_many_rows() -> None:
    good = np.full(20_000, 0.9)
    poor = np.full(20_000, 0.3)
    weights = blend_weights(np.column_stack([poor, good]), None, 1.0)
    assert weights[1] > 0.98


def test_a_strong_prior_leaves_equal_weights() -> None:
    np.testing.assert_allclose(blend_weights(likelihood(), None, 1e9), 0.25, atol=1e-4)


def test_whole_weights_count_as_repeated_rows_up_to_the_prior() -> None:
    table = likelihood(400)
    weight = np.random.default_rng(1).integers(1, 4, 400)
    one = blend_weights(table, weight.astype(float), 1e-6)
    other = blend_weights(np.repeat(table, weight, axis=0), None, 1e-6)
    np.testing.assert_allclose(one, other, atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 1000))
def test_weights_sum_to_1_and_few_are_left(k: int, seed: int) -> None:
    weights = blend_weights(likelihood(80, k, seed), None, 1.0)
    assert np.isclose(weights.sum(), 1.0)
    assert 1 <= np.count_nonzero(weights) <= MOST_MEMBERS
    assert (weights >= 0).all()


def test_a_row_that_a_model_thinks_impossible_does_not_break_it() -> None:
    table = likelihood()
    table[0] = 0.0
    assert np.isfinite(blend_weights(table, None, 1.0)).all()
