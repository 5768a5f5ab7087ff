"""Columns that may not be what they look like: identifiers, dates, units, missing values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.tables.remarks.sentences import (
    alike,
    alike_categories,
    dates_as_numbers,
    distinct_numbers,
    distinct_texts,
    far_number,
    times_of_day,
    with_units,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MANY: Final = 100
"""Rows, or different values, from which on a column may be an identifier."""

VARIED: Final = 30
"""Different texts from which on times and numbers with a unit are no names of a few groups."""

MOST_COMPARED: Final = 1_000
"""Different texts up to which they are compared without regard to blanks and case."""

MOST_UNITS: Final = 3
FEWEST_FAR: Final = 5
NINES: Final = tuple(float(10**k - 1) for k in range(2, 7))
UNIT: Final = re.compile(r"[<>~+-]? ?\d+(?:[.,' ]\d+)* ?([^\W\d_]{1,12}[.²³]?|[°µ][A-Za-z]{0,2})")
CLOCK: Final = re.compile(r"(?:[01]?\d|2[0-4])[:.h][0-5]\d(?:[:.][0-5]\d)?(?: ?[ap]\.?m\.?)?", re.I)


def about_numbers(values: NDArray[Any]) -> str:
    """Return what to say of a column of numbers, "" if nothing is odd.

    Parameters
    ----------
    values : array of shape (n,)
        Missing values are NaN.
    """
    there = values if values.dtype.kind in "iu" else values[~np.isnan(values)]
    if there.size <= MANY:
        return ""
    return _identifiers(there, values.size) or _far(there) or _dates(there)


def _identifiers(there: NDArray[Any], rows: int) -> str:
    first = there[: 10 * MANY]
    if np.unique(first).size < first.size or not _are_whole(first) or not _are_whole(there):
        return ""
    if there.size == rows and (np.diff(there) == 1).all():
        return "counts the rows: if it is an identifier, leave it out with drop."
    return distinct_numbers(there.size, rows) if np.unique(there).size == there.size else ""


def _are_whole(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" or bool((np.floor(values) == values).all())


def _far(there: NDArray[Any]) -> str:
    """Say so of -999, 9999 and the like where they are far from all other numbers."""
    for end in (float(there.min()), float(there.max())):
        if abs(end) not in NINES:
            continue
        is_end = there == end
        rows, others = int(is_end.sum()), there[~is_end]
        if rows < FEWEST_FAR or not others.size:
            continue
        low, high = float(others.min()), float(others.max())
        gap = low - end if end < low else end - high
        if gap > high - low or (end < 0 <= low):
            return far_number(end, rows)
    return ""


def _dates(there: NDArray[Any]) -> str:
    """Say so of whole numbers such as 20240131."""
    if there.min() < 19_000_101 or there.max() > 21_001_231 or not _are_whole(there):
        return ""
    days = np.unique(there).astype(np.int64)
    month, day = days // 100 % 100, days % 100
    fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return dates_as_numbers(int(days[0])) if fits.all() and days.size >= VARIED else ""


def about_texts(counts: Mapping[str, int], rows: int) -> str:
    """Return what to say of a column of texts that are taken as categories, "" if nothing is odd.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each text.
    rows : int
        With those that are missing.
    """
    words = [text.strip() for text in counts]
    if len(words) >= VARIED and (odd := _units(words) or _times(words)):
        return odd
    if len(words) > MANY and 2 * len(words) > rows:
        return distinct_texts(len(words), rows)
    groups = alike(counts) if len(words) <= MOST_COMPARED else {}
    return alike_categories(groups) if groups else ""


def _units(words: list[str]) -> str:
    found = {word: match[1] for word in words if (match := UNIT.fullmatch(word))}
    few = len({unit.lower() for unit in found.values()}) <= MOST_UNITS
    return with_units(next(iter(found))) if few and len(found) >= 0.9 * len(words) else ""


def _times(words: list[str]) -> str:
    found = [word for word in words if CLOCK.fullmatch(word)]
    return times_of_day(found[0]) if len(found) >= 0.9 * len(words) else ""


def counts_of(codes: NDArray[Any], texts: list[Any]) -> dict[str, int]:
    """Return the rows of each text; ``codes`` are -1 where one is missing."""
    rows = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
    return {str(text): n for text, n in zip(texts, rows, strict=True) if n}
