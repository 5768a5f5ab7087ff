"""XGBoost's trees, read from its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.engines.trees import Tree, Trees
from gbimb.engines.xgboost.models import forest_of

if TYPE_CHECKING:
    import xgboost as xgb

    from gbimb.array_types import IntArray


def trees(booster: xgb.Booster) -> Trees:
    """Return the trees as XGBoost walks them: in single precision, ``x < threshold``."""
    model = json.loads(bytes(booster.save_raw("json")))
    learner, forest = model["learner"], forest_of(model)
    start = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float64)
    if learner["objective"]["name"] == "binary:logistic":  # a probability, in files of version 0.1
        one = np.float32(1.0)
        odds = one / start.astype(np.float32) - one  # XGBoost rounds here
        start = -np.log(odds.astype(np.float64))
    return Trees(
        tuple(
            _tree(tree, int(output))
            for tree, output in zip(forest["trees"], forest["tree_info"], strict=True)
        ),
        start,
        np.dtype(np.float32),
        up_to=False,
    )


def _tree(tree: dict[str, Any], output: int) -> Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    kept = np.array(tree["split_conditions"], np.float32)  # a leaf's value, a split's threshold
    default_left = np.array(tree["default_left"], bool)
    sets = _sets(tree)
    # Categories in the set go to the right: here they go to the left.
    swapped = np.zeros(left.size, bool)
    swapped[list(sets)] = True
    return Tree(
        left=np.where(swapped, right, left),
        right=np.where(swapped, left, right),
        feature=np.array(tree["split_indices"], np.intp),
        threshold=kept,
        missing_left=default_left ^ swapped,
        zero_missing=np.zeros(left.size, bool),
        value=kept,
        output=output,
        categories=sets,
    )


def _sets(tree: dict[str, Any]) -> dict[int, IntArray]:
    codes = np.array(tree["categories"], np.intp)
    parts = zip(
        tree["categories_nodes"],
        tree["categories_segments"],
        tree["categories_sizes"],
        strict=True,
    )
    return {node: codes[start : start + size] for node, start, size in parts}
