"""ONNX's reference evaluator with trees that are walked by all rows at once.

Its own walks row by row, and ends a set of categories at the category 0; its LabelEncoder does not
find NaN among the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from gbimb.onnx.graph import ML

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MEMBER = 6


class TreeEnsemble(OpRun):  # type: ignore[misc]  # not annotated
    """The operator of that name, as far as gbimb writes it: sums of leaves."""

    op_domain = ML

    def _run(self, X: NDArray[Any], **attributes: Any) -> tuple[NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {
            name: np.asarray(values) for name, values in attributes.items() if values is not None
        }
        modes = found["nodes_modes"]
        sets: dict[int, NDArray[Any]] = {}
        if (modes == MEMBER).any():
            values = found["membership_values"]
            ends = np.flatnonzero(np.isnan(values))
            parts = np.split(values, ends + 1)
            sets = {
                int(node): part[:-1]
                for node, part in zip(np.flatnonzero(modes == MEMBER), parts[:-1], strict=True)
            }
        scores = np.zeros((len(X), int(found["n_targets"])), X.dtype)
        for root in found["tree_roots"].tolist():
            leaf = _leaves(X, root, found, sets)
            np.add.at(
                scores,
                (np.arange(len(X)), found["leaf_targetids"][leaf]),
                found["leaf_weights"][leaf],
            )
        return (scores,)


class LabelEncoder(OpRun):  # type: ignore[misc]  # not annotated
    """The operator of that name with tensors as attributes."""

    op_domain = ML

    def _run(
        self,
        x: NDArray[Any],
        keys_tensor: Any = None,
        values_tensor: Any = None,
        default_tensor: Any = None,
        **_: Any,
    ) -> tuple[NDArray[Any]]:
        places = pd.Index(keys_tensor).get_indexer(pd.Index(x))
        return (np.where(places < 0, default_tensor, values_tensor[places]),)


def _leaves(
    X: NDArray[Any], root: int, found: dict[str, NDArray[Any]], sets: dict[int, NDArray[Any]]
) -> NDArray[np.intp]:
    """Return the leaf of each row of a tree."""
    leaf = np.full(len(X), -1)
    waiting = [(root, np.arange(len(X)))]
    while waiting:
        node, rows = waiting.pop()
        values = X[rows, found["nodes_featureids"][node]]
        if found["nodes_modes"][node] == MEMBER:
            true = np.isin(values, sets[node])
        else:
            true = values <= found["nodes_splits"][node]
        true |= np.isnan(values) & bool(found["nodes_missing_value_tracks_true"][node])
        for side, some in (("true", rows[true]), ("false", rows[~true])):
            child = int(found[f"nodes_{side}nodeids"][node])
            if found[f"nodes_{side}leafs"][node]:
                leaf[some] = child
            elif some.size:
                waiting.append((child, some))
    return leaf


def evaluator(path: Path) -> Any:
    """Return what runs the file at ``path``."""
    return ReferenceEvaluator(str(path), new_ops=[LabelEncoder, TreeEnsemble])
