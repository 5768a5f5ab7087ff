"""Read CSV: find the separator, and leave what can be read in two ways as it is written."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from gbimb.exceptions import InvalidDataError
from gbimb.tables.files.columns import is_text
from gbimb.tables.files.csv_bytes import csv_stream, find_encoding, may_have_leading_zeros
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.texts import code_among, read_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

SEPARATORS: Final = (",", ";", "\t", "|")
NAMED_SEPARATOR: Final = re.compile(r'\ufeff?"?sep=(.)"?\s*')
# pandas 3 reads the nearest float64 by default, and warns of the option.
EXACT_NUMBERS: Final[dict[str, Any]] = (
    {"float_precision": "round_trip"} if int(pd.__version__.partition(".")[0]) < 3 else {}
)
LOOKED_AT: Final = 20
LOOKED_AT_CHARACTERS: Final = 1 << 16

Layout: TypeAlias = dict[str, Any]
"""What pandas has to be told: the separator, the encoding, and lines to skip."""


def read_csv(path: Path, text: Sequence[str] = (), known: ReadOptions = AS_FOUND) -> pd.DataFrame:
    """Return the table in a CSV file; the columns of ``text`` are text whatever they hold.

    So are numbers such as 1.014 in a file with decimal commas, where they may be thousands, and
    whole numbers of which some begin with zeros, such as 02134.
    """
    layout = csv_layout(path, known)
    with csv_stream(path, layout["encoding"]) as stream:
        frame: pd.DataFrame = pd.read_csv(stream, **_as_values(layout, text))
    thousands = _maybe_thousands(frame, known)
    codes = [name for name in _maybe_codes(path, frame) if name not in thousands]
    if thousands or codes:
        with csv_stream(path, layout["encoding"]) as stream:
            written: Any = pd.read_csv(stream, usecols=[*thousands, *codes], dtype=str, **layout)
        texts = [*thousands, *(name for name in codes if _are_codes(written[name]))]
        frame[pd.Index(texts)] = written[texts]
    return frame


def csv_header(path: Path, known: ReadOptions = AS_FOUND) -> list[str]:
    """Return the names in the first line."""
    layout = csv_layout(path, known)
    with csv_stream(path, layout["encoding"]) as stream:
        header: Any = pd.read_csv(stream, nrows=0, **layout)
    return [str(name) for name in header.columns]


def csv_pieces(
    path: Path, text: Sequence[str], rows: int, known: ReadOptions = AS_FOUND
) -> Iterator[pd.DataFrame]:
    """Yield the same piece by piece; the first piece says which columns are text.

    Codes such as 02134 are text in the columns of ``text`` only.
    """
    layout = csv_layout(path, known)
    with (
        csv_stream(path, layout["encoding"]) as stream,
        pd.read_csv(stream, chunksize=rows, **_as_values(layout, text)) as reader,
    ):
        for i, frame in enumerate(reader):
            if i == 0 and (doubtful := _maybe_thousands(frame, known)):
                break
            yield frame
        else:
            return
    yield from csv_pieces(path, [*text, *doubtful], rows, known)


def csv_cells(
    path: Path, columns: Collection[str], rows: int, known: ReadOptions = AS_FOUND
) -> Iterator[pd.DataFrame]:
    """Yield columns as text, cell by cell as they are written: NA is "NA", an empty cell ""."""
    layout = csv_layout(path, known)
    with (
        csv_stream(path, layout["encoding"]) as stream,
        pd.read_csv(
            stream,
            chunksize=rows,
            usecols=lambda name: name in columns,
            dtype=str,
            na_filter=False,
            **layout,
        ) as reader,
    ):
        yield from reader


def _as_values(layout: Layout, text: Sequence[str]) -> dict[str, Any]:
    # low_memory would guess the type of a column piece by piece.
    return {**layout, "dtype": dict.fromkeys(text, str), "low_memory": False, **EXACT_NUMBERS}


def _maybe_codes(path: Path, frame: pd.DataFrame) -> list[str]:
    """Return columns of whole numbers in which cells may begin with zeros."""
    numbers = [str(name) for name, kind in frame.dtypes.items() if kind.kind in "iuf"]
    whole = [name for name in numbers if _are_whole(frame[name].to_numpy())]
    return whole if whole and may_have_leading_zeros(path) else []


def _are_whole(values: np.ndarray[Any, Any]) -> bool:
    if values.dtype.kind in "iu":
        return True
    present = values[~np.isnan(values)]
    return present.size > 0 and bool((np.rint(present) == present).all())


def _are_codes(cells: pd.Series[Any]) -> bool:
    """Whether whole numbers with leading zeros are codes; 00 to 99 may still count something."""
    counts = cells.value_counts()
    return len(code_among(counts.index.tolist(), counts.to_numpy().astype(np.intp))) > 2


def _maybe_thousands(frame: pd.DataFrame, known: ReadOptions) -> list[str]:
    """Return columns read as numbers whose points may group thousands.

    All have three decimals at most and are from 1 to 999.999, in a file with decimal commas.
    """
    if known.decimal == ".":
        return []
    floats = [str(name) for name, kind in frame.dtypes.items() if kind == np.float64]
    doubtful = [name for name in floats if _look_grouped(frame[name].to_numpy())]
    commas = known.decimal == "," or (doubtful and _has_decimal_commas(frame))
    return doubtful if commas else []


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


def csv_layout(path: Path, known: ReadOptions = AS_FOUND) -> Layout:
    """Return the separator that the first lines of a CSV file show, or a line ``sep=;`` names.

    With it comes the encoding.

    Raises
    ------
    InvalidDataError
        If the first line has a name twice, which pandas would rename, or fewer names than the
        next one has cells.
    """
    encoding = find_encoding(path) if known.encoding is None else known.encoding
    with csv_stream(path, encoding) as stream:
        first_lines = "utf-8-sig" if encoding == "utf-8" else encoding
        lines = io.TextIOWrapper(stream, first_lines, newline="").read(LOOKED_AT_CHARACTERS)
    named = NAMED_SEPARATOR.fullmatch(lines.partition("\n")[0])
    if named is not None:
        layout: Layout = {"sep": named[1], "skiprows": 1, "encoding": encoding}
    else:
        layout = {"sep": _separator(lines), "encoding": encoding}
    with csv_stream(path, encoding) as stream:
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
