"""Groups and times of rows on many workers: which rows are held out, without a table of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.dask._cluster import gather
from gbimb.exceptions import InvalidDataError
from gbimb.tables.keys import MISSING
from gbimb.tables.labels import read_labels
from gbimb.training.held_out.plan import HOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client, Future
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.dask._pieces import Piece
    from gbimb.tables.schema import Classes

SALTS: Final = 32
"""Ways to hold groups out, of which the one is taken that holds out most nearly a fifth of all."""

MARKS: Final = 1_000
"""Times of a piece, evenly spaced by rank, that say where its newest rows begin."""

MIXER: Final = np.uint64(0x9E3779B97F4A7C15)


def groups_held_out(keys: NDArray[np.uint64], seed: int, salt: int, piece: int) -> BoolArray:
    """Return which rows are held out: about one group in five, on each worker the same.

    Rows without a group are drawn one by one.
    """
    mixed = keys ^ np.uint64((seed * SALTS + salt) * 2 + 1)
    for shift in (33, 29):  # as the end of MurmurHash3: every bit of a key matters
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * MIXER
    mixed ^= mixed >> np.uint64(32)
    alone = keys == MISSING
    mixed[alone] = np.random.default_rng([seed, salt, piece]).integers(
        1 << 62, size=np.count_nonzero(alone), dtype=np.uint64
    )
    held_out: BoolArray = mixed % np.uint64(HOLD_OUT) == 0
    return held_out


def choose_groups(
    client: Client, pieces: Sequence[Future], classes: Classes, seed: int
) -> tuple[int, IntArray]:
    """Return the number of a way to hold groups out, and the rows of each class that it does.

    Returns
    -------
    salt : int
    held : int array of shape (number of pieces, K)

    Raises
    ------
    InvalidDataError
        If none holds out rows of two classes and leaves some of both.
    """
    count = partial(_count_by_salt, classes=classes, seed=seed)
    told = gather(client, [client.submit(count, p, i, pure=False) for i, p in enumerate(pieces)])
    counts = np.stack(told)  # piece, salt, class; the last salt is all rows
    held, total = counts[:, :SALTS].sum(axis=0), counts[:, SALTS].sum(axis=0)
    shares = held / np.maximum(total, 1)
    on_both_sides = ((held > 0) & (held < total)).sum(axis=1) >= 2
    if not on_both_sides.any():
        msg = (
            "groups must let rows of two classes be held out and others train, got too few groups "
            "with rows of the second class. Leave groups out, or give X_val and y_val."
        )
        raise InvalidDataError(msg)
    off = np.abs(shares[:, total > 0] - 1 / HOLD_OUT).max(axis=1)
    salt = int(np.argmin(np.where(on_both_sides, off, np.inf)))
    return salt, counts[:, salt]


def _count_by_salt(piece: Piece, piece_number: int, *, classes: Classes, seed: int) -> IntArray:
    codes, kept = _kept_codes(piece, classes)
    counts = [np.bincount(codes, minlength=classes.size)]
    if codes.size:
        assert piece.groups is not None
        keys = piece.groups[kept]
        counts = [
            np.bincount(
                codes[groups_held_out(keys, seed, salt, piece_number)], minlength=classes.size
            )
            for salt in range(SALTS)
        ] + counts
    return np.stack(counts) if codes.size else np.zeros((SALTS + 1, classes.size), np.intp)


def choose_time(
    client: Client, pieces: Sequence[Future], classes: Classes
) -> tuple[float, IntArray]:
    """Return from which time on rows are held out, about the newest fifth, and how many these are.

    Returns
    -------
    since : float
    held : int array of shape (number of pieces, K)

    Raises
    ------
    InvalidDataError
        If there are not rows of two classes before and after.
    """
    told = gather(client, client.map(_marks, pieces, pure=False))
    times = np.concatenate([marks for marks, _ in told])
    weight = np.concatenate([np.full(m.size, n / max(1, m.size)) for m, n in told])
    order = np.argsort(times, kind="stable")
    passed = np.cumsum(weight[order])
    at = int(np.searchsorted(passed, (1 - 1 / HOLD_OUT) * passed[-1]))
    since = float(times[order][min(at, order.size - 1)])
    if since == times.min() and (later := times[times > since]).size:
        since = float(later.min())
    count = partial(_count_since, classes=classes, since=since)
    both = np.stack(gather(client, client.map(count, pieces, pure=False)))
    held, total = both[:, 0].sum(axis=0), both[:, 1].sum(axis=0)
    if np.count_nonzero(held) < 2 or np.count_nonzero(held < total) < 2:
        msg = (
            "time must let later rows of two classes be held out while earlier ones train, got a "
            "class that is only early or late, or one time alone. Leave time out, or give X_val "
            "and y_val."
        )
        raise InvalidDataError(msg)
    return since, both[:, 0]


def _marks(piece: Piece) -> tuple[FloatArray, int]:
    """Return times of a piece, evenly spaced by rank, and how many rows they stand for."""
    assert piece.time is not None
    times = np.sort(piece.time).astype(np.float64)
    if times.size <= MARKS:
        return times, times.size
    at = ((np.arange(MARKS) + 0.5) * times.size / MARKS).astype(np.intp)
    return times[at], times.size


def _count_since(piece: Piece, *, classes: Classes, since: float) -> IntArray:
    codes, kept = _kept_codes(piece, classes)
    assert piece.time is not None
    late = piece.time[kept].astype(np.float64) >= since
    return np.stack([np.bincount(c, minlength=classes.size) for c in (codes[late], codes)])


def _kept_codes(piece: Piece, classes: Classes) -> tuple[IntArray, IntArray]:
    """Return class codes of the rows with weight, and their numbers."""
    if piece.y.size == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    kept = np.arange(piece.y.size) if piece.weight is None else np.flatnonzero(piece.weight)
    if kept.size == 0:
        return kept, kept
    labels = read_labels(
        piece.y[kept], kept.reshape(-1, 1), classes.positive, classes=classes.labels
    )
    return labels.codes, kept
