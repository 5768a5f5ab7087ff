"""From raw score to true probability and back, and the score to start from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss, SoftmaxFocalLoss
from tests.helpers.derivatives import ALL_LOSSES, DIGITS, EXACT_LOSSES, exact
from tests.helpers.strategies import QUICK, Table, probabilities, tables

ETAS = (0.001, 0.02, 0.3, 0.5, 0.97)
SCORES = np.linspace(-30, 30, 601)


@pytest.mark.parametrize("loss", EXACT_LOSSES, ids=str)
def test_probability_at_the_minimiser_of_the_expected_loss_is_the_true_one(
    loss: MarginLoss,
) -> None:
    reference = exact(loss)
    with mp.workdps(DIGITS):
        scores = [float(reference.minimiser(eta)) for eta in ETAS]
    np.testing.assert_allclose(loss.probability(scores), ETAS, rtol=1e-12)
    np.testing.assert_allclose([loss.raw_score_at(e) for e in ETAS], scores, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_expected_gradient_is_zero_at_the_score_of_every_probability(loss: MarginLoss) -> None:
    for eta in ETAS:
        score = [loss.raw_score_at(eta)] * 2
        gradient = loss.gradient([1, 0], score, [eta, 1 - eta])
        assert abs(gradient.sum()) <= 1e-10 * np.abs(gradient).sum()


@pytest.mark.parametrize("loss", EXACT_LOSSES, ids=str)
def test_probability_equals_sixty_digit_arithmetic(loss: MarginLoss) -> None:
    score = np.array([-300.0, -40.0, -12.5, -1.4, 0.0, 0.7, 9.0])
    with mp.workdps(DIGITS):
        want = [float(exact(loss).probability(s)) for s in score]
    np.testing.assert_allclose(loss.probability(score), want, rtol=1e-12)


def test_formula_of_charoenphakdee_et_al_2021() -> None:
    for gamma in (0.5, 1.0, 2.0, 5.0):
        v = expit(np.linspace(-6, 6, 50))

        def slope(v: np.ndarray, g: float = gamma) -> np.ndarray:
            return (1 - v) ** g / v - g * (1 - v) ** (g - 1) * np.log(v)

        want = slope(1 - v) / (slope(v) + slope(1 - v))
        np.testing.assert_allclose(FocalLoss(gamma).probability(logit(v)), want, rtol=1e-9)


def test_the_sigmoid_is_not_the_probability_under_focal_loss() -> None:
    start = FocalLoss(gamma=2.0).raw_score_at(0.02)
    assert FocalLoss(gamma=2.0).probability(start) == pytest.approx(0.02)
    assert expit(start) > 0.15


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_leaving_out_gamma_alpha_or_scale_pos_weight_gives_another_probability(
    gamma: float,
) -> None:
    loss = FocalLoss(gamma, alpha=0.75, scale_pos_weight=10.0)
    wrong = [
        FocalLoss(gamma, alpha=None, scale_pos_weight=10.0),
        FocalLoss(gamma, alpha=0.25, scale_pos_weight=10.0),
        FocalLoss(gamma, alpha=0.75),
        FocalLoss(gamma),
        LogisticLoss(),
    ]
    if gamma:
        wrong.append(FocalLoss(0, alpha=0.75, scale_pos_weight=10.0))
    for eta in (0.02, 0.3):
        score = loss.raw_score_at(eta)
        for other in wrong:
            assert abs(float(other.probability(score)) - eta) > 0.1 * eta


def test_scale_pos_weight_of_the_logistic_loss_divides_the_odds() -> None:
    proba = LogisticLoss(scale_pos_weight=49.0).probability(SCORES)
    np.testing.assert_allclose(logit(proba), SCORES - np.log(49), atol=1e-2, rtol=1e-6)


@pytest.mark.parametrize("loss", [*ALL_LOSSES, FocalLoss(100.0)], ids=str)
def test_probability_grows_with_the_score(loss: MarginLoss) -> None:
    proba = loss.probability(SCORES)
    assert (np.diff(proba) >= 0).all()
    inner = (proba > 1e-15) & (proba < 1 - 1e-12)
    assert (np.diff(proba[inner]) > 0).all()


@QUICK
@given(st.sampled_from(ALL_LOSSES), probabilities)
def test_raw_score_at_is_the_inverse_of_probability(loss: MarginLoss, eta: float) -> None:
    assert loss.probability(loss.raw_score_at(eta)) == pytest.approx(eta, rel=1e-9)


@QUICK
@given(st.sampled_from(ALL_LOSSES), st.floats(-25, 15))
def test_probability_is_the_inverse_of_raw_score_at(loss: MarginLoss, score: float) -> None:
    eta = float(loss.probability(score))
    if eta < 1 - 1e-4:  # closer to 1 a float64 keeps too few digits of 1 - eta
        assert loss.raw_score_at(eta) == pytest.approx(score, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_certainty_is_infinitely_far(loss: MarginLoss) -> None:
    assert loss.raw_score_at(0.0) == -np.inf
    assert loss.raw_score_at(1.0) == np.inf
    assert np.isfinite(loss.raw_score_at(5e-324))
    assert np.isfinite(loss.raw_score_at(np.nextafter(1, 0)))


def test_a_half_is_at_a_score_of_exactly_0() -> None:
    for gamma in (0.0, 0.5, 2.0):
        assert FocalLoss(gamma).raw_score_at(0.5) == 0.0


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables(both_classes=True))
def test_start_has_the_prevalence_as_its_probability(loss: MarginLoss, t: Table) -> None:
    start = loss.init_score(t.y, t.weight)
    weight = np.ones(t.y.size) if t.weight is None else t.weight
    assert loss.probability(start) == pytest.approx(np.average(t.y, weights=weight), rel=1e-9)


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables(both_classes=True))
def test_total_loss_is_smallest_at_the_start(loss: MarginLoss, t: Table) -> None:
    def total(score: float) -> float:
        return float(loss.loss(t.y, np.full(t.y.size, score), t.weight).sum())

    start = loss.init_score(t.y, t.weight)
    lowest = total(start)
    for step in (1e-3, 0.1, 1.0, 10.0):
        assert lowest <= total(start - step) * (1 + 1e-13)
        assert lowest <= total(start + step) * (1 + 1e-13)
    gradient = loss.gradient(t.y, np.full(t.y.size, start), t.weight)
    assert abs(gradient.sum()) <= 1e-9 * np.abs(gradient).sum()


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_start_equals_the_minimum_that_scipy_finds(loss: MarginLoss) -> None:
    y = np.arange(500) < 10
    weight = np.linspace(0, 2, 500)
    found = minimize_scalar(
        lambda s: loss.loss(y, np.full(500, s), weight).sum(),
        bounds=(-30, 30),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert loss.init_score(y, weight) == pytest.approx(found.x, abs=1e-5)


def test_focal_start_at_2_percent_and_gamma_2_is_minus_1_45_not_minus_3_89() -> None:
    y = np.arange(1000) < 20
    assert FocalLoss(2.0).init_score(y) == pytest.approx(-1.45, abs=0.005)
    assert LogisticLoss().init_score(y) == pytest.approx(-3.89, abs=0.005)
    assert LogisticLoss(49.0).init_score(y) == pytest.approx(0, abs=1e-9)


def test_rows_without_weight_do_not_move_the_start() -> None:
    loss = FocalLoss()
    assert loss.init_score([1, 0, 0, 1], [1, 1, 1, 0]) == loss.init_score([1, 0, 0])


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_steepness_is_the_slope_of_the_log_odds(gamma: float) -> None:
    loss = FocalLoss(gamma=gamma)
    low, high = loss.raw_score_at(0.0199), loss.raw_score_at(0.0201)
    rise = np.log(0.0201 / 0.9799) - np.log(0.0199 / 0.9801)
    assert loss.steepness == pytest.approx(rise / (high - low), rel=1e-4)
    many = SoftmaxFocalLoss(3, gamma=gamma)
    assert many.steepness == loss.steepness
