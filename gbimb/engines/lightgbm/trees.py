"""LightGBM's trees, read from its text, and trees that others grew, written so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb
import numpy as np

from gbimb.engines.lightgbm.models import trees_of
from gbimb.engines.trees import Tree, Trees
from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

BITS: Final = 32
ZERO: Final = float(np.float32(1e-35))  # LightGBM's kZeroThreshold
# decision_type: bits for splits by category and for missing values that go to the left; from the
# third bit on what is missing.
BY_CATEGORY, DEFAULT_LEFT, MISSING_SHIFT = 1, 2, 2
ZERO_IS_MISSING, NAN_IS_MISSING = 1, 2


def trees(booster: lgb.Booster) -> Trees:
    """Return the trees as LightGBM walks them: in double precision, ``x <= threshold``.

    Raises
    ------
    InvalidDataError
        If leaves are linear models.
    """
    text: str = booster.model_to_string(num_iteration=-1)
    n_outputs = booster.num_model_per_iteration()
    found = tuple(_tree(tree, i % n_outputs) for i, tree in enumerate(trees_of(text)))
    return Trees(found, np.zeros(n_outputs), np.dtype(np.float64), up_to=True, zero=ZERO)


def _tree(text: str, output: int) -> Tree:
    lines = dict(line.partition("=")[::2] for line in text.split("\n"))
    if lines.get("is_linear") == "1":
        msg = (
            "Trees with linear models in their leaves (linear_tree) have no form outside "
            "LightGBM, got some. Fit without linear_tree."
        )
        raise InvalidDataError(msg)
    n_leaves = int(lines["num_leaves"])
    n_inner = n_leaves - 1

    def nodes(name: str, dtype: Any) -> NDArray[Any]:
        return np.array(lines[name].split(), dtype)

    feature, decision = nodes("split_feature", np.intp), nodes("decision_type", np.intp)
    threshold = nodes("threshold", np.float64)
    missing = decision >> MISSING_SHIFT
    by_category = decision & BY_CATEGORY > 0
    default_left = decision & DEFAULT_LEFT > 0
    # A value that is missing where training saw none is a zero to LightGBM.
    missing_left = np.where(missing == 0, threshold >= 0.0, default_left) & ~by_category
    sets = {int(node): _codes(lines, int(threshold[node])) for node in np.flatnonzero(by_category)}

    def all_nodes(of_inner: NDArray[Any], of_leaves: Any) -> NDArray[Any]:
        return np.concatenate([of_inner, np.full(n_leaves, of_leaves, of_inner.dtype)])

    return Tree(
        left=all_nodes(_place(nodes("left_child", np.intp), n_inner), -1),
        right=all_nodes(_place(nodes("right_child", np.intp), n_inner), -1),
        feature=all_nodes(feature, 0),
        threshold=all_nodes(_beyond_zero(threshold), 0.0),
        missing_left=all_nodes(missing_left, False),  # noqa: FBT003  a value, no option
        zero_missing=all_nodes((missing == ZERO_IS_MISSING) & ~by_category, False),  # noqa: FBT003
        value=np.concatenate([np.zeros(n_inner), nodes("leaf_value", np.float64)]),
        output=output,
        categories=sets,
    )


def _place(children: IntArray, n_inner: int) -> IntArray:
    """Return the places of children, of which LightGBM numbers leaf i as -(i + 1)."""
    return np.where(children < 0, n_inner - 1 - children, children)


def _beyond_zero(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return thresholds that part values as LightGBM does, to which tiny ones are 0."""
    below = (threshold >= -ZERO) & (threshold < 0.0)
    above = (threshold >= 0.0) & (threshold < ZERO)
    return np.where(below, np.nextafter(-ZERO, -np.inf), np.where(above, ZERO, threshold))


def _codes(lines: dict[str, str], which: int) -> IntArray:
    """Return the categories of a set of bits."""
    bounds = lines["cat_boundaries"].split()
    words = lines["cat_threshold"].split()[int(bounds[which]) : int(bounds[which + 1])]
    bits = np.array(words, np.uint32)[:, None] >> np.arange(BITS, dtype=np.uint32) & 1
    return np.flatnonzero(bits.ravel())


@dataclass(frozen=True, eq=False)
class GrownTree:
    """A tree of numeric splits, as arrays over its nodes, each before those below it.

    Attributes
    ----------
    left, right : int arrays
        Children of each node; -1 where it is a leaf. The left one is the next node.
    feature : int array
    threshold : float array
        Up to it a value goes to the left.
    missing_left : bool array
        Whether NaN goes to the left.
    gain : float array of shape (number of nodes, K)
    count : int array
        Rows of each node.
    value : float64 array of shape (number of nodes, K)
        What a leaf adds to each raw score.
    """

    left: NDArray[Any]
    right: NDArray[Any]
    feature: NDArray[Any]
    threshold: FloatArray
    missing_left: NDArray[Any]
    gain: FloatArray
    count: NDArray[Any]
    value: FloatArray

    def one_by_one(self) -> list[GrownTree]:
        """Return a tree for each raw score, without the splits that do not matter to it."""
        if self.value.shape[1] == 1:
            return [self]
        leaf = self.left < 0
        before: IntArray = np.cumsum(leaf) - leaf  # leaves before each node
        last = np.arange(leaf.size)  # below each node
        while not leaf[last].all():
            last = np.where(leaf[last], last, self.right[last])
        votes = self.value[leaf]
        steps = np.zeros(votes.shape, np.intp)
        np.cumsum(np.diff(votes, axis=0) != 0, axis=0, out=steps[1:])
        varies = steps[before[last]] > steps[before]
        value = np.where(varies, self.value, votes[before])
        return [self._pruned(varies[:, k], value[:, k], k) for k in range(votes.shape[1])]

    def _pruned(self, inner: NDArray[np.bool_], value: FloatArray, k: int) -> GrownTree:
        kept = np.zeros(inner.size, bool)
        kept[0] = kept[self.left[inner]] = kept[self.right[inner]] = True
        number = np.cumsum(kept) - 1
        left = np.where(inner, number[self.left], -1)
        right = np.where(inner, number[self.right], -1)
        return GrownTree(
            left=left[kept],
            right=right[kept],
            feature=self.feature[kept],
            threshold=self.threshold[kept],
            missing_left=self.missing_left[kept],
            gain=self.gain[kept, k : k + 1],
            count=self.count[kept],
            value=value[kept, None],
        )


def forest_text(
    trees: Sequence[GrownTree], feature_names: Sequence[str], share: float, start: FloatArray
) -> str:
    """Return the model with the raw scores ``share * (sum of the trees) + start``, shape (n, K)."""
    n_outputs = start.size
    head = (
        "tree",
        "version=v4",
        f"num_class={n_outputs}",
        f"num_tree_per_iteration={n_outputs}",
        "label_index=0",
        f"max_feature_idx={len(feature_names) - 1}",
        f"feature_names={' '.join(feature_names)}",
        f"feature_infos={' '.join('none' for _ in feature_names)}",
    )
    single = [one for tree in trees for one in tree.one_by_one()]
    starts = np.zeros(len(single))
    starts[:n_outputs] = start
    texts = (_text(t, t.value[:, 0] * share + s) for t, s in zip(single, starts, strict=True))
    numbered = "".join(f"Tree={i}\n{text}\n\n\n" for i, text in enumerate(texts))
    return "\n".join(head) + f"\n\n{numbered}end of trees\n"


def from_text(model: str) -> lgb.Booster:
    """Return the booster that a text describes."""
    return lgb.Booster(model_str=model)


def _text(tree: GrownTree, value: FloatArray) -> str:
    leaf = tree.left < 0
    inner = np.flatnonzero(~leaf)
    # LightGBM counts inner nodes and leaves apart, and writes leaf i as -(i + 1).
    leaves, inners = np.cumsum(leaf), np.cumsum(~leaf)
    number = np.where(leaf, -1 * leaves, inners - 1)
    decision = (NAN_IS_MISSING << MISSING_SHIFT) + DEFAULT_LEFT * tree.missing_left
    lines = {
        "num_leaves": str(int(leaf.sum())),
        "num_cat": "0",
        "split_feature": _joined(tree.feature[inner]),
        "split_gain": _joined(tree.gain[inner, 0]),
        "threshold": _joined(tree.threshold[inner]),
        "decision_type": _joined(decision[inner]),
        "left_child": _joined(number[tree.left[inner]]),
        "right_child": _joined(number[tree.right[inner]]),
        "leaf_value": _joined(value[leaf]),
        "leaf_weight": _joined(tree.count[leaf]),
        "leaf_count": _joined(tree.count[leaf]),
        "internal_value": _joined(value[inner]),
        "internal_weight": _joined(tree.count[inner]),
        "internal_count": _joined(tree.count[inner]),
        "is_linear": "0",
        "shrinkage": "1",
    }
    return "\n".join(f"{name}={text}" for name, text in lines.items())


def _joined(values: Iterable[Any]) -> str:
    return " ".join(map(repr, np.asarray(values).tolist()))
