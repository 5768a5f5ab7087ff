"""Trees that others grew, as a LightGBM model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

# Bits of ``decision_type``: a missing value is NaN, and goes to the left.
NAN_IS_MISSING = 2 << 2
DEFAULT_LEFT = 1 << 1


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
    decision = np.where(tree.missing_left, NAN_IS_MISSING | DEFAULT_LEFT, NAN_IS_MISSING)
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
