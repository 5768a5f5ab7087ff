"""Read a table from CSV or Parquet, or say in a sentence why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from gbimb.exceptions import InvalidDataError, InvalidParameterError

if TYPE_CHECKING:
    from pathlib import Path

PARQUET: Final = (".parquet", ".pq")
CSV: Final = (".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip")
OTHER_SEPARATORS: Final = (";", "\t", "|")
KINDS: Final = ".csv, .csv.gz, .parquet"


def table_name(path: Path) -> str:
    """Return the name of the file without folder and ending."""
    for ending in (*CSV, *PARQUET):
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)]
    return path.name


def read_file(path: Path) -> pd.DataFrame:
    """Return the table in a file.

    Raises
    ------
    InvalidParameterError
        If there is no such file, or its name ends in something else than .csv or .parquet.
    InvalidDataError
        If the file cannot be read as what its name says, or holds no rows.
    """
    name = path.name.lower()
    if not path.exists():
        msg = f"--data must name a file, got {str(path)!r}, which does not exist."
        raise InvalidParameterError(msg)
    if not path.is_file():
        msg = f"--data must name a file, got the folder {str(path)!r}."
        raise InvalidParameterError(msg)
    if not name.endswith((*PARQUET, *CSV)):
        msg = f"--data must name a file that ends in {KINDS}, got {path.name!r}."
        raise InvalidParameterError(msg)
    kind = "Parquet" if name.endswith(PARQUET) else "CSV"
    try:
        frame = _read_parquet(path) if kind == "Parquet" else _read_csv(path)
    except PermissionError:
        msg = f"{path.name!r} cannot be opened: permission denied."
        raise InvalidDataError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path.name!r} is not UTF-8 text. Save it as UTF-8, or as Parquet."
        raise InvalidDataError(msg) from None
    except (OSError, EOFError, ValueError) as error:  # pandas and Arrow errors are ValueErrors
        reason = " ".join(str(error).split()) or type(error).__name__
        msg = f"{path.name!r} cannot be read as {kind}: {reason.rstrip('.')}."
        raise InvalidDataError(msg) from None
    return _checked(frame, path.name)


def _read_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    # An index with a name is a column to whoever wrote the file.
    return frame if frame.index.names == [None] else frame.reset_index()


def _read_csv(path: Path) -> pd.DataFrame:
    # low_memory would guess the type of a column piece by piece.
    return pd.read_csv(path, sep=_separator(path), low_memory=False)


def _separator(path: Path) -> str:
    header = list(pd.read_csv(path, nrows=0).columns)
    if len(header) == 1:
        for separator in OTHER_SEPARATORS:
            if separator in str(header[0]):
                return separator
    return ","


def _checked(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    frame.columns = pd.Index([str(column) for column in frame.columns], dtype=object)
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        msg = f"Column names must differ, got {repeated[0]!r} more than once in {name!r}."
        raise InvalidDataError(msg)
    if len(frame) == 0:
        msg = f"{name!r} holds no rows."
        raise InvalidDataError(msg)
    return frame
