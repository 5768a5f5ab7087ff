"""What is done to XGBoost's boosters once they are trained: they are merged as JSON, and read."""

from __future__ import annotations

import json
import re
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import xgboost as xgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Matrix

# Under the objective of training, ``booster.predict`` gives a sigmoid or softmax, which is no
# probability under most losses. Under this one it gives the raw score.
WITHOUT_LINK: Final = {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}

TREE = '{"base_weights":'


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
    shares = [1.0 / len(models)] * len(models) if weights is None else weights
    merged: dict[str, Any] = {}
    trees: list[str] = []
    tree_info: list[int] = []
    indptr = [0]
    for model, weight in zip(models, shares, strict=True):
        part, own = _parts(model.decode("utf-8"))
        merged = merged or part
        forest = forest_of(part)
        indptr += [indptr[-1] + step for step in forest["iteration_indptr"][1:]]
        tree_info += forest["tree_info"]
        share = np.float32(slope * weight)
        trees += [_rescale(tree, share, i) for i, tree in enumerate(own, len(trees))]
    forest = forest_of(merged)
    forest.update(tree_info=tree_info, iteration_indptr=indptr)
    forest["gbtree_model_param"]["num_trees"] = str(len(trees))
    merged["learner"]["learner_model_param"]["base_score"] = json.dumps(start.tolist())
    merged["learner"]["objective"] = WITHOUT_LINK
    before, empty, after = json.dumps(merged).partition('"trees": [')
    booster = xgb.Booster()
    booster.load_model(bytearray(f"{before}{empty}{','.join(trees)}{after}", "utf-8"))
    return booster


def _parts(model: str) -> tuple[dict[str, Any], list[str]]:
    """Return a model without its trees, and each tree as text.

    Thousands of trees as lists of Python numbers would take ten times as much memory.
    """
    begin = model.index("[", model.index('"trees":')) + 1
    trees = [TREE + rest.rstrip(", ") for rest in model[begin:].split(TREE)[1:]]
    tail = model[begin:]
    if trees:
        end = trees[-1].index("}}") + 2  # of the tree and of the last of its parts
        trees[-1], tail = trees[-1][:end], trees[-1][end:]
    return json.loads(model[:begin] + tail), trees


def _array(name: str) -> re.Pattern[str]:
    return re.compile(rf'"{name}":\s*\[([^\]]*)\]')


def _numbers(name: str, text: str) -> list[Any]:
    found = _array(name).search(text)
    assert found is not None
    numbers: list[Any] = json.loads(f"[{found[1]}]")
    return numbers


def _with_array(text: str, name: str, values: Sequence[float]) -> str:
    return _array(name).sub(f'"{name}":{json.dumps(values)}', text, count=1)


def _rescale(tree: str, share: np.float32, number: int) -> str:
    tree = re.sub(r'"id":\s*\d+', f'"id":{number}', tree, count=1)
    if share == 1.0:
        return tree
    # A leaf keeps its value where an inner node keeps its split.
    leaf = np.asarray(_numbers("left_children", tree)) == -1
    values = np.asarray(_numbers("split_conditions", tree), dtype=np.float32)
    values[leaf] *= share
    tree = _with_array(tree, "split_conditions", values.tolist())
    weights = np.asarray(_numbers("base_weights", tree), np.float32) * share
    return _with_array(tree, "base_weights", weights.tolist())


def forest_of(model: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a model that holds the trees."""
    forest: dict[str, Any] = model["learner"]["gradient_booster"]["model"]
    return forest


def fit_plain_classifier(
    X: NDArray[Any],
    y: NDArray[Any],
    categorical: Sequence[int],
    sample_weight: NDArray[Any] | None = None,
    **params: Any,  # XGBoost's own
) -> tuple[xgb.XGBClassifier, int]:
    """Return XGBoost's own fitted classifier and its rounds, to compare with.

    ``categorical`` are the positions of columns with whole numbers for categories.
    """
    types = ["c" if i in set(categorical) else "q" for i in range(X.shape[1])]
    classifier = xgb.XGBClassifier(feature_types=types, enable_categorical=True, **params)
    classifier.fit(X, y, sample_weight=sample_weight)
    return classifier, int(classifier.get_booster().num_boosted_rounds())


_configuring = Lock()
_threads_of: WeakKeyDictionary[xgb.Booster, int] = WeakKeyDictionary()


def raw_score(booster: xgb.Booster, X: Matrix, n_threads: int) -> NDArray[np.float64]:
    """Return the raw scores of ``X``, shape (n,) or (n, K)."""
    with _configuring:
        if _threads_of.get(booster) != n_threads:
            booster.set_param({"nthread": n_threads})
            # Configures it: otherwise the first prediction would, and threads that predict at
            # once would do so at the same time.
            booster.save_config()
            _threads_of[booster] = n_threads
    scores = booster.inplace_predict(X, predict_type="margin", validate_features=False)
    return np.asarray(scores, dtype=np.float64)


def feature_gains(booster: xgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    gains = booster.get_score(importance_type="total_gain")
    names = booster.feature_names or []
    return np.array([gains.get(name, 0.0) for name in names], dtype=np.float64)
