"""Columns that are the index of a table: they name or count the rows, and say nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.parquet as pq

from gbimb.tables.files.read import file_errors, is_parquet, list_files
from gbimb.tables.parquet.paths import index_names

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

THE_INDEX: Final = (
    "Column {!r} is the index of the table and is not trained on. Give it another name to train "
    "on it."
)
UNNAMED: Final = re.compile(r"(Unnamed: \d+(\.\d+)?)?")


def unasked_index(
    columns: Mapping[str, pd.Series[Any]] | pd.DataFrame,
    path: Path,
    option: str,
    named: Container[str],
) -> list[str]:
    """Return the columns of a table that are an index and that no option names.

    They are what Parquet files note as such, and whole numbers without a name, which
    ``DataFrame.to_csv`` writes. Of ``columns`` those without a name are enough.
    """
    found: list[str] = []
    for file in filter(is_parquet, list_files(path, option)):
        with file_errors(file):
            found += index_names(pq.read_schema(file))
    found += [name for name in unnamed(columns) if _counts(columns[name])]
    return [name for name in dict.fromkeys(found) if name not in named]


def unnamed(columns: Iterable[object]) -> list[str]:
    """Return the columns without a name, or with the one that pandas gives them."""
    return [name for name in map(str, columns) if UNNAMED.fullmatch(name)]


def _counts(values: pd.Series[Any]) -> bool:
    if values.dtype.kind not in "iu" or values.isna().any() or values.min() < 0:
        return False
    steps = np.diff(values.to_numpy(np.int64))
    return values.is_unique or bool(np.mean(steps == 1) > 0.5)  # files one after the other
