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

HOLDOUT: Final = "holdout"
"""The method that differs from ``MAIN`` in nothing but the rows that are held out."""

BAGS: Final = 10
COMMON_PER_RARE: Final = 10
"""Of 1, 3 and 10 the best on the built-in tables, see ``benchmarks/README.md``."""


class Classifier(Protocol):
    """What a method builds. Labels are 0 and 1, where 1 is the positive class, or 0 to K - 1.

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
        """Return probabilities of the classes."""


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
        ``(engine, n_jobs, seed, number of classes) -> unfitted classifier``.
    by_default : bool
        Whether it runs when no methods are named.
    """

    name: str
    label: str
    description: str
    build: Callable[[str, int, int, int], Classifier]
    by_default: bool = True


def _logloss(engine: str, n_jobs: int, seed: int, _: int) -> Classifier:
    from gbimb.benchmark._plain import PlainClassifier

    return PlainClassifier(engine, weighted=False, n_jobs=n_jobs, seed=seed)


def _weighted_logloss(engine: str, n_jobs: int, seed: int, _: int) -> Classifier:
    from gbimb.benchmark._plain import PlainClassifier

    return PlainClassifier(engine, weighted=True, n_jobs=n_jobs, seed=seed)


def _logloss_tuned(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, n_classes, loss="logistic")


def _focal(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, n_classes)


def _soft_mcc(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, n_classes, loss="soft_mcc")


def _holdout(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, n_classes, cv="holdout")


def _focal_weighted(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    return _estimator(engine, n_jobs, seed, n_classes, scale_pos_weight="balanced")


def _bagging(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    from gbimb.estimators import UnderBaggingClassifier

    bags: Classifier = UnderBaggingClassifier(
        _estimator(engine, n_jobs, seed, n_classes),
        BAGS,
        sampling_strategy=float(COMMON_PER_RARE),
        random_state=seed,
        n_jobs=n_jobs,
    )
    return bags


def _estimator(
    engine: str,
    n_jobs: int,
    seed: int,
    n_classes: int,
    **params: Any,  # noqa: ANN401
) -> Classifier:
    from gbimb import estimators

    classes: Mapping[str, Callable[..., Classifier]] = {
        "lightgbm": estimators.ImbalancedLGBMClassifier,
        "xgboost": estimators.ImbalancedXGBClassifier,
    }
    positive = 1 if n_classes == 2 else None
    return classes[engine](pos_label=positive, n_jobs=n_jobs, random_state=seed, **params)


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
                "The same with scale_pos_weight = negatives / positives, or with weights that give "
                "each of many classes the same total: the line to beat.",
                _weighted_logloss,
            ),
            Method(
                SAME_RECIPE,
                "log loss, tuned",
                "gbimb's estimator with loss='logistic': trees, cross-fitting, early stopping on "
                "MCC and choice of threshold as for focal, so that only the loss differs.",
                _logloss_tuned,
            ),
            Method(
                MAIN,
                "focal",
                "gbimb's estimator as it is: focal loss, early stopping on MCC, chosen threshold; "
                "cross-fitted in five folds unless the table is large (see cv='auto').",
                _focal,
            ),
            Method(
                HOLDOUT,
                "focal, hold-out",
                "As focal, but with cv='holdout': one row in five stops training and sets the "
                "threshold. What focal has over it is what cross-fitting brings.",
                _holdout,
            ),
            Method(
                "focal-weighted",
                "focal, weighted",
                "As focal, cross-fitted too, with scale_pos_weight='balanced'.",
                _focal_weighted,
            ),
            Method(
                "bagging",
                "focal, bagging",
                f"gbimb's UnderBaggingClassifier over the estimator of focal: {BAGS} bags, each "
                f"with {COMMON_PER_RARE} rows of a common class per row of the rarest.",
                _bagging,
            ),
            Method(
                "soft-mcc",
                "soft MCC",
                "As focal, with loss='soft_mcc': log loss until MCC on held-out rows no longer "
                "rises, then a smooth MCC (of many classes R_K). Runs when it is named.",
                _soft_mcc,
                by_default=False,
            ),
        )
    }
)
"""The methods by name, in the order of the reports."""

DEFAULT_METHODS: Final = tuple(method for method in METHODS.values() if method.by_default)
"""Those that run when none is named: with all, the built-in tables take over four minutes."""
