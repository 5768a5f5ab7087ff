"""Shares of the classes in rows whose class-conditional densities are known up to a factor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gbimb.array_types import FloatArray, IntArray

MOST_STEPS: Final = 2_000
TOLERANCE: Final = 1e-9
NEWTON_STEPS: Final = 8
STILL: Final = 1e-7  # a step that changes nothing
EDGE: Final = 1e-9  # of the interval of shares that are looked at
SMALLEST_STEP_DOWN: Final = 1e-3  # an extrapolation leaves each share this part of itself
SMALLEST: Final = float(np.finfo(np.float64).tiny)


class DensityRatios(NamedTuple):
    """Rows as ratios of densities, with their weights.

    Attributes
    ----------
    ratio : float64 array of shape (n, K)
        Density of the row in each class, up to a factor of the row.
    weight : float64 array of shape (n,)
        Sum 1.
    size : float
        How many rows these stand for.
    """

    ratio: FloatArray
    weight: FloatArray
    size: float

    @classmethod
    def of(cls, ratio: FloatArray, weight: FloatArray) -> DensityRatios:
        """Return rows that count as so many."""
        total = float(weight.sum())
        return cls(ratio, weight / total, total)

    def likelihood(self, share: FloatArray) -> float:
        """Return the mean log likelihood of shares, without what does not depend on them."""
        mixed = np.maximum(self.ratio @ share, SMALLEST)
        return float(self.weight @ np.log(mixed))


class Found(NamedTuple):
    """The most likely shares, the number of EM steps, and whether these were enough."""

    share: FloatArray
    steps: int
    converged: bool


def most_likely(rows: DensityRatios, start: FloatArray) -> Found:
    """Return the shares with the largest likelihood, by EM with squared extrapolation.

    Parameters
    ----------
    rows : DensityRatios
    start : float64 array of shape (K,)
        > 0, sum 1.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure. 2002. doi:10.1162/089976602753284446.
    R. Varadhan, C. Roland. Simple and globally convergent methods for accelerating the convergence
    of any EM algorithm. 2008. doi:10.1111/j.1467-9469.2007.00585.x.
    """

    def step(share: FloatArray) -> tuple[FloatArray, float]:
        """Return the shares after a step of EM, and the likelihood before it."""
        mixed = np.maximum(rows.ratio @ share, SMALLEST)
        after = share * ((rows.weight / mixed) @ rows.ratio)
        return after, float(rows.weight @ np.log(mixed))

    share = start
    for done in range(0, MOST_STEPS, 3):
        one, _ = step(share)
        two, before = step(one)
        first, second = one - share, two - 2.0 * one + share
        if np.abs(two - one).max() < TOLERANCE:
            return Found(two, done + 2, converged=True)
        length = max(1.0, float(np.sqrt((first @ first) / max(float(second @ second), SMALLEST))))
        far = share + 2.0 * length * first + length**2 * second
        far = np.maximum(far, SMALLEST_STEP_DOWN * two)
        far /= far.sum()
        after, there = step(far)
        share = after if there >= before else two
    return Found(share, MOST_STEPS, converged=False)


class Slopes(NamedTuple):
    """Of the log likelihood of each row, by the share of each class.

    Attributes
    ----------
    each : float64 array of shape (n, K)
    mean : float64 array of shape (K,)
    information : float64 array of shape (K, K)
        Mean of the products, minus the second derivative of the mean.
    """

    each: FloatArray
    mean: FloatArray
    information: FloatArray

    @classmethod
    def at(cls, rows: DensityRatios, share: FloatArray) -> Slopes:
        """Return the slopes at these shares."""
        each = rows.ratio / np.maximum(rows.ratio @ share, SMALLEST)[:, None]
        weighted = each * rows.weight[:, None]
        return cls(each, weighted.sum(axis=0), weighted.T @ each)


@dataclass(frozen=True, eq=False)
class LikelihoodRatio:
    """Tests the share of a class, the others being as likely as they can be.

    The bound of the test grows with the variance that held-out rows bring to the estimate,
    against that of the rows alone.

    Attributes
    ----------
    rows : DensityRatios
    held_out : sequence of DensityRatios
        By which the densities are known, of each class; none where these count as exact.
    found : float64 array of shape (K,)
        The most likely shares.
    quantile : float
        Of the standard normal distribution.
    """

    rows: DensityRatios
    held_out: Sequence[DensityRatios]
    found: FloatArray
    quantile: float

    def interval(self, k: int) -> tuple[float, float]:
        """Return the ends of the shares of class k that are not rejected."""
        inside = float(np.clip(self.found[k], EDGE, 1.0 - EDGE))
        share = _with(self.found, k, inside)
        slopes = Slopes.at(self.rows, share)
        way = _least_informative(slopes.information, share, k)
        informed = float(way @ slopes.information @ way)
        width = 1.0 / np.sqrt(self.rows.size * max(informed, SMALLEST))
        start = self.quantile * max(float(width), EDGE)
        low = self._end(partial(self._excess, k, way), inside, EDGE, start)
        high = self._end(partial(self._excess, k, way), inside, 1.0 - EDGE, start)
        return (0.0 if low <= EDGE else low), (1.0 if high >= 1.0 - EDGE else high)

    @staticmethod
    def _end(excess: Callable[[float], float], inside: float, edge: float, width: float) -> float:
        """Return where rejection begins on the way to the edge, or the edge."""
        near = inside
        while near != edge:
            far = max(near - width, edge) if edge < inside else min(near + width, edge)
            if excess(far) > 0.0:
                # Rejected at the estimate itself, where rounding is all that there is.
                return far if excess(near) >= 0.0 else float(brentq(excess, near, far, rtol=1e-5))
            near, width = far, 2.0 * width
        return edge

    def _excess(self, k: int, way: FloatArray, value: float) -> float:
        """Return a number > 0 where the share ``value`` of class k is rejected."""
        start = np.maximum(self.found + (value - self.found[k]) * way, 0.0)
        share = self._others(_with(start, k, value), k)
        gap = self.rows.likelihood(self.found) - self.rows.likelihood(share)
        slopes = Slopes.at(self.rows, share)
        own = _least_informative(slopes.information, share, k)
        sampling = float(own @ slopes.information @ own) / self.rows.size
        extra = self._held_out_variance(share, own) / max(sampling, SMALLEST)
        # Roots: they are almost straight lines in ``value``.
        root = np.sqrt(2.0 * self.rows.size * max(gap, 0.0))
        return float(root - self.quantile * np.sqrt(1.0 + extra))

    def _others(self, share: FloatArray, k: int) -> FloatArray:
        """Return the most likely shares with that of class k as it is, by Newton's method."""
        if share.size == 2:
            return share
        before = self.rows.likelihood(share)
        for _ in range(NEWTON_STEPS):
            slopes = Slopes.at(self.rows, share)
            step = _newton(slopes, share, k)
            shrinks = step < 0
            room = float(np.min(-share[shrinks] / step[shrinks], initial=np.inf))
            step *= min(1.0, 0.95 * room)
            after = self.rows.likelihood(share + step)
            if after < before:
                break
            share, before = share + step, after
            if np.abs(step).max() < STILL:
                break
        return share

    def _held_out_variance(self, share: FloatArray, way: FloatArray) -> float:
        """Return the variance of the mean slope along ``way`` that the held-out rows bring."""
        total = 0.0
        for part, own in zip(self.held_out, share, strict=False):
            along = (part.ratio @ way) / np.maximum(part.ratio @ share, SMALLEST)
            spread = part.weight @ (along - part.weight @ along) ** 2
            total += float(own**2 * spread / part.size)
        return total


def _with(share: FloatArray, k: int, value: float) -> FloatArray:
    """Return shares with sum 1, that of class k being ``value``."""
    rest = float(share.sum() - share[k])
    changed: FloatArray = np.full(share.size, (1.0 - value) / (share.size - 1))
    if rest > EDGE:
        changed = share * ((1.0 - value) / rest)
    changed[k] = value
    return changed


def _free(share: FloatArray, k: int) -> IntArray:
    """Return the classes but k that have a share; all but k where none has."""
    others = np.flatnonzero(np.arange(share.size) != k)
    there = others[share[others] > EDGE]
    return there if there.size else others


def _least_informative(information: FloatArray, share: FloatArray, k: int) -> FloatArray:
    """Return the direction with 1 for class k and sum 0 along which the data say least."""
    others = _free(share, k)
    way = np.zeros(share.size)
    way[k] = 1.0
    way[others] = _solve(information[np.ix_(others, others)], -information[others, k], -1.0)
    return way


def _newton(slopes: Slopes, share: FloatArray, k: int) -> FloatArray:
    """Return a step with sum 0 that leaves class k alone."""
    others = _free(share, k)
    step = np.zeros(share.size)
    step[others] = _solve(slopes.information[np.ix_(others, others)], slopes.mean[others], 0.0)
    return step


def _solve(matrix: FloatArray, target: FloatArray, total: float) -> FloatArray:
    """Return x with sum ``total`` and ``matrix @ x = target`` up to a constant."""
    n = target.size
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = matrix
    system[n, n] = 0.0
    solved: FloatArray = np.linalg.lstsq(system, np.append(target, total))[0][:n]
    return solved
