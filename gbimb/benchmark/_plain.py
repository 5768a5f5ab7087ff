"""The engines' own classifiers on a data frame with categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from gbimb.engines.registry import get_engine
from gbimb.tables.encoder import TableEncoder

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class PlainClassifier:
    """``LGBMClassifier`` or ``XGBClassifier`` with the engine's defaults.

    Categories are numbered as the estimators of gbimb number them and declared to the engine,
    which splits on them natively; those not there at ``fit`` are missing values at ``predict``.

    Parameters
    ----------
    engine : {"lightgbm", "xgboost"}
    weighted : bool
        Whether every class gets the same total weight: by ``scale_pos_weight``, negatives over
        positives, or with more than two classes by weights of rows.
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
        table = self._encoder.transform(X)
        if self.weighted and self.classes_.size > 2 and self.engine == "xgboost":
            self._fit_with_weights(table, codes, params)
            return self
        if self.weighted and self.classes_.size > 2:
            params["class_weight"] = "balanced"
        elif self.weighted:
            negatives, positives = np.bincount(codes)
            params["scale_pos_weight"] = negatives / positives
        self.model_, self.best_iteration_ = self._fit(table, codes, params)
        return self

    def _fit(
        self, table: NDArray[Any], codes: NDArray[Any], params: dict[str, Any]
    ) -> tuple[Any, int]:
        adapter = get_engine(self.engine)
        fitted: tuple[Any, int] = adapter.fit_plain_classifier(
            table, codes, self._encoder.categorical, **params
        )
        return fitted

    def _fit_with_weights(
        self, table: NDArray[Any], codes: NDArray[Any], params: dict[str, Any]
    ) -> None:
        """Train XGBoost, which has no weights of many classes, with weights of rows."""
        first, _ = self._fit(table, codes, {**params, "n_estimators": 1})  # for its settings
        self.model_ = clone(first).set_params(n_estimators=None)  # the engine's own number
        self.model_.fit(table, codes, sample_weight=compute_sample_weight("balanced", codes))
        self.best_iteration_ = int(self.model_.get_booster().num_boosted_rounds())

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        codes = np.asarray(self.model_.predict(self._encoder.transform(X)), np.intp)
        return np.asarray(self.classes_[codes])

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return probabilities of the classes."""
        return np.asarray(self.model_.predict_proba(self._encoder.transform(X)), np.float64)
