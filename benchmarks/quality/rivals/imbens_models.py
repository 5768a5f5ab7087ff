"""imbalanced-ensemble's self-paced ensembles, which need an older scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbens.ensemble import SelfPacedEnsembleClassifier
from lightgbm import LGBMClassifier
from sklearn.pipeline import make_pipeline

from benchmarks.quality.rivals.preparation import coded_columns, ordinal_codes

if TYPE_CHECKING:
    from benchmarks.quality.rivals.task import Classifier, Task


def self_paced_trees(task: Task) -> Classifier:
    """SelfPacedEnsembleClassifier with its defaults, fifty decision trees."""
    ensemble = SelfPacedEnsembleClassifier(random_state=task.seed, n_jobs=1)
    return make_pipeline(ordinal_codes(task, impute=True), ensemble)


def self_paced_lightgbm(task: Task) -> Classifier:
    """Ten LightGBM models in twenty bins of hardness, as in the paper."""
    model = LGBMClassifier(
        categorical_feature=coded_columns(task), random_state=task.seed, n_jobs=1, verbosity=-1
    )
    ensemble = SelfPacedEnsembleClassifier(
        model, n_estimators=10, k_bins=20, random_state=task.seed, n_jobs=1
    )
    return make_pipeline(ordinal_codes(task, impute=True), ensemble)
