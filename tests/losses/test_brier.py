"""The Brier score as a loss."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.losses import BrierLoss, MulticlassBrierLoss

LOSS = BrierLoss()
Y = np.array([0, 1, 1, 0, 1])
SCORE = np.array([0.1, 0.9, 0.3, 0.7, -0.2])
WEIGHT = np.array([1.0, 2.0, 0.5, 0.0, 3.0])


def test_derivatives_are_those_of_the_loss() -> None:
    def total(score: np.ndarray) -> float:
        return float(LOSS.loss(Y, score, WEIGHT).sum())

    def slope(score: np.ndarray) -> float:
        return float(LOSS.gradient(Y, score, WEIGHT).sum())

    np.testing.assert_allclose(
        LOSS.gradient(Y, SCORE, WEIGHT), approx_fprime(SCORE, total), atol=1e-6
    )
    np.testing.assert_allclose(
        LOSS.hessian(Y, SCORE, WEIGHT), approx_fprime(SCORE, slope), atol=1e-6
    )
    gradient, curvature = LOSS.gradient_curvature(Y, SCORE, WEIGHT)
    np.testing.assert_allclose(gradient, LOSS.gradient(Y, SCORE, WEIGHT), rtol=1e-6)
    np.testing.assert_allclose(curvature, LOSS.hessian(Y, SCORE, WEIGHT), atol=1e-6)
    assert (curvature > 0).all()


def test_it_starts_where_a_constant_has_the_least_loss() -> None:
    start = LOSS.init_score(Y, WEIGHT)
    assert start == pytest.approx(5.5 / 6.5)
    least = LOSS.loss(Y, np.full(5, start), WEIGHT).sum()
    for moved in (start - 1e-3, start + 1e-3):
        assert LOSS.loss(Y, np.full(5, moved), WEIGHT).sum() > least


def test_the_raw_score_is_the_probability_cut_off_at_both_ends() -> None:
    np.testing.assert_array_equal(LOSS.probability([-0.5, 0.0, 0.3, 1.7]), [0, 0, 0.3, 1])
    assert LOSS.raw_score_at(0.3) == 0.3
    np.testing.assert_allclose(LOSS.log_odds(np.array([0.5, 0.0])), [0.0, -np.inf])
    assert LOSS.steepness == pytest.approx(1 / (0.02 * 0.98), rel=1e-3)


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="NaN"):
        LOSS.probability([np.nan])
    with pytest.raises(InvalidDataError, match="finite"):
        LOSS.gradient([0, 1], [0.0, np.inf])
    with pytest.raises(InvalidDataError, match="sample_weight"):
        LOSS.init_score([0, 1], [0.0, 0.0])
    with pytest.raises(InvalidDataError, match="got none"):
        LOSS.init_score([])


MANY = MulticlassBrierLoss(3)
CODES = np.array([0, 2, 1, 1])
SCORES = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [-0.1, 0.6, 0.5], [1.2, -0.1, -0.1]])
WEIGHTS = np.array([1.0, 0.5, 0.0, 3.0])


def test_of_many_classes_derivatives_are_those_of_the_loss() -> None:
    def total(score: np.ndarray) -> float:
        return float(MANY.loss(CODES, score.reshape(4, 3), WEIGHTS).sum())

    def slope(score: np.ndarray) -> float:
        return float(MANY.gradient(CODES, score.reshape(4, 3), WEIGHTS).sum())

    first = approx_fprime(SCORES.ravel(), total).reshape(4, 3)
    second = approx_fprime(SCORES.ravel(), slope).reshape(4, 3)
    np.testing.assert_allclose(MANY.gradient(CODES, SCORES, WEIGHTS), first, atol=1e-6)
    np.testing.assert_allclose(MANY.hessian(CODES, SCORES, WEIGHTS), second, atol=1e-6)
    gradient, curvature = MANY.gradient_curvature(CODES, SCORES, WEIGHTS)
    np.testing.assert_allclose(gradient, MANY.gradient(CODES, SCORES, WEIGHTS), rtol=1e-6)
    np.testing.assert_allclose(curvature, MANY.hessian(CODES, SCORES, WEIGHTS), atol=1e-6)
    assert (curvature > 0).all()


def test_of_two_classes_the_loss_of_many_is_twice_that_of_two() -> None:
    many = np.column_stack([1 - SCORE, SCORE])
    np.testing.assert_allclose(
        MulticlassBrierLoss(2).loss(Y, many, WEIGHT), 2 * LOSS.loss(Y, SCORE, WEIGHT)
    )


def test_of_many_classes_it_starts_where_a_constant_has_the_least_loss() -> None:
    start = MANY.init_score(CODES, WEIGHTS)
    np.testing.assert_allclose(start, np.array([1.0, 3.0, 0.5]) / 4.5)
    gradient = MANY.gradient(CODES, np.tile(start, (4, 1)), WEIGHTS).sum(axis=0)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-12)


def test_of_many_classes_raw_scores_are_cut_off_and_add_up_to_1() -> None:
    proba = MANY.probability([[0.2, 0.2, -0.4], [3.0, 1.0, 0.0], [-1.0, 0.0, -np.inf]])
    np.testing.assert_allclose(proba, [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [1 / 3] * 3], atol=1e-70)
    assert MANY.n_outputs == 3
    assert MANY.steepness == LOSS.steepness


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0, 4.0])
def test_a_power_makes_votes_sharper(power: float) -> None:
    votes = np.random.default_rng(0).dirichlet([0.3, 1.0, 2.0], 200)
    proba = MulticlassBrierLoss(3, power).probability(votes)
    raised = np.maximum(votes, 1e-75) ** power
    np.testing.assert_allclose(proba, raised / raised.sum(axis=1, keepdims=True), rtol=1e-13)
    least = MulticlassBrierLoss(3, power).probability([[0.0, 0.0, 0.0], [1e-300, 0.0, -1.0]])
    np.testing.assert_allclose(least, 1 / 3)
    codes = np.zeros(200, int)
    assert (MulticlassBrierLoss(3, power).loss(codes, votes) == MANY.loss(codes, votes)).all()


def test_of_many_classes_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="NaN"):
        MANY.probability([[np.nan, 0.0, 1.0]])
    with pytest.raises(InvalidDataError, match="column a class"):
        MANY.probability([[0.5, 0.5]])
    with pytest.raises(InvalidDataError, match="finite"):
        MANY.gradient([0], [[0.0, np.inf, 1.0]])
    with pytest.raises(InvalidDataError, match="sample_weight"):
        MANY.init_score([0, 1], [0.0, 0.0])
    with pytest.raises(InvalidDataError, match="got none"):
        MANY.init_score([])
    with pytest.raises(InvalidDataError, match="whole numbers from 0 to 2"):
        MANY.gradient_curvature([3], [[0.0, 0.0, 1.0]])
    with pytest.raises(InvalidParameterError, match="n_classes"):
        MulticlassBrierLoss(1)
    for power in (0.5, 2.5, 5.0):
        with pytest.raises(InvalidParameterError, match="power must be"):
            MulticlassBrierLoss(3, power)
