"""Bring the columns of a file to what a fitted model learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.estimators._table import encoder_of
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.files._columns import prepare_columns
from gbimb.files._read import require_columns

if TYPE_CHECKING:
    from gbimb.estimators._table import Column

SHOWN: Final = 3


def as_text(value: Any) -> str:  # noqa: ANN401  any label or cell
    """Return a label as text, in which 1.0, as a file with gaps has it, is 1.

    >>> as_text(1.0), as_text(np.bool_(True)), as_text("yes")
    ('1', 'True', 'yes')
    """
    plain = value.item() if isinstance(value, np.generic) else value
    whole = isinstance(plain, float) and plain.is_integer()
    return str(int(plain)) if whole else str(plain)


def text_columns(model: Any) -> list[str]:  # noqa: ANN401  any of our estimators
    """Return the columns that held text when ``model`` was fitted."""
    return [c.name for c in _columns(model) if c.categories and isinstance(c.categories[0], str)]


def match_columns(model: Any, frame: pd.DataFrame, file: str) -> pd.DataFrame:  # noqa: ANN401
    """Return the columns that ``model`` learnt from, in its order and with its kinds.

    Further columns are left out. Numbers that came as text are read as numbers, dates as days
    since 1970-01-01, and numbers are text where the model learnt from text.

    Raises
    ------
    InvalidParameterError
        If a column is missing.
    InvalidTypeError
        If a column holds text where the model learnt from numbers.
    """
    columns = _columns(model)
    require_columns(frame.columns, file, {"The model": [c.name for c in columns]})
    return pd.DataFrame({c.name: _match(c, frame[c.name]) for c in columns}, index=frame.index)


def _columns(model: Any) -> tuple[Column, ...]:  # noqa: ANN401
    encoder = encoder_of(model)
    if encoder is None or not encoder.columns:
        msg = (
            "The model was fitted on an array without column names, so the columns of a file "
            "cannot be matched to it. Use it from Python, or fit it on a data frame."
        )
        raise InvalidDataError(msg)
    columns: tuple[Column, ...] = encoder.columns
    return columns


def _match(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    if column.categories is None:
        return _numbers(column.name, values)
    if column.categories and isinstance(column.categories[0], str):
        return _text(values)
    return values


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype) or pdt.is_string_dtype(values.dtype):
        return values
    return values.astype(object).where(values.isna(), values.map(as_text)).astype(object)


def _numbers(name: str, values: pd.Series[Any]) -> pd.Series[Any]:
    if pdt.is_numeric_dtype(values.dtype) or pdt.is_bool_dtype(values.dtype):
        prepared, _ = prepare_columns(values.to_frame(name))
        return prepared[name]
    if not isinstance(values.dtype, pd.CategoricalDtype):
        prepared, _ = prepare_columns(values.to_frame(name))
        if pdt.is_numeric_dtype(prepared[name].dtype):
            return prepared[name]
    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    there = values.notna() & values.astype(str).str.strip().ne("")
    wrong = values[numbers.isna() & there]
    if len(wrong):
        shown = ", ".join(repr(value) for value in wrong.unique()[:SHOWN])
        msg = (
            f"Column {name!r} held numbers when the model was fitted, got text in {len(wrong):,} "
            f"rows, such as {shown}. Correct it, or leave the cells empty."
        )
        raise InvalidTypeError(msg)
    found: pd.Series[Any] = numbers.astype(np.float64)
    return found
