"""Some rows of a table of any size, drawn at random while it is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.exceptions import InvalidDataError
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.read import file_errors, is_parquet, list_files, with_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS_AT_ONCE: Final = 1 << 16


def sample_rows(
    path: Path, option: str, columns: Sequence[str], *, rows: int, seed: int, text: Sequence[str]
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

    Raises
    ------
    GbimbError
        In one sentence, if a file cannot be read or there is no row.
    """
    files = list_files(path, option)
    if all(is_parquet(file) for file in files):
        return _of_parquet(files, columns, rows, seed)
    return _of_chunks(chunks(path, option, text), rows, seed)


def _of_parquet(
    files: Sequence[Path], columns: Sequence[str], rows: int, seed: int
) -> tuple[pd.DataFrame, int]:
    """Draw the rows by number, and turn only them into a frame."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sizes = []
    for file in files:
        with file_errors(file):
            sizes.append(int(pq.read_metadata(file).num_rows))
    total = sum(sizes)
    if total == 0:
        msg = f"{files[0].parent.name!r} holds no rows."
        raise InvalidDataError(msg)
    drawn = np.arange(total)
    if total > rows:
        drawn = np.sort(np.random.default_rng(seed).choice(total, rows, replace=False))
    frames: list[pd.DataFrame] = []
    start = 0
    for file in files:
        with file_errors(file), pq.ParquetFile(file) as opened:
            names = set(opened.schema_arrow.names)
            some = [name for name in columns if name in names]
            for batch in opened.iter_batches(ROWS_AT_ONCE, columns=some or None):
                low, high = np.searchsorted(drawn, (start, start + batch.num_rows))
                if high > low:
                    taken = batch.take(pa.array(drawn[low:high] - start))
                    frames.append(with_index(taken.to_pandas()))
                start += batch.num_rows
    return pd.concat(frames, ignore_index=True), total


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
