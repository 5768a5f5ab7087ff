"""The rows of Parquet files as a table to train and predict on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError, unknown_name
from gbimb.tables.memory import MemoryBudget
from gbimb.tables.parquet.frames import plain_numbers, to_frame
from gbimb.tables.parquet.paths import (
    DATES,
    ParquetPart,
    check_kinds,
    find_files,
    is_narrow,
    kind_of,
    readable,
)
from gbimb.tables.texts import Reading
from gbimb.validation import check_names

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from gbimb.array_types import IntArray
    from gbimb.tables.parquet.frames import AsNumbers

VALUES_AT_ONCE: Final = 1 << 25


class ParquetSource:
    """The rows of one or more Parquet files, read piece by piece.

    An estimator that is given a source instead of a table reads it a few times from start to
    end and keeps the engine's binned form only: about one byte for each value in LightGBM, and
    up to five in XGBoost. :class:`UnderBaggingClassifier` keeps the rows that are in its bags.

    Parameters
    ----------
    paths : str, path or list of them
        Files, or directories of which all Parquet files are read, sorted by name. All files
        have the same columns, in any order; an index of pandas that has a name is one of them.
    target : str, optional
        Column of the labels. To predict, none is needed.
    features : sequence of str, optional
        Columns to learn from; by default all but ``target``, ``weight``, ``group``, ``time`` and an
        index of pandas, which is trained on only if it is named here. Numbers of any width,
        decimals, booleans, strings and categories (Arrow dictionaries), with missing values. Dates
        and times are refused, unless ``dates`` says what they should mean as a number.
    weight : str, optional
        Column of row weights, >= 0.
    group : str, optional
        Column that is equal for rows that belong together, such as a customer's number: ``groups``
        of ``fit``. It is not trained on.
    time : str, optional
        Column of numbers or dates that says which rows are later: ``time`` of ``fit``. It is not
        trained on.
    dates : {"days"}, optional
        Read dates and timestamps as days since 1970-01-01 in UTC, with fractions, and durations
        as days.
    max_memory : int or str, optional
        Bytes that a fit may take beyond what the process holds already, as a number or as
        "2GB", "1.5GiB". A fit that is estimated to take more is refused before it begins, and so
        is a ``predict_proba`` whose result would.

    Attributes
    ----------
    features : tuple of str
    index : tuple of str
        Names of the index with which pandas wrote the files.
    days : dict
        Columns that are read as days, each with "date" or "duration".
    as_numbers : dict
        These, what else is made a number by more than its type, and texts of which some are
        missing values.
    clean_label : callable or None
        From a label to the one that it is taken for.
    n_rows : int
    budget : MemoryBudget

    Raises
    ------
    InvalidDataError
        If there is no file, a file cannot be read, or columns are missing or differ.
    InvalidParameterError
        If a column is named twice.
    InvalidTypeError
        If what names a column is no text.

    Examples
    --------
    >>> import tempfile, numpy as np, pandas as pd, gbimb
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"x": rng.normal(size=2000), "colour": rng.choice(["r", "g"], 2000)})
    >>> table["fraud"] = table["x"] + rng.normal(size=2000) > 2.5
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table.to_parquet(f"{folder}/part-0.parquet")
    ...     source = gbimb.ParquetSource(folder, target="fraud")
    ...     clf = gbimb.ImbalancedLGBMClassifier(random_state=0).fit(source)
    ...     clf.predict_proba(source).shape
    (2000, 2)
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        target: str | None = None,
        *,
        features: Sequence[str] | None = None,
        weight: str | None = None,
        group: str | None = None,
        time: str | None = None,
        dates: str | None = None,
        max_memory: float | str | None = None,
    ) -> None:
        if dates not in (None, "days"):
            msg = f"dates must be None or 'days', got {dates!r}."
            raise InvalidParameterError(msg)
        roles = {"target": target, "weight": weight, "group": group, "time": time}
        for role, column in roles.items():
            if not isinstance(column, str | None):
                msg = f"{role} must be None or the name of one column, got {column!r:.80}."
                raise InvalidTypeError(msg)
        chosen = None if features is None else check_names("features", features, "columns")
        self.budget = MemoryBudget.parse(max_memory)
        self._parts = [ParquetPart.open(path) for path in find_files(paths)]
        self.paths = tuple(part.path for part in self._parts)
        self.target = target
        self.weight = weight
        self.group = group
        self.time = time
        self.n_rows = sum(part.n_rows for part in self._parts)
        special = [name for name in roles.values() if name is not None]
        self._check_names(chosen, roles)
        self.days = self._find_days(special) if dates else {}
        self.as_numbers: dict[str, str | Reading] = dict(self.days)
        self.clean_label: Callable[[Any], Any] | None = None
        self.index = tuple(dict.fromkeys(name for part in self._parts for name in part.index))
        not_learnt = {*special, *self.index}
        self.features = tuple(
            [name for name in self._parts[0].columns if name not in not_learnt]
            if chosen is None
            else chosen
        )
        if not self.features or self.n_rows == 0:
            msg = (
                f"A source must have a row and a feature, got {self.n_rows} rows and "
                f"{len(self.features)} features in {len(self._parts)} file(s)."
            )
            raise InvalidDataError(msg)

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        """Say what is there."""
        return (
            f"ParquetSource({len(self._parts)} file(s), {self.n_rows:,} rows, "
            f"{len(self.features)} features, target={self.target!r})"
        )

    def _find_days(self, special: list[str]) -> dict[str, str]:
        kinds = {f.name: kind_of(f.type) for part in self._parts for f in part.schema}
        return {n: kind for n, kind in kinds.items() if kind in DATES and n not in special}

    def _check_names(self, features: list[str] | None, roles: dict[str, str | None]) -> None:
        named = [*(features or ()), *(name for name in roles.values() if name is not None)]
        if repeated := [name for i, name in enumerate(named) if name in named[:i]]:
            msg = (
                "target, weight, group, time and features must name different columns, got "
                f"{repeated[0]!r} more than once."
            )
            raise InvalidParameterError(msg)
        first = self._parts[0]
        for role, name in (*roles.items(), *(("features", name) for name in features or ())):
            if name is not None and name not in first.columns:
                raise unknown_name(role, name, first.columns)
        for part in self._parts[1:]:
            missing = set(named if features else first.columns) - set(part.columns)
            extra = set() if features else set(part.columns) - set(first.columns)
            if missing or extra:
                name = min(missing or extra)
                has, lacks = (first, part) if missing else (part, first)
                msg = (
                    f"All files must have the same columns: {has.path} has {name!r}, "
                    f"{lacks.path} has not. Name the columns to read with features."
                )
                raise InvalidDataError(msg)

    def require_columns(self, columns: Sequence[str]) -> None:
        """Raise unless all files have ``columns``."""
        for part in self._parts:
            if missing := [name for name in columns if name not in part.columns]:
                msg = f"{part.path} must have the column {missing[0]!r}, got {part.columns}."
                raise InvalidDataError(msg)

    def kinds(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the kind of each of ``columns``: "number", "text" or "category".

        Raises
        ------
        InvalidDataError
            If a column is missing, or of another kind in another file.
        InvalidTypeError
            If a column holds what is neither a number nor a category, such as dates.
        """
        self.require_columns(columns)
        return check_kinds(self._parts, columns, self.as_numbers)

    def types(self, column: str) -> list[Any]:
        """Return the Arrow type of a column in each file."""
        self.require_columns([column])
        return [part.schema.field(column).type for part in self._parts]

    def is_narrow(self, columns: Sequence[str]) -> bool:
        """Whether float32 holds every value of ``columns`` exactly."""
        return all(
            is_narrow(part.schema.field(name).type)
            and not isinstance(self.as_numbers.get(name), Reading)
            for part in self._parts
            for name in columns
        )

    def frames(
        self, columns: Sequence[str] | None = None, rows: IntArray | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield data frames of some thousand rows each, in the order of the files.

        Parameters
        ----------
        columns : list of str, optional
            ``features`` by default.
        rows : intp array, optional
            Rising row numbers, without repetition; all rows by default. Row groups that hold
            none of them are not read.
        """
        columns = self.features if columns is None else columns
        for batch in self.batches(columns, rows):
            yield to_frame(batch, self.as_numbers)

    def batches(
        self, columns: Sequence[str], rows: IntArray | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the same as Arrow record batches, texts as dictionaries."""
        try:
            yield from self._batches(columns, rows)
        finally:
            pa.default_memory_pool().release_unused()  # about 50 MB after a wide table

    def _batches(self, columns: Sequence[str], rows: IntArray | None) -> Iterator[pa.RecordBatch]:
        start = 0
        for part in self._parts:
            here = None
            if rows is not None:
                low, high = np.searchsorted(rows, (start, start + part.n_rows))
                here = rows[low:high] - start
            for first, batch in part.batches(columns, here):
                if here is None:
                    yield batch
                    continue
                low, high = np.searchsorted(here, (first, first + batch.num_rows))
                if high > low:
                    yield (
                        batch
                        if high - low == batch.num_rows
                        else batch.take(pa.array(here[low:high] - first))
                    )
            start += part.n_rows


def list_row_groups(source: ParquetSource, n_columns: int) -> Iterator[tuple[Path, list[int]]]:
    """Yield files and some of their row groups, for whoever reads them side by side.

    Each has about 33 million values in ``n_columns`` columns, or one row group.
    """
    most = max(1, VALUES_AT_ONCE // n_columns)
    for part in source._parts:  # noqa: SLF001  same module
        places = np.cumsum(part.groups) // most
        for place in np.unique(places):
            yield part.path, np.flatnonzero(places == place).tolist()


def read_row_groups(
    path: Path, groups: Sequence[int], names: Sequence[str], as_numbers: AsNumbers
) -> pd.DataFrame:
    """Return some columns of some row groups; texts stay texts but in ``as_numbers``."""
    with readable(path), pq.ParquetFile(path) as file:
        rows = file.read_row_groups(groups, columns=list(names), use_threads=False)
        # The notes of pandas would make an index of a column.
        plain = plain_numbers(rows.select(list(names)), as_numbers).replace_schema_metadata()
        frame: pd.DataFrame = plain.to_pandas(split_blocks=True)
        return frame
