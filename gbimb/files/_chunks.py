"""Read a table of any size piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from gbimb.exceptions import InvalidDataError
from gbimb.files._read import CSV, PARQUET, check_file, csv_separator, is_parquet, sentences

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
    for file in _files(path, option):
        with sentences(file):
            for frame in _parquet(file, rows) if is_parquet(file) else _csv(file, text, rows):
                there += len(frame)
                if len(frame):
                    yield frame
    if there == 0:
        msg = f"{path.name!r} holds no rows."
        raise InvalidDataError(msg)


def _files(path: Path, option: str) -> list[Path]:
    if not path.is_dir():
        check_file(path, option)
        return [path]
    files = sorted(p for p in path.iterdir() if p.name.lower().endswith((*CSV, *PARQUET)))
    if not files:
        msg = f"{option} names the folder {str(path)!r}, which holds no CSV or Parquet file."
        raise InvalidDataError(msg)
    return files


def _csv(path: Path, text: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    dtype: dict[str, Any] = dict.fromkeys(text, str)
    reader = pd.read_csv(
        path, sep=csv_separator(path), dtype=dtype, chunksize=rows, low_memory=False
    )
    with reader:
        yield from reader


def _parquet(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(rows):
            frame = batch.to_pandas()
            yield frame if frame.index.names == [None] else frame.reset_index()
