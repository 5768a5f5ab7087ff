"""AutoGluon at its strongest for a decision: fitted on log loss, then its threshold for MCC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from autogluon.tabular import TabularPredictor

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task

LABEL = "label to predict"


def predictor(task: Task, presets: str, seconds: float) -> Classifier:
    """AutoGluon with a preset and a budget of seconds."""
    return AutoGluon(task, presets, seconds)


class AutoGluon:
    """``TabularPredictor`` with one thread and its tree models."""

    def __init__(self, task: Task, presets: str, seconds: float) -> None:
        self.presets = presets
        self.seconds = seconds
        self.model = TabularPredictor(
            LABEL,
            problem_type="binary" if task.binary else "multiclass",
            eval_metric="log_loss",
            path=f"{task.folder}/autogluon",
            verbosity=0,
        )

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> AutoGluon:
        """Search, and choose the threshold for MCC on the rows that AutoGluon holds out."""
        self.model.fit(
            X.assign(**{LABEL: y}), presets=self.presets, time_limit=self.seconds, num_cpus=1
        )
        self.classes_ = np.asarray(self.model.class_labels)
        if self.classes_.size == 2:
            found = self.model.calibrate_decision_threshold(metric="mcc", verbose=False)
            self.model.set_decision_threshold(found)
            self.threshold_ = found
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))
