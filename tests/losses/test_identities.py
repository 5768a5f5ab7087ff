from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss
from tests.helpers.derivatives import ALL_LOSSES, GAMMAS, SCALES
from tests.helpers.strategies import QUICK, Table, probabilities, tables

QUANTITIES = ("loss", "gradient", "hessian", "curvature")
losses = st.sampled_from(ALL_LOSSES)
ROWS = np.linspace(-30, 30, 121)


def rows(loss: MarginLoss, quantity: str, t: Table) -> np.ndarray:
    return getattr(loss, quantity)(t.y, t.score, t.weight)


@pytest.mark.parametrize("scale", SCALES)
@QUICK
@given(tables())
def test_focal_loss_with_gamma_0_is_the_logistic_loss(scale: float, t: Table) -> None:
    focal, logistic = FocalLoss(gamma=0, scale_pos_weight=scale), LogisticLoss(scale)
    for quantity in QUANTITIES:
        np.testing.assert_array_equal(rows(focal, quantity, t), rows(logistic, quantity, t))
    # The compiled loop is one for both, so it is held against the formulas.
    grad, curv = focal.gradient_curvature(*t)
    np.testing.assert_allclose(grad, rows(logistic, "gradient", t), rtol=2e-7, atol=1e-44)
    np.testing.assert_allclose(curv, rows(logistic, "hessian", t), rtol=2e-7, atol=1.2e-38)
    np.testing.assert_allclose(
        focal.probability(t.score), expit(t.score - np.log(scale)), rtol=1e-12
    )


@QUICK
@given(tables(both_classes=True))
def test_focal_loss_with_gamma_0_starts_where_the_logistic_loss_starts(t: Table) -> None:
    start = logit(np.average(t.y, weights=t.weight))
    assert LogisticLoss().init_score(t.y, t.weight) == pytest.approx(start, abs=1e-10)
    assert FocalLoss(gamma=0).init_score(t.y, t.weight) == pytest.approx(start, abs=1e-10)


def test_logistic_loss_equals_the_textbook() -> None:
    p, y = expit(ROWS), np.arange(ROWS.size) % 2
    np.testing.assert_allclose(
        LogisticLoss().loss(y, ROWS), -np.log(np.where(y == 1, p, 1 - p)), rtol=1e-3
    )
    np.testing.assert_allclose(LogisticLoss().gradient(y, ROWS), p - y, atol=1e-15)
    np.testing.assert_allclose(LogisticLoss().hessian(y, ROWS), p * (1 - p), atol=1e-15)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_swapping_the_classes_swaps_the_sign_of_the_score(gamma: float) -> None:
    y = np.arange(ROWS.size) % 2
    one, other = FocalLoss(gamma, alpha=0.25), FocalLoss(gamma, alpha=0.75)
    for quantity, sign in zip(QUANTITIES, (1, -1, 1, 1), strict=True):
        np.testing.assert_array_equal(
            getattr(one, quantity)(y, ROWS), sign * getattr(other, quantity)(1 - y, -ROWS)
        )
    grad, curv = one.gradient_curvature(y, ROWS)
    swapped_grad, swapped_curv = other.gradient_curvature(1 - y, -ROWS)
    np.testing.assert_array_equal(grad, -swapped_grad)
    np.testing.assert_array_equal(curv, swapped_curv)
    np.testing.assert_allclose(
        one.probability(ROWS), 1 - other.probability(-ROWS), rtol=0, atol=1e-14
    )
    assert one.init_score(y) == pytest.approx(-other.init_score(1 - y), abs=1e-10)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_a_perfect_prediction_costs_nothing(loss: MarginLoss) -> None:
    y = np.array([0, 1])
    for size in (50.0, 750.0):
        score = np.array([-size, size])
        for quantity in QUANTITIES:
            np.testing.assert_allclose(getattr(loss, quantity)(y, score), 0, atol=1e-19)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_loss_is_positive_and_falls_with_the_margin(loss: MarginLoss) -> None:
    margin = np.linspace(-30, 30, 301)
    for y, sign in ((1, 1), (0, -1)):
        value = loss.loss(np.full(margin.size, y), sign * margin)
        assert (value > 0).all()
        assert (np.diff(value) < 0).all()
        assert (sign * loss.gradient(np.full(margin.size, y), sign * margin) < 0).all()


@QUICK
@given(losses, tables(weighted=True))
def test_weights_multiply(loss: MarginLoss, t: Table) -> None:
    assert t.weight is not None
    for quantity in QUANTITIES:
        plain = getattr(loss, quantity)(t.y, t.score)
        np.testing.assert_allclose(rows(loss, quantity, t), t.weight * plain, rtol=1e-14)
    grad, curv = loss.gradient_curvature(*t)
    plain_grad, plain_curv = loss.gradient_curvature(t.y, t.score)
    usual = (plain_curv > 1e-30) & (t.weight > 0)
    np.testing.assert_allclose(grad[usual], (t.weight * plain_grad)[usual], rtol=1e-6)
    np.testing.assert_allclose(curv[usual], (t.weight * plain_curv)[usual], rtol=1e-6)


@QUICK
@given(losses, tables(both_classes=True), st.integers(2, 5))
def test_a_weight_of_k_starts_where_k_copies_start(loss: MarginLoss, t: Table, k: int) -> None:
    copies = np.where(np.arange(t.y.size) % 2 == 0, k, 1)
    weighted = loss.init_score(t.y, copies)
    assert weighted == pytest.approx(loss.init_score(np.repeat(t.y, copies)), abs=1e-9)


@QUICK
@given(tables(), st.sampled_from(GAMMAS), st.sampled_from(SCALES))
def test_scale_pos_weight_is_a_sample_weight_of_the_positives(
    t: Table, gamma: float, scale: float
) -> None:
    weight = np.where(t.y == 1, scale, 1.0) * (1.0 if t.weight is None else t.weight)
    if not weight.any():
        return
    for quantity in QUANTITIES:
        np.testing.assert_allclose(
            rows(FocalLoss(gamma, scale_pos_weight=scale), quantity, t),
            getattr(FocalLoss(gamma), quantity)(t.y, t.score, weight),
            rtol=1e-14,
        )


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [0.25, 0.75, 0.98])
def test_alpha_is_a_scale_pos_weight_of_its_odds(gamma: float, alpha: float) -> None:
    y = np.arange(ROWS.size) % 2
    balanced = FocalLoss(gamma, alpha=alpha)
    scaled = FocalLoss(gamma, scale_pos_weight=alpha / (1 - alpha))
    for quantity in QUANTITIES:
        np.testing.assert_allclose(
            getattr(balanced, quantity)(y, ROWS),
            (1 - alpha) * getattr(scaled, quantity)(y, ROWS),
            rtol=1e-13,
        )
    np.testing.assert_allclose(balanced.probability(ROWS), scaled.probability(ROWS), rtol=1e-13)
    assert balanced.init_score(y) == pytest.approx(scaled.init_score(y), abs=1e-10)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_alpha_and_scale_pos_weight_multiply(gamma: float) -> None:
    y = np.arange(ROWS.size) % 2
    one = FocalLoss(gamma, alpha=0.5, scale_pos_weight=3.0)
    other = FocalLoss(gamma, scale_pos_weight=3.0)
    np.testing.assert_allclose(one.gradient(y, ROWS), 0.5 * other.gradient(y, ROWS), rtol=1e-14)
    assert FocalLoss(gamma, alpha=0.25, scale_pos_weight=3.0).init_score([0, 1]) == pytest.approx(
        0, abs=1e-12
    )


@QUICK
@given(losses, probabilities)
def test_alpha_0_5_changes_nothing_but_the_scale(loss: MarginLoss, eta: float) -> None:
    gamma = getattr(loss, "gamma", 0.0)
    half, none = FocalLoss(gamma, alpha=0.5), FocalLoss(gamma)
    assert half.raw_score_at(eta) == pytest.approx(none.raw_score_at(eta), rel=1e-12, abs=1e-12)
