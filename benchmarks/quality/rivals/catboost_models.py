"""CatBoost with its defaults, and either balanced weights or its own focal loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from catboost import CatBoostClassifier

from benchmarks.quality.rivals.preparation import name_missing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task


def balanced(task: Task) -> Classifier:
    """CatBoost with ``auto_class_weights="Balanced"``, threshold 0.5."""
    return CatBoost(task, auto_class_weights="Balanced")


def focal(task: Task) -> Classifier:
    """CatBoost's Focal with the alpha and gamma of the paper (0.25 and 2), threshold 0.5."""
    return CatBoost(task, loss_function="Focal:focal_alpha=0.25;focal_gamma=2.0")


class CatBoost:
    """CatBoostClassifier on a data frame with native categories."""

    def __init__(self, task: Task, **params: Any) -> None:
        self.model = CatBoostClassifier(
            cat_features=list(task.categorical),
            random_seed=task.seed,
            thread_count=1,
            allow_writing_files=False,
            verbose=0,
            **params,
        )

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> CatBoost:
        """Train."""
        self.model.fit(name_missing(X), y)
        self.classes_ = np.asarray(self.model.classes_, int)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(name_missing(X)), int).ravel()

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(name_missing(X)))
