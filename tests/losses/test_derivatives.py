"""Value, gradient and Hessian against 60-digit arithmetic and against differences."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from mpmath import mp

from gbimb.losses import BINARY_LOSSES, MarginLoss
from tests.helpers.derivatives import (
    ALL_LOSSES,
    DIGITS,
    EXACT_LOSSES,
    Exact,
    central_difference,
    exact,
    table,
)
from tests.helpers.soft import SOFT_LOSSES

SCORES = np.array([-40, -30, -17, -8, -3.7, -1.45, -0.3, 0, 0.1, 0.9, 2.2, 5.5, 11, 20, 36, 40.0])
Y = np.tile([0, 1], SCORES.size)
S = np.repeat(SCORES, 2)
WEIGHT = np.linspace(0.0, 3.0, S.size)
NORMAL = np.finfo(np.float64).tiny / np.finfo(np.float64).eps  # room for a relative error


def assert_close(got: np.ndarray, want: np.ndarray, *, size: np.ndarray | None = None) -> None:
    """Agree to 1e-10 of the true value, or of ``size``, the terms that it is the sum of."""
    size = np.abs(want) if size is None else size
    assert got.dtype == np.float64
    assert (np.abs(got - want) <= 1e-10 * size + NORMAL).all(), np.abs(got - want) / size


def test_every_registered_loss_is_in_these_tests() -> None:
    soft = {type(loss) for loss in SOFT_LOSSES}
    assert {type(loss) for loss in ALL_LOSSES} | soft == set(BINARY_LOSSES.values())


def test_sixty_digit_gradient_is_the_derivative_of_the_sixty_digit_value() -> None:

    reference = Exact(gamma=2.0, alpha=0.25, scale_pos_weight=10.0)
    with mp.workdps(DIGITS):
        for y in (0, 1):
            for score in (-750.0, -40.0, -1.3, 0.0, 2.5, 40.0, 750.0):
                difference = mpmath.diff(lambda s, y=y: reference.value(y, s), score)
                assert mpmath.almosteq(reference.gradient(y, score), difference, rel_eps=1e-25)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", EXACT_LOSSES, ids=str)
def test_value_gradient_and_hessian_equal_sixty_digit_arithmetic(
    loss: MarginLoss, weight: np.ndarray | None
) -> None:
    reference = exact(loss)
    w = np.ones(S.size) if weight is None else weight
    assert_close(loss.loss(Y, S, weight), w * table(reference.value, Y, S))
    slope = w * table(reference.gradient, Y, S)
    assert_close(loss.gradient(Y, S, weight), slope)
    # The Hessian changes sign: its error is that of its terms, which are below this.
    size = (2 + getattr(loss, "gamma", 0.0)) * np.abs(slope)
    assert_close(loss.hessian(Y, S, weight), w * table(reference.hessian, Y, S), size=size)


@pytest.mark.parametrize("score", [750.0, 300.0, 100.0, -100.0, -300.0, -750.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0, 100.0])
def test_sixty_digit_arithmetic_agrees_far_out(gamma: float, score: float) -> None:
    loss = BINARY_LOSSES["focal"](gamma=gamma)  # type: ignore[call-arg]
    reference, y, s = exact(loss), np.array([0, 1]), np.array([score, score])
    assert_close(loss.loss(y, s), table(reference.value, y, s))
    assert_close(loss.gradient(y, s), table(reference.gradient, y, s))
    slope = np.abs(table(reference.gradient, y, s))
    assert_close(loss.hessian(y, s), table(reference.hessian, y, s), size=(2 + gamma) * slope)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_gradient_is_the_difference_quotient_of_the_loss(
    loss: MarginLoss, weight: np.ndarray | None
) -> None:
    slope = central_difference(lambda s: loss.loss(Y, s, weight), S)
    size = np.maximum(loss.loss(Y, S, weight), np.abs(slope))
    np.testing.assert_array_less(
        np.abs(loss.gradient(Y, S, weight) - slope), 1e-10 * np.maximum(size, 1)
    )


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_hessian_is_the_difference_quotient_of_the_gradient(
    loss: MarginLoss, weight: np.ndarray | None
) -> None:
    slope = central_difference(lambda s: loss.gradient(Y, s, weight), S)
    size = np.maximum(np.abs(loss.gradient(Y, S, weight)), np.abs(slope))
    np.testing.assert_array_less(
        np.abs(loss.hessian(Y, S, weight) - slope), 1e-10 * np.maximum(size, 1)
    )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_hessian_of_positives_is_not_zero_as_in_the_package_that_mistook_y_for_p(
    gamma: float,
) -> None:
    loss = BINARY_LOSSES["focal"](gamma=gamma)  # type: ignore[call-arg]
    assert (np.abs(loss.hessian(np.ones(5), np.array([-3.0, -1.0, 0.0, 1.0, 3.0]))) > 1e-8).all()
