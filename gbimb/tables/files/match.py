"""Bring the columns of a file to what a fitted model learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
    unknown_name,
)
from gbimb.tables.encoder import encoder_of
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.csv import DECIMAL_COMMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.tables.columns import Column

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
    _require_learnt(columns, frame.columns, file)
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


def _require_learnt(columns: Sequence[Column], there: pd.Index[Any], file: str) -> None:
    lacking = [c.name for c in columns if c.name not in there]
    if not lacking:
        return
    shown = ", ".join(map(repr, lacking[:SHOWN]))
    more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    near = str(unknown_name("", lacking[0], there)).partition(" Did you mean ")
    hint = f" Is {near[2].rstrip('?')} that column, with another name?" if near[1] else ""
    msg = (
        f"{file!r} must have the {len(columns)} columns that the model learnt from, got none "
        f"called {shown}{more}.{hint}"
    )
    raise InvalidParameterError(msg)


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
        # Of a column with decimal commas the cells that keep it from being read as numbers.
        odd = wrong[[not DECIMAL_COMMA.fullmatch(str(cell)) for cell in wrong]]
        wrong = odd if len(odd) else wrong
        shown = ", ".join(repr(value) for value in wrong.unique()[:SHOWN])
        msg = (
            f"Column {name!r} held numbers when the model was fitted, got text in {len(wrong):,} "
            f"rows, such as {shown}. Correct it, or leave the cells empty."
        )
        raise InvalidTypeError(msg)
    found: pd.Series[Any] = numbers.astype(np.float64)
    return found
