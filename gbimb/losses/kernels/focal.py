"""Compiled loops over rows: gradient and curvature in one pass, and the true probability.

The loops have no branch and call no library function, so that LLVM turns them into vector code:
``exp`` and ``log1p`` are polynomials in float64, and checks add to a counter that is looked at
afterwards. float64 costs no more than float32 would at the speed of the memory, and leaves the
rounding of the result to float32 as the only error that counts.

Every kind of focal loss (gamma 0, 1, 2, any other), of scores (float32, float64) and of weights
(none, float32) has a loop of its own, compiled when it is first called and then kept on disk.

Accuracy, against 60-digit arithmetic for ``|raw_score| <= 750``: relative error at most 6.0e-8
(half a unit in the last place of float32) where the gradient is a normal float32, and half of
the smallest float32 (7e-46) below; 1e-13 for the float64 probability. No operation is fused or
reordered: all processors, numbers of threads and lengths of the vectors give the same bits.
"""

# ruff: noqa: ANN001, ANN201, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import from_dtype, njit, types
from numba.extending import register_jitable

from gbimb.losses.kernels.formulas import (
    FAR,
    exp_in_range,
    kind_of,
    slopes,
    twice_artanh,
)
from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses._rows import LossRows

TINY: Final = float(np.finfo(np.float32).tiny)
LARGEST: Final = float(np.finfo(np.float32).max)
INFINITY: Final = float("inf")

for shared in (exp_in_range, twice_artanh, slopes):
    register_jitable(inline="always")(shared)


@njit(inline="always", error_model="numpy")
def exp(x):  # type: ignore[no-untyped-def]
    """``exp(x)`` for x <= 0: relative error 3e-15, 0 below -746."""
    return exp_in_range(x if x > -FAR else -FAR)


@cache
def _focal_loop(dtype: np.dtype[Any], kind: int, *, weighted: bool) -> Callable[..., int]:
    """Return the loop for scores of ``dtype`` and gamma = ``kind``, or any gamma."""

    def rows(score, y, weight, c1, c0, gamma, grad, curv):  # type: ignore[no-untyped-def]
        wrong = 0
        for i in range(y.size):
            label = float(y[i])
            positive = label > 0.5
            sign = 1.0 if positive else -1.0
            scale = c1 if positive else c0
            if weighted:
                scale *= weight[i]
            margin = sign * float(score[i])
            right = margin >= 0.0
            away = abs(margin)
            t = exp(-away)
            inverse = 1.0 / ((1.0 + t) * (2.0 + t))
            upper = (2.0 + t) * inverse
            lower = t * upper
            log_upper = twice_artanh(t * (1.0 + t) * inverse)
            p = upper if right else lower
            q = lower if right else upper
            log_loss = log_upper + (0.0 if right else away)
            if kind == 0:
                slope = q
            elif kind == 1:
                slope = q * (p * log_loss + q)
            elif kind == 2:
                slope = q * q * (2.0 * p * log_loss + q)
            else:
                power = exp(-gamma * (log_upper + (away if right else 0.0)))
                slope = power * (gamma * p * log_loss + q)
            slope *= scale
            wrong += (
                int(not away < INFINITY)
                | int(not ((label == 0.0) | (label == 1.0)))
                | int(not scale >= 0.0)
                | int(not slope <= LARGEST)
            )
            grad[i] = -sign * slope
            curvature = slope * p
            curv[i] = curvature if curvature > TINY else TINY
        return wrong

    given, written = vector(np.float32), vector(np.float32, readonly=False)
    constant = types.float64
    return compile_loop(
        rows, vector(dtype), given, given, constant, constant, constant, written, written
    )


@cache
def probability_loop(dtype: np.dtype[Any], kind: int) -> Callable[..., int]:
    """Return the loop for scores of ``dtype`` and gamma = ``kind``, or any gamma."""

    def rows(score, ratio, gamma, out):  # type: ignore[no-untyped-def]
        missing = 0
        for i in range(score.size):
            value = float(score[i])
            away = abs(value)
            missing += int(not away >= 0.0)
            away = away if away < FAR else FAR
            damped = gamma * away
            right, wrong = slopes(away, damped if damped < FAR else FAR, gamma, kind)
            above = value >= 0.0
            for_positive = wrong if above else right
            for_negative = right if above else wrong
            out[i] = for_positive / (for_positive + ratio * for_negative)
        return missing

    constant, written = types.float64, vector(np.float64, readonly=False)
    return compile_loop(rows, vector(dtype), constant, constant, written)


def vector(dtype: DTypeLike, *, readonly: bool = True) -> types.Array:
    """Return the type of an array argument; arrays that may be written to can be read only."""
    return types.Array(from_dtype(np.dtype(dtype)), 1, "C", readonly=readonly)


def compile_loop(function: Callable[..., int], *arguments: types.Type) -> Callable[..., int]:
    """Compile a loop for arguments of these types."""
    compiled: Callable[..., int] = njit(
        types.int64(*arguments), nogil=True, cache=True, error_model="numpy"
    )(function)
    return compiled


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself, or a copy if its rows are not aligned one after the other."""
    return np.require(array, requirements=("C", "A"))


def run_loop(
    loop: Callable[..., int],
    rows: LossRows,
    constants: tuple[float, ...],
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature range by range; False if the loop met a value not allowed."""
    weighted = rows.weight.size > 0
    y, score, weight = (plain(part) for part in rows)
    out = [part if part.flags.carray else np.empty(y.size, np.float32) for part in (grad, curv)]

    def task(start: int, stop: int) -> bool:
        part = slice(start, stop)
        weights = weight[part] if weighted else weight
        return loop(score[part], y[part], weights, *constants, out[0][part], out[1][part]) == 0

    sound = all(run_ranges(task, y.size))
    for part, computed in zip((grad, curv), out, strict=True):
        if part is not computed:
            part[...] = computed
    return sound


def fill_focal(
    rows: LossRows,
    class_constants: tuple[float, float],
    gamma: float,
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature of the focal loss.

    False if a score was not finite, a label not 0 or 1, a weight negative or NaN, or if a
    gradient exceeded float32.
    """
    loop = _focal_loop(rows.score.dtype, kind_of(gamma), weighted=rows.weight.size > 0)
    return run_loop(loop, rows, (*class_constants, float(gamma)), grad, curv)
