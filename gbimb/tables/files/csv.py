"""Read CSV: find the separator, and leave what can be read in two ways as it is written."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from gbimb.exceptions import InvalidDataError
from gbimb.tables.files.columns import is_text
from gbimb.tables.texts import read_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

SEPARATORS: Final = (",", ";", "\t", "|")
NAMED_SEPARATOR: Final = re.compile(r'\ufeff?"?sep=(.)"?\s*')
# pandas 3 reads the nearest float64 by default, and warns of the option.
EXACT_NUMBERS: Final[dict[str, Any]] = (
    {"float_precision": "round_trip"} if int(pd.__version__.partition(".")[0]) < 3 else {}
)
OPENED: Final[dict[str, Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
LOOKED_AT: Final = 20
LOOKED_AT_CHARACTERS: Final = 1 << 16

Layout: TypeAlias = dict[str, Any]
"""What pandas has to be told: the separator, and lines to skip."""


def read_csv(path: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """Return the table in a CSV file; the columns of ``text`` are text whatever they hold.

    So are numbers such as 1.014 in a file with decimal commas, where they may be thousands.
    """
    layout = csv_layout(path)
    with csv_stream(path) as stream:
        frame: pd.DataFrame = pd.read_csv(stream, **_as_values(layout, text))
    doubtful = _maybe_thousands(frame)
    if doubtful:
        with csv_stream(path) as stream:
            written: Any = pd.read_csv(stream, usecols=doubtful, dtype=str, **layout)
        frame[pd.Index(doubtful)] = written
    return frame


def csv_pieces(path: Path, text: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the same piece by piece; the first piece says which columns are text."""
    layout = csv_layout(path)
    with (
        csv_stream(path) as stream,
        pd.read_csv(stream, chunksize=rows, **_as_values(layout, text)) as reader,
    ):
        for i, frame in enumerate(reader):
            if i == 0 and (doubtful := _maybe_thousands(frame)):
                break
            yield frame
        else:
            return
    yield from csv_pieces(path, [*text, *doubtful], rows)


def csv_cells(path: Path, columns: Collection[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield columns as text, cell by cell as they are written: NA is "NA", an empty cell ""."""
    with (
        csv_stream(path) as stream,
        pd.read_csv(
            stream,
            chunksize=rows,
            usecols=lambda name: name in columns,
            dtype=str,
            na_filter=False,
            **csv_layout(path),
        ) as reader,
    ):
        yield from reader


def _as_values(layout: Layout, text: Sequence[str]) -> dict[str, Any]:
    # low_memory would guess the type of a column piece by piece.
    return {**layout, "dtype": dict.fromkeys(text, str), "low_memory": False, **EXACT_NUMBERS}


def _maybe_thousands(frame: pd.DataFrame) -> list[str]:
    """Return columns read as numbers whose points may group thousands.

    All have three decimals at most and are from 1 to 999.999, in a file with decimal commas.
    """
    floats = [str(name) for name, kind in frame.dtypes.items() if kind == np.float64]
    doubtful = [name for name in floats if _look_grouped(frame[name].to_numpy())]
    return doubtful if doubtful and _has_decimal_commas(frame) else []


def _look_grouped(values: np.ndarray[Any, Any]) -> bool:
    values = values[~np.isnan(values)]
    sizes = np.abs(values[:LOOKED_AT])
    if ((sizes > 0) & (sizes < 1) | (sizes >= 1000)).any():
        return False
    sizes = np.abs(values)
    thousands = sizes * 1000
    whole = np.abs(thousands - np.rint(thousands)) < 1e-6
    inside = (sizes == 0) | ((sizes >= 1) & (sizes < 1000))
    return bool((whole & inside).all() and (sizes != np.rint(sizes)).any())


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    for name in frame.columns:
        values = frame[name].head(1000)
        if is_text(values):
            texts = read_texts(values)
            if texts is not None and texts.agrees and texts.form == "," and texts.is_sure:
                return True
    return False


class _Checked(io.RawIOBase):
    """The bytes of a file, in which a NUL is an error: no text has one, and pandas drops it."""

    def __init__(self, stream: Any, path: Path) -> None:  # any binary file
        self._stream, self._path = stream, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._stream.read(len(view))
        if b"\0" in piece:
            msg = (
                f"{self._path.name!r} is not UTF-8 text, for it holds NUL bytes. Save it as UTF-8, "
                "or as Parquet."
            )
            raise InvalidDataError(msg)
        view[: len(piece)] = piece
        return len(piece)


@contextmanager
def csv_stream(path: Path) -> Iterator[Any]:
    """Open a file for pandas, unpacked and checked."""
    with _opened(path) as stream, io.BufferedReader(_Checked(stream, path), 1 << 18) as checked:
        yield checked


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    ending = path.suffix.lower()
    if ending == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream
    elif ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1:
                msg = f"{path.name!r} must hold one file, got {len(files)}. Pack the CSV alone."
                raise InvalidDataError(msg)
            with archive.open(files[0]) as stream:
                yield stream
    else:
        with OPENED.get(ending, open)(path, "rb") as stream:
            yield stream


def csv_layout(path: Path) -> Layout:
    """Return the separator that the first lines of a CSV file show, or a line ``sep=;`` names.

    Raises
    ------
    InvalidDataError
        If the first line has a name twice, which pandas would rename, or fewer names than the
        next one has cells.
    """
    with csv_stream(path) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", newline="").read(LOOKED_AT_CHARACTERS)
    named = NAMED_SEPARATOR.fullmatch(lines.partition("\n")[0])
    if named is not None:
        layout: Layout = {"sep": named[1], "skiprows": 1}
    else:
        layout = {"sep": _separator(lines)}
    with csv_stream(path) as stream:
        try:
            first: Any = pd.read_csv(stream, nrows=2, header=None, dtype=str, **layout)
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
    return layout


def _separator(lines: str) -> str:
    """Return the separator that cuts the first lines into the same number of cells.

    Where two do, it is not the comma, which is in numbers and names as well; where none does, it
    is the one that the first line has most of.
    """
    cut = len(lines) == LOOKED_AT_CHARACTERS
    sizes: dict[str, list[int]] = {}
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator)
        try:
            sizes[separator] = [len(row) for row in islice(reader, LOOKED_AT) if row]
        except csv.Error:
            sizes[separator] = []
    whole = {s: n[:-1] if cut and len(n) < LOOKED_AT else n for s, n in sizes.items()}
    alike = {s: n[0] for s, n in whole.items() if n and n[0] > 1 and len(set(n)) == 1}
    if alike:
        return max(alike, key=lambda s: (alike[s], s != ","))
    return max(SEPARATORS, key=lambda s: sizes[s][0] if sizes[s] else 0)


def check_repeated(columns: pd.Index[Any], name: str) -> None:
    """Raise if two columns of the file ``name`` are called the same."""
    repeated = columns[columns.duplicated()]
    if len(repeated):
        msg = f"Column names must differ, got {repeated[0]!r} more than once in {name!r}."
        raise InvalidDataError(msg)
