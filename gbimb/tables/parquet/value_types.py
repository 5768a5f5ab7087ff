"""Columns whose type differs between the files of a source, brought to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gbimb.exceptions import InvalidDataError
from gbimb.tables.parquet.paths import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gbimb.tables.parquet.source import ParquetSource


def shared_types(source: ParquetSource, columns: Sequence[str]) -> dict[str, Any]:
    """Return one type for each of ``columns`` that has more; of categories, that of the values.

    Raises
    ------
    InvalidDataError
        If no type holds the values of all files.
    """
    found = {name: {value_type(dtype) for dtype in source.types(name)} for name in columns}
    return {name: _shared(name, types) for name, types in found.items() if len(types) > 1}


def as_type(column: Any, name: str, dtype: Any) -> Any:  # Arrow arrays and types
    """Return a column as another type.

    Raises
    ------
    InvalidDataError
        If that does not hold its values exactly.
    """
    try:
        return column.cast(dtype)
    except pa.ArrowException as error:
        msg = (
            f"Column {name!r} must hold values of one type in all files, got some that are no "
            f"{dtype} ({error}). Write the files with one schema."
        )
        raise InvalidDataError(msg) from None


def one_table(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Return batches with the same columns as one table.

    Numbers of different types become float64, and texts and categories categories.
    """
    parts = list(batches)
    names = parts[0].schema.names
    columns = [_one_column(name, [part.column(name) for part in parts]) for name in names]
    return pa.Table.from_arrays(columns, names=names)


def _one_column(name: str, parts: list[Any]) -> pa.ChunkedArray:
    types = {part.type for part in parts}
    if len(types) == 1:
        return pa.chunked_array(parts)
    kinds = {kind_of(dtype) for dtype in types}
    if kinds == {"number"}:
        return pa.chunked_array([part.cast(pa.float64(), safe=False) for part in parts])
    values = _shared(name, {value_type(dtype) for dtype in types})
    decoded = [as_type(plain_values(part), name, values) for part in parts]
    return pa.chunked_array([part.dictionary_encode() for part in decoded])


def plain_values(column: Any) -> Any:  # an Arrow array
    """Return the values of a dictionary, as which texts are read; anything else as it is."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def value_type(dtype: Any) -> Any:  # a pyarrow type
    """Return the type of the values of a dictionary; any other as it is."""
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def _shared(name: str, types: set[Any]) -> Any:  # a pyarrow type
    schemas = [pa.schema([(name, dtype)]) for dtype in sorted(types, key=str)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        got = " and ".join(str(schema.field(0).type) for schema in schemas)
        msg = (
            f"Column {name!r} must hold values of one type in all files, got {got}. Write the "
            "files with one schema."
        )
        raise InvalidDataError(msg) from None
