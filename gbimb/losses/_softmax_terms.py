"""NumPy formulas for the softmax losses, accurate at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import log_expit, logsumexp

from gbimb.losses._margin import LARGEST_SCORE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray


class SoftmaxTerms(NamedTuple):
    """Softmax of rows, accurate at both ends; ``_true`` is of the true class."""

    scale: FloatArray
    hit: NDArray[np.bool_]
    p: FloatArray
    q: FloatArray
    p_true: FloatArray
    q_true: FloatArray
    log_loss: FloatArray
    slope: FloatArray


def softmax_terms(
    y: IntArray, score: NDArray[Any], scale: FloatArray, gamma: float
) -> SoftmaxTerms:
    rows = np.arange(y.size)
    z = np.clip(score.astype(np.float64), -LARGEST_SCORE, LARGEST_SCORE)
    top = z.argmax(axis=1)
    z -= z[rows, top][:, None]
    shares = np.exp(z)
    shares[rows, top] = 0.0
    rest = shares.sum(axis=1)
    shares[rows, top] = 1.0
    p = shares / (1.0 + rest)[:, None]
    q = 1.0 - p
    q[rows, top] = rest / (1.0 + rest)
    p_true, q_true = p[rows, y], q[rows, y]
    log_loss = np.log1p(rest) - z[rows, y]
    # L / q tends to 1 where q underflows.
    ratio = divide(log_loss, q_true, where_zero=1.0)
    slope = q_true**gamma * (1.0 + gamma * p_true * ratio)
    hit = np.zeros(p.shape, np.bool_)
    hit[rows, y] = True
    return SoftmaxTerms(scale, hit, p, q, p_true, q_true, log_loss, slope)


def divide(top: FloatArray, bottom: FloatArray, *, where_zero: float) -> FloatArray:
    out = np.full(np.broadcast(top, bottom).shape, where_zero)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def stationary_log_p(log_weight: FloatArray, gamma: float) -> FloatArray:
    """Return log p with ``weight_k (-l'(p_k))`` equal over classes and p summing to 1."""
    top = int(np.argmax(log_weight))
    others = np.arange(log_weight.size) != top

    def log_odds(log_lambda: float) -> FloatArray:
        """Logit of p at which each class has the slope, by bisection."""
        low, high = np.full(log_weight.size, -2e4), np.full(log_weight.size, 2e4)
        for _ in range(64):
            middle = (low + high) / 2
            above = _log_slope(middle, gamma) + log_weight > log_lambda
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        odds: FloatArray = (low + high) / 2
        return odds

    def excess(log_lambda: float) -> float:
        odds = log_odds(log_lambda)
        return float(logsumexp(log_expit(odds[others])) - log_expit(-odds[top]))

    even = float(_log_slope(np.array([-np.log(log_weight.size - 1.0)]), gamma)[0])
    from scipy.optimize import brentq  # loads for 0.3 seconds

    found = brentq(excess, log_weight.min() + even - 1.0, log_weight.max() + even + 1.0, xtol=1e-14)
    log_p: FloatArray = log_expit(log_odds(float(found)))
    return log_p


def _log_slope(log_odds: FloatArray, gamma: float) -> FloatArray:
    """``log(-l'(p))`` at the logit of p; falls with p."""
    log_p, log_q = log_expit(log_odds), log_expit(-log_odds)
    ratio = divide(-log_p, np.exp(log_q), where_zero=1.0)
    slope: FloatArray = gamma * log_q + np.log1p(gamma * np.exp(log_p) * ratio) - log_p
    return slope
