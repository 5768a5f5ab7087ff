"""What the constructor parameters of an estimator may be: rules of which each class has a table.

A rule has the types that a value may have, which is all that a model file is held to, and refuses
others and numbers out of range where a fit begins. What only a table of rows can tell is refused
where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from gbimb.exceptions import unknown_name
from gbimb.validation import check_flag, check_jobs, check_number, check_printable, is_one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Types: TypeAlias = "tuple[type, ...]"

FLAGS: Final[Types] = (bool, np.bool_)
INTEGERS: Final[Types] = (int, np.integer)
NUMBERS: Final[Types] = (int, float, np.integer, np.floating)
LABELS: Final[Types] = (str, *FLAGS, *NUMBERS)
SEEDS: Final[Types] = (*INTEGERS, np.random.RandomState, NoneType)


class Constraint(Protocol):
    """The rule of one parameter."""

    @property
    def types(self) -> Types:
        """Types of the values that are allowed."""

    def check(self, name: str, value: object) -> None:
        """Raise a GbimbError unless ``value`` is allowed."""


Constraints: TypeAlias = "Mapping[str, Constraint]"


@dataclass(frozen=True)
class Number:
    """A number in an interval; with ``optional`` also None, with ``named`` also a text."""

    low: float = -np.inf
    high: float = np.inf
    low_open: bool = False
    high_open: bool = False
    integer: bool = False
    optional: bool = False
    named: bool = False

    @property
    def types(self) -> Types:
        """Those of the numbers, and of what else is allowed."""
        own = INTEGERS if self.integer else NUMBERS
        return (*own, *(NoneType,) * self.optional, *(str,) * self.named)

    def check(self, name: str, value: object) -> None:
        """Raise unless ``value`` lies in the interval; what a text means is looked up later."""
        if (value is None and self.optional) or (isinstance(value, str) and self.named):
            return
        check_number(
            name,
            value,
            low=self.low,
            high=self.high,
            low_open=self.low_open,
            high_open=self.high_open,
            integer=self.integer,
        )


@dataclass(frozen=True)
class Choice:
    """One of some texts; with ``optional`` also None."""

    names: tuple[str, ...]
    optional: bool = False

    @property
    def types(self) -> Types:
        """Text, and of an optional one that of None."""
        return (str, *(NoneType,) * self.optional)

    def check(self, name: str, value: object) -> None:
        """Raise unless ``value`` is one of the texts."""
        if not (value is None and self.optional) and not is_one_of(value, self.names):
            raise unknown_name(name, value, self.names)


@dataclass(frozen=True)
class Flag:
    """True or False."""

    types: Types = FLAGS

    def check(self, name: str, value: object) -> None:
        """Raise for anything else."""
        check_flag(name, value)


@dataclass(frozen=True)
class Jobs:
    """A number of threads: None or a whole number other than 0."""

    types: Types = (*INTEGERS, NoneType)

    def check(self, name: str, value: object) -> None:
        """Raise for anything else."""
        del name
        check_jobs(value)


@dataclass(frozen=True)
class Later:
    """What is read with the rows, which refuses it there in a sentence of its own."""

    types: Types

    def check(self, name: str, value: object) -> None:
        """Leave it for later."""


def check_constraints(estimator: Any, constraints: Constraints) -> None:  # a scikit-learn estimator
    """Raise where a constructor parameter of ``estimator`` is not allowed by the table.

    Raises
    ------
    GbimbError
        Of the first parameter in the table's order that is not allowed.
    """
    params = estimator.get_params(deep=False)
    # Estimators inside check their own.
    check_printable({name: value for name, value in params.items() if name != "estimators"})
    for name, constraint in constraints.items():
        constraint.check(name, getattr(estimator, name))
