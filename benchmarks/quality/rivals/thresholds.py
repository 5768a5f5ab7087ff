"""LightGBM with its threshold tuned by scikit-learn for another score than MCC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightgbm import LGBMClassifier
from sklearn.model_selection import TunedThresholdClassifierCV

if TYPE_CHECKING:
    from benchmarks.quality.rivals.task import Classifier, Task


def lightgbm_tuned_for(task: Task, scoring: str) -> Classifier:
    """LightGBM in TunedThresholdClassifierCV, for one of scikit-learn's scores."""
    model = LGBMClassifier(random_state=task.seed, n_jobs=1, verbosity=-1)
    return TunedThresholdClassifierCV(model, scoring=scoring, random_state=task.seed)
