"""LightGBM and XGBoost as people use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task

FEWEST = 2


def lightgbm_plain(task: Task) -> Classifier:
    """LightGBM with its defaults, threshold 0.5."""
    return LGBMClassifier(random_state=task.seed, n_jobs=1, verbosity=-1)


def lightgbm_weighted(task: Task) -> Classifier:
    """LightGBM with weights that give all classes the same total, threshold 0.5: the line."""
    return WeightedLightGBM(task)


def lightgbm_tuned_threshold(task: Task) -> Classifier:
    """LightGBM in scikit-learn's TunedThresholdClassifierCV, for MCC."""
    return TunedThresholdClassifierCV(
        lightgbm_plain(task), scoring=make_scorer(matthews_corrcoef), random_state=task.seed
    )


def xgboost_weighted(task: Task) -> Classifier:
    """XGBoost with weights that give all classes the same total, threshold 0.5."""
    return WeightedXGBoost(task)


def lightgbm_one_percent(task: Task) -> Classifier:
    """LightGBM on one row in a hundred of each class."""
    return OnePercent(task)


class WeightedLightGBM:
    """LGBMClassifier with ``scale_pos_weight``, or class weights for more than two classes."""

    def __init__(self, task: Task) -> None:
        self.binary = task.binary
        self.model = lightgbm_plain(task)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> WeightedLightGBM:
        """Train."""
        weight = (
            {"scale_pos_weight": (y == 0).sum() / (y == 1).sum()}
            if self.binary
            else {"class_weight": "balanced"}
        )
        self.model.set_params(**weight).fit(X, y)
        self.classes_ = self.model.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))


class WeightedXGBoost:
    """XGBClassifier with ``scale_pos_weight``, or weights of rows for more than two classes."""

    def __init__(self, task: Task) -> None:
        self.binary = task.binary
        self.model = XGBClassifier(enable_categorical=True, random_state=task.seed, n_jobs=1)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> WeightedXGBoost:
        """Train."""
        if self.binary:
            self.model.set_params(scale_pos_weight=(y == 0).sum() / (y == 1).sum())
            self.model.fit(X, y)
        else:
            self.model.fit(X, y, sample_weight=compute_sample_weight("balanced", y))
        self.classes_ = self.model.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))


class OnePercent:
    """LightGBM on a small stratified sample, two rows of each class at least."""

    def __init__(self, task: Task) -> None:
        self.seed = task.seed
        self.model = lightgbm_plain(task)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> OnePercent:
        """Train."""
        rng = np.random.default_rng(self.seed)
        rows = [np.flatnonzero(y == label) for label in np.unique(y)]
        sizes = [min(len(r), max(FEWEST, round(len(r) / 100))) for r in rows]
        kept = [rng.choice(r, n, replace=False) for r, n in zip(rows, sizes, strict=True)]
        sample = np.sort(np.concatenate(kept))
        self.model.fit(X.iloc[sample], y[sample])
        self.classes_ = self.model.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))
