"""What it does to promises that held-out rows have one booster's score, and new rows the mean's.

Boosters of LightGBM alone, five folds, and the mean of their raw scores with and without the shift
by which gbimb makes its mean probability that of the boosters.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from benchmarks.guarantees.fits import rates_of
from benchmarks.guarantees.populations import keeps
from gbimb.metrics import parse_bound
from gbimb.thresholds import guaranteed_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RULES = (
    "precision >= 0.3",
    "recall >= 0.2",
    "recall >= 0.5",
    "recall >= 0.8",
    "fpr <= 0.05",
    "alerts <= 0.03",
)
FOLDS, ROUNDS, NEW_ROWS = 5, 30, 8000
TREES = {
    "objective": "binary",
    "num_threads": 1,
    "verbosity": -1,
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_child_samples": 5,
    "deterministic": True,
    "force_row_wise": True,
}
ROWS = {"A": 1000, "C": 700}


def table(kind: str, n: int, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows and their true probabilities."""
    X = rng.normal(size=(n, 5 if kind == "A" else 10))
    if kind == "A":
        return X, expit(-4 + 1.5 * X[:, 0] + 1.2 * X[:, 1] + X[:, 2] * X[:, 3])
    return X, expit(-3.0 + X[:, :6] @ np.array([1.3, 1, 1, 0.8, 0.5, 0.5]))


def averages(n: int, confidence: float) -> Iterator[dict[str, Any]]:
    """Yield for each of ``n`` fits and each rule whether its promise is kept, both ways."""
    for i in range(n):
        kind = "AC"[i % 2]
        rng = np.random.default_rng([i // 2, ord(kind)])
        X, true = table(kind, ROWS[kind], rng)
        new, new_true = table(kind, NEW_ROWS, np.random.default_rng(999))
        y = rng.random(true.size) < true
        own, raw, shift = scores(X, y, new, rng)
        for rule in RULES:
            bound = parse_bound(rule)
            assert bound is not None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = guaranteed_threshold(y, own, rule, confidence)
            promised = type(bound)(bound.rate, found.bound)
            for mean, moved in (("plain", 0.0), ("shifted", shift)):
                rates = rates_of(expit(raw + moved) >= found.threshold, new_true)
                kept = bool(keeps(promised, rates[bound.rate]))
                rate = rates[bound.rate]
                yield {"mean": mean, "rule": rule, "kept": kept, "met": found.met, "rate": rate}


def scores(
    X: NDArray[Any], y: NDArray[Any], new: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Return held-out probabilities, the mean raw score of new rows, and the shift of the mean."""
    fold = np.empty(y.size, int)
    for k in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == k))
        fold[rows] = np.arange(rows.size) % FOLDS
    data = lgb.Dataset(X, y.astype(float), free_raw_data=False, params=TREES).construct()
    everything = np.concatenate([X, new])
    raw = np.array(
        [
            lgb.train(TREES, data.subset(np.flatnonzero(fold != k)), ROUNDS).predict(
                everything, raw_score=True, num_threads=1
            )
            for k in range(FOLDS)
        ]
    )
    own, seen = raw[fold, np.arange(y.size)], raw[:, : y.size]
    share = expit(seen).mean()
    shift = brentq(lambda c: expit(seen.mean(axis=0) + c).mean() - share, -5.0, 5.0)
    return expit(own), raw[:, y.size :].mean(axis=0), float(shift)
