"""The engines' own classifiers on a data frame with categories."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.estimators._table import TableEncoder

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
        Whether ``scale_pos_weight`` is the number of negatives over that of positives.
    n_jobs, seed : int
    """

    threshold_ = 0.5

    def __init__(self, engine: str, *, weighted: bool, n_jobs: int, seed: int) -> None:
        self.engine = engine
        self.weighted = weighted
        self.n_jobs = n_jobs
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> PlainClassifier:
        """Train the engine's classifier."""
        adapter = import_module(f"gbimb.{self.engine}")
        self._encoder = TableEncoder.fit(X)
        positives = np.count_nonzero(y)
        params = {"scale_pos_weight": (y.size - positives) / positives} if self.weighted else {}
        self.model_, self.best_iteration_ = adapter.fit_plain_classifier(
            self._encoder.transform(X),
            y,
            self._encoder.categorical,
            n_jobs=self.n_jobs,
            random_state=self.seed,
            **params,
        )
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels."""
        return np.asarray(self.model_.classes_)

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return np.asarray(self.model_.predict(self._encoder.transform(X)))

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return probabilities of both classes."""
        return np.asarray(self.model_.predict_proba(self._encoder.transform(X)), np.float64)
