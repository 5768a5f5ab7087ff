"""Groups and times of any kind as numbers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.days import days_of
from gbimb.validation import as_array, refuse_masked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import IntArray

ISO_DATE: Final = r"\d{4}-\d\d(-\d\d([T ]\d\d:.*)?)?"
"""Text that can only be a month, a day or a point in time."""

TICKS_A_DAY: Final = 86_400e6
"""Of points in time."""

MISSING: Final = np.uint64(0)
"""Key of a missing group, which is a group of its own for each row."""


def column_of(values: Any, name: str, n: int) -> pd.Series[Any]:
    """Return values of any array as a pandas column."""
    if not isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        refuse_masked(values, name)
        values = as_array(values, name)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            msg = f"{name} must hold one value a row, got an array of shape {values.shape}."
            raise InvalidDataError(msg)
    if len(values) != n:
        msg = f"{name} must hold one value for each of the {n:,} rows of X, got {len(values):,}."
        raise InvalidDataError(msg)
    return pd.Series(values).reset_index(drop=True).infer_objects()


def group_keys(column: pd.Series[Any]) -> NDArray[np.uint64]:
    """Return a number for each row, equal for equal groups, 0 where the group is missing.

    The number depends on the value alone, so that pieces of a table can be read apart.

    >>> a, b, c = group_keys(pd.Series([1.0, 2.0, None])).tolist()
    >>> [a, b] == group_keys(pd.Series([1, 2])).tolist(), c
    (True, 0)
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        of_categories = group_keys(pd.Series(dtype.categories))
        return np.append(of_categories, MISSING)[column.cat.codes.to_numpy()]
    missing = column.isna().to_numpy()
    if dtype.kind == "c":
        msg = "groups must hold numbers, text or dates, got complex numbers."
        raise InvalidTypeError(msg)
    if dtype.kind in "mM" or isinstance(dtype, pd.DatetimeTZDtype):
        values: Any = days_of(column)
    elif pdt.is_numeric_dtype(dtype):
        whole_numbers = dtype.kind in "iub" and not missing.any()
        values = (
            column.to_numpy(np.int64)
            if whole_numbers
            else column.to_numpy(dtype=np.float64, na_value=np.nan)
        )
    else:
        values = column.astype(object).where(~missing, None).to_numpy()
    if values.dtype.kind == "f":
        whole = np.abs(values) < 2.0**53
        whole &= np.floor(values, where=whole, out=np.zeros_like(values)) == values
        as_whole = np.where(whole, values, 0.0).astype(np.int64)
        keys = np.where(whole, _hashed(as_whole), _hashed(values))
    else:
        keys = _hashed(values)
    keys = np.maximum(keys, np.uint64(1))
    keys[missing] = MISSING
    return keys


def _hashed(values: NDArray[Any]) -> NDArray[np.uint64]:
    try:
        return pd.util.hash_array(values)
    except TypeError as error:
        msg = f"groups must hold numbers, text or dates, got values that are none: {error}."
        raise InvalidTypeError(msg) from None


def codes_of(keys: NDArray[np.uint64]) -> IntArray:
    """Return the group of each row from its key, in order of appearance, a missing one its own.

    >>> codes_of(np.array([7, 3, 7, 0, 0], np.uint64)).tolist()
    [0, 1, 0, 2, 3]
    """
    codes, found = pd.factorize(keys)
    missing = np.flatnonzero(keys == MISSING)
    codes[missing[1:]] = found.size + np.arange(max(0, missing.size - 1))
    return codes.astype(np.intp, copy=False)


def time_keys(column: pd.Series[Any], before: int | None = 0) -> NDArray[Any]:
    """Return times as whole numbers or float64 that rise with them, in UTC.

    Of points in time these are microseconds, which reach from any year to any other; of Python's
    dates days.

    Parameters
    ----------
    column : Series
    before : int or None
        Rows of the table before these, for errors; None of a partition.
    """
    dtype = column.dtype
    if column.isna().any():
        at = int(np.argmax(column.isna().to_numpy()))
        row = f"row {at + before}" if before is not None else f"row {at} of a partition"
        msg = (
            f"time must not be missing, got a missing value, the first in {row}. Fill such values "
            "in or leave these rows out."
        )
        raise InvalidDataError(msg)
    if isinstance(dtype, pd.PeriodDtype):
        column = column.dt.start_time
        dtype = column.dtype
    if dtype.kind == "M" or isinstance(dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(column)
        stamps = stamps if stamps.tz is None else stamps.tz_convert("UTC").tz_localize(None)
        return stamps.as_unit("us").to_numpy().astype(np.int64)
    if pdt.is_numeric_dtype(dtype) and dtype.kind not in "bc":
        numbers: NDArray[Any] = column.to_numpy(dtype=None if dtype.kind in "iu" else np.float64)
        if np.isinf(numbers).any():
            msg = "time must hold finite numbers, got infinity."
            raise InvalidDataError(msg)
        return numbers
    if isinstance(dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories().cat
        return time_keys(pd.Series(used.categories))[used.codes.to_numpy()]
    kind = pdt.infer_dtype(column)
    if kind == "decimal":
        return column.to_numpy(np.float64)
    if kind == "string" and column.astype(str).str.fullmatch(ISO_DATE).all():
        with contextlib.suppress(ValueError):  # month 13
            return time_keys(pd.to_datetime(column, format="ISO8601", utc=True))
    if kind in ("date", "datetime", "datetime64"):
        try:
            return days_of(column)
        except (TypeError, ValueError) as error:
            msg = f"time must hold dates of one kind, with a time zone or without: {error}."
            raise InvalidTypeError(msg) from None
    msg = (
        f"time must hold numbers or dates, got {kind} such as {_plain(column):.40}. Text must "
        "be as 2024-05 or 2024-05-31 14:00; convert other text with pandas.to_datetime."
    )
    raise InvalidTypeError(msg)


def _plain(column: pd.Series[Any]) -> str:
    """Return the first value, of NumPy's scalars as Python writes it."""
    value = column.iloc[0]
    return repr(value.item() if isinstance(value, np.generic) else value)


def ranks_of(keys: NDArray[Any]) -> IntArray:
    """Return the rank of each time, equal for equal ones."""
    return np.unique(keys, return_inverse=True)[1].astype(np.intp, copy=False)
