"""Parquet files, and what their schemas say of the columns."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.exceptions import GbimbError, InvalidDataError, InvalidTypeError
from gbimb.parallel import thread_count
from gbimb.tables.text_forms import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gbimb.array_types import IntArray
    from gbimb.tables.parquet.frames import AsNumbers
    from gbimb.tables.texts import Reading

ROWS_AT_ONCE = 1 << 16
SUFFIXES = (".parquet", ".pq", ".parq")
UNNAMED = re.compile(r"__index_level_\d+__")
DATES = ("date", "duration")
# The last ones come of damaged notes of pandas about its index.
DAMAGED = (
    *(pa.ArrowException, OSError, ValueError),
    *(ArithmeticError, AttributeError, LookupError, TypeError),
)


@dataclass(frozen=True)
class ParquetPart:
    """One file: where it is, its size, its columns, and the rows of each of its row groups.

    ``columns`` are without those that pandas wrote for an index without a name; ``index`` are
    the names of one that has some.
    """

    path: Path
    n_bytes: int
    schema: pa.Schema
    columns: list[str]
    index: list[str]
    groups: tuple[int, ...]

    @classmethod
    def open(cls, path: Path) -> ParquetPart:
        """Read the footer of the file."""
        with readable(path), pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if twice := [name for name, times in Counter(schema.names).items() if times > 1]:
                msg = (
                    f"Columns of {path} must have names that differ, got {twice[0]!r} more than "
                    "once. Write the file again."
                )
                raise InvalidDataError(msg)
            index = (schema.pandas_metadata or {}).get("index_columns", [])
            columns = [n for n in schema.names if n not in index or not UNNAMED.fullmatch(n)]
            size = path.stat().st_size
            return cls(path, size, schema, columns, index_names(schema), _group_sizes(file))

    @property
    def n_rows(self) -> int:
        """Rows of the file."""
        return sum(self.groups)

    def batches(
        self, columns: Sequence[str], rows: IntArray | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield some columns, texts as dictionaries, each batch with the number of its first row.

        Row groups without any of ``rows``, rising numbers of rows in this file, are left out.
        """
        texts = [name for name in columns if kind_of(self.schema.field(name).type) == "text"]
        with (
            readable(self.path),
            pq.ParquetFile(self.path, read_dictionary=texts, buffer_size=1 << 20) as file,
        ):
            self._check_unchanged(file)
            start = 0
            for group, size in enumerate(self.groups):
                first, start = start, start + size
                if rows is not None and np.diff(np.searchsorted(rows, (first, start))) == 0:
                    continue
                for batch in file.iter_batches(
                    ROWS_AT_ONCE,
                    row_groups=[group],
                    columns=list(columns),
                    use_threads=thread_count() > 1,
                ):
                    chosen = batch.select(list(columns))
                    self._check_texts(chosen)
                    yield first, chosen
                    first += batch.num_rows
                if first != start:
                    msg = f"row group {group} has not the {size:,} rows that the footer says"
                    raise pa.ArrowInvalid(msg)

    def _check_unchanged(self, file: pq.ParquetFile) -> None:
        """Raise if labels, weights and features would come of different files."""
        names, groups = file.schema_arrow.names, _group_sizes(file)
        same = names == self.schema.names and groups == self.groups
        if same and self.path.stat().st_size == self.n_bytes:
            return
        n_rows = sum(groups)
        what = "other values" if n_rows == self.n_rows else f"{n_rows:,} rows, not {self.n_rows:,}"
        msg = (
            f"{self.path} changed while it was used, got {what}. A source must find its files as "
            "they were: make a new ParquetSource."
        )
        raise InvalidDataError(msg)

    def _check_texts(self, batch: pa.RecordBatch) -> None:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = getattr(column, "dictionary", column)
            if kind_of(values.type) == "text":
                try:
                    values.validate(full=True)
                except pa.ArrowInvalid as error:
                    msg = (
                        f"Column {name!r} of {self.path} must hold texts in UTF-8, got other bytes "
                        f"({error}). Write the file again."
                    )
                    raise InvalidDataError(msg) from None


def index_names(schema: pa.Schema) -> list[str]:
    """Return the names of the index that pandas wrote, as columns or as a range of row numbers."""
    names = []
    for noted in (schema.pandas_metadata or {}).get("index_columns", []):
        is_range = isinstance(noted, dict)
        name = noted.get("name") if is_range else noted
        known = isinstance(name, str) and not UNNAMED.fullmatch(name)
        if known and is_range != (name in schema.names):
            names.append(name)
    return names


def _group_sizes(file: pq.ParquetFile) -> tuple[int, ...]:
    """Return the rows of each row group."""
    return tuple(file.metadata.row_group(g).num_rows for g in range(file.num_row_groups))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what pyarrow raises about a file into one sentence."""
    try:
        yield
    except GbimbError:
        raise
    except DAMAGED as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{path} cannot be read as Parquet ({reason}). Write the file again."
        raise InvalidDataError(msg) from None


def find_files(paths: object) -> list[Path]:
    """Return the Parquet files that ``paths`` names: a file, a directory or a list of such.

    Files of a directory and of those in it, sorted by name; names that begin with "." or "_" are
    left out.
    """
    if isinstance(paths, str | os.PathLike):
        return _files_at(Path(paths))
    if not isinstance(paths, list | tuple) or not paths:
        msg = f"paths must be a file, a directory or a list of them, got {paths!r}."
        raise InvalidTypeError(msg)
    if wrong := [path for path in paths if not isinstance(path, str | os.PathLike)]:
        msg = f"paths must be strings or pathlib.Path, got {wrong[0]!r} among them."
        raise InvalidTypeError(msg)
    return [file for path in paths for file in _files_at(Path(path))]


def _files_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        msg = f"paths must name files that are there, got {str(path)!r}, which is not."
        raise InvalidDataError(msg)
    files = files_in(path, SUFFIXES)
    if not files:
        msg = f"The directory {str(path)!r} has no files that end in {', '.join(SUFFIXES)}."
        raise InvalidDataError(msg)
    return files


def files_in(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder and of those in it that end so, in any case, sorted by name.

    Names that begin with "." or "_", of files or folders, are left out.

    Raises
    ------
    InvalidDataError
        If a folder is named as a column and its value.
    """
    files = []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        if not file.name.lower().endswith(endings) or any(part[0] in "._" for part in inside):
            continue
        if file.is_dir():
            continue
        if partitions := [part for part in inside[:-1] if "=" in part]:
            msg = (
                f"The columns in the names of folders are not read, got {partitions[0]!r} in "
                f"{str(folder)!r}. Move the files out of such folders, or write the column into "
                "them."
            )
            raise InvalidDataError(msg)
        files.append(file)
    return files


def kind_of(dtype: Any) -> str | None:  # a pyarrow type
    """Return "number", "text", "category", "date", "duration" or, for anything else, None.

    Decimals are numbers, points in time are dates; times of a day and lists are None.
    """
    types = pa.types
    if types.is_dictionary(dtype):
        return "category" if kind_of(dtype.value_type) in ("number", "text") else None
    if types.is_boolean(dtype) or types.is_integer(dtype) or types.is_floating(dtype):
        return "number"
    if types.is_null(dtype) or types.is_decimal(dtype):
        return "number"
    if types.is_string(dtype) or types.is_large_string(dtype) or str(dtype) == "string_view":
        return "text"
    if types.is_date(dtype) or types.is_timestamp(dtype):
        return "date"
    return "duration" if types.is_duration(dtype) else None


def is_narrow(dtype: Any) -> bool:  # a pyarrow type
    """Whether float32 holds every value exactly."""
    kind = kind_of(dtype)
    if kind != "number":
        return kind not in DATES
    return bool(pa.types.is_null(dtype) or dtype.bit_width <= 16 or pa.types.is_float32(dtype))


def check_kinds(
    parts: Sequence[ParquetPart], columns: Sequence[str], as_numbers: AsNumbers
) -> dict[str, str]:
    """Return the kind of each column, which must be one in all files.

    Dates and texts are numbers in the columns that ``as_numbers`` names; other dates are refused.

    Raises
    ------
    InvalidTypeError
        If columns hold what is neither a number nor a category.
    InvalidDataError
        If the kind of a column differs between files.
    """
    kinds: dict[str, str] = {}
    home: dict[str, Path] = {}
    unusable: dict[str, str] = {}
    for part in parts:
        for name in columns:
            dtype = part.schema.field(name).type
            kind = kind_of(dtype)
            if kind is None or (kind in DATES and name not in as_numbers):
                unusable.setdefault(name, str(dtype))
            elif pa.types.is_null(dtype):
                continue  # a file in which all values are missing
            elif kinds.setdefault(name, kind) != kind:
                msg = (
                    f"Column {name!r} must be of one kind in all files, got {kinds[name]} in "
                    f"{home[name]} and {kind} in {part.path}. Write them with one schema."
                )
                raise InvalidDataError(msg)
            else:
                home.setdefault(name, part.path)
    if unusable:
        listed = ", ".join(f"{name!r} ({dtype})" for name, dtype in unusable.items())
        msg = (
            f"Columns must hold numbers, booleans, strings or categories, got {listed}. Leave them "
            "out of features; dates can be read as numbers with dates='days'."
        )
        raise InvalidTypeError(msg)
    found = {name: kinds.get(name, "number") for name in columns}
    return {
        name: kind if name not in as_numbers or _stays_text(as_numbers[name]) else "number"
        for name, kind in found.items()
    }


def _stays_text(how: str | Reading) -> bool:
    return not isinstance(how, str) and how.form == TEXT
