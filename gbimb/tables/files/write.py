"""Write a table of any size piece by piece, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidParameterError
from gbimb.replacing import replacing
from gbimb.tables.files.read import check_ending, is_parquet

if TYPE_CHECKING:
    from types import TracebackType

    import pandas as pd


class TableWriter:
    """A CSV or Parquet file that appears under its name when it is complete.

    Use it as a context; an error inside leaves nothing behind, and an older file as it was.
    """

    def __init__(self, path: str | Path, option: str = "path") -> None:
        self._path = Path(path)
        check_ending(self._path, option)
        if self._path.is_dir():
            msg = f"{option} must name a file, got {str(path)!r}, which is a folder. Name another."
            raise InvalidParameterError(msg)
        if not self._path.absolute().parent.is_dir():
            msg = f"{option} must name a file in a folder that exists, got {str(path)!r}."
            raise InvalidParameterError(msg)
        if self._path.suffix.lower() in (".zip", ".zst"):
            msg = f"{option} must end in .csv, .csv.gz or .parquet, got {self._path.name!r}."
            raise InvalidParameterError(msg)
        # The ending says how CSV is compressed.
        self._replacing = replacing(self._path, "".join(self._path.suffixes[-2:]))
        self._parquet: Any = None
        self.rows = 0

    def __enter__(self) -> TableWriter:
        """Begin."""
        self._part = self._replacing.__enter__()
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows; the first piece fixes names and types of the columns."""
        if is_parquet(self._path):
            self._write_parquet(frame)
        else:
            first = self.rows == 0
            frame.to_csv(
                self._part,
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
            self._parquet = pq.ParquetWriter(self._part, table.schema.remove_metadata())
        schema = self._parquet.schema
        self._parquet.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put the file in its place, or remove what is there of it."""
        try:
            if self._parquet is not None:
                self._parquet.close()
        except BaseException as failure:
            self._replacing.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._replacing.__exit__(kind, error, traceback)
