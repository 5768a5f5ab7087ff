"""An anomaly detector, given the labels only to set its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.quality.rivals.preparation import ordinal_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Classifier, Task


def isolation_forest(task: Task) -> Classifier:
    """IsolationForest, its score as a probability, the threshold tuned for MCC."""
    scored = make_pipeline(
        ordinal_codes(task, impute=True),
        AnomalyScore(task.seed),
        StandardScaler(),
        LogisticRegression(),
    )
    return TunedThresholdClassifierCV(
        scored, scoring=make_scorer(matthews_corrcoef), random_state=task.seed
    )


class AnomalyScore(TransformerMixin, BaseEstimator):
    """One column: how strange a row is to an isolation forest."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: NDArray[Any], y: object = None) -> AnomalyScore:  # noqa: ARG002  scikit-learn's signature
        """Train the forest, without labels."""
        self.forest_ = IsolationForest(random_state=self.seed, n_jobs=1).fit(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the score, higher for stranger rows."""
        return -self.forest_.score_samples(X).reshape(-1, 1)
