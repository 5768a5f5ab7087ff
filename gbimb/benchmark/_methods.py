"""The methods that are compared, by name.

A new method is one row in ``METHODS``: a name, a label for tables, a sentence, and a function
that builds an unfitted classifier for one engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

ENGINES: Final[Mapping[str, str]] = MappingProxyType({"lightgbm": "LightGBM", "xgboost": "XGBoost"})
"""Names of the engines, and how they are spelled in reports."""

DEFAULT_FOLDS: Final = 3
"""With more, the built-in tables take more than four minutes on two cores."""

OWN_FOLDS: Final = 5
"""For a table of the user's own, where the interval is over folds."""

BASELINE: Final = "weighted-logloss"
"""The line to beat: every other method is compared with it."""

MAIN: Final = "focal"
SAME_RECIPE: Final = "logloss-tuned"
"""The method that differs from ``MAIN`` in nothing but the loss."""


class Classifier(Protocol):
    """What a method builds. Labels are 0 and 1; 1 is the positive class.

    ``threshold_`` and ``best_iteration_`` are recorded if the fitted classifier has them.
    """

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels in the order of the columns of ``predict_proba``."""

    def fit(self, X: Any, y: Any) -> Any:  # noqa: ANN401
        """Train on a data frame and labels."""

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return labels."""

    def predict_proba(self, X: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return probabilities of both classes."""


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the comparison.

    Attributes
    ----------
    name : str
        As it is typed after ``--methods``.
    label : str
        As it stands in tables.
    description : str
        One sentence.
    build : callable
        ``(engine, n_jobs, seed) -> unfitted classifier``.
    """

    name: str
    label: str
    description: str
    build: Callable[[str, int, int], Classifier]


def _logloss(engine: str, n_jobs: int, seed: int) -> Classifier:
    from gbimb.benchmark._plain import PlainClassifier

    return PlainClassifier(engine, weighted=False, n_jobs=n_jobs, seed=seed)


def _weighted_logloss(engine: str, n_jobs: int, seed: int) -> Classifier:
    from gbimb.benchmark._plain import PlainClassifier

    return PlainClassifier(engine, weighted=True, n_jobs=n_jobs, seed=seed)


def _logloss_tuned(engine: str, n_jobs: int, seed: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, loss="logistic")


def _focal(engine: str, n_jobs: int, seed: int) -> Classifier:
    return _estimator(engine, n_jobs, seed)


def _focal_weighted(engine: str, n_jobs: int, seed: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, scale_pos_weight="balanced")


def _estimator(engine: str, n_jobs: int, seed: int, **params: Any) -> Classifier:  # noqa: ANN401
    from gbimb import estimators

    classes: Mapping[str, Callable[..., Classifier]] = {
        "lightgbm": estimators.ImbalancedLGBMClassifier,
        "xgboost": estimators.ImbalancedXGBClassifier,
    }
    return classes[engine](pos_label=1, n_jobs=n_jobs, random_state=seed, **params)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                "logloss",
                "log loss",
                "The engine's own classifier with its own defaults, threshold 0.5.",
                _logloss,
            ),
            Method(
                BASELINE,
                "weighted log loss",
                "The same with scale_pos_weight = negatives / positives: the line to beat.",
                _weighted_logloss,
            ),
            Method(
                SAME_RECIPE,
                "log loss, tuned",
                "gbimb's estimator with loss='logistic': trees, early stopping on MCC and choice "
                "of threshold as for focal, so that only the loss differs.",
                _logloss_tuned,
            ),
            Method(
                MAIN,
                "focal",
                "gbimb's estimator as it is: focal loss, early stopping on MCC, chosen threshold.",
                _focal,
            ),
            Method(
                "focal-weighted",
                "focal, weighted",
                "The same with scale_pos_weight='balanced'.",
                _focal_weighted,
            ),
        )
    }
)
"""The methods by name, in the order of the reports."""
