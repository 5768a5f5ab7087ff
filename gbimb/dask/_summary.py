"""What is known of all rows before training: labels, counts, and the categories of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.columns import Column
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.labels import (
    LabelCodes,
    check_counts,
    checked_weight,
    choose_positive,
    read_labels,
)
from gbimb.tables.parquet.columns import canonical_order
from gbimb.tables.read import as_frame
from gbimb.tables.schema import Classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._pieces import Piece


@dataclass(frozen=True, eq=False)
class Summary:
    """What one piece says of itself.

    Attributes
    ----------
    rows : int
    labels : array of shape (k,)
        Those found, rising.
    kept : intp array of shape (k,)
        Rows of each label that have weight.
    totals : float64 array of shape (k,)
        Weight of each label.
    columns : tuple of Column or None
        None for a piece without rows.
    empty : frozenset of str
        Columns with missing values only.
    is_sparse : bool
    n_values : int
        Of the table; of a sparse one, those that are stored.
    """

    rows: int
    labels: NDArray[Any]
    kept: IntArray
    totals: FloatArray
    columns: tuple[Column, ...] | None
    empty: frozenset[str]
    is_sparse: bool
    n_values: int


def summarise(piece: Piece, name: str = "y") -> Summary:
    """Return the summary of a piece."""
    nothing = np.zeros(0, np.intp)
    table: Any = as_frame(piece.table)
    if piece.y.size == 0:
        return Summary(0, piece.y, nothing, np.zeros(0), None, frozenset(), False, 0)  # noqa: FBT003  a field of a tuple
    labels = read_labels(piece.y, table, None, name=name)
    weight = _weight(piece)
    k = labels.classes.size
    kept = np.bincount(labels.codes, minlength=k)
    totals = kept.astype(np.float64)
    if weight is not None:
        kept = np.bincount(labels.codes[weight > 0], minlength=k)
        totals = np.bincount(labels.codes, weights=weight, minlength=k).astype(np.float64)
    empty: frozenset[str] = frozenset()
    if isinstance(table, pd.DataFrame):
        empty = frozenset(str(name) for name in table.columns[~table.notna().any()])
    return Summary(
        piece.y.size,
        labels.classes.labels,
        kept,
        totals,
        TableEncoder.fit(table).columns,
        empty,
        sparse.issparse(table),
        int(table.size),
    )


def _weight(piece: Piece) -> NDArray[Any] | None:
    """Return checked weights; those of one piece may all be zero."""
    weight = piece.weight
    if weight is not None and weight.dtype.kind in "biuf" and not weight.any():
        return weight.astype(np.float64)
    return checked_weight(weight, piece.y.size)


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of all pieces.

    Attributes
    ----------
    classes : Classes
    kept : intp array of shape (number of pieces, K)
        Rows with weight of each piece.
    totals : float64 array of shape (K,)
        Weight of each class.
    """

    classes: Classes
    kept: IntArray
    totals: FloatArray

    @classmethod
    def of(cls, summaries: Sequence[Summary], pos_label: object) -> Labels:
        """Merge the labels of all pieces.

        Raises
        ------
        GbimbError
            If there are no rows or no two classes, or labels are of different kinds.
        """
        found = [s.labels for s in summaries if s.rows]
        if not found:
            msg = "X must have a row, got none in any partition."
            raise InvalidDataError(msg)
        kinds = {"number" if labels.dtype.kind in "biuf" else "text" for labels in found}
        if len(kinds) > 1:
            msg = "y must hold labels of one kind, got numbers and texts. Convert them to strings."
            raise InvalidTypeError(msg)
        classes = np.unique(np.concatenate(found))
        kept, totals = np.zeros((len(summaries), classes.size), np.intp), np.zeros(classes.size)
        for i, s in enumerate(summaries):
            at = np.searchsorted(classes, s.labels)
            kept[i, at] = s.kept
            totals[at] += s.totals
        positive = choose_positive(classes, kept.sum(axis=0), pos_label)
        check_counts(classes, kept.sum(axis=0))
        return cls(Classes(classes, positive), kept, totals)

    @property
    def codes(self) -> LabelCodes:
        """Each class once, for what depends on classes and their weights."""
        return LabelCodes(self.classes, np.arange(self.classes.size))


def merge_columns(summaries: Sequence[Summary], names: Sequence[str] | None) -> TableEncoder:
    """Return how the columns of all pieces are read; pieces may have them in any order.

    ``names`` are those of the collection, None if it has none.

    Categories are those of any piece, in an order that does not depend on the pieces.

    Raises
    ------
    InvalidDataError
        If columns differ in name or in kind.
    """
    filled = [s for s in summaries if s.columns is not None]
    if names is None:
        names = [column.name for column in filled[0].columns or ()]
    found: dict[str, list[Column]] = {name: [] for name in names}
    for s in filled:
        columns = s.columns or ()
        others = found.keys() ^ {column.name for column in columns}
        if others:
            msg = (
                "All partitions must have the same columns, got some with and some without "
                f"{', '.join(map(repr, sorted(others)))}. Drop what is not everywhere, or fill it "
                "with missing values."
            )
            raise InvalidDataError(msg)
        for column in columns:
            if column.name not in s.empty or column.categories:
                found[column.name].append(column)
    return TableEncoder(tuple(_merged(name, columns) for name, columns in found.items()))


def _merged(name: str, columns: list[Column]) -> Column:
    kinds = {column.categories is None for column in columns}
    if len(kinds) > 1:
        msg = (
            f"Column {name!r} must be of one kind in all partitions, got numbers in some and "
            "categories in others. Convert it before."
        )
        raise InvalidDataError(msg)
    if len(set(columns)) < 2:
        return columns[0] if columns else Column(name, None)
    if kinds == {True}:
        return Column(name, None, columns[0].kind)
    every = (value for column in columns for value in column.categories or ())
    return Column(name, canonical_order(every))
