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

# ruff: noqa: ANN001, ANN201, ANN202, ARG001, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import from_dtype, njit, types
from numba.extending import intrinsic

from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

TINY: Final = float(np.finfo(np.float32).tiny)
LARGEST: Final = float(np.finfo(np.float32).max)
INFINITY: Final = float("inf")
FAR: Final = 800.0  # exp(-FAR) is 0, and the root of it is a normal number
LARGEST_RATIO: Final = 1e300
ANY_GAMMA: Final = -1

LOG2_E: Final = 1.4426950408889634
# log(2) in two parts; a whole number up to 2^20 times the first is exact.
LN2_HIGH: Final = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
# Added and taken away again it rounds to a whole number, which then stands in the lowest bits.
ROUNDER: Final = 1.5 * 2.0**52

# exp(r) = 1 + r + r^2 E(r) for |r| <= log(2) / 2, relative error 2e-15.
E0, E1, E2, E3, E4, E5, E6, E7, E8 = (
    0.5,
    0.1666666666664829,
    0.04166666666665136,
    0.008333333353729397,
    0.0013888888905881542,
    0.00019841208732536384,
    2.4801536388690766e-05,
    2.762511557828763e-06,
    2.761380686153829e-07,
)
# artanh(s) = s + s^3 A(s^2) for 0 <= s <= 1/3, relative error 2e-16.
A0, A1, A2, A3, A4, A5, A6, A7, A8 = (
    0.33333333333333487,
    0.19999999999779877,
    0.14285714338369934,
    0.11111106275829481,
    0.09091130675530366,
    0.07686634907919354,
    0.06751200285703295,
    0.05161161907451429,
    0.08435765600372705,
)


@intrinsic
def _bits(_, value):  # type: ignore[no-untyped-def]
    """Return the bits of a float64 as an int64."""

    def generate(context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic
def _from_bits(_, value):  # type: ignore[no-untyped-def]
    """Return the float64 that has the bits of an int64."""

    def generate(context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@njit(inline="always", error_model="numpy")
def exp(x):  # type: ignore[no-untyped-def]
    """``exp(x)`` for x <= 0: relative error 3e-15, 0 below -746."""
    half = 0.5 * (x if x > -FAR else -FAR)  # squared at the end: its power of 2 is a normal one
    rounded = half * LOG2_E + ROUNDER
    k = rounded - ROUNDER
    r = (half - k * LN2_HIGH) - k * LN2_LOW
    e = ((E8 * r + E7) * r + E6) * r + E5
    e = (((((e * r + E4) * r + E3) * r + E2) * r + E1) * r + E0) * r
    e = (e * r + r) + 1.0
    e *= _from_bits((_bits(rounded) + 1023) << 52)  # type: ignore[call-arg]  # intrinsics
    return e * e


@njit(inline="always", error_model="numpy")
def _twice_artanh(s):  # type: ignore[no-untyped-def]
    """``2 artanh(s)`` for 0 <= s <= 1/3, which is ``log1p(t)`` for s = t / (2 + t)."""
    w = s * s
    a = (((A8 * w + A7) * w + A6) * w + A5) * w + A4
    a = (((a * w + A3) * w + A2) * w + A1) * w + A0
    return 2.0 * (s + s * (w * a))


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
            log_upper = _twice_artanh(t * (1.0 + t) * inverse)
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
def _probability_loop(dtype: np.dtype[Any], kind: int) -> Callable[..., int]:
    """Return the loop for scores of ``dtype`` and gamma = ``kind``, or any gamma."""

    def rows(score, ratio, gamma, out):  # type: ignore[no-untyped-def]
        missing = 0
        for i in range(score.size):
            value = float(score[i])
            away = abs(value)
            missing += int(not away >= 0.0)
            away = away if away < FAR else FAR
            t = exp(-away)
            log_upper = _twice_artanh(t / (2.0 + t))
            # The slopes of a row that is right and of one that is wrong by as much, both over
            # the slope of the log loss of the second.
            if kind == 0:
                right = t
                wrong = 1.0
            else:
                power = t if kind == 1 else t * t if kind == 2 else exp(-gamma * away)
                right = power * (gamma * log_upper + t)
                wrong = 1.0 + gamma * t * (away + log_upper)
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


def _kind(gamma: float) -> int:
    return int(gamma) if gamma in (0.0, 1.0, 2.0) else ANY_GAMMA


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
    loop = _focal_loop(rows.score.dtype, _kind(gamma), weighted=rows.weight.size > 0)
    return run_loop(loop, rows, (*class_constants, float(gamma)), grad, curv)


def fill_focal_probability(
    score: NDArray[Any], class_constants: tuple[float, float], gamma: float, out: FloatArray
) -> bool:
    """Write P(y = 1) at raw scores of shape (n,), which may be infinite; False if one was NaN.

    The odds are ``c0 phi'(-s) / (c1 phi'(s))``, formed so that nothing cancels at either end.
    """
    ratio = class_ratio(class_constants)
    loop = _probability_loop(score.dtype, _kind(gamma))
    score = plain(score)

    def task(start: int, stop: int) -> bool:
        return loop(score[start:stop], ratio, float(gamma), out[start:stop]) == 0

    return all(run_ranges(task, score.size))


def class_ratio(class_constants: tuple[float, float]) -> float:
    """Return c1 / c0, in a range in which what is divided by it stays finite."""
    c1, c0 = class_constants
    with np.errstate(over="ignore", under="ignore"):
        return float(np.clip(np.float64(c1) / c0, 1.0 / LARGEST_RATIO, LARGEST_RATIO))
