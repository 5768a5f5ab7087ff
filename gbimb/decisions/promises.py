"""Tests of a rate at every threshold, and the thresholds at which it can be promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.special import bdtrik, betainc, betaincinv

from gbimb.exceptions import InvalidDataError
from gbimb.validation import check_binary_labels, check_probabilities, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.metrics import RateBound

STEP: Final = 1.02
"""Rows flagged at a tested threshold over those at the one before it."""
MAIN_SHARE: Final = 0.9
"""Of the error that may be made, the part of the start that should have the most power."""
LEAST_POWER: Final = 0.1
"""Of a start that is chosen for the rule, rather than for the best bound where it is not met."""
NEAR: Final = 2.0**-10
"""How far into the gap between two scores a threshold lies."""
BETS: Final = np.geomspace(0.005, 0.99, 16)
"""Sizes of the bets, over the largest that cannot ruin."""
HALVINGS: Final = 40


class Promise(NamedTuple):
    """A threshold, the bound that its rate keeps to, and whether that is as good as asked for."""

    threshold: float
    bound: float
    met: bool


@dataclass(frozen=True, eq=False)
class RankedRows:
    """Rows by falling score; equal scores are a group, and flagged together.

    Position g, from 0 to G, flags the first g groups.

    Attributes
    ----------
    values : float64 array of shape (G,)
        The distinct scores, falling.
    sizes : intp array of shape (G + 1,)
        Rows flagged at each position.
    positive : uint8 array of shape (n,)
    weight : float64 array of shape (n,) or None
        In units of the largest.
    scores : float64 array of shape (n,)
    """

    values: FloatArray
    sizes: IntArray
    positive: NDArray[np.uint8]
    weight: FloatArray | None
    scores: FloatArray

    @classmethod
    def read(
        cls, y_true: ArrayLike, y_proba: ArrayLike, sample_weight: ArrayLike | None
    ) -> RankedRows:
        """Sort the rows with a weight, or raise where they cannot be used."""
        y, p = read_scores(y_true, y_proba)
        weight = check_weight(sample_weight, y.size)
        if weight is not None:
            y, p, weight = y[weight > 0], p[weight > 0], weight[weight > 0].astype(np.float64)
            weight = None if weight.min() == weight.max() else weight / weight.max()
        if y.size == 0 or y.min() == y.max():
            msg = "y_true must hold both classes to choose a threshold, got one only."
            raise InvalidDataError(msg)
        order = np.argsort(-p, kind="stable")
        scores = p[order]
        ends = np.append(np.flatnonzero(scores[1:] != scores[:-1]) + 1, scores.size)
        return cls(
            scores[ends - 1],
            np.append(0, ends),
            y[order].astype(np.uint8),
            None if weight is None else weight[order],
            scores,
        )

    def sums(self, of_rows: NDArray[Any]) -> NDArray[Any]:
        """Return the sums over the rows flagged at each position, shape (G + 1,)."""
        return np.append(0, np.cumsum(of_rows))[self.sizes]

    def lowest(self, position: int) -> float:
        """Return a threshold just above the next score below those flagged."""
        if position == self.values.size:
            return 0.0
        below = float(self.values[position])
        above = float(self.values[position - 1]) if position else 1.0
        return min(max(below + NEAR * (above - below), float(np.nextafter(below, 2.0))), 1.0)

    def highest(self, position: int) -> float:
        """Return a threshold just below the last score flagged."""
        above = float(self.values[position - 1])
        below = float(self.values[position]) if position < self.values.size else 0.0
        return above - NEAR * (above - below)


def read_scores(y_true: ArrayLike, y_proba: ArrayLike) -> tuple[NDArray[Any], FloatArray]:
    """Return labels 0 and 1 and their probabilities, or raise."""
    y = check_binary_labels(y_true)
    p = check_probabilities(y_proba, "y_proba")
    if p.shape != y.shape:
        msg = f"y_proba must have one number in [0, 1] a row, shape {y.shape}, got shape {p.shape}."
        raise InvalidDataError(msg)
    return y, p


def keep_share(rows: RankedRows, bound: RateBound, wrong: float) -> Promise:
    """Return the most useful threshold under a bound on anything but precision.

    These rates rise or fall with the threshold, so the last one that can be promised is best.

    Parameters
    ----------
    rows : RankedRows
    bound : RateBound
    wrong : float
        The probability with which the promise may be broken.
    """
    of, caught = _members(rows, bound), bound.rate == "recall"
    share = bound.value if bound.is_least else 1.0 - bound.value
    count = int(np.count_nonzero(of))
    if rows.weight is None or np.ptp(rows.weight[of]) == 0:
        errors = _most_errors(count, share, wrong)
        met, errors = errors >= 0, max(errors, 0)
        kept = float(betaincinv(count - errors, errors + 1, wrong))
        position = _position_with(rows, of, errors, caught=caught)
    else:
        safest = _position_with(rows, of, 0, caught=caught)
        sequence = np.arange(safest, -1, -1) if caught else np.arange(safest, rows.sizes.size)
        passed = _run(_weighted_test(rows, bound, share)[sequence], wrong)
        met, position = passed > 0, int(sequence[max(passed - 1, 0)])
        kept = share if met else _weighted_bound(rows, bound, safest, wrong)
    if caught:
        return Promise(rows.highest(position), kept, met)
    threshold = rows.lowest(position)
    if position == 0 and rows.values[0] >= threshold:
        met, kept = False, 0.0  # no threshold in [0, 1] is above a score of 1
    kept = kept if bound.is_least else 1.0 - kept
    # Rounding of 1 - (1 - value) is no promise broken.
    best = max if bound.is_least else min
    return Promise(threshold, best(kept, bound.value) if met else kept, met)


def _run(evidence: FloatArray, wrong: float) -> int:
    """Return how many tests pass before the first that fails."""
    failed = evidence < -np.log(wrong)
    return int(np.argmax(failed)) if failed.any() else failed.size


def _members(rows: RankedRows, bound: RateBound) -> BoolArray:
    """Return the rows that the rate is a share of."""
    positive: BoolArray = rows.positive == 1
    if bound.rate == "recall":
        return positive
    return np.ones(positive.size, bool) if bound.rate == "alerts" else ~positive


def _most_errors(count: int, share: float, wrong: float) -> int:
    """Return the largest e with P(Bin(count, share) >= count - e) <= wrong; -1 if there is none."""
    low, high = -1, count
    while high - low > 1:
        middle = (low + high) // 2
        if betainc(count - middle, middle + 1, share) <= wrong:
            low = middle
        else:
            high = middle
    return low


def _position_with(rows: RankedRows, of: BoolArray, errors: int, *, caught: bool) -> int:
    """Return the position that flags all but so many rows (``caught``), or at most so many."""
    flagged = rows.sums(of)
    if caught:
        return int(np.searchsorted(flagged, flagged[-1] - errors))
    return int(np.searchsorted(flagged, errors, side="right")) - 1


def keep_precision(rows: RankedRows, bound: RateBound, wrong: float) -> Promise:
    """Return the threshold with the highest recall of which a precision can be promised.

    Fixed-sequence testing from two starts, by the fallback procedure: what a sequence of passed
    tests may err is passed on to the next start. Where no test passes, the bound is the highest
    of the starts' own. A threshold lies just above the first row that is not flagged, so that,
    given its score, those flagged are draws from the rows above it.
    """
    share = bound.value
    steps = STEP ** np.arange(np.log(rows.scores.size) / np.log(STEP) + 1)
    tested = np.unique(np.searchsorted(rows.sizes, np.minimum(steps, rows.scores.size)))
    starts, parts = _starts(rows, tested, share, wrong)
    sequence = tested[tested >= starts[0]]
    at = np.append(np.searchsorted(sequence, starts), sequence.size)
    evidence = _evidence(rows, share, sequence)
    budget, best = 0.0, 0
    for part, begin, end in zip(parts, at[:-1], at[1:], strict=True):
        budget += part
        passed = _run(evidence[begin:end], budget)
        best = int(sequence[begin + passed - 1]) if passed else best
        budget = budget if begin + passed == end else 0.0
    if best:
        return Promise(rows.lowest(best), share, met=True)
    bounds = [_bound_of(rows, int(g), part) for g, part in zip(starts, parts, strict=True)]
    place = int(np.argmax(bounds))
    return Promise(rows.lowest(int(starts[place])), bounds[place], met=False)


def _starts(
    rows: RankedRows, tested: IntArray, share: float, wrong: float
) -> tuple[IntArray, list[float]]:
    """Return at which of the ``tested`` positions sequences start, and what each may err.

    The main one is where a test passes most often if the scores are true probabilities, or where
    the lower bound is highest if hardly any passes; the other where as few rows are flagged as a
    test without a false positive needs.
    """
    weight = np.ones(rows.scores.size) if rows.weight is None else rows.weight
    total = rows.sums(weight)[tested]
    size = total**2 / rows.sums(weight**2)[tested]  # as many equal weights (Kish 1965)
    mean = np.clip(rows.sums(weight * rows.scores)[tested] / total, 1e-12, 1.0)
    power = _power(np.floor(size), mean, share, MAIN_SHARE * wrong)
    if power.max() < LEAST_POWER:
        power = betaincinv(size * mean, size * (1.0 - mean) + 1.0, MAIN_SHARE * wrong)
    main = int(np.argmax(power))
    fewest = np.log((1.0 - MAIN_SHARE) * wrong) / np.log(min(share, 1.0 - 1e-12))
    other = min(int(np.searchsorted(size, fewest)), tested.size - 1)
    if main == other:
        return tested[[main]], [wrong]
    pair = [(main, MAIN_SHARE * wrong), (other, (1.0 - MAIN_SHARE) * wrong)]
    starts, parts = zip(*sorted(pair), strict=True)
    return tested[list(starts)], list(parts)


def _power(size: FloatArray, mean: FloatArray, share: float, wrong: float) -> FloatArray:
    """Return how often a test of "below ``share``" passes on so many rows of this precision."""
    least = np.ceil(bdtrik(1.0 - wrong, size, share)) + 1.0
    passes: FloatArray = betainc(least, np.maximum(size - least, 0.0) + 1.0, mean)
    return np.where(least <= size, passes, 0.0)


def _evidence(rows: RankedRows, share: float, positions: IntArray) -> FloatArray:
    """Return minus the log of the p-values of "the precision is below ``share``"."""
    if rows.weight is not None:
        return _weighted_test(rows, None, share)[positions]
    hits = rows.sums(rows.positive)[positions].astype(np.float64)
    misses = rows.sizes[positions] - hits
    tail = betainc(np.maximum(hits, 1.0), misses + 1.0, share)
    return np.where(hits > 0, -np.log(np.maximum(tail, np.finfo(float).tiny)), 0.0)


def _bound_of(rows: RankedRows, position: int, wrong: float) -> float:
    """Return the lower bound of the precision at one position."""
    if rows.weight is not None:
        return _weighted_bound(rows, None, position, wrong)
    hits = float(rows.sums(rows.positive)[position])
    return float(betaincinv(hits, rows.sizes[position] - hits + 1.0, wrong)) if hits else 0.0


# --- under weights ---


def _weighted_test(rows: RankedRows, bound: RateBound | None, share: float) -> FloatArray:
    """Return the log evidence at each position that a weighted share is above ``share``.

    A bet on each row wins ``weight * (1 - share)`` where it is as it should be and loses ``weight *
    share`` where it is not: if the share is lower, the mean capital of bettors with different
    stakes is 1 at most, and beyond 1 / p with probability p at most (Waudby-Smith and Ramdas
    2023). ``bound`` None is the precision, of which only the rows flagged count.
    """
    weight = rows.weight
    assert weight is not None
    positive = rows.positive == 1
    capital = np.full(rows.sizes.size, -np.inf)
    for size in BETS:
        stake = size / share
        won, lost = np.log1p(stake * weight * (1.0 - share)), np.log1p(-stake * weight * share)
        if bound is None:
            grown = rows.sums(np.where(positive, won, lost))
        else:
            of = _members(rows, bound)
            flagged, left = (won, lost) if bound.rate == "recall" else (lost, won)
            change = rows.sums(np.where(of, flagged - left, 0.0))
            grown = change + left[of].sum()
        capital = np.logaddexp(capital, grown)
    capital -= np.log(BETS.size)
    return capital


def _weighted_bound(
    rows: RankedRows, bound: RateBound | None, position: int, wrong: float
) -> float:
    """Return the highest share that the bets at a position make out, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = _weighted_test(rows, bound, middle)[position] >= -np.log(wrong)
        low, high = (middle, high) if passed else (low, middle)
    return low
