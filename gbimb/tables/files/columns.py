"""Bring the columns of any table to numbers and categories, and say what was changed.

Every method gets the same frame. Nothing is left out unless it was asked for.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.days import days_of
from gbimb.tables.files.options import AS_FOUND, ReadOptions, blank
from gbimb.tables.keys import TICKS_A_DAY, time_keys
from gbimb.tables.remarks.sentences import (
    AS_DAYS,
    codes_as_text,
    value_as_text,
    what_stays_text,
    what_was_read,
)
from gbimb.tables.remarks.suspects import about_numbers, about_texts, counts_of
from gbimb.tables.text_forms import TEXT
from gbimb.tables.texts import Reading, Texts, code_among, read_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gbimb.array_types import FloatArray, IntArray

MANY_TEXTS: Final = 100
DECIMAL_COMMA: Final = r"[+-]?\d+,\d+"


class Prepared(NamedTuple):
    """A table that every method takes.

    Attributes
    ----------
    frame : DataFrame
        Numbers, booleans and categories only.
    notes : tuple of str
        What was taken for what.
    readings : dict of str to Reading
        How the columns were read whose texts are numbers or dates.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    readings: dict[str, Reading]

    @property
    def dates(self) -> list[str]:
        """The columns that held dates."""
        names = map(str, self.frame)
        by_type = {
            name for name in self.frame if f"Column {name!r}: {AS_DAYS['date']}" in self.notes
        }
        by_text = {name for name, reading in self.readings.items() if reading.is_date}
        return [name for name in names if name in by_type | by_text]


def prepare_columns(frame: pd.DataFrame, known: ReadOptions = AS_FOUND) -> Prepared:
    """Return the frame with numbers, booleans and categories only, and a note per change.

    Text that is numbers or dates as a whole column is read by value; dates become days since
    1970-01-01 in UTC, other text categories, infinite numbers missing values.

    Raises
    ------
    InvalidTypeError
        If a column holds something else, such as lists.
    """
    notes: list[str] = []
    columns, readings = {}, {}
    named = {
        str(name): blank(frame.iloc[:, i], known.missing) for i, name in enumerate(frame.columns)
    }
    texts = read_columns({name: v for name, v in named.items() if is_text(v)}, known)
    for name, values in named.items():
        found = texts.get(name)
        if found is not None and is_by_value(found):
            columns[name], readings[name] = found.series(values), found.reading
            odd = "" if found.reading.is_date else about_numbers(columns[name].to_numpy())
            note = " ".join(filter(None, [said_of_texts(found), odd[:1].upper() + odd[1:]]))
        else:
            columns[name], note = prepare_column(name, values)
            note = (found and said_of_texts(found)) or note
        if note:
            notes.append(f"Column {name!r}: {note}")
    if known.missing:
        readings |= {n: with_marks(readings.get(n), v, known) for n, v in columns.items()}
    return Prepared(pd.DataFrame(columns), tuple(notes), readings)


@dataclass(frozen=True, eq=False)
class Times:
    """When each row was.

    Attributes
    ----------
    column : str
    values : float64 array of shape (n,)
        Of dates days since 1970-01-01.
    is_date : bool
    """

    column: str
    values: FloatArray
    is_date: bool

    @classmethod
    def read(cls, column: pd.Series[Any], known: ReadOptions = AS_FOUND) -> Times:
        """Return a column of numbers or dates, those of text read by value.

        Raises
        ------
        InvalidDataError
            If a time is missing or infinite.
        InvalidTypeError
            If they are neither numbers nor dates.
        """
        name = str(column.name)
        prepared = prepare_columns(column.to_frame(name), known)
        values = prepared.frame[name]
        keys = time_keys(values).astype(np.float64)
        if pdt.is_numeric_dtype(values.dtype):
            return cls(name, keys, bool(prepared.dates))
        return cls(name, keys / TICKS_A_DAY, is_date=True)

    def ranks(self) -> IntArray:
        """Return the rank of each time, equal for equal ones."""
        return np.unique(self.values, return_inverse=True)[1]

    def shown(self, value: float) -> str:
        """Return a time as text."""
        return value_as_text(value, is_date=self.is_date)


def with_marks(reading: Reading | None, values: pd.Series[Any], known: ReadOptions) -> Reading:
    """Return how a column is read in which further texts are missing values."""
    if reading is None:
        categories = isinstance(values.dtype, pd.CategoricalDtype)
        return Reading(TEXT if categories else ".", known.missing)
    return reading.with_missing(known.missing)


def read_columns(
    columns: Mapping[str, Any], known: ReadOptions = AS_FOUND, *, always: bool = False
) -> dict[str, Texts]:
    """Return what columns of text are, as far as they may be numbers or dates.

    Where a column can be read in two ways, ``known`` says which, or else the other columns. With
    ``always`` all of them are known to hold numbers or dates.
    """
    forms, marks = known.forms, known.missing
    read = {n: read_texts(values, forms, marks, always=always) for n, values in columns.items()}
    found = {
        name: texts.settled if texts.form in forms else texts
        for name, texts in read.items()
        if texts is not None
    }
    if any(texts.rival for texts in found.values()):
        sure = {texts.form for texts in found.values() if texts.agrees and texts.is_sure}
        for name, texts in found.items():
            again = None
            if texts.rival:
                again = read_texts(columns[name], sure, marks, always=always)
            found[name] = again or texts
    return found


def is_by_value(texts: Texts) -> bool:
    """Whether a column of text is read as numbers or dates."""
    return texts.agrees and not texts.mixed and not _is_code(texts)


def said_of_texts(texts: Texts) -> str:
    """Say what a column of text was taken for, "" where that is no question."""
    if code := texts.code:
        return codes_as_text(code)
    if is_by_value(texts):
        usual = texts.is_plain and not (texts.missing or texts.rival or texts.reading.is_date)
        return "" if usual else what_was_read(texts)
    return what_stays_text(texts) if texts.share and not _is_code(texts) else ""


def _is_code(texts: Texts) -> bool:
    """Whether these are a few whole numbers that somebody keeps as text."""
    few = len(texts.cells) <= MANY_TEXTS and not texts.missing and texts.is_plain
    return few and not texts.reading.is_date and all(cell.isdigit() for cell in texts.cells)


def is_text(values: pd.Series[Any]) -> bool:
    """Whether all cells that are there are text, and one is."""
    if not (pdt.is_string_dtype(values.dtype) or pdt.is_object_dtype(values.dtype)):
        return False
    if isinstance(values.dtype, pd.StringDtype):
        return not values.isna().all()
    return pdt.infer_dtype(values, skipna=True) == "string"


def plain_labels(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of labels, numbers with a decimal comma such as 1,0 as numbers."""
    if not is_text(values) or not values.dropna().str.fullmatch(DECIMAL_COMMA).all():
        return values
    return values.str.replace(",", ".").astype(np.float64)


def read_weights(values: pd.Series[Any], what: str = "weight") -> FloatArray:
    """Return a column of weights, or of what else is >= 0.

    Raises
    ------
    InvalidDataError
        If it holds no numbers, or one is missing, infinite or below 0.
    """
    name = values.name
    if is_text(values) and (texts := read_texts(values)) and texts.agrees and not texts.missing:
        values = texts.series(values)
    if not pdt.is_numeric_dtype(values.dtype):
        msg = f"The {what} column {name!r} must hold numbers >= 0, got {values.dtype}."
        raise InvalidDataError(msg)
    weights = values.to_numpy(np.float64, na_value=np.nan)
    wrong = int((~(np.isfinite(weights) & (weights >= 0))).sum())
    if wrong:
        msg = (
            f"The {what} column {name!r} must hold {what}s >= 0 in every row, got {wrong:,} "
            f"of {len(weights):,} rows with others or none."
        )
        raise InvalidDataError(msg)
    return weights


def prepare_column(name: str, values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    """Return a column as numbers, booleans or categories, and what was done to it."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        return values, about_texts(counts_of(codes, values.cat.categories.tolist()), len(values))
    if pdt.is_datetime64_any_dtype(dtype):
        return _days(values)
    if pdt.is_timedelta64_dtype(dtype):
        return pd.Series(days_of(values), index=values.index), AS_DAYS["duration"]
    if pdt.is_bool_dtype(dtype) and not values.isna().any():
        return values.astype(bool), ""
    if pdt.is_bool_dtype(dtype) or (pdt.is_numeric_dtype(dtype) and dtype.kind != "c"):
        return _numbers(values)
    if pdt.is_string_dtype(dtype) or pdt.is_object_dtype(dtype):
        return _objects(name, values)
    raise _refusal(name, [str(dtype)])


def _objects(name: str, values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    present = values.dropna()
    kinds = {type(value) for value in present}
    if not kinds:
        return pd.Series(np.nan, index=values.index, dtype=np.float32), "no value at all."
    if kinds == {str}:
        return _categories(values)
    if all(issubclass(kind, dt.date) for kind in kinds):
        return _days(values)
    if all(issubclass(kind, Real | Decimal | np.bool_) for kind in kinds):
        return _numbers(values.astype(np.float64))
    if all(issubclass(kind, str | Real | Decimal) for kind in kinds):
        text, note = _categories(values.astype(object).where(values.isna(), values.map(str)))
        return text, f"numbers and text mixed, taken as categories. {note}".rstrip()
    raise _refusal(name, [kind.__name__ for kind in kinds])


def _numbers(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
        return values, about_numbers(values.to_numpy())
    if not isinstance(values.dtype, np.dtype):
        if not values.isna().any() and values.dtype.kind in "iu":
            return _numbers(values.astype(np.int64))
        values = pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)
    infinite = np.isinf(values.to_numpy())
    if not infinite.any():
        return values, about_numbers(values.to_numpy())
    note = f"{infinite.sum():,} infinite values, taken as missing."
    return values.mask(infinite), note


def _days(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    if values.isna().all():
        return pd.Series(np.nan, index=values.index, dtype=np.float32), "no value at all."
    # As of a folder: what a model learns must hold for the files it is used on.
    return pd.Series(days_of(values), index=values.index), AS_DAYS["date"]


def _categories(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    categories = values.astype("category")
    counts = counts_of(categories.cat.codes.to_numpy(), categories.cat.categories.tolist())
    if code := code_among([*counts], np.array([*counts.values()], np.intp)):
        return categories, codes_as_text(code)
    return categories, about_texts(counts, len(values))


def _refusal(name: str, kinds: Iterable[str]) -> InvalidTypeError:
    return InvalidTypeError(
        f"Column {name!r} must hold numbers, booleans, text, categories or dates, got "
        f"{', '.join(sorted(kinds))}. Convert it, or leave it out with drop."
    )
