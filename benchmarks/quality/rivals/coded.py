"""LightGBM and XGBoost with categories as numbers: their places in the order of the alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.quality.rivals.boosting import WeightedLightGBM, WeightedXGBoost
from benchmarks.quality.rivals.preparation import ordinal_codes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task


def lightgbm_weighted(task: Task) -> Classifier:
    """LightGBM with balanced weights, threshold 0.5."""
    return Coded(task, WeightedLightGBM(task))


def xgboost_weighted(task: Task) -> Classifier:
    """XGBoost with balanced weights, threshold 0.5."""
    return Coded(task, WeightedXGBoost(task))


class Coded:
    """A classifier after the categories became numbers."""

    def __init__(self, task: Task, model: Any) -> None:
        self.columns = ordinal_codes(task, impute=False)
        self.model = model

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Coded:
        """Train."""
        self.model.fit(self.columns.fit_transform(X), y)
        self.classes_ = self.model.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        found: NDArray[Any] = self.model.predict(self.columns.transform(X))
        return found

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        found: NDArray[Any] = self.model.predict_proba(self.columns.transform(X))
        return found
