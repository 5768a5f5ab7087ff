"""Sentences on columns: what was taken for what, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.tables.text_forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.tables.texts import Texts

SHOWN: Final = 3
AS_DAYS: Final = {
    "date": "dates, taken as days since 1970-01-01.",
    "duration": "durations, taken as days.",
}


def what_was_read(texts: Texts) -> str:
    """Say how the texts of a column were read as numbers or dates."""
    cell, value = texts.cells[texts.example], texts.values[texts.example]
    if texts.is_plain and not texts.rival:
        said = AS_DAYS["date"] if texts.reading.is_date else "numbers."
    else:
        shown = value_as_text(value, is_date=texts.reading.is_date)
        said = f"{FORMS[texts.form]}, such as {cell!r} as {shown}"
        said += ", taken as days since 1970-01-01." if texts.reading.is_date else "."
    if texts.missing:
        said = f"{said[:-1]}; {listed(texts.missing)} taken as missing."
    if texts.rival and texts.reading.is_date:
        first = "month" if texts.form == "dmy" else "day"
        said += f" No date shows the order: if the {first} comes first, write {cell!r} as "
        said += f"{value_as_text(texts.as_rival(cell), is_date=True)!r}."
    elif texts.rival:
        said += f" If {cell!r} is {texts.as_rival(cell):g}, write it so."
    return said


def what_stays_text(texts: Texts) -> str:
    """Say why a column with many numbers or dates in it was taken as categories."""
    what = "dates" if texts.reading.is_date else "numbers"
    if texts.mixed:
        return (
            f"{what} with and without a unit, or with different ones: taken as categories. Write "
            "them in one unit to have them read as numbers."
        )
    bad = {texts.cells[i]: int(texts.counts[i]) for i in np.flatnonzero(texts.left_over)}
    most = dict(sorted(bad.items(), key=lambda item: -item[1]))
    return (
        f"{texts.share:.0%} of its texts are {what}, but not {listed(most)}: taken as categories. "
        f"Correct or empty those cells to have it read as {what}."
    )


def codes_as_text(code: str) -> str:
    """Say that whole numbers with leading zeros are no amounts."""
    return (
        f"whole numbers with leading zeros, such as {code!r}, taken as categories. If they name "
        "the rows, leave it out with drop; if they are amounts, write them without the zeros."
    )


def distinct_texts(distinct: int, rows: int) -> str:
    """Say that texts are so many that they may name the rows."""
    return (
        f"{distinct:,} different texts in {rows:,} rows, taken as categories. If they name the "
        "rows, leave it out with drop; numbers and dates are read if written as 1234.5 and "
        "2021-12-31."
    )


def distinct_numbers(rows: int) -> str:
    """Say that whole numbers may name the rows."""
    return (
        f"{rows:,} whole numbers in {rows:,} rows, all different, taken as amounts. If they name "
        "the rows, leave it out with drop."
    )


def listed(counts: Mapping[str, int]) -> str:
    """Return texts with their rows, the first ones.

    >>> listed({"?": 1200, "-": 1})
    "'?' (1,200 rows), '-' (1 row)"
    """
    shown = [
        f"{text!r} ({rows:,} row{'' if rows == 1 else 's'})"
        for text, rows in list(counts.items())[:SHOWN]
    ]
    more = [f"{len(counts) - SHOWN} more"] if len(counts) > SHOWN else []
    return ", ".join([*shown, *more])


def alike_labels(counts: Mapping[str, int], column: str) -> tuple[str, ...]:
    """Say which labels differ by blanks or by small and capital letters only."""
    groups: dict[str, dict[str, int]] = {}
    for label, rows in counts.items():
        groups.setdefault(" ".join(label.split()).casefold(), {})[label] = rows
    return tuple(
        f"Column {column!r}: the labels {listed(group)} differ by blanks or case only and are "
        "taken as different classes. Write them alike if they are one."
        for group in groups.values()
        if len(group) > 1
    )


def value_as_text(value: float, *, is_date: bool) -> str:
    """Return a number, or days since 1970-01-01 as the time that they are.

    >>> value_as_text(19_000.5, is_date=True), value_as_text(7.0, is_date=False)
    ('2022-01-08 12:00:00', '7')
    """
    if not is_date:
        return f"{value:.15g}"
    time = np.datetime64("1970-01-01", "s") + np.timedelta64(round(value * 86_400), "s")
    return str(time).removesuffix("T00:00:00").replace("T", " ")
