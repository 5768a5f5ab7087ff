"""Write a table of any size piece by piece, whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidParameterError
from gbimb.replacing import check_new_file, replacing
from gbimb.tables.files.read import check_ending, is_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


@contextmanager
def write_table(path: str | Path, option: str = "path") -> Iterator[TableWriter]:
    """Write a CSV or Parquet file that appears under its name when it is complete.

    An error inside leaves nothing behind, and an older file as it was.
    """
    path = Path(path)
    check_ending(path, option)
    check_new_file(path, option)
    if path.suffix.lower() in (".zip", ".zst"):
        msg = f"{option} must end in .csv, .csv.gz or .parquet, got {path.name!r}."
        raise InvalidParameterError(msg)
    # The ending says how CSV is compressed.
    with replacing(path, "".join(path.suffixes[-2:])) as part:
        writer = TableWriter(part)
        try:
            yield writer
        finally:
            writer.close()


class TableWriter:
    """Appends pieces of a table to a CSV or Parquet file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parquet: Any = None
        self.rows = 0

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows; the first piece fixes names and types of the columns."""
        if is_parquet(self._path):
            self._write_parquet(frame)
        else:
            first = self.rows == 0
            frame.to_csv(
                self._path,
                mode="w" if first else "a",
                header=first,
                index=False,
                sep="\t" if ".tsv" in self._path.suffixes else ",",
            )
        self.rows += len(frame)

    def _write_parquet(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._parquet is None:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            # pandas' own notes would have it read numbers and text as Arrow's.
            self._parquet = pq.ParquetWriter(self._path, table.schema.remove_metadata())
        schema = self._parquet.schema
        self._parquet.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))

    def close(self) -> None:
        """Write the end of a Parquet file."""
        if self._parquet is not None:
            self._parquet.close()
