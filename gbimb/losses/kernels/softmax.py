"""Compiled loops over rows of many classes; scores row by row (C) or class by class (F)."""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from math import exp, isfinite, log1p
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)
LARGEST_SCORE = 1e300


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _slope(p, q, log_loss, gamma):  # type: ignore[no-untyped-def]
    """``-p l'(p) = q^gamma (1 + gamma p L / q)``; L / q tends to 1 where q underflows."""
    if gamma == 0.0:
        return 1.0
    if gamma == 1.0:
        return q + p * log_loss
    if gamma == 2.0:
        return q * (q + 2.0 * p * log_loss)
    return q**gamma * (1.0 + gamma * p * (log_loss / q if q > 0.0 else 1.0))


@njit(nogil=True, cache=True, error_model="numpy")
def _focal_rows(  # type: ignore[no-untyped-def]
    start, stop, score, y, weight, constants, gamma, factor, grad, curv
):
    n_classes = score.shape[1]
    shares = np.empty(n_classes)
    weighted = weight.size > 0
    sound = True
    for i in range(start, stop):
        label = y[i]
        if not (label >= 0.0 and label < n_classes and label == np.floor(label)):
            return False
        true = int(label)
        top = 0
        for k in range(1, n_classes):
            if score[i, k] > score[i, top]:
                top = k
        highest = np.float64(score[i, top])
        rest = 0.0
        for k in range(n_classes):
            value = np.float64(score[i, k])
            sound &= isfinite(value)
            if k != top:
                shares[k] = exp(value - highest)
                rest += shares[k]
        shares[top] = 1.0
        inverse = 1.0 / (1.0 + rest)
        below = rest * inverse  # 1 - p of the highest class, without cancellation
        p = shares[true] * inverse
        q = below if true == top else 1.0 - p
        log_loss = min(log1p(rest) - (np.float64(score[i, true]) - highest), LARGEST_SCORE)
        slope = constants[true] * _slope(p, q, log_loss, gamma)
        if weighted:
            slope *= weight[i]
            sound &= weight[i] >= 0.0
        sound &= slope <= LARGEST
        for k in range(n_classes):
            p = shares[k] * inverse
            q = below if k == top else 1.0 - p
            grad[i, k] = -slope * q if k == true else slope * p
            curv[i, k] = max(factor * slope * p * q, TINY)
    return sound


@njit(nogil=True, cache=True, error_model="numpy")
def _probability_rows(  # type: ignore[no-untyped-def]
    start, stop, score, constants, gamma, out
):
    n_classes = score.shape[1]
    values = np.empty(n_classes)
    for i in range(start, stop):
        top = 0
        for k in range(n_classes):
            values[k] = min(max(np.float64(score[i, k]), -LARGEST_SCORE), LARGEST_SCORE)
            if values[k] > values[top]:
                top = k
        highest = values[top]
        rest = 0.0
        for k in range(n_classes):
            if k != top:
                rest += exp(values[k] - highest)
        inverse, log_sum = 1.0 / (1.0 + rest), log1p(rest)
        slope_top = constants[top] * _slope(inverse, rest * inverse, log_sum, gamma)
        total = 1.0
        for k in range(n_classes):
            # The odds against the highest class, at most as large as the class weights make them.
            odds = 1.0
            if k != top:
                share = exp(values[k] - highest)
                p = share * inverse
                slope = constants[k] * _slope(p, 1.0 - p, log_sum + highest - values[k], gamma)
                odds = share * (slope_top / slope)
                total += odds
            values[k] = odds
        for k in range(n_classes):
            out[i, k] = values[k] / total


def fill_softmax_focal(
    rows: LossRows,
    constants: FloatArray,
    gamma: float,
    factor: float,
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature of the softmax focal loss.

    False if a score was not finite, a label no class code, a weight negative or NaN, or if a
    gradient exceeded float32.
    """
    y, score, weight = rows

    def task(start: int, stop: int) -> bool:
        return bool(
            _focal_rows(start, stop, score, y, weight, constants, gamma, factor, grad, curv)
        )

    return all(run_ranges(task, y.size))


def fill_probability(
    score: NDArray[Any], constants: FloatArray, gamma: float, out: FloatArray
) -> None:
    """Write the true probabilities at raw scores without NaN."""

    def task(start: int, stop: int) -> None:
        _probability_rows(start, stop, score, constants, gamma, out)

    run_ranges(task, len(out))
