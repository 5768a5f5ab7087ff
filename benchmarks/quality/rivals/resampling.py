"""imbalanced-learn: resampling before LightGBM, and its ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
)
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from lightgbm import LGBMClassifier

from benchmarks.quality.rivals.preparation import coded_columns, ordinal_codes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task


def random_oversampling(task: Task) -> Classifier:
    """Copy rare rows until all classes are as common, then train LightGBM."""
    return make_pipeline(RandomOverSampler(random_state=task.seed), _lightgbm(task))


def random_undersampling(task: Task) -> Classifier:
    """Keep as many rows of every class as the rarest has, then train LightGBM."""
    return make_pipeline(RandomUnderSampler(random_state=task.seed), _lightgbm(task))


def smote(task: Task) -> Classifier:
    """SMOTE, or SMOTENC where there are categories, then LightGBM."""
    return SmoteThenLightGBM(task)


def balanced_bagging(task: Task) -> Classifier:
    """BalancedBaggingClassifier with its ten bags, over LightGBM."""
    bags = BalancedBaggingClassifier(_lightgbm_on_codes(task), random_state=task.seed, n_jobs=1)
    return make_pipeline(ordinal_codes(task, impute=False), bags)


def balanced_forest(task: Task) -> Classifier:
    """BalancedRandomForestClassifier with its defaults."""
    forest = BalancedRandomForestClassifier(random_state=task.seed, n_jobs=1)
    return make_pipeline(ordinal_codes(task, impute=True), forest)


def easy_ensemble(task: Task) -> Classifier:
    """EasyEnsembleClassifier with its ten boosted stumps."""
    ensemble = EasyEnsembleClassifier(random_state=task.seed, n_jobs=1)
    return make_pipeline(ordinal_codes(task, impute=True), ensemble)


def _lightgbm(task: Task) -> LGBMClassifier:
    return LGBMClassifier(random_state=task.seed, n_jobs=1, verbosity=-1)


def _lightgbm_on_codes(task: Task) -> LGBMClassifier:
    return _lightgbm(task).set_params(categorical_feature=coded_columns(task))


class SmoteThenLightGBM:
    """Imputes, as SMOTE needs, interpolates rare rows, and trains LightGBM.

    A class with fewer than six rows is interpolated between as many neighbours as it has.
    """

    def __init__(self, task: Task) -> None:
        self.task = task

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> SmoteThenLightGBM:
        """Train."""
        codes = ordinal_codes(self.task, impute=True)
        categorical = coded_columns(self.task)
        params = {
            "k_neighbors": int(min(5, np.bincount(y).min() - 1)),
            "random_state": self.task.seed,
        }
        sampler = SMOTENC(categorical, **params) if categorical else SMOTE(**params)
        self.pipeline = make_pipeline(codes, sampler, _lightgbm_on_codes(self.task)).fit(X, y)
        self.classes_ = self.pipeline.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.pipeline.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.pipeline.predict_proba(X))
