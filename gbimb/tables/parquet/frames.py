"""Arrow batches as data frames, with dates, decimals and texts of numbers as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from gbimb.tables.days import as_days
from gbimb.tables.texts import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

FINITE: Final = "finite"
AsNumbers: TypeAlias = "Mapping[str, str | Reading]"
"""What makes numbers of columns: "date", "duration", "finite" (infinite values are missing), or
how their texts are read."""


def to_frame(batch: pa.RecordBatch | pa.Table, as_numbers: AsNumbers | None = None) -> pd.DataFrame:
    """Return a data frame, texts as categories, without a copy where there can be one.

    Decimals become float64, where pandas would make an object of each, and so do the columns that
    ``as_numbers`` names.
    """
    # What pandas wrote about its columns adds nothing, and may be damaged.
    plain = plain_numbers(batch, as_numbers or {}).replace_schema_metadata()
    frame: pd.DataFrame = plain.to_pandas(strings_to_categorical=True, split_blocks=True)
    return frame


def plain_numbers(batch: Any, as_numbers: AsNumbers) -> Any:  # an Arrow batch or table
    """Return the batch with decimals and the columns of ``as_numbers`` as float64."""
    names = batch.schema.names
    decimals = {f.name for f in batch.schema if pa.types.is_decimal(f.type)}
    if not any(name in decimals or name in as_numbers for name in names):
        return batch
    columns = [
        _as_number(name, c, as_numbers[name])
        if name in as_numbers
        else c.cast(pa.float64())
        if name in decimals
        else c
        for name, c in zip(names, batch.columns, strict=True)
    ]
    return type(batch).from_arrays(columns, names=names)


def _as_number(name: str, column: Any, how: str | Reading) -> Any:  # Arrow arrays
    if isinstance(how, Reading):
        return column if pa.types.is_null(column.type) else how.apply(column, name)
    if how == FINITE:
        return pc.if_else(pc.is_inf(column), pa.scalar(None, column.type), column)
    return as_days(column)
