"""A column that says when a row was: read by value, and shown again as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api import types as pdt

from gbimb.exceptions import InvalidTypeError
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.notes import AS_DAYS, value_as_text
from gbimb.tables.files.options import AS_FOUND
from gbimb.tables.keys import time_keys

if TYPE_CHECKING:
    import pandas as pd

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.tables.files.options import ReadOptions


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
        if not pdt.is_numeric_dtype(values.dtype) and values.notna().all():
            shown = column.dropna().iloc[0]
            msg = f"time must hold numbers or dates, got text such as {shown!r:.40} in {name!r}."
            raise InvalidTypeError(msg)
        reading = prepared.readings.get(name)
        is_date = any(note.endswith(AS_DAYS["date"]) for note in prepared.notes)
        is_date = is_date or (reading is not None and reading.is_date)
        return cls(name, time_keys(values).astype(np.float64), is_date)

    def ranks(self) -> IntArray:
        """Return the rank of each time, equal for equal ones."""
        ranks: IntArray = np.unique(self.values, return_inverse=True)[1]
        return ranks

    def shown(self, value: float) -> str:
        """Return a time as text."""
        return value_as_text(value, is_date=self.is_date)
