"""How the columns of a table come into a graph: as one matrix, or each by itself.

In a matrix categories are their places among those of ``fit``. A column by itself is a number, or a
category as a text or a number of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.onnx.graph import DOUBLE, STRING, tensor, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import onnx
    from numpy.typing import NDArray

    from gbimb.onnx.graph import Graph
    from gbimb.tables.schema import Schema

MATRIX: Final = "X"
OUTPUTS: Final = ("label", "probability", "raw_score")
LARGEST_INTEGER: Final = 2**53 - 1
"""Up to which doubles tell every whole number from the next."""


@dataclass(frozen=True, eq=False)
class Input:
    """One column of the table as it comes in.

    Attributes
    ----------
    name : str
        Of the input; in a matrix that of the column.
    column : str
    categories : tuple or None
        As at ``fit``; None for numbers.
    kind : {"ordinal", "days"} or None
        As of :class:`gbimb.tables.columns.Column`.
    unknown : float
        The place that stands in for an unknown category; NaN takes it for missing.
    """

    name: str
    column: str
    categories: tuple[Any, ...] | None
    kind: str | None
    unknown: float

    @property
    def is_text(self) -> bool:
        """Whether it comes as texts, if it comes by itself: not where doubles can hold it."""
        if self.categories is None:
            return False
        return not (self.categories and all(map(_is_double, self.categories)))

    @property
    def missing(self) -> str:
        """The text that is a missing value."""
        text = ""
        while self.categories is not None and text in self.categories:
            text += "?"
        return text

    def as_texts(self) -> list[str]:
        """Return the categories as texts."""
        return [str(category) for category in self.categories or ()]


def _is_double(category: object) -> bool:
    if isinstance(category, int | np.integer):
        return abs(int(category)) <= LARGEST_INTEGER
    return isinstance(category, Real | np.bool_)


def check_texts(texts: Iterable[str], where: str) -> None:
    """Raise for a text with the character NUL, at which runtimes end it.

    Raises
    ------
    InvalidDataError
        If there is one.
    """
    for text in texts:
        if "\0" in text:
            msg = (
                f"{where} must hold no text with the character NUL in an ONNX file, got "
                f"{text!r:.60}. Replace it before fit."
            )
            raise InvalidDataError(msg)


def inputs_of(schema: Schema) -> tuple[Input, ...]:
    """Return the columns, in the order of ``feature_names_in_``."""
    names = schema.shown_names()
    typical = schema.encoder.typical
    known = schema.encoder.columns
    taken: set[str] = set(OUTPUTS)
    found = []
    for i, column in enumerate(names):
        name = column.replace("\0", "_") or "column"
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(
            Input(
                name,
                column,
                known[i].categories if known else None,
                known[i].kind if known else None,
                np.nan if typical is None else float(typical.values[i]),
            )
        )
    return tuple(found)


def read_columns(graph: Graph, inputs: Sequence[Input]) -> str:
    """Return the matrix of columns that come one by one, shape (n, n_features)."""
    one = graph.constant([1], np.int64)
    parts = []
    for each in inputs:
        codes = each.name if each.categories is None else _encoded(graph, each)
        parts.append(graph.add("Unsqueeze", codes, one))
    return graph.add("Concat", *parts, axis=1)


def _encoded(graph: Graph, column: Input) -> str:
    """Return the places of categories."""
    categories = column.categories or ()
    keys: list[Any]
    if column.is_text:
        keys = column.as_texts()
        if len(set(keys)) < len(keys):
            msg = (
                f"Column {column.column!r} holds categories that are the same as texts, got "
                f"{keys[:3]}. Write the file with columns=False."
            )
            raise InvalidDataError(msg)
        check_texts(keys, f"Column {column.column!r}")
        names = np.array([*keys, column.missing], object)
    else:
        keys = [float(category) for category in categories]
        names = np.array([*keys, np.nan])
    return graph.add(
        "LabelEncoder",
        column.name,
        keys_tensor=tensor(names),
        values_tensor=tensor(np.append(np.arange(len(keys), dtype=np.float64), np.nan)),
        default_tensor=tensor(np.array([column.unknown])),
    )


def with_known_places(
    graph: Graph, matrix: str, inputs: Sequence[Input], compared: NDArray[np.bool_]
) -> str:
    """Return a matrix in which a typical one stands in for unknown places of categories.

    Only of the columns ``compared``, whose places some tree takes for numbers: elsewhere the splits
    by category see to it.
    """
    places = compared & np.array([each.categories is not None for each in inputs])
    if not places.any():
        return matrix
    last = np.array([len(each.categories or ()) - 1.0 for each in inputs])
    low, high = np.where(places, 0.0, -np.inf), np.where(places, last, np.inf)
    unknown = np.array([each.unknown for each in inputs])
    outside = graph.add(
        "Or",
        graph.add("Less", matrix, graph.constant(low)),
        graph.add("Greater", matrix, graph.constant(high)),
    )
    return graph.where(outside, unknown, matrix)


def declared(inputs: Sequence[Input], *, columns: bool) -> list[onnx.ValueInfoProto]:
    """Return what the graph takes."""
    if not columns:
        return [value(MATRIX, DOUBLE, "n", len(inputs))]
    return [value(each.name, STRING if each.is_text else DOUBLE, "n") for each in inputs]
