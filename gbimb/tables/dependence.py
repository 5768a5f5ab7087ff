"""What says that rows are not alone: which belong together, and which came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidParameterError
from gbimb.tables.keys import codes_of, column_of, group_keys, ranks_of, time_keys
from gbimb.tables.parquet.columns import read_groups, read_times
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    from gbimb.array_types import IntArray


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
        msg = (
            f"{name} and time must not be given together: rows are held out by groups, or later "
            "rows from earlier ones. Give time if the model is for later rows of known groups."
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
