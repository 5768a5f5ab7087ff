"""One column of a data frame: how it is read at ``fit``, and as numbers ever after."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, InvalidTypeError

LARGEST_FLOAT32_INTEGER = 1 << 24
SMALL_INTEGERS = ("int8", "uint8", "int16", "uint16")


@dataclass(frozen=True)
class Column:
    """How one column of a data frame is read: its categories, or None for a number."""

    name: str
    categories: tuple[Any, ...] | None


def read_column(name: str, values: pd.Series[Any]) -> Column:
    """Return how a column is to be read from now on."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(name, tuple(dtype.categories))
    if pdt.is_bool_dtype(dtype) or (pdt.is_numeric_dtype(dtype) and dtype.kind != "c"):
        return Column(name, None)
    if pdt.is_string_dtype(dtype) or pdt.is_object_dtype(dtype):
        return _read_objects(name, values)
    msg = (
        f"Column {name!r} must hold numbers, booleans, strings or categories, got dtype {dtype}. "
        "Turn dates and times into numbers first, for example days since a fixed date."
    )
    raise InvalidTypeError(msg)


def _read_objects(name: str, values: pd.Series[Any]) -> Column:
    present = values.dropna()
    kinds = {type(v) for v in present}
    if kinds <= {bool, int, float, Decimal, np.float64, np.int64, np.bool_}:
        return Column(name, None)
    if kinds != {str}:
        names = _kinds_of(values)
        msg = (
            f"Column {name!r} must hold one kind of value, got objects of types {names}. "
            "Convert it to numbers, or to strings or a pandas category."
        )
        raise InvalidTypeError(msg)
    return Column(name, tuple(sorted(present.unique())))


def _kinds_of(values: pd.Series[Any]) -> list[str]:
    return sorted({type(value).__name__ for value in values.dropna()})


def encode(values: pd.Series[Any], column: Column) -> np.ndarray[Any, Any]:
    """Return a column as floats: numbers, or places among its categories; else NaN."""
    if column.categories is None:
        return _encode_number(values, column.name)
    known = pd.Index(column.categories)
    _check_kind(values, column, known)
    if isinstance(values.dtype, pd.CategoricalDtype):
        # The last one, for the code -1, is a missing value.
        codes = np.append(known.get_indexer(values.cat.categories), -1)[values.cat.codes]
    else:
        codes = known.get_indexer(values)
    encoded = codes.astype(np.float32)
    encoded[codes < 0] = np.nan
    return encoded


def _check_kind(values: pd.Series[Any], column: Column, known: pd.Index[Any]) -> None:
    """Refuse another kind of value than there was: none would be known, all would be missing."""
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    distinct = values.cat.categories if categorical else values
    kind = distinct.dtype
    if values.isna().all() or (pdt.is_numeric_dtype(kind) and pdt.is_numeric_dtype(known.dtype)):
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


def _encode_number(values: pd.Series[Any], name: str) -> np.ndarray[Any, Any]:
    dtype = values.dtype
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
    """Refuse what NumPy would turn into numbers without a word."""
    dtype = values.dtype
    kind = values.cat.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    if kind.kind in "mM" or kind.kind == "c" or isinstance(kind, pd.PeriodDtype):
        msg = (
            f"Column {name!r} was a number at fit, got dtype {kind}. Convert it to the numbers "
            "that it was."
        )
        raise InvalidTypeError(msg)
