"""The tables of a folder with an ``INDEX.csv``, cut to a common size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from gbimb.exceptions import InvalidParameterError
from gbimb.tables.files.columns import prepare_columns

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST: Final = 20_000
WHOLE: Final = ":whole"
TIER: Final = "main"


@dataclass(frozen=True, eq=False)
class QualityTable:
    """A table on disk, before it is read.

    Attributes
    ----------
    name : str
        Ends in ``:whole`` if the table is not cut.
    path : Path
    rows : int
        Rows of the file.
    n_classes : int
    """

    name: str
    path: Path
    rows: int
    n_classes: int

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return self.n_classes == 2

    @property
    def used(self) -> int:
        """Rows that are used."""
        return self.rows if self.name.endswith(WHOLE) else min(self.rows, LARGEST)

    def fingerprint(self) -> str:
        """Return a hash of the content and the cut."""
        return f"{_hash_of(self.path)} {self.used}"

    def read(self) -> tuple[pd.DataFrame, NDArray[Any]]:
        """Return features with plain names (LightGBM refuses others), and labels from 0 on.

        Large tables are cut to the same stratified 20,000 rows for every method.
        """
        frame = pd.read_parquet(self.path)
        y = frame.pop("target").to_numpy().astype(np.int64)
        if self.used < y.size:
            kept, _ = train_test_split(
                np.arange(y.size), train_size=self.used, stratify=y, random_state=0
            )
            kept = np.sort(kept)
            frame, y = frame.iloc[kept].reset_index(drop=True), y[kept]
        X, *_ = prepare_columns(frame)
        return X.set_axis([f"x{i}" for i in range(X.shape[1])], axis=1), y


@cache
def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def find_tables(folder: Path, whole: Collection[str] = ()) -> list[QualityTable]:
    """List the main-tier tables of a folder, two classes first, small ones first.

    Parameters
    ----------
    folder : Path
        Holds ``INDEX.csv`` with the columns name, tier, rows and classes, and NAME.parquet with
        a column ``target`` of whole numbers from 0 on (of two classes, 1 is the rare one).
    whole : collection of str
        Names of tables to add once more with all their rows.

    Raises
    ------
    InvalidParameterError
        If the folder has no index, or lacks a table of ``whole``.
    """
    if not (folder / "INDEX.csv").is_file():
        msg = f"--data must name a folder with an INDEX.csv, got {str(folder)!r}."
        raise InvalidParameterError(msg)
    index = pd.read_csv(folder / "INDEX.csv")
    index = index[index["tier"] == TIER].sort_values(["classes", "rows"])
    tables = []
    for row in index.itertuples():
        shape = (folder / f"{row.name}.parquet", int(row.rows), int(row.classes))
        tables.append(QualityTable(row.name, *shape))
        if row.name in whole:
            tables.append(QualityTable(row.name + WHOLE, *shape))
    unknown = set(whole) - set(index["name"])
    if unknown:
        msg = f"--whole must name tables of tier {TIER!r}, got {sorted(unknown)}."
        raise InvalidParameterError(msg)
    return sorted(tables, key=lambda table: (not table.binary, table.used))
