"""Trees as the operator TreeEnsemble.

What stands in for values that training never saw is a matter of which way they go at each split,
so that it costs nothing: the branch of a missing value is that of the typical value, and a split
by category asks for the other categories where the typical one is among those that it would ask
for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.onnx.graph import DOUBLE, FLOAT, tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray
    from gbimb.engines.trees import Tree, Trees
    from gbimb.onnx.graph import Graph
    from gbimb.tables.encoder import TableEncoder

UP_TO, BELOW, MEMBER = 0, 1, 6  # nodes_modes of the operator
SUM: Final = 1
FIRST: Final = 1
"""The place of the first of categories without an order: on some processors the operator takes a
missing value for the place 0."""


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
        self._members: list[NDArray[Any]] = []
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
        left, right, feature = tree.left[inner], tree.right[inner], tree.feature[inner]
        threshold = tree.threshold[inner].astype(self._kind.dtype)
        modes = np.full(inner.size, UP_TO if self._kind.up_to else BELOW, np.uint8)
        missing_left = self._missing_left(tree, inner)
        nominal = self._unseen.n_categories[feature] > 0
        threshold[nominal] = self._between_places(threshold[nominal])
        for node, codes in sorted(tree.categories.items()):
            at = int(np.searchsorted(inner, node))
            asked, swap = self._asked(int(feature[at]), codes, bool(missing_left[at]))
            if swap:
                left[at], right[at] = right[at], left[at]
                missing_left[at] = not missing_left[at]
            if asked.size:
                modes[at], threshold[at] = MEMBER, 0.0
                self._members.append(np.append(asked + FIRST, np.nan).astype(self._kind.dtype))
            else:
                threshold[at] = -np.inf  # no category is
        number = np.where(
            leaf, np.cumsum(leaf) - 1 + self._leaves, np.cumsum(~leaf) - 1 + self._nodes
        )
        self._roots.append(self._nodes)
        self._append(
            nodes_featureids=feature,
            nodes_splits=threshold,
            nodes_modes=modes,
            nodes_missing_value_tracks_true=missing_left,
            nodes_truenodeids=number[left],
            nodes_falsenodeids=number[right],
            nodes_trueleafs=leaf[left],
            nodes_falseleafs=leaf[right],
            leaf_targetids=np.full(leaf.sum(), self._outputs + tree.output),
            leaf_weights=tree.value[leaf].astype(self._kind.dtype),
        )
        self._nodes += inner.size
        self._leaves += int(leaf.sum())

    def _missing_left(self, tree: Tree, inner: NDArray[Any]) -> BoolArray:
        """Return where NaN goes: where the typical value of its column does, if it has one."""
        fill = self._unseen.fill[tree.feature[inner]].astype(self._kind.dtype)
        threshold = tree.threshold[inner].astype(self._kind.dtype)
        goes_left = fill <= threshold if self._kind.up_to else fill < threshold
        for node, codes in tree.categories.items():
            at = int(np.searchsorted(inner, node))
            goes_left[at] = fill[at] in codes
        missing_left: BoolArray = np.where(np.isnan(fill), tree.missing_left[inner], goes_left)
        return missing_left

    def _asked(
        self,
        feature: int,
        codes: NDArray[Any],
        missing_left: bool,  # noqa: FBT001
    ) -> tuple[NDArray[Any], bool]:
        """Return the categories to ask for, and whether those that are not go to the left."""
        unknown = self._unseen.unknown[feature]
        known = np.arange(self._unseen.n_categories[feature])
        goes_left = missing_left if np.isnan(unknown) else unknown in codes
        return (np.setdiff1d(known, codes), True) if goes_left else (codes, False)

    def _between_places(self, threshold: NDArray[Any]) -> NDArray[Any]:
        """Return thresholds on places from ``FIRST`` on that part whole ones as on those from 0."""
        between: NDArray[Any] = (
            np.floor(threshold) + 0.5 if self._kind.up_to else np.ceil(threshold) - 0.5
        )
        return between + FIRST

    def _leaf(self, number: float, output: int) -> None:
        """Add a tree that gives every row the same: a split, for runtimes stumble over a leaf."""
        self._roots.append(self._nodes)
        self._append(
            nodes_featureids=np.zeros(1, np.intp),
            nodes_splits=np.zeros(1, self._kind.dtype),
            nodes_modes=np.full(1, UP_TO if self._kind.up_to else BELOW, np.uint8),
            nodes_missing_value_tracks_true=np.zeros(1, np.intp),
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
        attributes: dict[str, Any] = {}
        for name, parts in self._parts.items():
            whole = np.concatenate(parts)
            keeps = name in {"nodes_splits", "nodes_modes", "leaf_weights"}
            attributes[name] = tensor(whole) if keeps else whole.astype(np.int64).tolist()
        if self._members:
            attributes["membership_values"] = tensor(np.concatenate(self._members))
        single = dtype == np.float32
        raw = graph.add(
            "TreeEnsemble",
            graph.add("Cast", matrix, to=FLOAT) if single else matrix,
            n_targets=self._outputs,
            aggregate_function=SUM,
            post_transform=0,
            tree_roots=self._roots,
            **attributes,
        )
        return graph.add("Cast", raw, to=DOUBLE) if single else raw


def from_first(graph: Graph, matrix: str, unseen: Unseen) -> str:
    """Return a matrix in which the places of categories without an order begin at ``FIRST``."""
    nominal = unseen.n_categories > 0
    return graph.sum(matrix, np.where(nominal, FIRST, 0.0)) if nominal.any() else matrix


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
