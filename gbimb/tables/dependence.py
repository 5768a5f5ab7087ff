"""What says that rows are not alone: which belong together, and which came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidParameterError
from gbimb.tables.keys import codes_of, column_of, group_keys, ranks_of, time_keys
from gbimb.tables.parquet.columns import read_groups, read_times
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.array_types import FloatArray, IntArray

LOOKED_AT: Final = 20_000
"""Rows that say whether a column may be an identifier."""

MOST_ROWS_OF_ONE: Final = 50
"""Rows of one value, on average, up to which a column may be an identifier."""

FEWEST_GROUPS: Final = 50
ALIKE: Final = 0.1
"""Correlation of the labels of rows with the same identifier from which on it is worth a hint."""

SURE: Final = 6.0
"""Standard errors of that correlation by which it is above 0."""

TREND: Final = 0.2
"""Correlation of whole numbers with how many rows have them, above which they are amounts."""

IN_ORDER: Final = 0.99
"""Share of rows that are not before the row above them, where a table is in order of time."""


@dataclass(frozen=True, eq=False)
class Dependence:
    """What was said of the rows beside their features; one of the two is None.

    Attributes
    ----------
    groups : int array of shape (n,) or None
        Equal for rows of a group; from 0 on.
    time : int array of shape (n,) or None
        Rank of the time of each row, equal for equal times; from 0 on.
    """

    groups: IntArray | None = None
    time: IntArray | None = None

    @property
    def name(self) -> str:
        """What was given to ``fit``."""
        return "groups" if self.time is None else "time"

    @property
    def values(self) -> IntArray:
        """The groups or the ranks of the times."""
        values = self.groups if self.time is None else self.time
        assert values is not None
        return values

    def take(self, rows: IntArray) -> Dependence:
        """Return that of some rows."""
        return Dependence(
            None if self.groups is None else self.groups[rows],
            None if self.time is None else self.time[rows],
        )


def read_dependence(X: object, groups: Any, time: Any, n: int) -> Dependence | None:
    """Return what groups and times of ``n`` rows say; None if neither is given.

    Parameters
    ----------
    X : a table
        Of a ParquetSource, groups and times are columns of its own.
    groups, time : arrays of any kind of shape (n,), or None
    n : int

    Raises
    ------
    InvalidParameterError
        If both are given, or one beside a source.
    InvalidDataError
        If they are not one value a row, or a time is missing.
    InvalidTypeError
        If times are neither numbers nor dates.
    """
    if isinstance(X, ParquetSource):
        refuse_beside_source(groups, time)
        check_one_of(X.group, X.time, "group")
        if X.group is not None:
            return Dependence(groups=codes_of(read_groups(X)))
        return None if X.time is None else Dependence(time=ranks_of(read_times(X)))
    check_one_of(groups, time)
    if groups is not None:
        return Dependence(groups=codes_of(group_keys(column_of(groups, "groups", n))))
    if time is not None:
        return Dependence(time=ranks_of(time_keys(column_of(time, "time", n))))
    return None


def check_one_of(groups: object, time: object, name: str = "groups") -> None:
    """Refuse groups and times together."""
    if groups is not None and time is not None:
        other = "--time" if name.startswith("-") else "time"
        msg = (
            f"{name} and {other} must not be given together: rows are held out by groups, or later "
            f"rows from earlier ones. Give {other} if the model is for later rows of known groups."
        )
        raise InvalidParameterError(msg)


def refuse_beside_source(groups: object, time: object) -> None:
    """Refuse groups and times beside a ParquetSource."""
    for name, column, given in (("groups", "group", groups), ("time", "time", time)):
        if given is not None:
            msg = (
                f"{name} must be None beside a ParquetSource, which has its own column: "
                f"ParquetSource(..., {column}=...)."
            )
            raise InvalidParameterError(msg)


def hint_of(table: object, codes: IntArray) -> str:
    """Say which column may tell the group or the time of the rows; "" where none looks so.

    Only data frames are looked at, and only what is hardly ever something else is said.

    Parameters
    ----------
    table : any table
    codes : int array of shape (n,)
        Class codes.
    """
    if not isinstance(table, pd.DataFrame):
        return ""
    found = [
        f"rows with the same {name!r} mostly have the same label, so give fit groups if new rows "
        "will have others"
        for name in identifiers(table, codes)[:1]
    ]
    dates = {str(n): v for n, v in table.items() if pdt.is_datetime64_any_dtype(v.dtype)}
    return "; ".join([*found, *time_hint(dates)])


def time_hint(dates: Mapping[str, pd.Series[Any]]) -> list[str]:
    """Say that a table has one column of dates, or is in the order of one."""
    return [
        f"column {name!r} holds dates, so give fit time if later rows are to be predicted"
        for name in times_of_rows(dates)
    ]


def times_of_rows(dates: Mapping[str, pd.Series[Any]]) -> list[str]:
    """Return the column of dates that a table has one of, or is in the order of, if there is one.

    A table with several and in no order, or with few different dates, may hold birthdays.
    """
    varied = {name: values for name, values in dates.items() if values.nunique() >= FEWEST_GROUPS}
    ordered = [
        name
        for name, values in varied.items()
        if values.notna().all() and (np.diff(time_keys(values)) >= 0).mean() >= IN_ORDER
    ]
    found = ordered or (list(varied) if len(dates) == 1 else [])
    return found[:1]


def identifiers(table: pd.DataFrame, codes: IntArray) -> list[Any]:
    """Return the columns that look like identifiers of groups whose rows share their label.

    That is: whole numbers or texts, of which each stands in a few rows; labels that agree within
    a value far more than by chance. Numbers must not be amounts: those of small ones are many, and
    the labels of neighbouring ones agree, too.
    """
    rng = np.random.default_rng(0)
    n = len(table)
    some = np.sort(rng.choice(n, LOOKED_AT, replace=False)) if n > LOOKED_AT else np.arange(n)
    found = []
    for i, name in enumerate(table.columns):
        column = table.iloc[:, i]
        looked_at = column.iloc[some]
        if not _is_discrete(looked_at) or looked_at.nunique() * MOST_ROWS_OF_ONE < some.size:
            continue
        number = pdt.is_numeric_dtype(column.dtype)
        values, uniques = pd.factorize(column, sort=bool(number))
        known = values >= 0
        if len(uniques) >= FEWEST_GROUPS and _share_labels(
            values[known], codes[known], n, ordered=bool(number)
        ):
            found.append(name)
    return found


def _is_discrete(values: pd.Series[Any]) -> bool:
    """Whether these are texts, categories or whole numbers."""
    dtype = values.dtype
    if pdt.is_bool_dtype(dtype) or pdt.is_datetime64_any_dtype(dtype) or dtype.kind == "c":
        return False
    if isinstance(dtype, pd.CategoricalDtype):
        return True
    if pdt.is_numeric_dtype(dtype):
        numbers = values.dropna().to_numpy(np.float64)
        return bool(numbers.size and (np.floor(numbers) == numbers).all())
    return pdt.infer_dtype(values, skipna=True) == "string"


def _share_labels(values: IntArray, codes: IntArray, n: int, *, ordered: bool) -> bool:
    """Whether labels agree within values far more than by chance, or between neighbours."""
    size = np.bincount(values).astype(np.float64)
    several = size > 1
    within = float(size[several].sum())
    if 2 * within < n or several.sum() < FEWEST_GROUPS or size @ size > MOST_ROWS_OF_ONE * n:
        return False
    uneven = ordered and np.ptp(size) > 0
    if uneven and abs(np.corrcoef(np.arange(size.size), size)[0, 1]) > TREND:
        return False
    counts = np.zeros((size.size, int(codes.max()) + 1))
    np.add.at(counts, (values, codes), 1.0)
    share = counts.sum(axis=0) / counts.sum()
    left = 1.0 - float(share @ share)
    if left <= 0:
        return False
    agree = (counts * (counts - 1)).sum(axis=1)[several] / (size[several] - 1)
    alike = (float(agree.sum()) / within - (1.0 - left)) / left
    error = np.sqrt(2.0 * (size[several] / (size[several] - 1)).sum()) / within
    if alike < ALIKE or alike < SURE * error:
        return False
    return not ordered or _of_neighbours(counts / size[:, None], left) < 0.5 * alike


def _of_neighbours(shares: FloatArray, left: float) -> float:
    """Return the correlation of labels between values that follow one another."""
    agree = float((shares[1:] * shares[:-1]).sum(axis=1).mean())
    return (agree - (1.0 - left)) / left
