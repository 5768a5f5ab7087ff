"""Blocks of later rows that are held out, and the parts of the past that boosters train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from gbimb.array_types import IntArray
    from gbimb.training.held_out.folds import Splits

BLOCKS: Final = 3
"""Blocks of later rows that are held out, one after the other, the newest last."""

BLOCK: Final = 0.1
"""Share of the rows in a block."""

PARTS: Final = (1.0, 0.5, 0.25, 0.125)
"""Shares of the rows, the newest ones, that boosters may be trained on."""

HOLDOUT: Final = (0.2, 0.3, 0.4)
"""Shares of the rows in the one block that is held out, the first where two classes are in it."""

FEWEST_ROWS: Final = 500
FEWEST_RARE: Final = 40
"""Rows in a part of the past, and of its second class, that are enough to train on."""


@dataclass(frozen=True, eq=False)
class Window:
    """Some of the newest rows: what they are trained on to be judged, and in the end.

    Attributes
    ----------
    share : float
        Of all rows.
    splits : pairs of row numbers
        For each block that is held out, the rows of the window before it; both rising.
    rows : int array
        Rising: the newest rows of all, on which the boosters of the model train.
    folds : pairs of row numbers
        Parts of ``rows`` that train and that are held out, for the number of rounds.
    """

    share: float
    splits: Splits
    rows: IntArray
    folds: Splits = ()


def plan_windows(time: IntArray, codes: IntArray, *, holdout: bool = False) -> tuple[Window, ...]:
    """Return the windows to compare: all rows first, then ever newer ones.

    Parameters
    ----------
    time : int array of shape (n,)
        Rank of the time of each row. Rows of equal time are never on both sides of a split.
    codes : int array of shape (n,)
        Class codes.
    holdout : bool, default=False
        Hold out one block, about the newest fifth of the rows, and compare no windows.

    Raises
    ------
    InvalidDataError
        If there are not rows of two classes both early and late.
    """
    n = time.size
    order = np.argsort(time, kind="stable")
    ordered, sorted_codes = time[order], codes[order]
    edges = _edges(ordered, sorted_codes, *((1, HOLDOUT) if holdout else ()))
    windows: list[Window] = []
    for share in PARTS[:1] if holdout else PARTS:
        starts = [_after(ordered, max(0, edge - round(share * n))) for edge in edges]
        starts[:-1] = [min(s, e) for s, e in zip(starts, edges, strict=True)][:-1]
        pieces = [sorted_codes[s:e] for s, e in zip(starts, edges, strict=True)]
        if windows and not all(_enough(piece) for piece in pieces):
            break
        splits = tuple(
            (np.sort(order[s:e]), np.sort(order[e:end]))
            for s, e, end in zip(starts[:-1], edges[:-1], edges[1:], strict=True)
        )
        windows.append(Window(share, splits, np.sort(order[starts[-1] :])))
    return tuple(windows)


def newest_rows(time: IntArray, codes: IntArray, share: float) -> IntArray:
    """Return about that share of the rows, the newest ones, rising; two classes are on both sides.

    Raises
    ------
    InvalidDataError
        If that cannot be.
    """
    order = np.argsort(time, kind="stable")
    edge = _edges(time[order], codes[order], 1, (share, 1.5 * share, 2 * share))[0]
    return np.sort(order[edge:])


def later_blocks(
    time: IntArray, codes: IntArray, blocks: int, share: float
) -> tuple[IntArray, list[int]]:
    """Return the rows by time, and where so many later blocks begin in them and the last ends.

    Raises
    ------
    InvalidDataError
        If a block, or what comes before it, has not rows of two classes.
    """
    order = np.argsort(time, kind="stable")
    n = time.size
    starts = [_after(time[order], round(n * (1 - share * k))) for k in range(blocks, 0, -1)]
    edges = [*starts, n]
    parts = [(order[: edges[k]], order[edges[k] : edges[k + 1]]) for k in range(blocks)]
    if any(np.unique(codes[rows]).size < 2 for part in parts for rows in part):
        msg = (
            f"time must allow {blocks} later blocks with rows of two classes each, and before the "
            "first. Use fewer folds."
        )
        raise InvalidDataError(msg)
    return order, edges


def _edges(
    time: IntArray,
    codes: IntArray,
    most: int = BLOCKS,
    shares: tuple[float, ...] = (BLOCK, 2 * BLOCK, 3 * BLOCK),
) -> list[int]:
    """Return where the blocks begin in rows by time, and n."""
    n = time.size
    for blocks in range(most, 0, -1):
        for share in shares:
            starts = [_after(time, round(n * (1 - share * k))) for k in range(blocks, 0, -1)]
            edges = [*dict.fromkeys(s for s in starts if 0 < s < n), n]
            first = edges[0]
            if len(edges) > 1 and np.unique(codes[:first]).size > 1 < np.unique(codes[first:]).size:
                return edges
    times = np.unique(time).size
    msg = (
        "time must let later rows of two classes be held out while earlier ones train, got "
        f"{times:,} different time{'s' if times > 1 else ''} in {n:,} rows, or a class that is "
        "only early or late. Leave time out, give X_val and y_val, or use cv=None."
    )
    raise InvalidDataError(msg)


def _after(time: IntArray, at: int) -> int:
    """Return the first row from ``at`` on that is later than the one before it."""
    if at <= 0 or at >= time.size or time[at] != time[at - 1]:
        return at
    low, high = (int(np.searchsorted(time, time[at], side)) for side in ("left", "right"))
    return low if at - low <= high - at or high == time.size else high


def _enough(codes: IntArray) -> bool:
    counts = np.sort(np.bincount(codes))
    return codes.size >= FEWEST_ROWS and counts.size > 1 and counts[-2] >= FEWEST_RARE
