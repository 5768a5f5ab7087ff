"""AutoGluon with its tree models (its neural networks need PyTorch), asked for MCC or log loss.

Fitted on log loss, which its ensembles optimise better, it is given a threshold for MCC at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from autogluon.tabular import TabularPredictor

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task

LABEL = "label to predict"


def predictor(task: Task, presets: str, seconds: float, eval_metric: str = "mcc") -> Classifier:
    """AutoGluon with a preset, a budget of seconds and what it is fitted on."""
    return AutoGluon(task, presets, seconds, eval_metric)


class AutoGluon:
    """``TabularPredictor`` with one thread; asked for MCC it tunes its threshold by itself."""

    def __init__(self, task: Task, presets: str, seconds: float, eval_metric: str) -> None:
        self.presets = presets
        self.seconds = seconds
        self.eval_metric = eval_metric
        self.model = TabularPredictor(
            LABEL,
            problem_type="binary" if task.binary else "multiclass",
            eval_metric=eval_metric,
            path=f"{task.folder}/autogluon",
            verbosity=0,
        )

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> AutoGluon:
        """Search; the threshold is for MCC, on the rows that AutoGluon holds out."""
        self.model.fit(
            X.assign(**{LABEL: y}), presets=self.presets, time_limit=self.seconds, num_cpus=1
        )
        self.classes_ = np.asarray(self.model.class_labels)
        if self.classes_.size == 2 and self.eval_metric != "mcc":
            found = self.model.calibrate_decision_threshold(metric="mcc", verbose=False)
            self.model.set_decision_threshold(found)
        self.threshold_ = self.model.decision_threshold
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.model.predict_proba(X))
