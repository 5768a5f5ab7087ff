"""Read a table of any size piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.tables.files.csv import csv_cells, csv_pieces
from gbimb.tables.files.ids import IdTypes, id_types, ids_of_batch, ids_of_cells
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import file_errors, is_parquet, list_files, with_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyarrow.parquet import ParquetFile

ROWS_AT_ONCE: Final = 100_000


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
    types = id_types(files, ids)
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
        yield frame, ids_of_cells(cells, types)


def _parquet(path: Path, types: IdTypes, rows: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    import pyarrow.parquet as pq

    done = 0
    with pq.ParquetFile(path) as file:
        index = _named_range(file)
        for batch in file.iter_batches(rows):
            frame = batch.to_pandas()
            if index is not None:
                frame.index = index[done : done + len(frame)]
                done += len(frame)
            frame = with_index(frame)
            yield frame, ids_of_batch(batch, frame, types)


def _named_range(file: ParquetFile) -> pd.RangeIndex | None:
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
    import pyarrow as pa
    import pyarrow.parquet as pq

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
