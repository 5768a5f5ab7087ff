"""Simulated tables with a known posterior, and classifiers that are quick to fit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, softmax

import gbimb

OURS = [gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier]


class Rows(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    posterior: np.ndarray


def signal(X: np.ndarray) -> np.ndarray:
    bend = 0.8 * X[:, 1] * (X[:, 2] > 0) + 0.5 * np.sin(2 * X[:, 4])
    return 1.2 * X[:, 0] + bend - 0.7 * X[:, 3]


def binary(n: int, *, seed: int = 0, prevalence: float = 0.05) -> Rows:
    """Rows of eight numbers, labels 0 and 1; the same P(y = 1 | x) for every seed."""
    big = signal(np.random.default_rng(12345).normal(size=(100_000, 8)))
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(big + middle).mean() < prevalence else (low, middle)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8))
    posterior = expit(signal(X) + low)
    return Rows(X, (rng.random(n) < posterior).astype(int), posterior)


def many(n: int, n_classes: int, *, seed: int = 0, steepness: float = 0.7) -> Rows:
    """Rows of six numbers, class codes ever rarer; the posterior has shape (n, K)."""
    weights = np.random.default_rng(999).normal(size=(6, n_classes))
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    raw = X @ weights - steepness * np.arange(n_classes)
    posterior = softmax(raw, axis=1)
    y = (rng.random((n, 1)) > posterior.cumsum(axis=1)).sum(axis=1)
    return Rows(X, np.minimum(y, n_classes - 1), posterior)


def quick(kind: type, **parameters: object) -> Any:  # either estimator
    """A small booster of one member; one thread, since tests run side by side."""
    shape = {"num_leaves": 8} if kind is OURS[0] else {"max_depth": 4}
    small: dict[str, Any] = {
        "n_estimators": 30,
        "learning_rate": 0.15,
        # Without held-out rows a patience is refused.
        "early_stopping_rounds": None if parameters.get("cv", "auto") is None else 10,
        "n_jobs": 1,
    }
    return kind(**{**small, **shape, **parameters})


def bagged(estimator: object = None, **parameters: object) -> gbimb.UnderBaggingClassifier:
    small: dict[str, Any] = {
        "n_estimators": 5,
        "sampling_strategy": 1.0,
        "random_state": 0,
        "n_jobs": 1,
    }
    if estimator is None:
        estimator = quick(gbimb.ImbalancedLGBMClassifier)
    return gbimb.UnderBaggingClassifier(estimator, **{**small, **parameters})


def excess_log_loss(posterior: np.ndarray, proba: np.ndarray) -> float:
    """Expected log loss of probabilities of shape (n, K) where the posterior is known."""
    if posterior.ndim == 1:
        posterior = np.column_stack([1 - posterior, posterior])
    return float(-(posterior * np.log(np.clip(proba, 1e-15, 1))).sum(axis=1).mean())
