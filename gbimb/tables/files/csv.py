"""Read CSV: find the separator, and read the numbers as they are written."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

OTHER_SEPARATORS: Final = (";", "\t", "|")
# pandas 3 reads the nearest float64 by default, and warns of the option.
EXACT_NUMBERS: Final[dict[str, Any]] = (
    {"float_precision": "round_trip"} if int(pd.__version__.partition(".")[0]) < 3 else {}
)
DECIMAL_COMMA: Final = re.compile(r" *[+-]?(\d+|\d*,\d+)([eE][+-]?\d+)? *", re.ASCII)


def read_csv(path: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """Return the table in a CSV file; the columns of ``text`` are text whatever they hold.

    Of a file that is separated by ";", numbers with a decimal comma are numbers.
    """
    separator = csv_separator(path)
    with csv_stream(path) as stream:
        frame: pd.DataFrame = pd.read_csv(stream, **_as_values(separator, text))
    return _read_commas(frame, separator, text)


def csv_pieces(path: Path, text: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the same piece by piece."""
    separator = csv_separator(path)
    with (
        csv_stream(path) as stream,
        pd.read_csv(stream, chunksize=rows, **_as_values(separator, text)) as reader,
    ):
        for frame in reader:
            yield _read_commas(frame, separator, text)


def csv_cells(path: Path, columns: Collection[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield columns as text, cell by cell as they are written: NA is "NA", an empty cell ""."""
    with (
        csv_stream(path) as stream,
        pd.read_csv(
            stream,
            sep=csv_separator(path),
            chunksize=rows,
            usecols=lambda name: name in columns,
            dtype=str,
            na_filter=False,
        ) as reader,
    ):
        yield from reader


def _as_values(separator: str, text: Sequence[str]) -> dict[str, Any]:
    # low_memory would guess the type of a column piece by piece.
    dtype = dict.fromkeys(text, str)
    return {"sep": separator, "dtype": dtype, "low_memory": False, **EXACT_NUMBERS}


def _read_commas(frame: pd.DataFrame, separator: str, text: Sequence[str]) -> pd.DataFrame:
    if separator != ";":
        return frame
    for name in frame.columns.difference(list(text), sort=False):
        cells = frame[name].dropna()
        if pdt.is_numeric_dtype(cells.dtype) or not all(map(_is_number, cells)):
            continue
        if any("," in cell for cell in cells):
            numbers = cells.str.replace(",", ".").astype(np.float64)
            frame[name] = numbers.reindex(frame.index)
    return frame


def _is_number(cell: object) -> bool:
    return isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell) is not None


@contextmanager
def csv_stream(path: Path) -> Iterator[Any]:
    """Give pandas the file, or of .zst, for which it wants a package more, what is in it."""
    if path.suffix.lower() != ".zst":
        yield path
        return
    with pa.input_stream(str(path), compression="zstd") as stream:
        yield stream


def csv_separator(path: Path) -> str:
    """Return the separator that the first line of a CSV file shows.

    Raises
    ------
    InvalidDataError
        If the line has a name twice, which pandas would rename, or fewer names than the next one
        has cells.
    """
    with csv_stream(path) as stream:
        header = list(pd.read_csv(stream, nrows=0).columns)
    found = ","
    if len(header) == 1:
        shown = [separator for separator in OTHER_SEPARATORS if separator in str(header[0])]
        found = shown[0] if shown else found
    with csv_stream(path) as stream:
        try:
            first = pd.read_csv(stream, nrows=2, header=None, sep=found, dtype=str)
        except pd.errors.ParserError as error:
            if "Expected" not in str(error):
                raise
            # With the first line as header, pandas takes the first cells as an index, unasked.
            msg = (
                f"{path.name!r} must have a name for each column in its first line, got rows of "
                "more cells. Name them all, or remove a separator at the ends."
            )
            raise InvalidDataError(msg) from None
    check_repeated(pd.Index(first.iloc[0].dropna()), path.name)
    return found


def check_repeated(columns: pd.Index[Any], name: str) -> None:
    """Raise if two columns of the file ``name`` are called the same."""
    repeated = columns[columns.duplicated()]
    if len(repeated):
        msg = f"Column names must differ, got {repeated[0]!r} more than once in {name!r}."
        raise InvalidDataError(msg)
