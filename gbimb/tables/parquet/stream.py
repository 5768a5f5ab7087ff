"""Some rows of a source, as a table of values and as the matrix that an engine bins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.tables.parquet.columns import read_categories
from gbimb.tables.parquet.frames import plain_numbers, to_frame
from gbimb.tables.parquet.paths import ROWS_AT_ONCE
from gbimb.tables.parquet.value_types import one_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from gbimb.array_types import IntArray
    from gbimb.tables.parquet.source import ParquetSource

SAMPLE_ROWS: Final = 200_000


@dataclass(frozen=True, eq=False)
class StreamedFrame:
    """Some columns and rows of a source.

    Attributes
    ----------
    source : ParquetSource
    columns : tuple of str
    rows : intp array or None
        Rising row numbers of the source; None for all.
    """

    source: ParquetSource
    columns: tuple[str, ...]
    rows: IntArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.source.n_rows if self.rows is None else self.rows.size, len(self.columns)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: IntArray) -> StreamedFrame:
        """Return some rows, rising, without reading them."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows as data frames of some thousand each."""
        return self.source.frames(self.columns, self.rows)

    def load(self) -> pd.DataFrame:
        """Return the rows as one data frame."""
        batches = self.source.batches(self.columns, self.rows)
        # Once days and floats, dates and decimals of other types are of one type.
        return to_frame(
            one_table(plain_numbers(batch, self.source.as_numbers) for batch in batches)
        )

    def categories(self) -> dict[str, tuple[tuple[Any, ...], str | None]]:
        """Return the categories of each column that has some; "ordinal" are those with an order."""
        return read_categories(self.source, self.columns, self.rows)


@dataclass(frozen=True, eq=False)
class StreamedMatrix:
    """The rows of a streamed frame as numbers, encoded each time they are read.

    Attributes
    ----------
    frame : StreamedFrame
    encode : callable
        From a data frame to an array of shape (n, n_features), float32 or float64.
    whole : StreamedFrame
        The frame of which this one has some rows: what bins are cut from.
    """

    frame: StreamedFrame
    encode: Callable[[pd.DataFrame], NDArray[Any]]
    whole: StreamedFrame

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.frame.shape

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """float32 where that holds every value exactly, otherwise float64."""
        narrow = self.frame.source.is_narrow(self.frame.columns)
        return np.dtype(np.float32 if narrow else np.float64)

    def __getitem__(self, rows: IntArray) -> StreamedMatrix:
        """Return some rows, rising, without reading them."""
        return replace(self, frame=self.frame[rows])

    def batches(self, size: int = ROWS_AT_ONCE) -> Iterator[NDArray[Any]]:
        """Yield arrays of ``size`` rows, the last one smaller, each valid until the next."""
        buffer = np.empty((min(size, len(self.frame)), self.shape[1]), self.dtype)
        filled = 0
        for frame in self.frame:
            rows = self.encode(frame)
            while len(rows):
                step = min(len(buffer) - filled, len(rows))
                buffer[filled : filled + step] = rows[:step]
                rows, filled = rows[step:], filled + step
                if filled == len(buffer):
                    yield buffer[:]
                    filled = 0
        if filled:
            yield buffer[:filled]

    def load(self) -> NDArray[Any]:
        """Return the rows as one array."""
        (rows,) = self.batches(len(self.frame))
        return rows

    def sample(self) -> NDArray[Any]:
        """Return up to 200,000 rows of the whole, always the same, to cut bins from."""
        n = len(self.whole)
        whole = replace(self, frame=self.whole)
        if n <= SAMPLE_ROWS:
            return whole.load()
        rng = np.random.default_rng(0)
        return whole[np.sort(rng.choice(n, SAMPLE_ROWS, replace=False))].load()
