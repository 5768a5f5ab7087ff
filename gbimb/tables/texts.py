"""What the texts of a column stand for: numbers, dates, marks of missing values, or text.

One rulebook for every table that has text in it. A column is read by value only where it agrees
as a whole; what is left over is named, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gbimb.exceptions import InvalidDataError
from gbimb.tables.text_forms import (
    CURRENCY,
    DATES,
    FORMS,
    IS_PLAIN,
    ISO,
    NUMBERS,
    PERHAPS_GROUPED,
    PLAIN,
    TEXT,
    is_mark,
    numbers_among,
    other_form,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

MOST_LEFT_OVER: Final = 0.1
MOST_KINDS_LEFT_OVER: Final = 10
SAMPLE: Final = 1_000
FEWEST_CODES: Final = 0.01
CODE: Final = re.compile(r"0\d+")


@dataclass(frozen=True)
class Reading:
    """How the texts of a column are read.

    Attributes
    ----------
    form : {".", ",", "ymd", "dmy", "mdy", "text"}
        Numbers with that decimal mark, dates with year, day or month first, or text.
    missing : tuple of str
        Texts that are missing values.
    """

    form: str
    missing: tuple[str, ...] = ()

    @property
    def is_date(self) -> bool:
        """Whether the values are days since 1970-01-01."""
        return self.form in DATES

    def with_missing(self, marks: Collection[str]) -> Reading:
        """Return the same with further texts that are missing values."""
        return Reading(self.form, tuple(dict.fromkeys([*self.missing, *marks])))

    def apply(self, column: Any, name: str) -> pa.Array:  # an Arrow array
        """Return the values of a column for all of whose texts the reading was made.

        Of a column of numbers those are missing that ``missing`` spells, and infinite ones.

        Raises
        ------
        InvalidDataError
            If a text is neither of the form nor one of the missing values.
        """
        if not (pa.types.is_dictionary(column.type) or is_words(column.type)):
            return self._finite(column)
        cells, codes = _distinct(column)
        if self.form == TEXT:
            gone = pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(self.missing, pa.string()))
            kept = pc.if_else(gone, pa.scalar(None, pa.string()), cells)
            return kept.take(pa.array(codes, mask=codes < 0)).dictionary_encode()
        values = values_of(cells, self.form)
        for at in np.flatnonzero(np.isnan(values)):
            cell = cells[int(at)].as_py()
            if not is_mark(cell) and cell not in self.missing:
                msg = (
                    f"Column {name!r} must hold {FORMS[self.form]} only, as in its other rows, got "
                    f"{cell!r}. Correct or empty that cell."
                )
                raise InvalidDataError(msg)
        return pa.array(np.append(values, np.nan)[codes], from_pandas=True)

    def _finite(self, column: Any) -> pa.Array:  # an Arrow array
        numbers = column.cast(pa.float64(), safe=False)
        marks = numbers_among(self.missing)
        gone = pc.or_(pc.is_in(numbers, pa.array(marks, pa.float64())), pc.is_inf(numbers))
        return pc.if_else(gone, pa.scalar(None, pa.float64()), numbers)


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
    code : str
        A whole number that begins with a zero, if such are codes and no amounts.
    """

    cells: list[str]
    counts: IntArray
    codes: IntArray
    form: str
    values: FloatArray
    known: NDArray[np.bool_]
    rival: str = ""
    mixed: bool = False
    code: str = ""

    @property
    def left_over(self) -> NDArray[np.bool_]:
        """Texts that are neither of the form nor known to be missing values."""
        return np.isnan(self.values) & ~self.known

    @property
    def settled(self) -> Texts:
        """The same without a doubt about the form."""
        return replace(self, rival="")

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
        return good > 0 and few and not self.code

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
        other = values_of(
            pa.array([self.cells[i] for i in read], pa.string()), other_form(self.form)
        )
        return not self.rival and bool(np.isnan(other).any())

    @property
    def example(self) -> int:
        """The place of the text that shows best what was taken for what."""
        read = np.flatnonzero(~np.isnan(self.values))[:SAMPLE]
        words = [self.cells[i] for i in read]
        other = values_of(pa.array(words, pa.string()), other_form(self.form))
        differs = ~np.isnan(other) & (other != self.values[read])
        signs = np.array([sum(not c.isalnum() for c in word.strip("-+ ")) for word in words])
        return int(read[np.lexsort((signs, differs & (self.form in NUMBERS)))[-1]])

    @property
    def is_plain(self) -> bool:
        """Whether all are numbers with a decimal point, or dates as ISO 8601 has them."""
        read = [self.cells[i] for i in np.flatnonzero(~np.isnan(self.values))]
        if self.form == "ymd":
            return all(ISO.fullmatch(cell.strip()) for cell in read)
        return self.form == "." and all(IS_PLAIN.fullmatch(cell.strip()) for cell in read)

    def as_rival(self, cell: str) -> float:
        """Return what a text is in the form that was not taken."""
        return float(values_of(pa.array([cell]), self.rival)[0])

    def series(self, like: pd.Series[Any]) -> pd.Series[Any]:
        """Return the values of all rows, with the index of ``like``."""
        return pd.Series(np.append(self.values, np.nan)[self.codes], index=like.index)


def is_words(dtype: Any) -> bool:  # a pyarrow type
    """Whether an Arrow type is that of texts."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(dtype) for is_kind in kinds)


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
    code = "" if always else code_among(words[~known].tolist(), counts[~known])
    found = {f: values_of(clean, f, codes=not code) for f in _worth_trying(clean, forms, preferred)}
    score = {form: int(counts[~np.isnan(v)].sum()) for form, v in found.items()}
    best = [form for form in found if score[form] == max(score.values())]
    form, rival = _choose(best, found, preferred, words[~known])
    mixed = form in NUMBERS and _is_mixed(words, found[form])
    return Texts(words.tolist(), counts, codes, form, found[form], known, rival, mixed, code)


def code_among(words: Sequence[str], counts: IntArray) -> str:
    """Return a whole number that begins with a zero, if such are codes; else "".

    They are where all have the same width, or where one in a hundred begins with a zero.

    >>> code_among(["02134", "90210"], np.array([1, 1]))
    '02134'
    >>> code_among(["050", "7"], np.array([1, 200]))
    ''
    """
    plain = [word.strip() for word in words]
    digits = np.array([word.isdecimal() for word in plain], dtype=bool)
    zeros = np.array([CODE.fullmatch(word) is not None for word in plain], dtype=bool)
    whole, total = counts[digits].sum(), counts.sum()
    if not zeros.any() or whole < (1 - MOST_LEFT_OVER) * total:
        return ""
    one_width = len({len(word) for word, is_whole in zip(plain, digits, strict=True) if is_whole})
    usual = one_width == 1 or counts[zeros].sum() >= FEWEST_CODES * whole
    return plain[int(np.argmax(zeros))] if usual else ""


def likely_forms(cells: pa.Array) -> list[str]:
    """Return the forms of some texts, none unless half of them, marks aside, are of one."""
    some = cells.take(pa.array(range(0, len(cells), max(1, len(cells) // SAMPLE))))
    words = pa.array([w for w in some.to_pylist() if not is_mark(w)], pa.string())
    if not len(words):
        return list(FORMS)
    shares = {form: float((~np.isnan(values_of(words, form))).mean()) for form in FORMS}
    return [form for form in FORMS if shares[form]] if max(shares.values()) >= 0.5 else []


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
    if pc.all(pc.match_substring_regex(there, PLAIN)).as_py():
        grouped = pc.all(pc.match_substring_regex(there, PERHAPS_GROUPED)).as_py()
        return [".", *(f for f in list(FORMS)[1:] if f in preferred or (f == "," and grouped))]
    return [form for form in FORMS if not forms or form in forms or form in preferred]


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
        point = any("." in word and re.search(CURRENCY, word) for word in words)
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
        match[0] if (match := re.search(f"{CURRENCY}|%", word)) else ""
        for word in words[read & (values != 0)]
    }
    return len(units - {""}) > 1 or {"", "%"} <= units
