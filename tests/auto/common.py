"""Small tables, and the automatic choice in few steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

import gbimb


def numbers(n: int = 600, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows with about one positive in eight, labels 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = rng.random(n) < expit(2 * X[:, 0] - 1.5 * X[:, 1] - 3.3)
    return X, y.astype(np.int64)


def quick(**parameters: Any) -> gbimb.AutoImbalancedClassifier:
    """Two candidates, whatever the clock says."""
    few = {"time_budget": None, "n_trials": 2, "random_state": 0, "n_jobs": 1}
    return gbimb.AutoImbalancedClassifier(**{**few, **parameters})
