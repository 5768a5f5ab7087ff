"""Trees as the operator TreeEnsemble.

What stands in for values that training never saw is a matter of which way they go at each split,
so that it costs nothing: the branch of a missing value is that of the typical value, and that of
an unknown category that of the typical one.

Every split is ``x <= threshold``, and missing values are minus infinity in a second copy of the
columns, to which those splits look that send them to the left: runtimes are quickest with trees of
one kind of split silently on missing values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.onnx.categories import CategorySplits
from gbimb.onnx.graph import tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray
    from gbimb.engines.trees import Tree, Trees
    from gbimb.onnx.graph import Graph
    from gbimb.tables.encoder import TableEncoder

UP_TO, MEMBER = 0, 6  # nodes_modes of the operator
SUM: Final = 1
ANSWERED: Final = 0.5  # between the answers 0 and 1 to a split by category


@dataclass(frozen=True, eq=False)
class Unseen:
    """What stands in for values that training never saw, by feature.

    Attributes
    ----------
    fill : float64 array of shape (n_features,)
        For missing values; NaN where these are left as they are.
    unknown : float64 array of shape (n_features,)
        For unknown categories; NaN takes them for missing.
    n_categories : int array of shape (n_features,)
        0 for numbers, and for categories that have an order.
    """

    fill: FloatArray
    unknown: FloatArray
    n_categories: NDArray[np.intp]

    @classmethod
    def of(cls, encoder: TableEncoder, n_features: int) -> Unseen:
        """Return what an encoder does."""
        typical = encoder.typical
        nothing = np.full(n_features, np.nan)
        counts = np.zeros(n_features, np.intp)
        for i in encoder.categorical:
            counts[i] = len(encoder.columns[i].categories or ())
        if typical is None:
            return cls(nothing, nothing, counts)
        return cls(np.where(typical.complete, typical.values, np.nan), typical.values, counts)


class Ensemble:
    """The trees of one or more boosters of one kind, each of which has raw scores of its own."""

    def __init__(self, kind: Trees, unseen: Unseen) -> None:
        self._kind, self._unseen = kind, unseen
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self._roots: list[int] = []
        self._by_category = CategorySplits()
        self._asking: dict[int, int] = {}  # nodes by category, and which split each is
        self._nodes = self._leaves = self._outputs = 0

    def add(self, trees: Trees) -> None:
        """Add a booster; its raw scores follow those of the boosters before."""
        # Engines add the trees to the start, in this order.
        for output, start in enumerate(trees.start):
            if start:
                self._leaf(start, self._outputs + output)
        for tree in trees.trees:
            self._tree(tree)
        self._outputs += trees.start.size

    def _tree(self, tree: Tree) -> None:
        leaf = tree.left < 0
        if leaf[0]:
            self._leaf(tree.value[0], self._outputs + tree.output)
            return
        inner = np.flatnonzero(~leaf)
        left, right = tree.left[inner], tree.right[inner]
        for node, codes in tree.categories.items():
            at = int(np.searchsorted(inner, node))
            goes_left = self._goes_left(tree, node, codes)
            if goes_left[-2]:
                goes_left = ~goes_left
                left[at], right[at] = right[at], left[at]
            split = self._by_category.number(int(tree.feature[node]), goes_left)
            self._asking[self._nodes + at] = split
        number = np.where(
            leaf, np.cumsum(leaf) - 1 + self._leaves, np.cumsum(~leaf) - 1 + self._nodes
        )
        self._roots.append(self._nodes)
        self._append(
            nodes_featureids=tree.feature[inner],
            nodes_splits=self._at_most(tree.threshold[inner]),
            nodes_missing_value_tracks_true=self._missing_left(tree, inner),
            nodes_truenodeids=number[left],
            nodes_falsenodeids=number[right],
            nodes_trueleafs=leaf[left],
            nodes_falseleafs=leaf[right],
            leaf_targetids=np.full(leaf.sum(), self._outputs + tree.output),
            leaf_weights=tree.value[leaf].astype(self._kind.dtype),
        )
        self._nodes += inner.size
        self._leaves += int(leaf.sum())

    def _at_most(self, threshold: NDArray[Any]) -> NDArray[Any]:
        """Return the largest value that goes to the left."""
        threshold = threshold.astype(self._kind.dtype)
        if self._kind.up_to:
            return threshold
        below: NDArray[Any] = np.nextafter(threshold, self._kind.dtype.type(-np.inf))
        return below

    def _missing_left(self, tree: Tree, inner: NDArray[Any]) -> BoolArray:
        """Return where NaN goes: where the typical value of its column does, if it has one."""
        fill = self._unseen.fill[tree.feature[inner]].astype(self._kind.dtype)
        goes_left = fill <= self._at_most(tree.threshold[inner])
        missing_left: BoolArray = np.where(np.isnan(fill), tree.missing_left[inner], goes_left)
        return missing_left

    def _goes_left(self, tree: Tree, node: int, codes: NDArray[Any]) -> BoolArray:
        """Return which categories go to the left, then whether unknown and missing ones do."""
        feature = int(tree.feature[node])
        fill, unknown = self._unseen.fill[feature], self._unseen.unknown[feature]
        known = np.isin(np.arange(self._unseen.n_categories[feature]), codes)
        missing_left = tree.missing_left[node] if np.isnan(fill) else fill in codes
        unknown_left = missing_left if np.isnan(unknown) else unknown in codes
        return np.append(known, [unknown_left, missing_left])

    def _leaf(self, number: float, output: int) -> None:
        """Add a tree that gives every row the same: a split, for runtimes stumble over a leaf."""
        self._roots.append(self._nodes)
        self._append(
            nodes_featureids=np.zeros(1, np.intp),
            nodes_splits=np.zeros(1, self._kind.dtype),
            nodes_missing_value_tracks_true=np.zeros(1, bool),
            nodes_truenodeids=np.full(1, self._leaves),
            nodes_falsenodeids=np.full(1, self._leaves + 1),
            nodes_trueleafs=np.ones(1, np.intp),
            nodes_falseleafs=np.ones(1, np.intp),
            leaf_targetids=np.full(2, output),
            leaf_weights=np.full(2, number, self._kind.dtype),
        )
        self._nodes += 1
        self._leaves += 2

    def _append(self, **parts: NDArray[Any]) -> None:
        for name, part in parts.items():
            self._parts.setdefault(name, []).append(part)

    def write(self, graph: Graph, matrix: str) -> str:
        """Return the raw scores in double precision, shape (n, number of raw scores)."""
        dtype = self._kind.dtype
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        table, attributes = self._columns(graph, matrix, whole)
        for name, part in whole.items():
            keeps = name in {"nodes_splits", "nodes_modes", "leaf_weights"}
            attributes[name] = tensor(part) if keeps else part.astype(np.int64).tolist()
        raw = graph.add(
            "TreeEnsemble",
            table,
            n_targets=self._outputs,
            aggregate_function=SUM,
            post_transform=0,
            tree_roots=self._roots,
            **attributes,
        )
        return raw if dtype == np.float64 else graph.cast(raw, np.float64)

    def _columns(
        self, graph: Graph, matrix: str, nodes: dict[str, NDArray[Any]]
    ) -> tuple[str, dict[str, Any]]:
        """Return the columns that the nodes look at, to which these are changed, and the sets."""
        dtype, feature = self._kind.dtype, nodes["nodes_featureids"]
        missing_left = nodes["nodes_missing_value_tracks_true"]
        asking = np.array(sorted(self._asking), np.intp)
        missing_left[asking] = False
        numbers = matrix if dtype == np.float64 else graph.cast(matrix, dtype)
        names, width = [numbers], self._unseen.n_categories.size
        if missing_left.any():
            lowest = graph.constant(-np.inf, dtype)
            names.append(graph.add("Where", graph.add("IsNaN", numbers), lowest, numbers))
            feature = feature + width * missing_left
            missing_left[:] = False
        added, columns = self._by_category.write(graph, matrix, dtype)
        width *= len(names)
        modes, sets = np.full(feature.size, UP_TO, np.uint8), []
        for node in asking:
            number = self._asking[int(node)]
            column = columns[number]
            feature[node], nodes["nodes_splits"][node] = width + column.place, ANSWERED
            if column.asked is None:
                continue
            missing_left[node] = self._by_category.missing_is_true(number)
            if column.asked.size:
                modes[node] = MEMBER
                sets.append(np.append(column.asked, dtype.type(np.nan)))
        nodes |= {"nodes_featureids": feature, "nodes_modes": modes}
        table = graph.side_by_side([*names, *added])
        return table, {"membership_values": tensor(np.concatenate(sets))} if sets else {}


def without_zeros(
    graph: Graph, matrix: str, limits: FloatArray, unseen: Unseen
) -> tuple[str, Unseen]:
    """Return a matrix in which zeros are missing values, and what is left to stand in for.

    Typical values are put in first, so that what was missing and what was zero stay apart.

    Parameters
    ----------
    graph : Graph
    matrix : str
    limits : float64 array of shape (n_features,)
        How far from 0 the zeros of each column reach; below 0 leaves it as it is.
    unseen : Unseen
    """
    if not np.isnan(unseen.fill).all():
        matrix = graph.where(graph.add("IsNaN", matrix), unseen.fill, matrix)
    within = graph.add("LessOrEqual", graph.add("Abs", matrix), graph.constant(limits))
    filled = replace(unseen, fill=np.full_like(unseen.fill, np.nan))
    return graph.where(within, np.nan, matrix), filled


def zero_limits(trees: Trees, n_features: int) -> FloatArray:
    """Return how far the zeros reach that the trees take for missing values; -1 for none."""
    limits = np.full(n_features, -1.0)
    for tree in trees.trees:
        limits[tree.feature[tree.zero_missing]] = trees.zero
    return limits


def compared_as_numbers(boosters: Iterable[Trees], n_features: int) -> BoolArray:
    """Return which features some split compares with a threshold."""
    compared = np.zeros(n_features, bool)
    for booster in boosters:
        for tree in booster.trees:
            by_number = tree.left >= 0
            by_number[list(tree.categories)] = False
            feature = tree.feature[by_number]
            compared[feature[feature < n_features]] = True  # pairs are of numbers
    return compared
