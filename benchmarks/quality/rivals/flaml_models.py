"""FLAML, asked for MCC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flaml import AutoML
from sklearn.metrics import matthews_corrcoef

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task


def mcc(task: Task, seconds: float) -> Classifier:
    """FLAML with MCC as its metric and a budget of seconds."""
    return Flaml(task, seconds)


def _one_minus_mcc(
    X_val: Any,
    y_val: Any,
    estimator: Any,
    *_: object,
    **__: object,
) -> tuple[float, dict[str, float]]:
    value = 1 - float(matthews_corrcoef(y_val, estimator.predict(X_val)))
    return value, {"one_minus_mcc": value}


class Flaml:
    """``flaml.AutoML`` with one thread."""

    def __init__(self, task: Task, seconds: float) -> None:
        self.task = task
        self.seconds = seconds
        self.model = AutoML()

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Flaml:
        """Search."""
        self.model.fit(
            X,
            y,
            task="classification",
            metric=_one_minus_mcc,
            time_budget=self.seconds,
            n_jobs=1,
            seed=self.task.seed,
            verbose=0,
            log_file_name="",
        )
        self.classes_ = np.asarray(self.model.classes_)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))
