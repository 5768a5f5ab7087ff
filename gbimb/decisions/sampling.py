"""Draw bags: which rows of the common classes go beside the rare ones."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.validation import check_flag, check_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gbimb.array_types import FloatArray, IntArray

__all__ = ["by_frequency", "deal_bags", "draw_bags", "resolve_sampling_strategy", "self_paced_draw"]

HARDNESS_BINS: Final = 20
FEWEST_ROWS: Final = 5000
"""Rows of a class in a bag below which "auto" leaves none out."""
FORMS: Final = (
    "sampling_strategy must be a number > 0, 'auto' or a dict of label to number of rows, got {!r}."
)


def resolve_sampling_strategy(
    sampling_strategy: float | str | dict[Any, int], counts: IntArray, classes: list[Any]
) -> IntArray:
    """Return how many rows of each class a bag draws.

    Parameters
    ----------
    sampling_strategy : float, "auto" or dict
        A number up to 1 is rows of the rarest class for each row of another (imbalanced-learn's
        meaning), a number above 1 is rows of another class for each row of the rarest; "auto"
        is 1, but at least 5,000 rows. No class gets more rows than it has. A dict gives the
        number of rows of each label; labels that it leaves out keep all.
    counts : intp array of shape (K,)
        Rows of each class.
    classes : list of K labels

    Raises
    ------
    InvalidParameterError
        If a number is not positive, a label is unknown, or more rows are asked for than there are.

    Examples
    --------
    >>> resolve_sampling_strategy(0.5, np.array([1000, 20]), ["no", "yes"])
    array([40, 20])
    >>> resolve_sampling_strategy(10, np.array([1000, 20]), ["no", "yes"])
    array([200,  20])
    """
    counts = np.asarray(counts, dtype=np.intp)
    if isinstance(sampling_strategy, dict):
        return _from_dict(sampling_strategy, counts, classes)
    rarest = int(counts.min())
    if isinstance(sampling_strategy, str):
        if sampling_strategy != "auto":
            raise InvalidParameterError(FORMS.format(sampling_strategy))
        rows = max(rarest, FEWEST_ROWS)
    elif isinstance(sampling_strategy, Real):
        ratio = check_number(
            "sampling_strategy", sampling_strategy, low=0, low_open=True, high_open=True
        )
        wanted = rarest * (ratio if ratio > 1 else 1 / ratio)
        rows = max(1, round(min(wanted, float(counts.max()))))
    else:
        raise InvalidTypeError(FORMS.format(sampling_strategy))
    return np.minimum(counts, rows)


def _from_dict(strategy: dict[Any, int], counts: IntArray, classes: list[Any]) -> IntArray:
    drawn = counts.copy()
    for label, rows in strategy.items():
        if label not in classes:
            msg = f"sampling_strategy must name labels of y, {classes}, got {label!r}."
            raise InvalidParameterError(msg)
        at = classes.index(label)
        drawn[at] = check_number(
            f"sampling_strategy[{label!r}]", rows, low=1, high=int(counts[at]), integer=True
        )
    return drawn


def by_frequency(counts: IntArray) -> IntArray:
    """Return class codes, the commonest first: an order that new names for the labels keep.

    >>> by_frequency(np.array([20, 1000, 5]))
    array([1, 0, 2])
    """
    return np.argsort(-np.asarray(counts), kind="stable")


def deal_bags(
    rows: IntArray, size: int, n_bags: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Yield ``n_bags`` parts of ``rows``, each of ``size`` different rows.

    Shuffled rows are dealt out until all are used, then shuffled anew: after any number of bags
    no row was drawn more than once more often than another.
    """
    queue = rng.permutation(rows)
    for _ in range(n_bags):
        hand = queue[:size]
        queue = queue[size:]
        if hand.size < size:
            fresh = rng.permutation(rows)
            allowed = np.flatnonzero(~np.isin(fresh, hand))[: size - hand.size]
            hand = np.concatenate([hand, fresh[allowed]])
            queue = np.delete(fresh, allowed)
        yield hand


def draw_bags(
    codes: IntArray,
    drawn: IntArray,
    n_bags: int,
    seed: int,
    *,
    replacement: bool = False,
) -> Iterator[IntArray]:
    """Yield the rows of each bag, rising.

    Parameters
    ----------
    codes : intp array of shape (n,)
        Class codes 0 to K-1.
    drawn : intp array of shape (K,)
        Rows of each class in a bag; classes of which all rows are drawn are kept whole.
    n_bags : int
    seed : int
        The first bags of a longer sequence are those of a shorter one.
    replacement : bool, default=False
        Draw rows of a class independently, so that a row can be in a bag more than once.

    Examples
    --------
    >>> codes = np.array([0] * 6 + [1] * 2)
    >>> [bag.tolist() for bag in draw_bags(codes, np.array([3, 2]), 2, seed=0)]
    [[2, 3, 5, 6, 7], [0, 1, 4, 6, 7]]
    """
    check_flag("replacement", replacement)
    streams = []
    for rank, k in enumerate(by_frequency(np.bincount(codes, minlength=drawn.size))):
        rows, size = np.flatnonzero(codes == k), int(drawn[k])
        rng = np.random.default_rng([seed, rank])
        if size == rows.size:
            streams.append(iter([rows] * n_bags))
        elif replacement:
            streams.append(iter([rng.choice(rows, size) for _ in range(n_bags)]))
        else:
            streams.append(deal_bags(rows, size, n_bags, rng))
    for parts in zip(*streams, strict=True):
        yield np.sort(np.concatenate(parts))


def self_paced_draw(
    rows: IntArray, hardness: FloatArray, size: int, progress: float, rng: np.random.Generator
) -> IntArray:
    """Draw ``size`` of ``rows``, from all degrees of hardness alike at first, harder ones later.

    Parameters
    ----------
    rows : intp array of shape (m,)
    hardness : float64 array of shape (m,), in [0, 1]
        How wrong the ensemble so far is about each row.
    size : int
    progress : float
        In [0, 1): the share of the bags already drawn.
    rng : Generator

    References
    ----------
    Z. Liu, W. Cao, Z. Gao, J. Bian, H. Chen, Y. Chang, T.-Y. Liu. Self-paced ensemble for highly
    imbalanced massive data classification. ICDE 2020. arXiv:1909.03500.
    """
    low, high = float(hardness.min()), float(hardness.max())
    if high - low < 1e-12:
        return rng.choice(rows, size, replace=False)
    bins = np.minimum(
        ((hardness - low) / (high - low) * HARDNESS_BINS).astype(np.intp), HARDNESS_BINS - 1
    )
    population = np.bincount(bins, minlength=HARDNESS_BINS)
    total = np.bincount(bins, weights=hardness, minlength=HARDNESS_BINS)
    mean = total / np.maximum(population, 1)
    wish = np.where(population > 0, 1.0 / (mean + np.tan(progress * np.pi / 2) + 1e-12), 0.0)
    chance = (wish / np.maximum(population, 1))[bins]
    # Rows by exponential race: without replacement, with these chances.
    race = rng.exponential(size=rows.size) / chance
    return rows[np.argpartition(race, size - 1)[:size]]
