"""What trees receive instead of the exact Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss
from tests.helpers.derivatives import ALL_LOSSES, ALPHAS, EXACT_LOSSES, SCALES
from tests.helpers.strategies import QUICK, Table, tables

TINY = np.finfo(np.float32).tiny
MARGIN = np.linspace(-20, 20, 401)
GAMMAS = (0.5, 1.0, 2.0, 5.0)


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables())
def test_curvature_is_positive_for_every_row_weights_of_zero_included(
    loss: MarginLoss, t: Table
) -> None:
    _, curv = loss.gradient_curvature(*t)
    assert (curv >= TINY).all()


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("scale", SCALES)
def test_curvature_is_the_exact_hessian_at_gamma_0(alpha: float | None, scale: float) -> None:
    loss, y = FocalLoss(0, alpha, scale), np.arange(MARGIN.size) % 2
    np.testing.assert_allclose(loss.curvature(y, MARGIN), loss.hessian(y, MARGIN), rtol=1e-14)
    _, curv = loss.gradient_curvature(y, MARGIN)
    np.testing.assert_allclose(curv, loss.hessian(y, MARGIN), rtol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_curvature_of_the_logistic_loss_is_its_hessian(scale: float) -> None:
    loss, y = LogisticLoss(scale), np.arange(MARGIN.size) % 2
    np.testing.assert_allclose(loss.curvature(y, MARGIN), loss.hessian(y, MARGIN), rtol=1e-14)


@pytest.mark.parametrize("loss", EXACT_LOSSES, ids=str)
def test_curvature_is_the_gradient_times_the_probability_of_the_true_class(
    loss: MarginLoss,
) -> None:
    for y, sign in ((1, 1), (0, -1)):
        labels, score = np.full(MARGIN.size, y), sign * MARGIN
        want = np.abs(loss.gradient(labels, score)) * expit(MARGIN)
        np.testing.assert_allclose(loss.curvature(labels, score), want, rtol=1e-14)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_kernel_hands_out_the_curvature(loss: MarginLoss) -> None:
    y = np.arange(MARGIN.size) % 2
    _, curv = loss.gradient_curvature(y, MARGIN)
    want = np.maximum(loss.curvature(y, MARGIN), TINY)
    np.testing.assert_allclose(curv, want, rtol=2e-7)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_exact_hessian_is_negative_beyond_a_loss_of_about_1_2_gamma_over_gamma(
    gamma: float,
) -> None:
    hessian = FocalLoss(gamma).hessian(np.ones(MARGIN.size), MARGIN)
    log_loss = np.logaddexp(0, -MARGIN)
    bound = (1 + 2 * gamma) / gamma
    assert (hessian[log_loss > 2 * bound] < 0).all()
    assert (hessian[log_loss < bound] > 0).all()


@pytest.mark.parametrize("gamma", GAMMAS)
def test_curvature_is_of_the_size_of_the_exact_hessian_where_that_is_positive(
    gamma: float,
) -> None:
    loss, y = FocalLoss(gamma), np.ones(MARGIN.size)
    exact, curv = loss.hessian(y, MARGIN), loss.curvature(y, MARGIN)
    right = MARGIN >= 0  # rows that are right: the exact one is positive and decides
    assert (exact[right] > 0).all()
    ratio = exact[right] / curv[right]
    # Between 1 and its limit where p tends to 1: (1 + 2 g + g^2) / (1 + g) = 1 + g.
    assert (ratio >= 1 - 1e-12).all()
    assert (ratio <= 1 + gamma + 1e-9).all()
    assert ratio[-1] == pytest.approx(1 + gamma, rel=1e-3)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_a_newton_step_goes_downhill_where_the_exact_hessian_sends_it_uphill(
    gamma: float,
) -> None:
    loss, y, score = FocalLoss(gamma), np.ones(1), np.array([-15.0])
    exact_step = -loss.gradient(y, score) / loss.hessian(y, score)
    grad, curv = loss.gradient_curvature(y, score)
    assert exact_step < 0 < -grad / curv


@pytest.mark.parametrize("prevalence", [0.02, 0.001])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_total_curvature_is_positive_at_the_logit_of_the_prevalence(
    gamma: float, prevalence: float
) -> None:
    n = 10_000
    y = np.arange(n) < n * prevalence
    start = np.full(n, np.log(prevalence / (1 - prevalence)))
    loss = FocalLoss(gamma)
    if gamma >= 1:
        assert loss.hessian(y, start)[y].max() < 0
    _, curv = loss.gradient_curvature(y, start)
    assert curv[y].min() > 1e-4
