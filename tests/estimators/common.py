"""What the estimator tests share: both estimators, small tables, quick settings."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import gbimb

Estimator: TypeAlias = gbimb.ImbalancedLGBMClassifier | gbimb.ImbalancedXGBClassifier
Kind: TypeAlias = type[Estimator]

KINDS = [gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier]
both = pytest.mark.parametrize("kind", KINDS, ids=["lgbm", "xgb"])


def quick(kind: Kind, **parameters: Any) -> Estimator:  # whatever it takes
    """An estimator that is fast and keeps all its rounds, so that it has no reason to warn.

    Of one member.
    """
    small = {
        "n_estimators": 20,
        "learning_rate": 0.1,
        "subsample": 1.0,
        "cv": 2,
        "early_stopping_rounds": None,
        "random_state": 0,
        "n_jobs": 1,
    }
    shape = {"num_leaves": 8} if kind is gbimb.ImbalancedLGBMClassifier else {"max_depth": 4}
    return kind(**{**small, **shape, **parameters})


def numbers(n: int = 400, *, seed: int = 0, features: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Rows with about one positive in eight, labels 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, features))
    y = rng.random(n) < expit(2 * X[:, 0] - 1.5 * X[:, 1] - 3.3)
    return X, y.astype(np.int64)


def frame(n: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns of most kinds, some with missing values."""
    rng = np.random.default_rng(seed)
    X, y = numbers(n, seed=seed)
    table = pd.DataFrame(
        {
            "number": X[:, 0],
            "single": X[:, 1].astype(np.float32),
            "small": rng.integers(-5, 5, n).astype(np.int8),
            "count": rng.integers(0, 10**6, n),
            "flag": rng.random(n) < 0.5,
            "text": np.array(["red", "green", "blue"])[(X[:, 2] > 0).astype(int) + (X[:, 3] > 1)],
            "category": pd.Categorical(np.array(["u", "v", "w"])[rng.integers(0, 3, n)]),
            "code": pd.Categorical(rng.integers(10, 14, n)),
            "maybe_int": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "maybe_flag": pd.array(rng.random(n) < 0.5, dtype="boolean"),
        }
    )
    for i, name in enumerate(["number", "text", "category", "maybe_int", "maybe_flag"]):
        table.loc[rng.choice(n, n // 10 + i, replace=False), name] = None
    table.loc[table["text"].eq("green") & (rng.random(n) < 0.9), "number"] += 1.0
    return table, y


def probability(clf: Estimator, X: Any) -> np.ndarray:  # any table
    """P(positive) of each row."""
    return clf.predict_proba(X)[:, list(clf.classes_).index(clf.pos_label_)]
