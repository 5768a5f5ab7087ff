"""Read a table of any size piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.files._read import (
    EXACT_NUMBERS,
    csv_separator,
    csv_stream,
    is_parquet,
    list_files,
    sentences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS_AT_ONCE: Final = 100_000


def chunks(
    path: Path, option: str, text: Sequence[str] = (), rows: int = ROWS_AT_ONCE
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

    Raises
    ------
    GbimbError
        In one sentence, if a file cannot be read or there is no row.
    """
    there = 0
    for file in list_files(path, option):
        with sentences(file):
            for frame in _parquet(file, rows) if is_parquet(file) else _csv(file, text, rows):
                there += len(frame)
                if len(frame):
                    yield frame
    if there == 0:
        msg = f"{path.name!r} holds no rows."
        raise InvalidDataError(msg)


def _csv(path: Path, text: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    dtype: dict[str, Any] = dict.fromkeys(text, str)
    with (
        csv_stream(path) as stream,
        pd.read_csv(
            stream,
            sep=csv_separator(path),
            dtype=dtype,
            chunksize=rows,
            low_memory=False,
            **EXACT_NUMBERS,
        ) as reader,
    ):
        yield from reader


def _parquet(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(rows):
            frame = batch.to_pandas()
            yield frame if frame.index.names == [None] else frame.reset_index()


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
            elif file.suffix.lower() == ".csv":
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
