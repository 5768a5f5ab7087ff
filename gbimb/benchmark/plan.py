"""What a benchmark consists of: tables, engines, methods and folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np

from gbimb.benchmark.methods import BASELINE, DEFAULT_FOLDS, DEFAULT_METHODS, MAIN, Method
from gbimb.benchmark.tables import BenchmarkTable, built_in_table
from gbimb.engines.registry import ENGINES, require_library
from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    MissingDependencyError,
    unknown_name,
)
from gbimb.training.held_out.folds import split_groups
from gbimb.training.held_out.time_plan import later_blocks
from gbimb.validation import check_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gbimb.tables.dependence import Dependence


LARGEST_SEED: Final = 2**32 - 1

NOTES: Final = {
    "groups": "Table {!r}: the {} folds share no group, and methods that take groups get them.",
    "time": "Table {!r}: {} later blocks, half of the rows in all, are each predicted from earlier "
    "rows, and methods that take times get them.",
}

T = TypeVar("T")


class Cell(NamedTuple):
    """One fit: a method of an engine, trained without one fold of a table."""

    table: str
    engine: str
    method: str
    fold: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A benchmark, checked when it is made.

    Attributes
    ----------
    tables : tuple of BenchmarkTable
    engines : tuple of str
    methods : tuple of Method
    folds : int
        Stratified folds, the same for every method.
    seed : int
        Of the folds and of every classifier.
    first_folds : int or None
        How many of the folds are run; None is all of them.

    Raises
    ------
    GbimbError
        If a value is not allowed, or fewer than two classes have a row for every fold.
    """

    tables: tuple[BenchmarkTable, ...]
    engines: tuple[str, ...] = tuple(ENGINES)
    methods: tuple[Method, ...] = DEFAULT_METHODS
    folds: int = DEFAULT_FOLDS
    seed: int = 0
    first_folds: int | None = None

    def __post_init__(self) -> None:
        """Check all values."""
        check_number("folds", self.folds, low=2, integer=True)
        if self.first_folds is not None:
            check_number("first_folds", self.first_folds, low=1, high=self.folds, integer=True)
        check_number("seed", self.seed, low=0, high=LARGEST_SEED, integer=True)
        for engine in self.engines:
            if engine not in ENGINES:
                raise unknown_name("engines", engine, ENGINES)
        for table in self.tables:
            _check_folds(table, self.folds)
            if table.dependence is not None:
                for fold in range(self.folds):
                    split_dependent(table.dependence, table.y, self.folds, fold, self.seed)

    def require_engines(self) -> None:
        """Raise where an engine that some method trains is not installed."""
        needed = ENGINES if any(m.chooses_engines for m in self.methods) else self.engines
        for name in needed:
            try:
                require_library(name)
            except MissingDependencyError as error:
                there = next(other for other in ENGINES if other != name)
                msg = (
                    f"The benchmark needs {' and '.join(ENGINES[each] for each in needed)}: "
                    f"{error}, or run --engines {there} --methods {BASELINE},{MAIN}."
                )
                raise MissingDependencyError(msg) from None

    @property
    def folds_run(self) -> int:
        """Number of folds that are run."""
        return self.folds if self.first_folds is None else self.first_folds

    def cells(self) -> list[Cell]:
        """List the fits, table by table, small tables first, and of each fold long fits first.

        So the first results are there soon, and no long fit comes last.
        """
        pairs = [
            (engine, m)
            for engine in reversed(self.engines)
            for m in self.methods
            if engine == self.engines[0] or not m.chooses_engines
        ]
        pairs.sort(key=lambda pair: -pair[1].seconds[1])
        return [
            Cell(table.name, engine, method.name, fold)
            for table in sorted(self.tables, key=lambda table: table.X.size)
            for fold in range(self.folds_run)
            for engine, method in pairs
        ]

    def expected_seconds(self) -> dict[Cell, float]:
        """Return about how long each fit takes on one thread."""
        methods = {method.name: method for method in self.methods}
        sizes = {table.name: (table.X.size, table.n_classes) for table in self.tables}
        return {c: methods[c.method].expected_seconds(*sizes[c.table]) for c in self.cells()}

    def notes(self) -> list[str]:
        """Return warnings about classes that cannot be in every fold."""
        found = []
        for table in self.tables:
            if table.dependence is not None:
                found.append(NOTES[table.dependence.name].format(table.name, self.folds))
            scarce = [
                f"{name!r} ({n:,})"
                for name, n in zip(table.classes, table.class_rows, strict=False)
                if n < self.folds
            ]
            if scarce:
                found.append(
                    f"Table {table.name!r} has classes with fewer rows than the {self.folds} "
                    f"folds: {', '.join(scarce)}. A fold without a row of a class is scored on "
                    "the others."
                )
        return found

    def table(self, name: str) -> BenchmarkTable:
        """Return a table by its name."""
        return next(table for table in self.tables if table.name == name)


def built_in_tables(names: str | None) -> tuple[BenchmarkTable, ...]:
    """Return the built-in tables of a list separated by commas; those of two classes for None."""
    from gbimb import datasets

    known = {name: name for name in datasets.names()}
    chosen = datasets.names("binary") if names is None else choose("tables", names, known)
    return tuple(built_in_table(name) for name in chosen)


def choose(option: str, names: str | None, known: Mapping[str, T]) -> tuple[T, ...]:
    """Return the values of names separated by commas, in their order; all of them for None.

    Raises
    ------
    InvalidParameterError
        If a name is unknown, or none is given.
    """
    if names is None:
        return tuple(known.values())
    chosen: dict[str, Any] = {}
    for name in (part.strip() for part in names.split(",")):
        if name and name not in known:
            raise unknown_name(option, name, known)
        if name:
            chosen[name] = known[name]
    if not chosen:
        msg = f"{option} must name at least one of {list(known)}, separated by commas, got none."
        raise InvalidParameterError(msg)
    return tuple(chosen.values())


def _check_folds(table: BenchmarkTable, folds: int) -> None:
    few = sorted(table.class_rows)[-2]
    if few >= folds:
        return
    remedy = f"Use folds={few}" if few >= 2 else "Add rows of that class"
    if table.classes:
        msg = (
            f"Table {table.name!r} must have two classes or more with a row in every fold, got "
            f"{few} in the second most frequent class for {folds} folds. {remedy}."
        )
        raise InvalidDataError(msg)
    which = "positives" if few == table.positives else "negatives"
    msg = (
        f"Table {table.name!r} must have at least one row of each class in every fold, got "
        f"{few} {which} (positive class {table.positive!r}) for {folds} folds. {remedy}."
    )
    raise InvalidDataError(msg)


def split_dependent(
    dependence: Dependence, y: NDArray[Any], folds: int, fold: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the training and the test rows of a fold: of whole groups, or of a later block.

    Raises
    ------
    InvalidDataError
        If not every fold can have rows of two classes.
    """
    if dependence.groups is not None:
        of_row = split_groups(dependence.groups, y.astype(np.intp), folds, seed)
        if int(of_row.max()) + 1 < folds:
            msg = (
                f"group must allow {folds} folds with rows of two classes, got groups for "
                f"{int(of_row.max()) + 1}. Use fewer folds."
            )
            raise InvalidDataError(msg)
        return np.flatnonzero(of_row != fold), np.flatnonzero(of_row == fold)
    assert dependence.time is not None
    order, edges = later_blocks(dependence.time, y.astype(np.intp), folds, 0.5 / folds)
    return np.sort(order[: edges[fold]]), np.sort(order[edges[fold] : edges[fold + 1]])
