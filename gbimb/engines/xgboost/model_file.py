"""XGBoost's boosters as JSON in a model file, checked before XGBoost reads it.

XGBoost checks that arrays have the right length, not that what is in them leads anywhere.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np
import xgboost as xgb

from gbimb.engines.trees import check_depth
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SUFFIX: Final = "json"


def version() -> str:
    """Return the version of XGBoost."""
    return str(xgb.__version__)


def dump(booster: xgb.Booster) -> bytes:
    """Return the JSON of all trees."""
    return bytes(booster.save_raw("json"))


def load(data: bytes, n_outputs: int, categories: Sequence[int | None]) -> xgb.Booster:
    """Return the booster in the JSON ``data``; parameters as LightGBM's ``load``.

    Raises
    ------
    InvalidDataError
        If the JSON is not a model of this form.
    """
    check_xgboost(data, n_outputs, categories)
    booster = xgb.Booster()
    try:
        booster.load_model(bytearray(data))
    except (xgb.core.XGBoostError, ValueError) as error:
        msg = f"XGBoost refuses the model: {shown(str(error))}."
        raise InvalidDataError(msg) from None
    return booster


LEARNER: Final = {
    *("attributes", "feature_names", "feature_types", "gradient_booster"),
    *("learner_model_param", "objective"),
}
MODEL: Final = {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees"}
STATISTICS: Final = ("base_weights", "loss_changes", "sum_hessian")
CATEGORIES: Final = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
TREE: Final = {
    *STATISTICS,
    *CATEGORIES,
    *("default_left", "id", "left_children", "parents", "right_children"),
    *("split_conditions", "split_indices", "split_type", "tree_param"),
}
NO_PARENT: Final = (1 << 31) - 1
LARGEST_FLOAT: Final = float(np.finfo(np.float32).max)


def check_xgboost(data: bytes, n_outputs: int, categories: Sequence[int | None]) -> None:
    """Raise unless ``data`` is a sound model.

    Parameters
    ----------
    data : bytes
    n_outputs : int
        Raw scores a row.
    categories : sequence, one a feature
        Number of categories, None for numbers.
    """
    if not data.startswith(b'{"'):  # XGBoost would take it for its binary form
        _refuse("another first byte")
    whole = read_json(data, "The XGBoost model", constants=True)
    learner = _part(_part({"": whole}, "", {"learner", "version"}), "learner", LEARNER)
    version = whole["version"]
    if _numbers(version, "version", 3, whole=True).min() < 0 or learner["attributes"] != {}:
        _refuse("another version or attributes")
    _check_learner(learner, n_outputs, len(categories))
    booster = _part(learner, "gradient_booster", {"model", "name"})
    if booster["name"] != "gbtree":
        _refuse(f"a booster {shown(booster['name'])}")
    _check_model(_part(booster, "model", MODEL), n_outputs, categories)


def _check_learner(learner: dict[str, Any], n_outputs: int, n_features: int) -> None:
    names, types = learner["feature_names"], learner["feature_types"]
    if not _texts(names, n_features) or not _texts(types, n_features) or {*types} - {"q", "c"}:
        _refuse("names or types of another number of features")
    many = n_outputs > 1
    param = _part(
        learner,
        "learner_model_param",
        {"base_score", "boost_from_average", "num_class", "num_feature", "num_target"},
    )
    n_classes = str(n_outputs) if many else "0"
    expected = {"num_class": n_classes, "num_feature": str(n_features), "num_target": "1"}
    if any(param[key] != value for key, value in expected.items()):
        _refuse("another number of classes or features")
    no_weight = {"reg_loss_param": {"scale_pos_weight": "1"}}
    allowed: list[dict[str, Any]] = [{"name": "reg:squarederror", **no_weight}]
    if many:  # what follows is of version 0.1
        parameters = {"softmax_multiclass_param": {"num_class": n_classes}}
        allowed.append({"name": "multi:softprob", **parameters})
    else:
        allowed.append({"name": "binary:logistic", **no_weight})
    objective = learner["objective"]
    if objective not in allowed:
        _refuse("another objective")
    if param["boost_from_average"] not in ("0", "1"):
        _refuse("another start")
    text = param["base_score"]
    if not isinstance(text, str) or not text.isascii():
        _refuse("a base_score that is no text")
    start = _numbers(read_json(text.encode(), "base_score"), "base_score", n_outputs)
    if objective["name"] == "binary:logistic" and not 0 < start[0] < 1:
        _refuse("a base_score that is no probability")
    if (np.abs(start) > LARGEST_FLOAT).any():
        _refuse("a base_score beyond single precision")


def _check_model(model: dict[str, Any], n_outputs: int, categories: Sequence[int | None]) -> None:
    if not isinstance(model["cats"], dict) or any(model["cats"].values()):
        _refuse("categories of its own")
    trees = model["trees"]
    if not isinstance(trees, list) or not trees:
        _refuse("no trees")
    param = _part(model, "gbtree_model_param", {"num_parallel_tree", "num_trees"})
    side_by_side = param["num_parallel_tree"]
    if param["num_trees"] != str(len(trees)) or not _is_count(side_by_side):
        _refuse("another number of trees")
    of = _numbers(model["tree_info"], "tree_info", len(trees), whole=True)
    step = n_outputs * int(side_by_side)
    rounds = np.arange(0, len(trees) + 1, step)
    ends = _numbers(model["iteration_indptr"], "iteration_indptr", rounds.size, whole=True)
    if (
        not np.array_equal(ends, rounds)
        or len(trees) % step
        or of.min() < 0
        or of.max() >= n_outputs
    ):
        _refuse("rounds that are not whole")
    for i, tree in enumerate(trees):
        _check_tree(_part({"tree": tree}, "tree", TREE), i, categories)


def _check_tree(tree: dict[str, Any], i: int, categories: Sequence[int | None]) -> None:
    if type(tree["id"]) is not int or tree["id"] != i:
        _refuse(f"tree {shown(tree['id'])} at place {i}")
    param = _part(
        tree, "tree_param", {"num_deleted", "num_feature", "num_nodes", "size_leaf_vector"}
    )
    size = len(tree["left_children"]) if isinstance(tree["left_children"], list) else 0
    expected = ("0", str(len(categories)), str(size))
    if (param["num_deleted"], param["num_feature"], param["num_nodes"]) != expected or not size:
        _refuse(f"another number of nodes or features in tree {i}")
    if param["size_leaf_vector"] not in ("0", "1"):
        _refuse("leaves with several values")
    for name in STATISTICS:
        _numbers(tree[name], name, size, finite=False)
    left, right, parent, feature, kind, default = (
        _numbers(tree[name], name, size, whole=True)
        for name in (
            *("left_children", "right_children", "parents"),
            *("split_indices", "split_type", "default_left"),
        )
    )
    _check_shape(left, right, parent)
    leaf = left == -1
    values = _numbers(tree["split_conditions"], "split_conditions", size, finite=False)
    if not np.isfinite(values[leaf]).all() or (np.abs(values[leaf]) > LARGEST_FLOAT).any():
        _refuse(f"a leaf of tree {i} that is not finite")
    if feature.min() < 0 or feature.max() >= len(categories):
        _refuse("a split on a feature that is not there")
    if not np.isin(kind, (0, 1)).all() or not np.isin(default, (0, 1)).all():
        _refuse("an unknown kind of split")
    _check_categories(tree, feature, np.flatnonzero(kind == 1), leaf, categories)


def _check_shape(left: NDArray[Any], right: NDArray[Any], parent: NDArray[Any]) -> None:
    """Each node but the first has one parent, which stands before it and names it."""
    node = np.arange(left.size)
    inner = left != -1
    children = np.concatenate([left[inner], right[inner]])
    if ((right != -1) != inner).any() or not np.array_equal(np.sort(children), node[1:]):
        _refuse("children that are no tree")
    above = np.concatenate([node[inner], node[inner]])
    if (children <= above).any() or parent[0] != NO_PARENT or (parent[children] != above).any():
        _refuse("children and parents that disagree")
    check_depth(left, right)


def _check_categories(
    tree: dict[str, Any],
    feature: NDArray[Any],
    at: NDArray[Any],
    leaf: NDArray[Any],
    categories: Sequence[int | None],
) -> None:
    held, nodes, starts, sizes = (
        _numbers(tree[name], name, None, whole=True) for name in CATEGORIES
    )
    if not np.array_equal(nodes, at) or starts.size != at.size or sizes.size != at.size:
        _refuse("splits by category without their categories")
    ends = np.cumsum(sizes)
    if (sizes < 1).any() or not np.array_equal(starts, ends - sizes) or held.size != sizes.sum():
        _refuse("categories of another length")
    known = np.array([n or 0 for n in categories])[feature[at]]
    if leaf[at].any() or (held < 0).any() or (held >= np.repeat(known, sizes)).any():
        _refuse("a split by a category that is not there")


def _part(whole: dict[str, Any], name: str, keys: set[str]) -> dict[str, Any]:
    part = whole[name]
    if not isinstance(part, dict) or part.keys() != keys:
        _refuse(f"another form of {name or 'the whole'!r}")
    return part


def _texts(values: object, size: int) -> bool:
    return isinstance(values, list) and len(values) == size and all(type(v) is str for v in values)


def _is_count(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("[1-9][0-9]{0,8}", text) is not None


def _numbers(
    values: object, name: str, size: int | None, *, whole: bool = False, finite: bool = True
) -> NDArray[Any]:
    kinds = {int} if whole else {int, float}
    if not isinstance(values, list) or (size is not None and len(values) != size):
        _refuse(f"{name} of another length")
    if not {type(value) for value in values} <= kinds:
        _refuse(f"{name} that holds no {'whole ' if whole else ''}numbers")
    if whole and not all(-NO_PARENT <= value <= NO_PARENT for value in values):
        _refuse(f"{name} with a number out of range")
    if any(type(value) is int and abs(value) > NO_PARENT for value in values):
        _refuse(f"{name} with a number out of range")
    if finite and not all(map(math.isfinite, values)):
        _refuse(f"{name} that is not finite")
    return np.array(values, dtype=np.int64 if whole else np.float64)


def _refuse(reason: str) -> NoReturn:
    msg = f"The model must be XGBoost's own JSON, got {reason}."
    raise InvalidDataError(msg)
