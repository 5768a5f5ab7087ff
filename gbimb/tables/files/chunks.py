"""Read a table of any size piece by piece, or some of its rows drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.tables.files.csv import csv_cells, csv_pieces
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import file_errors, is_parquet, list_files, with_index
from gbimb.tables.parquet.value_types import value_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gbimb.array_types import IntArray

ROWS_AT_ONCE: Final = 100_000
SAMPLED_AT_ONCE: Final = 1 << 18
"""Of one column."""

IdTypes: TypeAlias = "dict[str, pa.DataType]"
"""Types of identifiers: Arrow's, for pandas reads whole numbers with gaps as floats."""


def chunks(
    path: Path,
    option: str,
    text: Sequence[str] = (),
    rows: int = ROWS_AT_ONCE,
    *,
    known: ReadOptions = AS_FOUND,
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file, or of all CSV and Parquet files of a folder, in order.

    Parameters
    ----------
    path : Path
    option : str
        How it was asked for, for errors.
    text : sequence of str
        Columns to be read as text even if they look like numbers.
    rows : int
        The most of one piece.
    known : ReadOptions
        Of CSV files the decimal mark and the encoding.

    Raises
    ------
    GbimbError
        In one sentence, if a file cannot be read or there is no row.
    """
    for frame, _ in chunks_with_ids(path, option, (), text, rows, known=known):
        yield frame


def chunks_with_ids(
    path: Path,
    option: str,
    ids: Sequence[str],
    text: Sequence[str] = (),
    rows: int = ROWS_AT_ONCE,
    *,
    known: ReadOptions = AS_FOUND,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield the same, each piece with those of the columns ``ids`` that are there, as they are.

    They have one type in all pieces, and every cell its value: whole numbers of any size, 007, NA.
    """
    files = list_files(path, option)
    types = _id_types(files, ids)
    there = 0
    for file in files:
        with file_errors(file):
            pieces = (
                _parquet(file, types, rows)
                if is_parquet(file)
                else _csv(file, text, types, rows, known)
            )
            for frame, found in pieces:
                there += len(frame)
                if len(frame):
                    yield frame, found
    if there == 0:
        msg = f"{path.name!r} holds no rows."
        raise InvalidDataError(msg)


def _csv(
    path: Path, text: Sequence[str], types: IdTypes, rows: int, known: ReadOptions
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    frames = csv_pieces(path, text, rows, known)
    if not types:
        yield from ((frame, pd.DataFrame(index=frame.index)) for frame in frames)
        return
    for frame, cells in zip(frames, csv_cells(path, types, rows, known), strict=True):
        yield frame, _ids_of_cells(cells, types)


def _parquet(path: Path, types: IdTypes, rows: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    done = 0
    with pq.ParquetFile(path) as file:
        index = _named_range(file)
        for batch in file.iter_batches(rows):
            frame = batch.to_pandas()
            if index is not None:
                frame.index = index[done : done + len(frame)]
                done += len(frame)
            frame = with_index(frame)
            yield frame, _ids_of_batch(batch, frame, types)


def _named_range(file: pq.ParquetFile) -> pd.RangeIndex | None:
    """Return row numbers with a name, of which pandas writes only where they begin and end."""
    notes = file.schema_arrow.pandas_metadata or {}
    for index in notes.get("index_columns", []):
        if isinstance(index, dict) and index.get("name") is not None:
            found = pd.RangeIndex(index["start"], index["stop"], index["step"], name=index["name"])
            return found if len(found) == file.metadata.num_rows else None
    return None


def count_rows(path: Path) -> int | None:
    """Return about how many rows a file or folder has, None where that takes long to say.

    That is so of compressed CSV. A line break in a quoted cell counts as a row.
    """
    rows = 0
    try:
        for file in list_files(path, ""):
            if is_parquet(file):
                rows += int(pq.read_metadata(file).num_rows)
            elif file.suffix.lower() in (".csv", ".tsv"):
                rows += _count_lines(file) - 1
            else:
                return None
    except (GbimbError, OSError, pa.ArrowException):  # whoever reads the rows says what is wrong
        return None
    return rows


def _count_lines(path: Path) -> int:
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def sample_rows(
    path: Path,
    option: str,
    columns: Sequence[str],
    *,
    rows: int,
    seed: int,
    text: Sequence[str],
    known: ReadOptions = AS_FOUND,
) -> tuple[pd.DataFrame, int]:
    """Return up to ``rows`` rows in their order, and how many there are.

    Parameters
    ----------
    path : Path
        A file, or a folder of CSV or Parquet files.
    option : str
        How it was asked for, for errors.
    columns : sequence of str
        To be read, as far as they are there; of Parquet files no others are.
    rows, seed : int
    text : sequence of str
        Columns to be read as text even if they look like numbers.
    known : ReadOptions

    Raises
    ------
    GbimbError
        In one sentence, if a file cannot be read or there is no row.
    """
    files = list_files(path, option)
    if all(is_parquet(file) for file in files):
        return _of_parquet(files, columns, rows, seed)
    return _of_chunks(chunks(path, option, text, known=known), rows, seed)


def _of_parquet(
    files: Sequence[Path], columns: Sequence[str], rows: int, seed: int
) -> tuple[pd.DataFrame, int]:
    """Draw the rows by number, and turn only them into a frame, one column after the other.

    Threads, which wait for one another, would cost more than they decode.
    """
    sizes = []
    for file in files:
        with file_errors(file):
            sizes.append(int(pq.read_metadata(file).num_rows))
    total = sum(sizes)
    if total == 0:
        where = files[0].parent if len(files) > 1 else files[0]
        msg = f"{where.name!r} holds no rows."
        raise InvalidDataError(msg)
    drawn = np.arange(total)
    if total > rows:
        drawn = np.sort(np.random.default_rng(seed).choice(total, rows, replace=False))
    frames = []
    ends = np.cumsum(sizes)
    for file, end, size in zip(files, ends, sizes, strict=True):
        own = drawn[slice(*np.searchsorted(drawn, (end - size, end)))] - (end - size)
        if own.size:
            with file_errors(file), pq.ParquetFile(file) as opened:
                there = opened.schema_arrow
                names = [name for name in columns if name in there.names] or there.names
                schema = pa.schema([there.field(name) for name in names], there.metadata)
                taken = [_rows_of_column(opened, name, own) for name in names]
                table = pa.Table.from_arrays(taken, schema=schema)
                frames.append(with_index(table.to_pandas(use_threads=False)))
    return pd.concat(frames, ignore_index=True), total


def _rows_of_column(file: pq.ParquetFile, name: str, rows: IntArray) -> pa.ChunkedArray:
    """Return some rows of a column; of the others there are never many in memory."""
    parts, start = [], 0
    for batch in file.iter_batches(SAMPLED_AT_ONCE, columns=[name], use_threads=False):
        low, high = np.searchsorted(rows, (start, start + batch.num_rows))
        parts.append(batch.column(name).take(pa.array(rows[low:high] - start)))
        start += batch.num_rows
    return pa.chunked_array(parts)


def _of_chunks(pieces: Iterator[pd.DataFrame], rows: int, seed: int) -> tuple[pd.DataFrame, int]:
    """Keep the rows with the smallest random keys: the number of rows is not known before."""
    rng = np.random.default_rng(seed)
    frames: list[pd.DataFrame] = []
    keys: list[Any] = []
    total, kept, limit = 0, 0, np.inf
    for frame in pieces:
        own = rng.random(len(frame))
        total += len(frame)
        frames.append(frame[own < limit])
        keys.append(own[own < limit])
        kept += keys[-1].size
        if kept > 2 * rows:
            limit = float(np.partition(np.concatenate(keys), rows - 1)[rows - 1])
            frames = [f[k <= limit] for f, k in zip(frames, keys, strict=True)]
            keys = [k[k <= limit] for k in keys]
            kept = sum(k.size for k in keys)
    whole, of_rows = pd.concat(frames, ignore_index=True), np.concatenate(keys)
    if of_rows.size > rows:
        limit = float(np.partition(of_rows, rows - 1)[rows - 1])
        whole = whole[of_rows <= limit].reset_index(drop=True)
    return whole, total


def _id_types(files: Sequence[Path], ids: Sequence[str]) -> IdTypes:
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
                types.add(value_type(schema.field(name).type))
    return {name: _common(types) for name, types in found.items()}


def _common(types: set[Any]) -> Any:
    there = types - {pa.null()}
    if len(there) <= 1:
        return next(iter(there), pa.null())
    if all(pa.types.is_signed_integer(dtype) for dtype in there):
        return max(there, key=lambda dtype: dtype.bit_width)
    return pa.string()


def _ids_of_cells(cells: pd.DataFrame, types: IdTypes) -> pd.DataFrame:
    """Return the ids of CSV, empty cells as missing values."""
    ids = pd.DataFrame(index=cells.index)
    for name in types:
        if name in cells.columns:
            texts = [cell or None for cell in cells[name].tolist()]
            ids[name] = pd.arrays.ArrowExtensionArray(
                pa.array(texts, pa.string(), from_pandas=True)
            )
    return ids


def _ids_of_batch(batch: pa.RecordBatch, frame: pd.DataFrame, types: IdTypes) -> pd.DataFrame:
    """Return the ids of Parquet; ``frame`` is the batch in pandas."""
    ids = pd.DataFrame(index=frame.index)
    for name, dtype in types.items():
        if name not in batch.schema.names or isinstance(dtype, pa.BaseExtensionType):
            if name in frame.columns:
                ids[name] = frame[name]  # such as UUIDs, which have words in pandas only
        else:
            ids[name] = pd.arrays.ArrowExtensionArray(batch.column(name).cast(dtype))
    return ids
