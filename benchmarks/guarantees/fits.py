"""How often fitted estimators keep their promises, on tables whose true probabilities are known."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

import gbimb
from benchmarks.guarantees.populations import keeps
from gbimb.metrics import parse_bound
from gbimb.training import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RULES = (
    "precision >= 0.4",
    "recall >= 0.2",
    "recall >= 0.5",
    "recall >= 0.8",
    "fpr <= 0.02",
    "alerts <= 0.03",
)
TREES = {"loss": "logistic", "n_estimators": 40, "early_stopping_rounds": 10, "num_leaves": 8}
MODELS = ("cross-fitted", "bags")
NEW_ROWS = 20_000
CHOOSE = tasks.promise_of_models


def table(kind: int, n: int, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows and their true probabilities, 5 to 10 % positive."""
    X = rng.normal(size=(n, 6))
    if kind == 0:
        score = -4.0 + 1.5 * X[:, 0] + 1.2 * X[:, 1] + X[:, 2] * X[:, 3]
    else:
        score = -4.5 + 2.5 * (X[:, 0] > 0.5) + 2.0 * (X[:, 1] > 0.5) + X[:, 2] + X[:, 3]
    return X, expit(score)


def make(model: str) -> Any:  # an estimator
    """Return an estimator whose rows that choose the threshold are recorded."""
    trees = gbimb.ImbalancedLGBMClassifier(**TREES, n_jobs=1)
    if model == "bags":
        trees = gbimb.UnderBaggingClassifier(trees, 10, n_jobs=1)
    return trees.set_params(threshold=RULES[0], confidence=0.95, random_state=0)


def fits(n: int, confidence: float, seed: int, model: str) -> Iterator[dict[str, Any]]:
    """Yield for each of ``n`` fits and each rule whether its promise is kept on new rows."""
    recorded: list[Any] = []

    def record(*args: Any) -> Any:
        recorded[:] = args
        return CHOOSE(*args)

    tasks.promise_of_models = record
    for i in range(n):
        kind = i % 2
        rng = np.random.default_rng([seed, i])
        X, true = table(kind, 1000, rng)
        new, new_true = table(kind, NEW_ROWS, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = make(model).fit(X, rng.random(true.size) < true)
            proba = fitted.predict_proba(new)[:, 1]
            y, own, _, _, weight = recorded
            for rule in RULES:
                bound = parse_bound(rule)
                assert bound is not None
                found = CHOOSE(y, own, bound, confidence, weight)
                rates = rates_of(proba >= found.threshold, new_true)
                promised = type(bound)(bound.rate, found.bound)
                yield {
                    "model": model,
                    "rule": rule,
                    "kept": bool(keeps(promised, rates[bound.rate])),
                    "met": found.met,
                    "rate": rates[bound.rate],
                    "recall": rates["recall"],
                }
    tasks.promise_of_models = CHOOSE


def rates_of(flagged: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
    """Return the expected rates of flagged rows with these true probabilities."""
    hits, alerts = float(true[flagged].sum()), float(flagged.sum())
    return {
        "recall": hits / float(true.sum()),
        "fpr": (alerts - hits) / float((1 - true).sum()),
        "alerts": alerts / flagged.size,
        "precision": hits / alerts if alerts else 1.0,
    }
