"""Some row groups of a file as a data frame, for whoever reads files side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.parquet as pq

from gbimb.tables.parquet.frames import plain_numbers
from gbimb.tables.parquet.paths import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from gbimb.tables.parquet.frames import AsNumbers
    from gbimb.tables.parquet.source import ParquetSource

VALUES_AT_ONCE: Final = 1 << 25


def list_groups(source: ParquetSource, n_columns: int) -> Iterator[tuple[Path, list[int]]]:
    """Yield files and some of their row groups, in the order of the source.

    Each has about 33 million values in ``n_columns`` columns, or one row group.
    """
    most = max(1, VALUES_AT_ONCE // n_columns)
    for part in source._parts:  # noqa: SLF001  same package
        places = np.cumsum(part.groups) // most
        for place in np.unique(places):
            yield part.path, np.flatnonzero(places == place).tolist()


def read_groups(
    path: Path, groups: Sequence[int], names: Sequence[str], as_numbers: AsNumbers
) -> pd.DataFrame:
    """Return some columns of some row groups; texts stay texts but in ``as_numbers``."""
    with readable(path), pq.ParquetFile(path) as file:
        rows = file.read_row_groups(groups, columns=list(names), use_threads=False)
        # The notes of pandas would make an index of a column.
        plain = plain_numbers(rows.select(list(names)), as_numbers).replace_schema_metadata()
        frame: pd.DataFrame = plain.to_pandas(split_blocks=True)
        return frame
