"""Identifiers of rows, cell by cell as the files have them.

Their types are Arrow's: pandas would read whole numbers as floats wherever a piece has a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.tables.files.read import file_errors, is_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IdTypes: TypeAlias = "dict[str, pa.DataType]"


def id_types(files: Sequence[Path], ids: Sequence[str]) -> IdTypes:
    """Return the type that each of ``ids`` has in all pieces: its own, or that of text.

    Cells of CSV are text; so are those of Parquet files that differ, but in the width of whole
    numbers.
    """
    found: dict[str, set[Any]] = {name: set() for name in ids}
    for file in files if ids else ():
        with file_errors(file):
            schema = pq.read_schema(file) if is_parquet(file) else None
        for name, types in found.items():
            if schema is None:
                types.add(pa.string())
            elif name in schema.names:
                types.add(_plain(schema.field(name).type))
    return {name: _common(types) for name, types in found.items()}


def _plain(dtype: Any) -> Any:  # a pyarrow type
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def _common(types: set[Any]) -> Any:
    there = types - {pa.null()}
    if len(there) <= 1:
        return next(iter(there), pa.null())
    if all(pa.types.is_signed_integer(dtype) for dtype in there):
        return max(there, key=lambda dtype: dtype.bit_width)
    return pa.string()


def ids_of_cells(cells: pd.DataFrame, types: IdTypes) -> pd.DataFrame:
    """Return the ids of CSV, empty cells as missing values."""
    ids = pd.DataFrame(index=cells.index)
    for name in types:
        if name in cells.columns:
            texts = [cell or None for cell in cells[name].tolist()]
            ids[name] = pd.arrays.ArrowExtensionArray(
                pa.array(texts, pa.string(), from_pandas=True)
            )
    return ids


def ids_of_batch(batch: pa.RecordBatch, frame: pd.DataFrame, types: IdTypes) -> pd.DataFrame:
    """Return the ids of Parquet; ``frame`` is the batch in pandas."""
    ids = pd.DataFrame(index=frame.index)
    for name, dtype in types.items():
        if name not in batch.schema.names or isinstance(dtype, pa.BaseExtensionType):
            if name in frame.columns:
                ids[name] = frame[name]  # such as UUIDs, which have words in pandas only
        else:
            ids[name] = pd.arrays.ArrowExtensionArray(batch.column(name).cast(dtype))
    return ids
