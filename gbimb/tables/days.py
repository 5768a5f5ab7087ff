"""Dates, times and durations as numbers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

TICKS_A_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
SECONDS_A_DAY: Final = 86_400.0


def as_days(column: Any) -> Any:  # an Arrow array
    """Return dates and times as days since 1970-01-01 in UTC, durations as days, in float64.

    >>> import datetime as dt
    >>> as_days(pa.array([None, dt.date(1970, 1, 3)])).to_pylist()
    [None, 2.0]
    """
    dtype = column.type
    if pa.types.is_null(dtype) or pa.types.is_date32(dtype):
        return column.cast(pa.int32()).cast(pa.float64())
    ticks = TICKS_A_SECOND[getattr(dtype, "unit", "ms")]  # date64 has no unit
    seconds = pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), ticks)
    return pc.divide(seconds, SECONDS_A_DAY)


def days_of(values: pd.Series[Any]) -> FloatArray:
    """Return dates, points in time or durations of pandas or Python as days, missing ones as NaN.

    Dates among points in time are midnights.

    >>> days_of(pd.Series(pd.to_datetime(["1970-01-03 12:00", None]))).tolist()
    [2.5, nan]
    """
    if values.dtype == object:
        midnight = dt.time()
        times = [
            value
            if isinstance(value, dt.datetime | dt.timedelta) or pd.isna(value)
            else dt.datetime.combine(value, midnight)
            for value in values
        ]
        values = pd.Series(times, dtype=object)
    return np.asarray(as_days(pa.array(values, from_pandas=True)), np.float64)
