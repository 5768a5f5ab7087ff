"""Bring the columns of any table to numbers and categories, and say what was changed.

Every method gets the same frame. Nothing is left out unless it was asked for.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.parquet.frames import as_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gbimb.array_types import FloatArray

ISO_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?"
)
SECONDS_A_DAY: Final = 86_400
MANY_TEXTS: Final = 100
AS_DAYS: Final = {
    "date": "dates, taken as days since 1970-01-01.",
    "duration": "durations, taken as days.",
}


def prepare_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the frame with numbers, booleans and categories only, and a note per change.

    Dates, among them ISO dates in text, become days since 1970-01-01 in UTC; text becomes
    categories; infinite numbers become missing values.

    Raises
    ------
    InvalidTypeError
        If a column holds something else, such as lists.
    """
    notes: list[str] = []
    columns = {}
    for i, name in enumerate(frame.columns):
        columns[str(name)], note = _prepare(str(name), frame.iloc[:, i])
        if note:
            notes.append(f"Column {name!r}: {note}")
    return pd.DataFrame(columns), tuple(notes)


def read_weights(values: pd.Series[Any]) -> FloatArray:
    """Return a column of weights.

    Raises
    ------
    InvalidDataError
        If it holds no numbers, or one is missing, infinite or below 0.
    """
    if not pdt.is_numeric_dtype(values.dtype):
        msg = f"The weight column {values.name!r} must hold numbers >= 0, got {values.dtype}."
        raise InvalidDataError(msg)
    weights = values.to_numpy(np.float64, na_value=np.nan)
    wrong = int((~(np.isfinite(weights) & (weights >= 0))).sum())
    if wrong:
        msg = (
            f"The weight column {values.name!r} must hold weights >= 0 in every row, got {wrong:,} "
            f"of {len(weights):,} rows with others or none."
        )
        raise InvalidDataError(msg)
    return weights


def _prepare(name: str, values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return values, _identifier(values.nunique(), len(values))
    if pdt.is_datetime64_any_dtype(dtype):
        return _days(values)
    if pdt.is_timedelta64_dtype(dtype):
        return values.dt.total_seconds() / SECONDS_A_DAY, AS_DAYS["duration"]
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
        if all(ISO_DATE.fullmatch(value) for value in present.unique()):
            return _dates_in_text(values)
        return _categories(values)
    if all(issubclass(kind, dt.date) for kind in kinds):
        return _days(_times(values, kinds))
    if all(issubclass(kind, Real | Decimal | np.bool_) for kind in kinds):
        return _numbers(values.astype(np.float64))
    if all(issubclass(kind, str | Real | Decimal) for kind in kinds):
        text, note = _categories(values.astype(object).where(values.isna(), values.map(str)))
        return text, f"numbers and text mixed, taken as categories. {note}".rstrip()
    raise _refusal(name, [kind.__name__ for kind in kinds])


def _numbers(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
        return values, _row_number(values)
    if not isinstance(values.dtype, np.dtype):
        if not values.isna().any() and values.dtype.kind in "iu":
            return _numbers(values.astype(np.int64))
        values = pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)
    infinite = np.isinf(values.to_numpy())
    if not infinite.any():
        return values, ""
    note = f"{infinite.sum():,} infinite values, taken as missing."
    return values.mask(infinite), note


def _dates_in_text(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    try:
        return _days(_parsed(values))
    except ValueError:  # such as 2024-02-31
        return _categories(values)


def _parsed(values: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return pd.to_datetime(values, utc=True, format="ISO8601")
    except pd.errors.OutOfBoundsDatetime:  # of pandas 2, after the year 2262
        times = values.astype(object).map(dt.datetime.fromisoformat, na_action="ignore")
        return times.astype(object)


def _days(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    if values.isna().all():
        return pd.Series(np.nan, index=values.index, dtype=np.float32), "no value at all."
    # As of a folder: what a model learns must hold for the files it is used on.
    days = as_days(pa.array(values, from_pandas=True)).to_pandas().to_numpy()
    return pd.Series(days, index=values.index), AS_DAYS["date"]


def _times(values: pd.Series[Any], kinds: set[type]) -> pd.Series[Any]:
    """Return dates as midnights if there are times among them: Arrow takes one kind."""
    if len({issubclass(kind, dt.datetime) for kind in kinds}) == 1:
        return values
    midnight = dt.time()
    times = [
        v if isinstance(v, dt.datetime) or pd.isna(v) else dt.datetime.combine(v, midnight)
        for v in values
    ]
    return pd.Series(times, index=values.index, dtype=object)


def _categories(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    return values.astype("category"), _identifier(values.nunique(), len(values))


def _identifier(distinct: int, rows: int) -> str:
    if distinct > MANY_TEXTS and 2 * distinct > rows:
        return (
            f"{distinct:,} different texts in {rows:,} rows: if it is an identifier, leave it out "
            "with --drop."
        )
    return ""


def _row_number(values: pd.Series[Any]) -> str:
    if len(values) > MANY_TEXTS and bool(values.diff().iloc[1:].eq(1).all()):
        return "counts the rows: if it is an identifier, leave it out with --drop."
    return ""


def _refusal(name: str, kinds: Iterable[str]) -> InvalidTypeError:
    return InvalidTypeError(
        f"Column {name!r} must hold numbers, booleans, text, categories or dates, got "
        f"{', '.join(sorted(kinds))}. Convert it, or leave it out with --drop."
    )
