"""Small fitted estimators of every class and kind of table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

import gbimb
from gbimb.losses import SoftmaxFocalLoss
from gbimb.losses.experimental import SoftmaxMCCLoss

if TYPE_CHECKING:
    from collections.abc import Callable

LGBM, XGB = gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier
KINDS = {"lgbm": LGBM, "xgb": XGB}
WORDS = ["Köln 🏙", '"quoted"', "a,b", "x\ny", " ", "Ωmega", "null"]


def quick(kind: type, **parameters: Any) -> Any:
    small = {"n_estimators": 12, "cv": 2, "early_stopping_rounds": None, "random_state": 0}
    return kind(**{**small, "n_jobs": 1, **parameters})


def numbers(n: int = 900, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Columns that are missing, whole, mostly zero, and complete."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 3] = np.round(2 * X[:, 3])
    X[rng.random(n) < 0.6, 4] = 0.0
    X[rng.random(n) < 0.1, 0] = np.nan
    score = np.nan_to_num(X[:, 0]) + X[:, 1] + 0.5 * X[:, 3] + X[:, 4]
    return X, score + rng.normal(size=n)


def frame(n: int = 900, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns of every kind that can be fitted on."""
    rng = np.random.default_rng(seed + 1)
    X, score = numbers(n, seed)
    table = pd.DataFrame(X, columns=["a", "b", "größe", "label", "probability"])
    table["word"] = rng.choice(WORDS, n)
    table.loc[rng.random(n) < 0.05, "word"] = None
    table["whole"] = pd.Categorical(rng.integers(10, 60, n))
    table["quarter"] = pd.Categorical(rng.integers(0, 5, n) / 4)
    table["many"] = np.array([f"m{i}" for i in range(200)])[rng.integers(0, 200, n)]
    table["size"] = pd.Categorical(
        rng.choice(["low", "mid", "high"], n), categories=["low", "mid", "high"], ordered=True
    )
    table["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="h")
    table["flag"] = rng.random(n) < 0.5
    score += (table["size"] == "high").to_numpy() + (table["whole"].astype(int) > 50).to_numpy()
    return table, score + (table["word"] == "null").fillna(value=False).to_numpy(bool)


def unlike(X: pd.DataFrame) -> pd.DataFrame:
    """The table with missing values and categories that training did not see."""
    rng = np.random.default_rng(9)
    X = X.copy()
    for name in ("b", "größe", "day"):
        X[name] = X[name].mask(rng.random(len(X)) < 0.1)
    strange = {"word": "never seen", "many": "m-1", "whole": 99, "quarter": 7.5, "size": "huge"}
    for name, value in strange.items():
        column = X[name].astype(object)
        column[rng.random(len(X)) < 0.1] = value
        column[rng.random(len(X)) < 0.1] = None
        kinds = [*dict.fromkeys(column.dropna())]
        X[name] = pd.Categorical(column, categories=kinds, ordered=name == "size")
    return X


def classes(score: np.ndarray, n_classes: int) -> np.ndarray:
    """Labels 0 to K-1, the last ones rare."""
    return np.digitize(score, np.quantile(score, np.linspace(0, 1, n_classes + 1)[1:-1] ** 0.5))


def _two(kind: type, *, loss: Any = "focal", of: Any = numbers, **parameters: Any) -> Any:
    X, score = of()
    return quick(kind, loss=loss, **parameters).fit(
        X, (score > np.quantile(score, 0.85)).astype(int)
    )


def _many(kind: type, n_classes: int, *, of: Any = numbers, **parameters: Any) -> Any:
    X, score = of()
    return quick(kind, n_estimators=3, **parameters).fit(X, classes(score, n_classes))


def _bags(kind: type, n_classes: int = 2, *, loss: Any = "logistic", **parameters: Any) -> Any:
    X, score = frame()
    clf = gbimb.UnderBaggingClassifier(
        quick(kind, cv="auto", n_estimators=5, loss=loss), n_estimators=3, random_state=0, n_jobs=1
    ).set_params(**parameters)
    y = classes(score, n_classes) if n_classes > 2 else score > np.quantile(score, 0.85)
    return clf.fit(X, y)


def _sparse(kind: type) -> Any:
    X, score = numbers()
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    return quick(kind).fit(sparse.csr_matrix(X), score > 1.5)


MAKE: dict[str, Callable[[type], Any]] = {
    "numbers": _two,
    "frame": lambda kind: _two(kind, of=frame),
    "one category against the rest": lambda kind: _two(
        kind, of=frame, engine_params={"max_cat_to_onehot": 300}
    ),
    "sparse": _sparse,
    "strings": lambda kind: quick(kind).fit(
        numbers()[0], np.array(["nö\n", 'jä "x"'])[(numbers()[1] > 1.5).astype(int)]
    ),
    "booleans, the first positive": lambda kind: quick(kind, pos_label=False).fit(
        numbers()[0], numbers()[1] > -1.5
    ),
    "log loss": lambda kind: _two(kind, loss="logistic", scale_pos_weight="balanced"),
    "gamma 0.7": lambda kind: _two(kind, loss=gbimb.FocalLoss(0.7, alpha=0.3)),
    "gamma 1": lambda kind: _two(kind, loss=gbimb.FocalLoss(1.0)),
    "gamma 2": lambda kind: _two(kind, loss=gbimb.FocalLoss(2.0, scale_pos_weight=5.0)),
    "soft MCC": lambda kind: _two(kind, loss="soft_mcc"),
    "soft F1": lambda kind: _two(kind, loss="soft_f1"),
    "isotonic": lambda kind: _two(kind, calibration="isotonic"),
    "beta": lambda kind: _two(kind, calibration="beta"),
    "3 classes": lambda kind: _many(kind, 3, of=frame),
    "4 classes, gamma 1": lambda kind: _many(kind, 4, loss=SoftmaxFocalLoss(4, 1.0)),
    "4 classes, gamma 0.7, weights": lambda kind: _many(
        kind, 4, loss=SoftmaxFocalLoss(4, 0.7, class_weight=(1.0, 2.0, 3.0, 0.5))
    ),
    "4 classes, soft MCC": lambda kind: _many(kind, 4, loss=SoftmaxMCCLoss(4)),
    "4 classes, beta": lambda kind: _many(kind, 4, calibration="beta"),
    "14 classes, gamma 2, isotonic": lambda kind: _many(
        kind, 14, loss=SoftmaxFocalLoss(14, 2.0), calibration="isotonic"
    ),
    "bags": _bags,
    "bags, isotonic": lambda kind: _bags(kind, calibration="isotonic", loss="focal"),
    "bags of 4 classes": lambda kind: _bags(kind, 4),
}


@cache
def model(name: str, kind: str) -> Any:
    """One of these, fitted once; not to be changed."""
    return MAKE[name](KINDS[kind])


def rows(clf: Any, n: int = 2000) -> Any:
    """New rows for an estimator, with values that training did not see."""
    if hasattr(clf, "feature_names_in_"):
        return unlike(frame(n, seed=5)[0])
    X = numbers(n, seed=5)[0]
    X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    return X
