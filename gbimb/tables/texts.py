"""What the texts of a column stand for: numbers, dates, marks of missing values, or text.

One rulebook for every table that has text in it. A column is read by value only where it agrees
as a whole; what is left over is named, never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gbimb.exceptions import InvalidDataError
from gbimb.tables.days import as_days

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

NUMBERS: Final = {".": "numbers", ",": "numbers"}
DATES: Final = {
    "ymd": "dates",
    "dmy": "dates with the day first",
    "mdy": "dates with the month first",
}
FORMS: Final = {**NUMBERS, **DATES}
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

MOST_LEFT_OVER: Final = 0.1
MOST_KINDS_LEFT_OVER: Final = 10
SAMPLE: Final = 1_000

_SPACE = "[ \xa0\u202f\u2009]"
_SIGN = "[+\u2212\u2013-]?"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|BRL|MXN|ZAR|SGD|HKD|"
    "US\\$|R\\$|kr|K\u010d|z\u0142|Fr\\.|Rs\\.?"
)
_CURRENCY = f"(?:[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20b4\u20aa\u0e3f]|{_CODES})"


def _number(point: str, comma: str) -> str:
    """Return the pattern of numbers with this decimal mark; a code such as 007 is none."""
    grouped = "|".join(
        f"[1-9]\\d{{0,2}}(?:{group}\\d{{3}})+(?:{point}\\d+)?"
        for group in (comma, "['\u2019]", _SPACE)
    )
    plain = f"(?:\\d+{point}\\d*|0|[1-9]\\d*|{point}\\d+)(?:[eE][+-]?\\d+)?"
    lakh = f"[1-9]\\d?(?:{comma}\\d{{2}})+{comma}\\d{{3}}(?:{point}\\d+)?"
    body = f"(?:{plain}|{grouped}|{lakh})"
    bare = f"{_SIGN}(?:{_CURRENCY}{_SPACE}*)?{_SIGN}{body}{_SPACE}*(?:{_CURRENCY}|%)?"
    return f"^(?:{bare}|\\({bare}\\))$"


_PATTERNS: Final = {".": _number("\\.", ","), ",": _number(",", "\\.")}
_PLAIN: Final = "^[+-]?(?:\\d+\\.\\d*|0|[1-9]\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?$"
_PERHAPS_GROUPED: Final = "^[+-]?([1-9]\\d{0,2}(\\.\\d{3})?|0)$"
_IS_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TIME: Final = (
    r"(?:[ T](?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,6})\d*)?)?"
    r"(?: ?(?P<p>[AaPp])\.?[Mm]\.?)?)?"
)
_MONTHS: Final = {
    "janfebmaraprmayjunjulaugsepoctnovdec"[3 * i : 3 * i + 3]: i + 1 for i in range(12)
}
_WORD = r"(?P<word>(?:" + "|".join(_MONTHS) + r")[a-z]*)\.?"
_ISO: Final = re.compile(
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


@dataclass(frozen=True)
class Reading:
    """How the texts of a column are read.

    Attributes
    ----------
    form : {".", ",", "ymd", "dmy", "mdy"}
        Numbers with that decimal mark, or dates with year, day or month first.
    missing : tuple of str
        Texts that are missing values.
    """

    form: str
    missing: tuple[str, ...] = ()

    @property
    def is_date(self) -> bool:
        """Whether the values are days since 1970-01-01."""
        return self.form in DATES

    def apply(self, column: Any, name: str) -> pa.Array:  # an Arrow array
        """Return the values of a column of texts, for all of which the reading was made.

        Raises
        ------
        InvalidDataError
            If a text is neither of the form nor one of the missing values.
        """
        cells, codes = _distinct(column)
        values = _values(cells, self.form)
        for at in np.flatnonzero(np.isnan(values)):
            cell = cells[int(at)].as_py()
            if not is_mark(cell) and cell not in self.missing:
                msg = (
                    f"Column {name!r} must hold {FORMS[self.form]} only, as in its other rows, got "
                    f"{cell!r}. Correct or empty that cell."
                )
                raise InvalidDataError(msg)
        return pa.array(np.append(values, np.nan)[codes], from_pandas=True)


@dataclass(frozen=True, eq=False)
class Texts:
    """The different texts of a column, and what the best reading makes of them.

    Attributes
    ----------
    cells : list of str
    counts : intp array
        Rows of each.
    codes : intp array of shape (n,)
        Which of them each row has, -1 for none.
    form : str
    values : float64 array
        Of each text, NaN where it is not of that form.
    known : bool array
        Texts that stand for a missing value wherever they are.
    rival : str
        Another form that explains as many texts, with other values; "" if there is none.
    mixed : bool
        Whether the numbers are of different units, or some are percentages.
    """

    cells: list[str]
    counts: IntArray
    codes: IntArray
    form: str
    values: FloatArray
    known: NDArray[np.bool_]
    rival: str = ""
    mixed: bool = False

    @property
    def left_over(self) -> NDArray[np.bool_]:
        """Texts that are neither of the form nor known to be missing values."""
        return np.isnan(self.values) & ~self.known

    @property
    def share(self) -> float:
        """Rows that are of the form, of those that are no missing values."""
        rows = self.counts[~self.known].sum()
        return float(self.counts[~np.isnan(self.values)].sum() / rows) if rows else 0.0

    @property
    def agrees(self) -> bool:
        """Whether the column is of the form but for a few texts."""
        bad, good = int(self.left_over.sum()), int((~np.isnan(self.values)).sum())
        few = bad <= MOST_KINDS_LEFT_OVER and good > 2 * bad and self.share >= 1 - MOST_LEFT_OVER
        return good > 0 and few

    @property
    def missing(self) -> dict[str, int]:
        """Texts that are taken as missing values, and the rows of each, most rows first."""
        at = np.flatnonzero(np.isnan(self.values))
        order = at[np.argsort(-self.counts[at], kind="stable")]
        return {self.cells[i]: int(self.counts[i]) for i in order}

    @property
    def reading(self) -> Reading:
        """How the column is read, to read others the same way."""
        return Reading(self.form, tuple(self.missing))

    @property
    def is_sure(self) -> bool:
        """Whether a text shows the form, which says how other columns may be read."""
        read = np.flatnonzero(~np.isnan(self.values))[:SAMPLE]
        other = _values(pa.array([self.cells[i] for i in read], pa.string()), _other(self.form))
        return not self.rival and bool(np.isnan(other).any())

    @property
    def example(self) -> int:
        """The place of the text that shows best what was taken for what."""
        read = np.flatnonzero(~np.isnan(self.values))[:SAMPLE]
        words = [self.cells[i] for i in read]
        other = _values(pa.array(words, pa.string()), _other(self.form))
        differs = ~np.isnan(other) & (other != self.values[read])
        signs = np.array([sum(not c.isalnum() for c in word.strip("-+ ")) for word in words])
        return int(read[np.lexsort((signs, differs & (self.form in NUMBERS)))[-1]])

    @property
    def is_plain(self) -> bool:
        """Whether all are numbers with a decimal point, or dates as ISO 8601 has them."""
        read = [self.cells[i] for i in np.flatnonzero(~np.isnan(self.values))]
        if self.form == "ymd":
            return all(_ISO.fullmatch(cell.strip()) for cell in read)
        return self.form == "." and all(_IS_PLAIN.fullmatch(cell.strip()) for cell in read)

    def as_rival(self, cell: str) -> float:
        """Return what a text is in the form that was not taken."""
        return float(_values(pa.array([cell]), self.rival)[0])

    def series(self, like: pd.Series[Any]) -> pd.Series[Any]:
        """Return the values of all rows, with the index of ``like``."""
        return pd.Series(np.append(self.values, np.nan)[self.codes], index=like.index)


def read_texts(
    column: Any,  # a pandas or Arrow column of strings
    preferred: Collection[str] = (),
    missing: Collection[str] = (),
    *,
    always: bool = False,
) -> Texts | None:
    """Return what the texts of a column are, or None if most look like words.

    Parameters
    ----------
    column : pandas Series or Arrow array of strings, or of a dictionary of strings
    preferred : collection of str
        Forms to choose where texts can be read in two ways.
    missing : collection of str
        Texts known to be missing values, beside those that always are.
    always : bool
        Never return None, and take codes such as 007 as numbers: the column is known to hold some.
    """
    cells, codes = _distinct(column)
    forms = likely_forms(cells)
    if not always and not forms:
        return None
    words = np.array(cells.to_pylist(), dtype=object)
    known = np.array([is_mark(word) or word in missing for word in words], dtype=bool)
    counts = np.bincount(codes + 1, minlength=len(words) + 1)[1:].astype(np.intp)
    clean = pa.array(words, pa.string(), mask=known)
    found = {f: _values(clean, f, codes=always) for f in _worth_trying(clean, forms, preferred)}
    score = {form: int(counts[~np.isnan(v)].sum()) for form, v in found.items()}
    best = [form for form in found if score[form] == max(score.values())]
    form, rival = _choose(best, found, preferred, words[~known])
    mixed = form in NUMBERS and _is_mixed(words, found[form])
    return Texts(words.tolist(), counts, codes, form, found[form], known, rival, mixed)


def likely_forms(cells: pa.Array) -> list[str]:
    """Return the forms of some texts, none unless half of them, marks aside, are of one."""
    some = cells.take(pa.array(range(0, len(cells), max(1, len(cells) // SAMPLE))))
    words = pa.array([w for w in some.to_pylist() if not is_mark(w)], pa.string())
    if not len(words):
        return list(FORMS)
    shares = {form: float((~np.isnan(_values(words, form))).mean()) for form in FORMS}
    return [form for form in FORMS if shares[form]] if max(shares.values()) >= 0.5 else []


def is_mark(text: str) -> bool:
    """Whether a text stands for a missing value in any column.

    >>> [is_mark(text) for text in ("?", " n/a", "#DIV/0!", "0", "none", "nine")]
    [True, True, True, False, True, False]
    """
    plain = text.strip()
    return plain.lower() in MARKS or NO_WORD.fullmatch(plain) is not None


def _distinct(column: Any) -> tuple[pa.Array, IntArray]:
    """Return the different texts in order of appearance, and which of them each row has."""
    array = pa.array(column, from_pandas=True) if isinstance(column, pd.Series) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    return array.dictionary.cast(pa.string()), codes


def _worth_trying(cells: pa.Array, forms: list[str], preferred: Collection[str]) -> list[str]:
    """Return the forms that can be: texts such as 1.5 and 12 are nothing but numbers."""
    there = cells.drop_null()
    if pc.all(pc.match_substring_regex(there, _PLAIN)).as_py():
        grouped = pc.all(pc.match_substring_regex(there, _PERHAPS_GROUPED)).as_py()
        return [".", *(f for f in list(FORMS)[1:] if f in preferred or (f == "," and grouped))]
    return [form for form in FORMS if not forms or form in forms or form in preferred]


def _other(form: str) -> str:
    """Return the form that the same texts could be taken for."""
    return {".": ",", ",": ".", "dmy": "mdy", "mdy": "dmy"}.get(form, "dmy")


def _choose(
    best: list[str],
    found: dict[str, FloatArray],
    preferred: Collection[str],
    words: NDArray[Any],
) -> tuple[str, str]:
    """Return the form to take, and another that the column does not rule out."""
    first = best[0]
    rivals = [f for f in best if not np.array_equal(found[f], found[first], equal_nan=True)]
    if not rivals:
        return first, ""
    pair = [first, rivals[0]]
    wanted = [form for form in pair if form in preferred]
    if len(wanted) == 1:
        form = wanted[0]
    elif first == ".":
        # Three digits after a comma, or after a point in an amount of money: thousands.
        point = any("." in word and re.search(_CURRENCY, word) for word in words)
        form = "," if point and not any("," in word for word in words) else "."
    else:
        form = _day_or_month(words)
    (rival,) = (f for f in pair if f != form)
    return form, rival


def _day_or_month(words: NDArray[Any]) -> str:
    """Return "mdy" where the second number never changes, as the day of monthly dates; or "dmy"."""
    parts = [re.split(r"\D", word.strip())[:2] for word in words]
    first, second = (len({part[i] for part in parts if len(part) > i}) for i in (0, 1))
    return "mdy" if second == 1 and first > 2 else "dmy"


def _is_mixed(words: NDArray[Any], values: FloatArray) -> bool:
    read = ~np.isnan(values)
    units = {
        match[0] if (match := re.search(f"{_CURRENCY}|%", word)) else ""
        for word in words[read & (values != 0)]
    }
    return len(units - {""}) > 1 or {"", "%"} <= units


def _values(cells: pa.Array, form: str, *, codes: bool = False) -> FloatArray:
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
    text = pc.replace_substring_regex(text, f"{_CURRENCY}|[%()'\u2019 \xa0\u202f\u2009]", "")
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
        iso = [i for i, word in enumerate(words) if word is not None and _ISO.fullmatch(word)]
        texts = pd.Series([words[i] for i in iso], dtype=object)
        exact = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
        days[iso] = as_days(pa.array(exact, from_pandas=True)).to_numpy(zero_copy_only=False)
    # What pandas has no date for, such as the year 9999 in some versions, Python may have.
    rest = [i for i in np.flatnonzero(np.isnan(days)) if words[i] is not None]
    times = pa.array([_time(words[i], form) for i in rest], pa.timestamp("us"))
    days[rest] = as_days(times).to_numpy(zero_copy_only=False)
    return days


def _time(word: str, form: str) -> dt.datetime | None:
    if form == "ymd" and _ISO.fullmatch(word):
        try:
            time = dt.datetime.fromisoformat(word.replace(" UTC", "Z"))
        except ValueError:
            return None
        return time.astimezone(dt.UTC).replace(tzinfo=None) if time.tzinfo else time
    found = _DATES[form].fullmatch(word)
    if found is None:
        return None
    part = found.groupdict()
    month = int(part["m"]) if part["m"] else _MONTHS[part["word"][:3].lower()]
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
