"""Arrow batches as data frames, with dates and decimals as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Container

    import pandas as pd

TICKS_A_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
SECONDS_A_DAY: Final = 86_400.0


def to_frame(batch: pa.RecordBatch | pa.Table, days: Container[str] = ()) -> pd.DataFrame:
    """Return a data frame, texts as categories, without a copy where there can be one.

    Decimals become float64, where pandas would make an object of each, and the columns named by
    ``days`` days since 1970-01-01.
    """
    # What pandas wrote about its columns adds nothing, and may be damaged.
    plain = plain_numbers(batch, days).replace_schema_metadata()
    frame: pd.DataFrame = plain.to_pandas(strings_to_categorical=True, split_blocks=True)
    return frame


def plain_numbers(batch: Any, days: Container[str]) -> Any:  # noqa: ANN401  an Arrow batch or table
    """Return the batch with decimals as float64 and the columns named by ``days`` as days."""
    names = batch.schema.names
    decimals = {f.name for f in batch.schema if pa.types.is_decimal(f.type)}
    if not any(name in decimals or name in days for name in names):
        return batch
    columns = [
        as_days(c) if name in days else c.cast(pa.float64()) if name in decimals else c
        for name, c in zip(names, batch.columns, strict=True)
    ]
    return type(batch).from_arrays(columns, names=names)


def as_days(column: Any) -> Any:  # noqa: ANN401  an Arrow array
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
