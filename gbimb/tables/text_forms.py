"""What one text stands for: a number, a date or a missing value, each form with its pattern."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gbimb.tables.days import as_days

if TYPE_CHECKING:
    from collections.abc import Collection

    from gbimb.array_types import FloatArray

NUMBERS: Final = {".": "numbers", ",": "numbers"}
DATES: Final = {
    "ymd": "dates",
    "dmy": "dates with the day first",
    "mdy": "dates with the month first",
}
FORMS: Final = {**NUMBERS, **DATES}
TEXT: Final = "text"
"""The form of a column that stays text."""
LABEL_FORMS: Final = ("trim", "lower", "trim,lower")
"""What was done to labels that are text."""
MARKS: Final = frozenset(
    {
        *("na", "n.a", "n.a.", "n/a", "n/a.", "nan", "nd", "n.d.", "k.a.", "k. a.", "s/d", "tbd"),
        *("null", "none", "nil", "missing", "unknown", "unk", "undefined", "not available"),
        *("not known", "not applicable", "no data"),
    }
)
"""Words that stand for a missing value, in small letters; beside them all that has no letter and
no digit, such as "?" or "--", and the errors of spreadsheets, such as "#DIV/0!"."""
NO_WORD: Final = re.compile(r"[\W_]*|#[\w/]+[!?]?|0+([-/])0+\1 ?0+|00\.00\.0000")

_SPACE = "[ \xa0\u202f\u2009]"
_SIGN = "[+\u2212\u2013-]?"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|BRL|MXN|ZAR|SGD|HKD|"
    "US\\$|R\\$|kr|K\u010d|z\u0142|Fr\\.|Rs\\.?"
)
CURRENCY = f"(?:[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20b4\u20aa\u0e3f]|{_CODES})"


def _number(point: str, comma: str) -> str:
    """Return the pattern of numbers with this decimal mark; a code such as 007 is none."""
    grouped = "|".join(
        f"[1-9]\\d{{0,2}}(?:{group}\\d{{3}})+(?:{point}\\d+)?"
        for group in (comma, "['\u2019]", _SPACE)
    )
    plain = f"(?:\\d+{point}\\d*|0|[1-9]\\d*|{point}\\d+)(?:[eE][+-]?\\d+)?"
    lakh = f"[1-9]\\d?(?:{comma}\\d{{2}})+{comma}\\d{{3}}(?:{point}\\d+)?"
    body = f"(?:{plain}|{grouped}|{lakh})"
    bare = f"{_SIGN}(?:{CURRENCY}{_SPACE}*)?{_SIGN}{body}{_SPACE}*(?:{CURRENCY}|%)?"
    return f"^(?:{bare}|\\({bare}\\))$"


_PATTERNS: Final = {".": _number("\\.", ","), ",": _number(",", "\\.")}
PLAIN: Final = "^[+-]?(?:\\d+\\.\\d*|0|[1-9]\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?$"
PERHAPS_GROUPED: Final = "^[+-]?([1-9]\\d{0,2}(\\.\\d{3})?|0)$"
IS_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TIME: Final = (
    r"(?:[ T](?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,6})\d*)?)?"
    r"(?: ?(?P<p>[AaPp])\.?[Mm]\.?)?)?"
)
_MONTHS: Final = {
    "janfebmaraprmayjunjulaugsepoctnovdec"[3 * i : 3 * i + 3]: i + 1 for i in range(12)
}
_WORD = r"(?P<word>(?:" + "|".join(_MONTHS) + r")[a-z]*)\.?"
ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?"
)
_DATES: Final = {
    "ymd": re.compile(rf"(?P<y>\d{{4}})(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}}){_TIME}"),
    "dmy": re.compile(
        rf"(?P<d>\d{{1,2}})(?P<s>[-/. ])(?:(?P<m>\d{{1,2}})|{_WORD})(?P=s)(?P<y>\d{{4}}|\d\d)"
        + _TIME,
        re.IGNORECASE,
    ),
    "mdy": re.compile(
        rf"(?:(?P<m>\d{{1,2}})(?P<s>[-/.])|{_WORD} )(?P<d>\d{{1,2}})(?:,? |(?P=s))"
        rf"(?P<y>\d{{4}}|\d\d){_TIME}",
        re.IGNORECASE,
    ),
}
_YEAR: Final = r"(?P<y>1[89]\d\d|2[01]\d\d)"
_MONTH_FIRST: Final = re.compile(rf"(?:(?P<m>0[1-9]|1[0-2])[-/]|{_WORD}[- ]){_YEAR}", re.IGNORECASE)
_MONTHS_ALONE: Final = {
    "ymd": re.compile(rf"{_YEAR}[-/](?P<m>0[1-9]|1[0-2])(?P<word>)"),
    "dmy": _MONTH_FIRST,
    "mdy": _MONTH_FIRST,
}


def is_mark(text: str) -> bool:
    """Whether a text stands for a missing value in any column.

    >>> [is_mark(text) for text in ("?", " n/a", "#DIV/0!", "0", "none", "nine")]
    [True, True, True, False, True, False]
    """
    plain = text.strip()
    return plain.lower() in MARKS or NO_WORD.fullmatch(plain) is not None


def numbers_among(marks: Collection[str]) -> list[float]:
    """Return the marks that are numbers.

    >>> numbers_among(["?", "-999", "nan"])
    [-999.0]
    """
    found = []
    for mark in marks:
        try:
            value = float(mark)
        except ValueError:
            continue
        if np.isfinite(value):
            found.append(value)
    return found


def other_form(form: str) -> str:
    """Return the form that the same texts could be taken for."""
    return {".": ",", ",": ".", "dmy": "mdy", "mdy": "dmy"}.get(form, "dmy")


def values_of(cells: pa.Array, form: str, *, codes: bool = False) -> FloatArray:
    """Return the values of texts, NaN where they are not of the form."""
    cells = pc.utf8_trim_whitespace(cells)
    if form in DATES:
        return _days(cells, form)
    fits = pc.match_substring_regex(cells, _PATTERNS[form])
    if codes:
        fits = pc.or_(fits, pc.match_substring_regex(cells, "^[+-]?\\d+$"))
    return _numbers(cells, form, fits)


def _numbers(cells: pa.Array, point: str, fits: pa.BooleanArray) -> FloatArray:
    text = pc.if_else(fits, cells, None)
    negative = pc.starts_with(text, "(")
    text = pc.replace_substring_regex(text, f"{CURRENCY}|[%()'\u2019 \xa0\u202f\u2009]", "")
    text = pc.replace_substring(text, "." if point == "," else ",", "")
    if point == ",":
        text = pc.replace_substring(text, ",", ".")
    text = pc.replace_substring_regex(text, "[\u2212\u2013]", "-")
    text = pc.replace_substring_regex(text, "^\\+", "")
    numbers: FloatArray = text.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    signs = negative.fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003  Arrow's order of arguments
    return np.where(signs, -numbers, numbers)


def _days(cells: pa.Array, form: str) -> FloatArray:
    """Return days since 1970-01-01."""
    words = cells.to_pylist()
    days = np.full(len(words), np.nan)
    if form == "ymd":
        iso = [i for i, word in enumerate(words) if word is not None and ISO.fullmatch(word)]
        texts = pd.Series([words[i] for i in iso], dtype=object)
        exact = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
        days[iso] = as_days(pa.array(exact, from_pandas=True)).to_numpy(zero_copy_only=False)
    # What pandas has no date for, such as the year 9999 in some versions, Python may have.
    rest = [i for i in np.flatnonzero(np.isnan(days)) if words[i] is not None]
    times = pa.array([_time(words[i], form) for i in rest], pa.timestamp("us"))
    days[rest] = as_days(times).to_numpy(zero_copy_only=False)
    return days


def _time(word: str, form: str) -> dt.datetime | None:
    if form == "ymd" and ISO.fullmatch(word):
        try:
            time = dt.datetime.fromisoformat(word.replace(" UTC", "Z"))
        except ValueError:
            return None
        return time.astimezone(dt.UTC).replace(tzinfo=None) if time.tzinfo else time
    if alone := _MONTHS_ALONE[form].fullmatch(word):
        return dt.datetime(int(alone["y"]), _month(alone), 1)
    found = _DATES[form].fullmatch(word)
    if found is None:
        return None
    part, month = found.groupdict(), _month(found)
    year = int(part["y"])
    year += 0 if len(part["y"]) == 4 else 2000 if year < 70 else 1900
    hour = int(part["H"] or 0)
    if part["p"]:
        hour = hour % 12 + 12 * (part["p"] in "pP")
    micro = int((part["f"] or "").ljust(6, "0"))
    try:
        return dt.datetime(
            year, month, int(part["d"]), hour, int(part["M"] or 0), int(part["S"] or 0), micro
        )
    except ValueError:
        return None


def _month(found: re.Match[str]) -> int:
    part = found.groupdict()
    return int(part["m"]) if part["m"] else _MONTHS[part["word"][:3].lower()]
