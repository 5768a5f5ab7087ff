"""The engines' own classifiers on a data frame with categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from gbimb.engines.registry import get_engine
from gbimb.tables.encoder import TableEncoder

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class PlainClassifier:
    """``LGBMClassifier`` or ``XGBClassifier`` with the engine's defaults.

    Categories get the numbers that gbimb's estimators give them and are declared to the engine,
    which splits on them natively; those unknown from ``fit`` are missing values at ``predict``.

    Parameters
    ----------
    engine : {"lightgbm", "xgboost"}
    weighted : bool
        Whether every class gets the same total weight: by ``scale_pos_weight`` = negatives /
        positives, or with more than two classes by ``sample_weight``.
    n_jobs, seed : int
    """

    def __init__(self, engine: str, *, weighted: bool, n_jobs: int, seed: int) -> None:
        self.engine = engine
        self.weighted = weighted
        self.n_jobs = n_jobs
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> PlainClassifier:
        """Train the engine's classifier."""
        self._encoder = TableEncoder.fit(X)
        self.classes_, codes = np.unique(y, return_inverse=True)  # XGBoost wants 0 to K - 1
        self.threshold_ = 0.5 if self.classes_.size == 2 else None
        params: dict[str, Any] = {"n_jobs": self.n_jobs, "random_state": self.seed}
        if self.weighted and self.classes_.size == 2:
            negatives, positives = np.bincount(codes)
            params["scale_pos_weight"] = negatives / positives
        elif self.weighted:  # XGBoost has no class_weight
            params["sample_weight"] = compute_sample_weight("balanced", codes)
        fit = get_engine(self.engine).fit_plain_classifier
        table = self._encoder.transform(X)
        self.model_, self.best_iteration_ = fit(table, codes, self._encoder.categorical, **params)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        codes = np.asarray(self.model_.predict(self._encoder.transform(X)), np.intp)
        return np.asarray(self.classes_[codes])

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return probabilities of the classes."""
        return np.asarray(self.model_.predict_proba(self._encoder.transform(X)), np.float64)
