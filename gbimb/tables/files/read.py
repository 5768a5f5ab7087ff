"""Read a table from CSV or Parquet, or say in a sentence why not."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, unknown_name
from gbimb.tables.files.csv import check_repeated, csv_header, read_csv
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.parquet.paths import SUFFIXES, files_in, index_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PARQUET: Final = SUFFIXES
PACKED: Final = (".gz", ".bz2", ".xz", ".zip", ".zst")
CSV: Final = tuple(f"{kind}{ending}" for kind in (".csv", ".tsv") for ending in ("", *PACKED))
WORKBOOKS: Final = (".xlsx", ".xls", ".xlsm", ".ods")
# pandas' errors are ValueErrors; the last ones come of damaged notes of pandas in Parquet.
DAMAGED: Final = (
    *(pa.ArrowException, OSError, EOFError, ValueError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError),
)
KINDS: Final = ".csv, .tsv, either with .gz, .bz2, .xz, .zip or .zst, or .parquet"
KINDS_OF_VALUES: Final = {
    "string": "text",
    "boolean": "booleans",
    **dict.fromkeys(("integer", "floating", "mixed-integer-float", "decimal"), "numbers"),
    **dict.fromkeys(("date", "datetime", "datetime64"), "dates"),
    **dict.fromkeys(("timedelta", "timedelta64"), "durations"),
}


def table_name(path: Path) -> str:
    """Return the name of the file without folder and ending."""
    for ending in (*CSV, *PARQUET):
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)]
    return path.name


def read_file(path: Path, option: str = "path", known: ReadOptions = AS_FOUND) -> pd.DataFrame:
    """Return the table in a file, or in all files of a folder, one after the other.

    ``option`` is how it was asked for. CSV files of a folder are read as one long file would be:
    a column that is text in one is text in all.

    Raises
    ------
    InvalidParameterError
        If there is no such file, or its name ends in something else than .csv or .parquet.
    InvalidDataError
        If a file cannot be read as what its name says, their columns differ, of Parquet also the
        kinds of these, or there is no row.
    """
    files = list_files(path, option)
    frames = [_read(file, known) for file in files]
    names = [file.name if file == path else str(file.relative_to(path)) for file in files]
    for name, frame in zip(names, frames, strict=True):
        require_same_columns(frames[0].columns, frame.columns, names[0], name)
    if text := _mixed_columns(frames):
        frames = [
            frame if is_parquet(file) else _read(file, known, text)
            for file, frame in zip(files, frames, strict=True)
        ]
        _require_same_kinds(frames, names)
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if len(frame) == 0:
        msg = f"{path.name!r} holds no rows."
        raise InvalidDataError(msg)
    return frame


def _read(path: Path, known: ReadOptions, text: Sequence[str] = ()) -> pd.DataFrame:
    with file_errors(path):
        if is_parquet(path):
            frame = with_index(pd.read_parquet(path))
        else:
            frame = read_csv(path, text, known)
    frame.columns = pd.Index([str(column) for column in frame.columns], dtype=object)
    check_repeated(frame.columns, path.name)
    return frame


def column_names(path: Path, option: str, known: ReadOptions = AS_FOUND) -> list[str]:
    """Return the columns of a file, or of the first file of a folder, without reading its rows.

    Raises
    ------
    GbimbError
        If there is no such file, or its beginning cannot be read as what its name says.
    """
    file = list_files(path, option)[0]
    with file_errors(file):
        if not is_parquet(file):
            return csv_header(file, known)
        schema = pq.read_schema(file)
        return [*dict.fromkeys([*schema.names, *index_names(schema)])]


def list_files(path: Path, option: str) -> list[Path]:
    """Return a file as a list, or the CSV and Parquet files of a folder, sorted by name.

    Those of the folders in it are among them; names that begin with "." or "_" are left out.

    Raises
    ------
    GbimbError
        If there is none.
    """
    if not path.is_dir():
        _check_file(path, option)
        return [path]
    files = files_in(path, (*CSV, *PARQUET))
    if not files:
        msg = f"{option} names the folder {str(path)!r}, which holds no CSV or Parquet file."
        raise InvalidDataError(msg)
    return files


def is_table(path: Path) -> bool:
    """Whether the name ends as that of a CSV or Parquet file."""
    return path.name.lower().endswith((*CSV, *PARQUET))


def is_parquet(path: Path) -> bool:
    """Whether the name ends as that of a Parquet file."""
    return path.name.lower().endswith(PARQUET)


def _check_file(path: Path, option: str) -> None:
    """Raise unless ``path`` is a file with an ending that is known."""
    if not path.exists():
        msg = f"{option} must name a file, got {str(path)!r}, which does not exist."
        raise InvalidParameterError(msg)
    check_ending(path, option)


def check_ending(path: Path, option: str) -> None:
    """Raise unless the ending is one that can be read and written."""
    if path.name.lower().endswith(WORKBOOKS):
        msg = (
            f"{option} must name a file that ends in {KINDS}, got the workbook {path.name!r}. Save "
            "the sheet as CSV UTF-8 first."
        )
        raise InvalidParameterError(msg)
    if not path.name.lower().endswith((*PARQUET, *CSV)):
        msg = f"{option} must name a file that ends in {KINDS}, got {path.name!r}."
        raise InvalidParameterError(msg)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Say in a sentence why a file cannot be read."""
    kind = "Parquet" if is_parquet(path) else "CSV"
    try:
        yield
    except GbimbError:
        raise
    except PermissionError:
        msg = f"{path.name!r} cannot be opened: permission denied."
        raise InvalidDataError(msg) from None
    except UnicodeError as error:
        used = str(getattr(error, "encoding", "utf-8")).upper()
        msg = f"{path.name!r} is not {used} text. Give its encoding, or save it as UTF-8."
        raise InvalidDataError(msg) from None
    except DAMAGED as error:
        text = " ".join(str(error).split()) or type(error).__name__
        reason = text.removeprefix("Error tokenizing data. C error: ")
        msg = f"{path.name!r} cannot be read as {kind}: {reason.rstrip('.')}."
        raise InvalidDataError(msg) from None


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its index as columns, as far as it has names."""
    named = [level for level, name in enumerate(frame.index.names) if name is not None]
    return frame.reset_index(named) if named else frame


def require_same_columns(
    first: Iterable[str], other: Iterable[str], first_name: str, other_name: str
) -> None:
    """Raise if two files of a folder have different columns, in whatever order."""
    odd = sorted(set(map(str, first)) ^ set(map(str, other)))
    if odd:
        msg = (
            f"All files of a folder must have the same columns, but only one of {first_name!r} "
            f"and {other_name!r} has {odd[0]!r}."
        )
        raise InvalidDataError(msg)


def require_columns(
    columns: Sequence[str] | pd.Index[Any], file: str, named: Mapping[str, Sequence[str]]
) -> None:
    """Raise unless all columns that options name are there.

    Parameters
    ----------
    columns : of the file
    file : str
        Its name, for the sentence.
    named : mapping
        From an option to the columns that it names.
    """
    for option, names in named.items():
        for name in names:
            if name not in columns:
                raise _no_column(option, name, columns, file)


def _no_column(
    option: str, name: str, columns: Sequence[str] | pd.Index[Any], file: str
) -> InvalidParameterError:
    if len(columns) <= 20:
        return unknown_name(option, name, columns)
    near = str(unknown_name("", name, columns)).partition(" Did you mean ")
    hint = "".join(near[1:]) or f" The first ones are {list(columns[:5])}."
    msg = f"{option} must name one of the {len(columns)} columns of {file!r}, got {name!r}.{hint}"
    return InvalidParameterError(msg)


def _mixed_columns(frames: Sequence[pd.DataFrame]) -> list[str]:
    """Return the columns that are of different kinds in tables with the same columns."""
    return [
        name
        for name in frames[0].columns
        if len({_kind(frame[name]) for frame in frames} - {""}) > 1
    ]


def _require_same_kinds(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> None:
    """Raise if a column is of different kinds in tables of the files ``names``.

    Booleans are numbers among numbers.
    """
    for column in _mixed_columns(frames):
        kinds = {_kind(frame[column]): name for frame, name in zip(frames, names, strict=True)}
        if set(kinds) - {""} == {"booleans", "numbers"}:
            continue
        (one, first), (other, second) = [item for item in kinds.items() if item[0]][:2]
        msg = (
            f"Column {column!r} must be of one kind in all files, got {one} in {first!r} and "
            f"{other} in {second!r}. Write them with one schema."
        )
        raise InvalidDataError(msg)


def _kind(values: pd.Series[Any]) -> str:
    """Return what a column holds, "" if it has no value."""
    if values.isna().all():
        return ""
    cells = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    found = pd.api.types.infer_dtype(cells, skipna=True)
    return KINDS_OF_VALUES.get(found, found)
