"""Sentences on columns: what was taken for what, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from gbimb.json_text import percent
from gbimb.tables.text_forms import DATES, FORMS, NO_WORD, is_mark, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.tables.texts import Texts

SHOWN: Final = 3
UNUSUAL_BLANKS: Final = str.maketrans("\xa0\u202f\u2009", "   ")
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
        said = f"{FORMS[texts.form]}, such as {quoted(cell)} as {shown}"
        said += ", taken as days since 1970-01-01." if texts.reading.is_date else "."
    if texts.missing:
        said = f"{said[:-1]}; {listed(texts.missing)} taken as missing."
    if texts.rival and texts.reading.is_date:
        first = "month" if texts.form == "dmy" else "day"
        said += f" No date shows the order: if {quoted(cell)} is "
        said += (
            f"{value_as_text(texts.as_rival(cell), is_date=True)}, give dates={first + 'first'!r}."
        )
    elif texts.rival:
        said += f" If {quoted(cell)} is {texts.as_rival(cell):.15g}, give decimal={texts.rival!r}."
    if stands_for_a_number := [cell for cell in texts.missing if _has_digit(cell)]:
        said += f" If {quoted(stands_for_a_number[0])} stands for a number, write that number."
    return said


def quoted(cell: str) -> str:
    """Return a text in quotation marks, blanks of other widths as blanks."""
    return repr(cell.translate(UNUSUAL_BLANKS))


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and NO_WORD.fullmatch(cell.strip()) is None


def what_stays_text(texts: Texts) -> str:
    """Say why a column with many numbers or dates in it was taken as categories."""
    what = "dates" if texts.reading.is_date else "numbers"
    if texts.mixed:
        return (
            f"{what} with and without a unit, or with different ones: taken as categories. Write "
            "them in one unit to have them read as numbers."
        )
    if texts.reading.is_date and (other := _of_another_order(texts)):
        return (
            f"dates written in different ways, such as {quoted(texts.cells[texts.example])} and "
            f"{quoted(other)}, taken as categories. Write all of them as 2021-12-31 to have them "
            "read as dates."
        )
    bad = {texts.cells[i]: int(texts.counts[i]) for i in np.flatnonzero(texts.left_over)}
    most = dict(sorted(bad.items(), key=lambda item: -item[1]))
    return (
        f"{percent(texts.share)} of its values are {what}, but not {listed(most)}: taken as "
        f"categories. Correct or empty those cells to have it read as {what}."
    )


def _of_another_order(texts: Texts) -> str:
    """Return a text that is a date in another order, if nearly all others are; "" if not."""
    others = [texts.cells[i] for i in np.flatnonzero(texts.left_over)]
    words = pa.array(others, pa.string())
    found = np.any([~np.isnan(values_of(words, form)) for form in DATES], axis=0)
    return others[int(np.argmax(found))] if others and found.mean() >= 0.9 else ""


def codes_as_text(code: str) -> str:
    """Say that whole numbers with leading zeros are no quantities."""
    return (
        f"whole numbers with leading zeros, such as {code!r}, taken as categories. If they "
        "identify the rows, leave it out with drop; if they are quantities, write them without the "
        "zeros."
    )


def distinct_texts(distinct: int, rows: int) -> str:
    """Say that texts are so many that they may be identifiers."""
    return (
        f"{distinct:,} different texts in {rows:,} rows, taken as categories. If they are "
        "identifiers, leave it out with drop; numbers and dates are read if written as 1234.5 and "
        "2021-12-31."
    )


def distinct_numbers(distinct: int, rows: int) -> str:
    """Say that whole numbers may be identifiers."""
    return (
        f"{distinct:,} whole numbers in {rows:,} rows, all different, taken as numbers. If they "
        "are identifiers, leave it out with drop."
    )


def far_number(value: float, rows: int) -> str:
    """Say that a number may stand for a missing value."""
    return (
        f"{rows:,} rows hold {value:g}, far from all others, taken as a number. If it stands for "
        f"a missing value, give missing={f'{value:g}'!r}."
    )


def dates_as_numbers(example: int) -> str:
    """Say that whole numbers may be dates."""
    year, month, day = example // 10_000, example // 100 % 100, example % 100
    return (
        f"whole numbers that look like dates, such as {example}, taken as numbers. If they are "
        f"dates, write them as {year}-{month:02}-{day:02}."
    )


def with_units(cell: str) -> str:
    """Say that texts are numbers with a unit."""
    return (
        f"numbers with a unit, such as {quoted(cell)}, taken as categories. Write them without the "
        "unit to have them read as numbers."
    )


def times_of_day(cell: str) -> str:
    """Say that texts are times of day."""
    return (
        f"times of day, such as {quoted(cell)}, taken as categories. Write them as numbers, such "
        "as hours, to have them read by value."
    )


def alike_categories(groups: Mapping[str, Mapping[str, int]]) -> str:
    """Say that categories differ by blanks or case only."""
    listing = "; ".join(listed(group) for group in [*groups.values()][:SHOWN])
    return (
        f"{listing} differ by blanks or case only, taken as different categories. Write them in "
        "one way if they mean the same."
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


def odd_labels(counts: Mapping[str, int], column: str) -> tuple[str, ...]:
    """Say which labels differ by blanks or case only, or may be missing values."""
    said = []
    if groups := alike(counts):
        listing = "; ".join(listed(group) for group in groups.values())
        said.append(
            f"Column {column!r}: labels that differ by blanks or case only are taken as different "
            f"classes: {listing}. Write them alike if they are one."
        )
    marks = {label: rows for label, rows in counts.items() if is_mark(label)}
    if marks and len(counts) > 2:
        said.append(
            f"Column {column!r}: {listed(marks)} taken as a class. Remove these rows if their "
            "labels are missing."
        )
    return tuple(said)


def alike(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the texts that differ by blanks, or by small and capital letters, only.

    >>> alike({"Yes": 3, " yes": 1, "no": 5})
    {'yes': {'Yes': 3, ' yes': 1}}
    """
    groups: dict[str, dict[str, int]] = {}
    for text, rows in counts.items():
        groups.setdefault(" ".join(text.split()).casefold(), {})[text] = rows
    return {plain: group for plain, group in groups.items() if len(group) > 1}


def value_as_text(value: float, *, is_date: bool) -> str:
    """Return a number, or days since 1970-01-01 as the time that they are.

    >>> value_as_text(19_000.5, is_date=True), value_as_text(7.0, is_date=False)
    ('2022-01-08 12:00:00', '7')
    """
    if not is_date:
        return f"{value:.15g}"
    time = np.datetime64("1970-01-01", "s") + np.timedelta64(round(value * 86_400), "s")
    return str(time).removesuffix("T00:00:00").replace("T", " ")
