"""Splits by category, as what trees of numbers can ask.

Runtimes walk trees quicker whose nodes all compare with a number. So each split by category becomes
a column that is 0 where a row goes to the true branch and 1 elsewhere, looked up in a table by the
place of the category. Splits that are the same, or opposite, share one. Where there are too many of
them, nodes ask for the category itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gbimb.onnx.graph import tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray
    from gbimb.onnx.graph import Graph

FIRST: Final = 1
"""What is added to the place of a category that nodes ask for: on some processors the operator
takes a missing value for the place 0."""
MOST_COLUMNS: Final = 384
"""Of an ensemble: more would take longer to write for each row than they save in its trees."""
MOST_CELLS: Final = 1_000_000
"""Of a table, one byte each."""


class AnswerColumn(NamedTuple):
    """Where a node finds its answer.

    Attributes
    ----------
    place : int
        Among the columns that are added.
    asked : float array, or None
        What the column holds where the answer is yes; None is a column of answers.
    """

    place: int
    asked: NDArray[Any] | None


class CategorySplits:
    """The splits by category of an ensemble.

    Each is a Boolean array over the places of known categories, an unknown one and a missing value,
    in that order: which go to the true branch. Unknown ones go to the false branch.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._splits: list[tuple[int, BoolArray]] = []

    def number(self, feature: int, true: BoolArray) -> int:
        """Return the number of a split, a new one if none before was the same."""
        number = self._numbers.setdefault((feature, true.tobytes()), len(self._splits))
        if number == len(self._splits):
            self._splits.append((feature, true))
        return number

    def write(self, graph: Graph, matrix: str, dtype: Any) -> tuple[list[str], list[AnswerColumn]]:
        """Add the columns, and return their names and where each split finds its answer.

        Parameters
        ----------
        graph : Graph
        matrix : str
            With places of categories, in double precision.
        dtype : float32 or float64
            Of the columns.

        Returns
        -------
        names : list of str
            Of matrices of ``dtype`` whose columns stand side by side.
        columns : list of AnswerColumn
            By number.
        """
        counts = Counter(feature for feature, _ in self._splits)
        found: dict[int, AnswerColumn] = {}
        tables, names, places = [], [], 0
        few = _few(counts, {feature: true.size for feature, true in self._splits})
        for feature in sorted(few):
            numbers = self._of(feature)
            rows = np.column_stack([~self._splits[number][1] for number in numbers])
            tables.append(_looked_up(graph, matrix, feature, rows.astype(np.uint8)))
            found |= {number: AnswerColumn(places + i, None) for i, number in enumerate(numbers)}
            places += len(numbers)
        if tables:
            names.append(graph.cast(graph.side_by_side(tables), dtype))
        for feature in sorted(counts.keys() - few):
            shifted = graph.sum(graph.columns(matrix, [feature]), float(FIRST))
            names.append(shifted if dtype == np.float64 else graph.cast(shifted, dtype))
            for number in self._of(feature):
                asked = np.flatnonzero(self._splits[number][1][:-2]) + FIRST
                found[number] = AnswerColumn(places, asked.astype(dtype))
            places += 1
        return names, [found[number] for number in range(len(self._splits))]

    def _of(self, feature: int) -> list[int]:
        return [number for number, (other, _) in enumerate(self._splits) if other == feature]

    def missing_is_true(self, number: int) -> bool:
        """Whether a missing value goes to the true branch."""
        return bool(self._splits[number][1][-1])


def _few(counts: Counter[int], sizes: dict[int, int]) -> set[int]:
    """Return the features whose splits become columns: those with the fewest, while they fit."""
    few, columns = set(), 0
    for feature, count in sorted(counts.items(), key=lambda each: each[1]):
        columns += count
        if columns <= MOST_COLUMNS and count * sizes[feature] <= MOST_CELLS:
            few.add(feature)
    return few


def _looked_up(graph: Graph, matrix: str, feature: int, rows: NDArray[np.uint8]) -> str:
    """Return the row of a table for the place of each category."""
    known = len(rows) - 2
    place = graph.add(
        "LabelEncoder",
        graph.column(matrix, feature),
        keys_tensor=tensor(np.append(np.arange(known, dtype=np.float64), np.nan)),
        values_tensor=tensor(np.append(np.arange(known), known + 1)),
        default_tensor=tensor(np.array([known])),
    )
    return graph.add("Gather", graph.constant(rows, np.uint8), place)
