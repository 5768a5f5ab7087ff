"""One column of a data frame: how it is read at ``fit``, and as numbers ever after."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.days import days_of
from gbimb.tables.parquet.columns import canonical_order

LARGEST_FLOAT32_INTEGER = 1 << 24
SMALL_INTEGERS = ("int8", "uint8", "int16", "uint16")
UNKNOWN: Final = -1.0
"""The code of a category that was not there at ``fit``."""


@dataclass(frozen=True)
class Column:
    """How one column of a data frame is read.

    Attributes
    ----------
    name : str
    categories : tuple or None
        None for numbers.
    kind : {"ordinal", "days"} or None
        Ordinal categories are numbers to the trees: their places. Days are dates and durations.
    """

    name: str
    categories: tuple[Any, ...] | None
    kind: str | None = None

    @property
    def is_nominal(self) -> bool:
        """Whether it holds categories without an order."""
        return self.categories is not None and self.kind != "ordinal"


def read_column(name: str, values: pd.Series[Any]) -> Column:
    """Return how a column is to be read from now on."""
    values = native(values)
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if dtype.ordered:
            return Column(name, tuple(dtype.categories), "ordinal")
        used = np.unique(values.cat.codes)
        return Column(name, canonical_order(dtype.categories[used[used >= 0]]))
    if pdt.is_bool_dtype(dtype) or (pdt.is_numeric_dtype(dtype) and dtype.kind != "c"):
        return Column(name, None)
    if _is_dates(values):
        return Column(name, None, "days")
    if pdt.is_string_dtype(dtype) or pdt.is_object_dtype(dtype):
        return _read_objects(name, values)
    msg = (
        f"Column {name!r} must hold numbers, booleans, strings, categories or dates, got dtype "
        f"{dtype}. Turn it into one of them first."
    )
    raise InvalidTypeError(msg)


def native(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return pandas' own categories for an Arrow dictionary; anything else as it is."""
    if isinstance(values.dtype, pd.ArrowDtype) and str(values.dtype).startswith("dictionary"):
        arrow: Any = values.array
        return pd.Series(arrow.__arrow_array__().to_pandas().array, index=values.index)
    return values


def _is_dates(values: pd.Series[Any]) -> bool:
    """Whether these are dates, points in time or durations, which are read as days."""
    dtype = values.dtype
    if pdt.is_object_dtype(dtype):
        kinds = {type(value) for value in values.dropna()}
        return bool(kinds) and all(issubclass(kind, dt.date | dt.timedelta) for kind in kinds)
    return dtype.kind in "mM"


def _read_objects(name: str, values: pd.Series[Any]) -> Column:
    present = values.dropna()
    kinds = {type(v) for v in present}
    if all(issubclass(kind, Real | Decimal | np.bool_) for kind in kinds):
        return Column(name, None)
    if not all(issubclass(kind, str) for kind in kinds):
        names = _kinds_of(values)
        msg = (
            f"Column {name!r} must hold one kind of value, got objects of types {names}. "
            "Convert it to numbers, or to strings or a pandas category."
        )
        raise InvalidTypeError(msg)
    return Column(name, canonical_order(map(str, present.unique())))


def _kinds_of(values: pd.Series[Any]) -> list[str]:
    return sorted({type(value).__name__ for value in values.dropna()})


def encode(values: pd.Series[Any], column: Column) -> np.ndarray[Any, Any]:
    """Return a column as floats: numbers, or places among its categories.

    Missing values are NaN; unknown categories are ``UNKNOWN``.
    """
    values = native(values)
    if column.categories is None:
        return _encode_number(values, column)
    known = pd.Index(column.categories)
    _check_kind(values, column, known)
    if isinstance(values.dtype, pd.CategoricalDtype):
        # The last one, for the code -1, is a missing value.
        places = known.get_indexer(values.cat.categories).astype(np.float32)
        return np.append(places, np.float32(np.nan))[values.cat.codes]
    codes: np.ndarray[Any, Any] = known.get_indexer(values).astype(np.float32)
    if codes.min(initial=0) < 0:
        codes[values.isna().to_numpy()] = np.nan
    return codes


def _check_kind(values: pd.Series[Any], column: Column, known: pd.Index[Any]) -> None:
    """Refuse another kind of value than there was: none would be known, all would be missing."""
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    distinct = values.cat.categories if categorical else values
    kind = distinct.dtype
    if not column.categories or values.isna().all():
        return
    if pdt.is_numeric_dtype(kind) and pdt.is_numeric_dtype(known.dtype):
        return
    if pdt.is_object_dtype(kind):
        words = pd.api.types.infer_dtype(distinct, skipna=True) == "string"
        there = "" if words else f"objects of types {_kinds_of(values)}"
    else:
        words, there = pdt.is_string_dtype(kind), f"dtype {kind}"
    were_words = all(isinstance(value, str) for value in column.categories or ())
    if words != were_words:
        held = "strings" if were_words else f"categories of dtype {known.dtype}"
        msg = (
            f"Column {column.name!r} held {held} at fit, got {there}. Convert it as it was, for "
            "example with astype(str)."
        )
        raise InvalidTypeError(msg)


def _encode_number(values: pd.Series[Any], column: Column) -> np.ndarray[Any, Any]:
    name, dtype = column.name, values.dtype
    if column.kind == "days" and _is_dates(values):
        return days_of(values)
    _check_numeric(values, name)
    try:
        if pdt.is_bool_dtype(dtype) or dtype in SMALL_INTEGERS:
            return values.to_numpy(dtype=np.float32, na_value=np.nan)
        wide = np.float32 if dtype == np.float32 else np.float64
        numbers = values.to_numpy(dtype=wide, na_value=np.nan)
    except (TypeError, ValueError):
        msg = (
            f"Column {name!r} was a number at fit, got dtype {dtype} with values that are none. "
            "Convert it to numbers."
        )
        raise InvalidTypeError(msg) from None
    except OverflowError:
        msg = f"Column {name!r} must hold numbers below 1.8e308, got {str(values.max())[:8]}...."
        raise InvalidDataError(msg) from None
    if np.isinf(numbers).any():
        msg = f"Column {name!r} must not contain infinity: Input X contains infinity. Use NaN."
        raise InvalidDataError(msg)
    if dtype.kind in "iu" and np.abs(numbers).max(initial=0) <= LARGEST_FLOAT32_INTEGER:
        return numbers.astype(np.float32)
    return numbers


def _check_numeric(values: pd.Series[Any], name: str) -> None:
    """Refuse what NumPy would turn into numbers silently."""
    dtype = values.dtype
    kind = values.cat.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    if kind.kind in "mM" or kind.kind == "c" or isinstance(kind, pd.PeriodDtype):
        msg = (
            f"Column {name!r} was a number at fit, got dtype {kind}. Convert it to the numbers "
            "that it was."
        )
        raise InvalidTypeError(msg)
