"""What the tests on clusters share: tables, partitionings, quick settings."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import gbimb
from gbimb.dask import DaskImbalancedLGBMClassifier, DaskImbalancedXGBClassifier

PAIRS = {
    "lgbm": (DaskImbalancedLGBMClassifier, gbimb.ImbalancedLGBMClassifier),
    "xgb": (DaskImbalancedXGBClassifier, gbimb.ImbalancedXGBClassifier),
}
both = pytest.mark.parametrize("engine", PAIRS)

# Trees of one kind: several are averaged on tables of one machine only.
SHAPE: dict[str, dict[str, Any]] = {"lgbm": {"num_leaves": 8}, "xgb": {"max_depth": 4}}
# Quick, and without the draws of rows that differ between machines.
QUICK: dict[str, Any] = {
    "n_estimators": 25,
    "learning_rate": 0.1,
    "early_stopping_rounds": 10,
    "subsample": 1.0,
    "random_state": 0,
}


def numbers(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows with about one positive in twelve."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    y = rng.random(n) < expit(2 * X[:, 0] - 1.5 * X[:, 1] - 3.8)
    return X, y.astype(np.int64)


def frame(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Columns of numbers, texts and categories, with missing values; labels of text."""
    rng = np.random.default_rng(seed)
    X, y = numbers(n, seed)
    table = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    table["text"] = np.array(["red", "green", "blue"])[(X[:, 3] > 0).astype(int) + (X[:, 4] > 1)]
    table["kind"] = pd.Categorical(np.array(["u", "v", "w"])[rng.integers(0, 3, n)])
    table.loc[rng.choice(n, n // 10, replace=False), "a"] = np.nan
    return table, pd.Series(np.where(y, "fraud", "fine"), name="y")


def arrays(*parts: np.ndarray, sizes: tuple[int, ...]) -> list[da.Array]:
    """Dask Arrays with chunks of these sizes."""
    return [da.from_array(p, chunks=(sizes, *[(k,) for k in p.shape[1:]])) for p in parts]


def even(n: int, parts: int) -> tuple[int, ...]:
    """Sizes of ``parts`` chunks."""
    return tuple(int(k) for k in np.diff(np.arange(parts + 1) * n // parts))


def laid_out(
    kind: str, X: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Rows in the order of a partitioning, and its sizes."""
    n = len(y)
    if kind == "random":
        return X, y, even(n, 4)
    order = np.argsort(y, kind="stable")
    if kind == "sorted":
        return X[order], y[order], even(n, 5)
    negatives = int((y == 0).sum())
    sizes = (negatives // 2, negatives - negatives // 2, n - negatives, 0, 0)
    return X[order], y[order], sizes[:3] if kind == "one_class" else sizes
