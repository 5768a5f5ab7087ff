"""Formulas of the logistic and the focal loss, for numpy and for compiled loops.

Every step is plain arithmetic in float64, so that both give the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    Numbers: TypeAlias = Any  # an array here, a float64 in a compiled loop

ANY_GAMMA: Final = -1
FAR: Final = 800.0  # exp(-FAR) is 0, and the root of it is a normal number
LARGEST_RATIO: Final = 1e300

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


def exp_in_range(x: Numbers) -> Numbers:
    """Return ``exp(x)`` for -FAR <= x <= 0: relative error 3e-15, 0 below -746."""
    half = 0.5 * x  # squared at the end: its power of 2 is a normal one
    rounded = half * LOG2_E + ROUNDER
    k = rounded - ROUNDER
    r = (half - k * LN2_HIGH) - k * LN2_LOW
    e = ((E8 * r + E7) * r + E6) * r + E5
    e = (((((e * r + E4) * r + E3) * r + E2) * r + E1) * r + E0) * r
    e = (e * r + r) + 1.0
    power = (np.float64(rounded).view(np.int64) + 1023) << 52
    e = e * np.int64(power).view(np.float64)
    return e * e


def twice_artanh(s: Numbers) -> Numbers:
    """Return ``2 artanh(s)`` for 0 <= s <= 1/3, which is ``log1p(t)`` for s = t / (2 + t)."""
    w = s * s
    a = (((A8 * w + A7) * w + A6) * w + A5) * w + A4
    a = (((a * w + A3) * w + A2) * w + A1) * w + A0
    return 2.0 * (s + s * (w * a))


def slopes(away: Numbers, damped: Numbers, gamma: float, kind: int) -> tuple[Numbers, Numbers]:
    """Return the slopes of a right and of a wrong row, over the log loss's slope of the second.

    ``away`` is how far their scores lie from 0, and ``damped`` gamma times as far; both at most
    FAR. ``kind`` is gamma where that is 0, 1 or 2.
    """
    t = exp_in_range(-away)
    if kind == 0:
        return t, 1.0
    log_upper = twice_artanh(t / (2.0 + t))
    power = t if kind == 1 else t * t if kind == 2 else exp_in_range(-damped)
    return power * (gamma * log_upper + t), 1.0 + gamma * t * (away + log_upper)


def kind_of(gamma: float) -> int:
    """Return the gamma that has a loop of its own, or ANY_GAMMA."""
    return int(gamma) if gamma in (0.0, 1.0, 2.0) else ANY_GAMMA


def class_ratio(class_constants: tuple[float, float]) -> float:
    """Return c1 / c0, in a range in which what is divided by it stays finite."""
    c1, c0 = class_constants
    with np.errstate(over="ignore", under="ignore"):
        return float(np.clip(np.float64(c1) / c0, 1.0 / LARGEST_RATIO, LARGEST_RATIO))
