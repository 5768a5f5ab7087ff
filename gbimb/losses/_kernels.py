"""Compiled loops over rows: gradient and curvature in one pass, into float32 buffers."""

from __future__ import annotations

from math import exp, isfinite, log1p
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from gbimb._parallel import run_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb._typing import Float32Array

TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)


@njit(nogil=True, cache=True, error_model="numpy")
def _focal_rows(  # type: ignore[no-untyped-def]  # compiled: the types are those of the arrays
    start, stop, score, y, weight, c1, c0, gamma, grad, curv
):
    weighted = weight.size > 0
    sound = True
    for i in range(start, stop):
        label = y[i]
        positive = label > 0.5
        sign = 1.0 if positive else -1.0
        scale = c1 if positive else c0
        if weighted:
            scale *= weight[i]
        margin = sign * float(score[i])
        sound &= isfinite(margin) & ((label == 0.0) | (label == 1.0))
        small = exp(-abs(margin))
        upper = 1.0 / (1.0 + small)
        lower = small * upper
        log_upper = log1p(small)
        p, q = (upper, lower) if margin >= 0 else (lower, upper)
        log_loss = log_upper + max(-margin, 0.0)
        if gamma == 0.0:
            slope = q
        elif gamma == 1.0:
            slope = q * (p * log_loss + q)
        elif gamma == 2.0:
            slope = q * q * (2.0 * p * log_loss + q)
        else:
            power = exp(-gamma * (log_upper + max(margin, 0.0)))
            slope = power * (gamma * p * log_loss + q)
        slope *= scale
        sound &= (scale >= 0.0) & (slope <= LARGEST)
        grad[i] = -sign * slope
        curv[i] = max(slope * p, TINY)
    return sound


def fill_focal(
    score: NDArray[Any],
    y: Float32Array,
    weight: Float32Array,
    class_constants: tuple[float, float],
    gamma: float,
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature of the focal loss.

    False if a score was not finite, a label not 0 or 1, a weight negative or NaN, or if a
    gradient exceeded float32.
    """
    c1, c0 = class_constants

    def task(start: int, stop: int) -> bool:
        return bool(_focal_rows(start, stop, score, y, weight, c1, c0, float(gamma), grad, curv))

    return all(run_ranges(task, y.size))
