"""XGBoost's models as JSON: their trees, and several of them as one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xgboost as xgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Under the objective of training, ``booster.predict`` gives a sigmoid or softmax, which is no
# probability under most losses. Under this one it gives the raw score.
WITHOUT_LINK: Final = {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}


def merge(
    models: Sequence[bytes],
    slope: float,
    start: NDArray[np.float64],
    weights: Sequence[float] | None = None,
) -> xgb.Booster:
    """Return one booster that predicts the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of bytes
        Boosters as JSON (``save_raw("json")``), all trained on the same columns. The mean is
        over the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Becomes the ``base_score`` of the booster.
    weights : sequence of float, optional
        Of the models in the mean, with sum 1; equal ones by default.
    """
    parts = [json.loads(model) for model in models]
    merged = parts[0]
    shares = [1.0 / len(parts)] * len(parts) if weights is None else weights
    trees: list[dict[str, Any]] = []
    tree_info: list[int] = []
    indptr = [0]
    for part, weight in zip(parts, shares, strict=True):
        forest = forest_of(part)
        indptr += [indptr[-1] + step for step in forest["iteration_indptr"][1:]]
        tree_info += forest["tree_info"]
        trees += [_rescale(tree, np.float32(slope * weight)) for tree in forest["trees"]]
    for i, tree in enumerate(trees):
        tree["id"] = i
    model = forest_of(merged)
    model.update(trees=trees, tree_info=tree_info, iteration_indptr=indptr)
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    merged["learner"]["learner_model_param"]["base_score"] = json.dumps(start.tolist())
    merged["learner"]["objective"] = WITHOUT_LINK
    booster = xgb.Booster()
    booster.load_model(bytearray(json.dumps(merged), "utf-8"))
    return booster


def forest_of(model: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a model that holds the trees."""
    forest: dict[str, Any] = model["learner"]["gradient_booster"]["model"]
    return forest


def _rescale(tree: dict[str, Any], share: np.float32) -> dict[str, Any]:
    # A leaf keeps its value where an inner node keeps its split.
    leaf = np.asarray(tree["left_children"]) == -1
    values = np.asarray(tree["split_conditions"], dtype=np.float32)
    values[leaf] *= share
    tree["split_conditions"] = values.tolist()
    tree["base_weights"] = (np.asarray(tree["base_weights"], np.float32) * share).tolist()
    return tree
