"""LightGBM's trees, read from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.engines.lightgbm.merge import trees_of
from gbimb.engines.trees import Tree, Trees
from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from gbimb.array_types import IntArray

BITS: Final = 32
ZERO: Final = float(np.float32(1e-35))  # LightGBM's kZeroThreshold
# decision_type: whether by category, whether missing values go to the left, what is missing.
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
