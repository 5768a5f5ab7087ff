"""Reference derivatives: high-order differences, and focal loss in 60-digit arithmetic.

The 60-digit versions are written from the definition in the paper (labels y, probability p_t of
the true class), not from the margin formulas in ``gbimb.losses``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

import mpmath
import numpy as np
from mpmath import mp, mpf

from gbimb.losses import BINARY_LOSSES, MarginLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike

Number: TypeAlias = float | mpf

DIGITS = 60
GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
ALPHAS = (None, 0.25, 0.75)
SCALES = (1.0, 10.0, 50.0)
# Coefficients of f(x + k h) - f(x - k h), k = 1..4: the error is of order h^8.
CENTRAL = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def central_difference(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float = 0.02
) -> np.ndarray:
    """First derivative by the central difference of order eight."""
    terms = (
        c * (function(x + k * step) - function(x - k * step)) for k, c in enumerate(CENTRAL, 1)
    )
    return sum(terms) / step


@dataclass(frozen=True)
class Exact:
    """Focal loss of one row in 60-digit arithmetic; gamma = 0 is the log loss."""

    gamma: float = 0.0
    alpha: float | None = None
    scale_pos_weight: float = 1.0

    def constant(self, y: int) -> mpf:
        share = mpf(1) if self.alpha is None else mpf(self.alpha) if y else 1 - mpf(self.alpha)
        return share * self.scale_pos_weight if y else share

    def value(self, y: int, score: Number) -> mpf:
        """-c (1 - p_t)^gamma log p_t."""
        other, log_p = self._parts(y, score)
        return -self.constant(y) * other**self.gamma * log_p

    def gradient(self, y: int, score: Number) -> mpf:
        """Lin et al. 2017, appendix B: t (1 - p_t)^gamma (gamma p_t log p_t + p_t - 1)."""
        other, log_p = self._parts(y, score)
        inner = self.gamma * mpmath.exp(log_p) * log_p - other
        return (2 * y - 1) * self.constant(y) * other**self.gamma * inner

    def hessian(self, y: int, score: Number) -> mpf:
        """The derivative of the gradient, by difference quotients in far more digits."""
        return mpmath.diff(lambda s: self.gradient(y, s), mpf(score))

    def curvature(self, y: int, score: Number) -> mpf:
        """Gauss-Newton: the size of the gradient times p_t."""
        return abs(self.gradient(y, score)) * mpmath.exp(self._parts(y, score)[1])

    def probability(self, score: Number) -> mpf:
        """The eta at which the expected loss is stationary."""
        positive, negative = self.gradient(1, score), self.gradient(0, score)
        return negative / (negative - positive)

    def expected(self, eta: Number, score: Number) -> mpf:
        """Expected loss of a score where a share eta of the rows is positive."""
        return eta * self.value(1, score) + (1 - eta) * self.value(0, score)

    def minimiser(self, eta: Number, digits: int = 20) -> mpf:
        """Minimise the expected loss with values alone: a grid, then golden sections."""
        grid = [mpf(s) for s in range(-60, 61)]
        best = min(range(len(grid)), key=lambda i: self.expected(eta, grid[i]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        golden = (mpmath.sqrt(5) - 1) / 2
        left, right = high - golden * (high - low), low + golden * (high - low)
        f_left, f_right = self.expected(eta, left), self.expected(eta, right)
        while high - low > mpf(10) ** -digits:
            if f_left < f_right:
                high, right, f_right = right, left, f_left
                left = high - golden * (high - low)
                f_left = self.expected(eta, left)
            else:
                low, left, f_left = left, right, f_right
                right = low + golden * (high - low)
                f_right = self.expected(eta, right)
        return (low + high) / 2

    def _parts(self, y: int, score: Number) -> tuple[mpf, mpf]:
        """1 - p_t and log p_t, each with all its digits at both ends."""
        toward = mpf(score) if y else -mpf(score)
        if toward < 0:
            return 1 / (1 + mpmath.exp(toward)), toward - mpmath.log1p(mpmath.exp(toward))
        away = mpmath.exp(-toward)
        return away / (1 + away), -mpmath.log1p(away)


def exact(loss: MarginLoss) -> Exact:
    """Return the 60-digit version of a loss that has one."""
    parameters = {f.name: getattr(loss, f.name) for f in fields(loss)}
    return Exact(**parameters)


def has_exact(loss_class: type[MarginLoss]) -> bool:
    return loss_class.__name__ in {"FocalLoss", "LogisticLoss"}


def grid(loss_class: type[MarginLoss]) -> Iterator[MarginLoss]:
    """The loss at every combination of the parameters in the grids above that it has."""
    grids = {"gamma": GAMMAS, "alpha": ALPHAS, "scale_pos_weight": SCALES}
    names = [f.name for f in fields(loss_class) if f.name in grids]
    for values in product(*(grids[name] for name in names)):
        yield loss_class(**dict(zip(names, values, strict=True)))


MARGIN_LOSSES = [c for _, c in sorted(BINARY_LOSSES.items()) if issubclass(c, MarginLoss)]
ALL_LOSSES = [loss for loss_class in MARGIN_LOSSES for loss in grid(loss_class)]
EXACT_LOSSES = [loss for loss in ALL_LOSSES if has_exact(type(loss))]


def table(function: Callable[[int, Number], mpf], y: ArrayLike, score: ArrayLike) -> np.ndarray:
    """Apply a 60-digit function to every row; the result is rounded to float64 once."""
    with mp.workdps(DIGITS):
        rows = zip(np.asarray(y), np.asarray(score), strict=True)
        return np.array([float(function(int(a), float(b))) for a, b in rows])
