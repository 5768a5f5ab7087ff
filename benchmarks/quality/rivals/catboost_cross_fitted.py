"""CatBoost in gbimb's recipe: cross-fitted, with gbimb's choice of the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from catboost import CatBoostClassifier
from sklearn.model_selection import StratifiedKFold

from benchmarks.quality.rivals.preparation import name_missing
from gbimb.decisions.threshold import choose_threshold

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task

FOLDS = 5
PATIENCE = 50


def log_loss(task: Task) -> Classifier:
    """CatBoost's log loss, stopped on the fold that is held out."""
    return CrossFittedCatBoost(task)


class CrossFittedCatBoost:
    """The mean of five classifiers; the threshold is chosen for MCC on the rows held out."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.models: list[CatBoostClassifier] = []

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> CrossFittedCatBoost:
        """Train on each set of four folds."""
        table = name_missing(X)
        held_out = np.empty(len(y))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.task.seed)
        for train, held in folds.split(table, y):
            model = CatBoostClassifier(
                cat_features=list(self.task.categorical),
                random_seed=self.task.seed,
                thread_count=1,
                allow_writing_files=False,
                verbose=0,
                early_stopping_rounds=PATIENCE,
            )
            rows = table.iloc[held]
            model.fit(table.iloc[train], y[train], eval_set=(rows, y[held]))
            held_out[held] = model.predict_proba(rows)[:, 1]
            self.models.append(model)
        self.threshold_ = choose_threshold(y, held_out, "mcc", random_state=self.task.seed)
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return (self.predict_proba(X)[:, 1] >= self.threshold_).astype(int)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        table = name_missing(X)
        found: NDArray[Any] = np.mean([m.predict_proba(table) for m in self.models], axis=0)
        return found
