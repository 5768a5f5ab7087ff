"""The methods that are compared, by name.

A new method is one row in ``METHODS``: a name, a label for tables, a sentence, and a function
that builds an unfitted classifier for one engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from gbimb.engines.registry import ENGINES
from gbimb.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

DEFAULT_FOLDS: Final = 3
"""With more, the built-in tables take more than four minutes on two cores."""

OWN_FOLDS: Final = 5
"""For the user's own table, where the interval is over folds."""

BASELINE: Final = "weighted-logloss"
"""Every other method is compared with it."""

MAIN: Final = "focal"
SAME_RECIPE: Final = "logloss-tuned"
"""The method that differs from ``MAIN`` only in the loss."""

HOLDOUT: Final = "holdout"
"""The method that differs from ``MAIN`` only in the rows that are held out."""

PORTFOLIO: Final = "portfolio"
"""The method that trains members of both engines."""

BAGS: Final = 10
COMMON_PER_RARE: Final = 10
"""The best of 1, 3 and 10 on the built-in tables, see ``benchmarks/README.md``."""


class Classifier(Protocol):
    """What a method builds; labels are 0 and 1, where 1 is the positive class, or 0 to K - 1.

    ``threshold_`` and ``best_iteration_`` are recorded if the fitted classifier has them.
    """

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels in the order of the columns of ``predict_proba``."""

    def fit(self, X: Any, y: Any) -> Any:
        """Train on a data frame and labels."""

    def predict(self, X: Any) -> NDArray[Any]:
        """Return labels."""

    def predict_proba(self, X: Any) -> NDArray[Any]:
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
    seconds : tuple of float
        What a fit takes on one thread with two classes, about: at least, and more for each million
        values; from the fits on the built-in tables in ``benchmarks/results``.
    fit_options : str or None
        With which ``gbimb fit`` trains it; None where it cannot.
    chooses_engines : bool
        Whether it uses engines of its own choice. It then runs once, and is compared with the
        baseline of the first engine.
    """

    name: str
    label: str
    description: str
    build: Callable[[str, int, int, int], Classifier]
    by_default: bool = True
    seconds: tuple[float, float] = (1.2, 2.8)
    fit_options: str | None = None
    chooses_engines: bool = False

    def expected_seconds(self, values: int, n_classes: int) -> float:
        """Return about how long a fit takes on so many rows times columns."""
        least, per_million = self.seconds
        return (least + per_million * values / 1e6) * n_classes / 2


def _plain(engine: str, n_jobs: int, seed: int, _: int, *, weighted: bool) -> Classifier:
    from gbimb.benchmark._plain import PlainClassifier

    return PlainClassifier(engine, weighted=weighted, n_jobs=n_jobs, seed=seed)


def _estimator(
    engine: str,
    n_jobs: int,
    seed: int,
    n_classes: int,
    **params: Any,
) -> Classifier:
    from gbimb import estimators

    classes: Mapping[str, Callable[..., Classifier]] = {
        "lightgbm": estimators.ImbalancedLGBMClassifier,
        "xgboost": estimators.ImbalancedXGBClassifier,
    }
    positive = 1 if n_classes == 2 else None
    return classes[engine](pos_label=positive, n_jobs=n_jobs, random_state=seed, **params)


def _portfolio(_: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    from gbimb.estimators import ImbalancedClassifier

    positive = 1 if n_classes == 2 else None
    return ImbalancedClassifier(pos_label=positive, n_jobs=n_jobs, random_state=seed)


def _bagging(engine: str, n_jobs: int, seed: int, n_classes: int) -> Classifier:
    from gbimb.estimators import UnderBaggingClassifier

    return UnderBaggingClassifier(
        _estimator(engine, n_jobs, seed, n_classes),
        BAGS,
        sampling_strategy=float(COMMON_PER_RARE),
        random_state=seed,
        n_jobs=n_jobs,
    )


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                "logloss",
                "log loss",
                "The engine's own classifier with its own defaults, threshold 0.5.",
                partial(_plain, weighted=False),
                seconds=(0.05, 0.6),
            ),
            Method(
                BASELINE,
                "weighted log loss",
                "The same with scale_pos_weight = negatives / positives, or with weights that give "
                "each of many classes the same total: the baseline.",
                partial(_plain, weighted=True),
                seconds=(0.05, 0.6),
            ),
            Method(
                SAME_RECIPE,
                "log loss, tuned",
                "gbimb's estimator with loss='logistic': trees, cross-fitting, early stopping on "
                "MCC and threshold as in focal, so that only the loss differs.",
                partial(_estimator, loss="logistic"),
                fit_options="--loss logistic",
            ),
            Method(
                MAIN,
                "focal",
                "gbimb's estimator with its defaults: focal loss, early stopping on MCC, a chosen "
                "threshold; cross-fitted in five folds unless the table is large (cv='auto').",
                _estimator,
                fit_options="--loss focal",
            ),
            Method(
                HOLDOUT,
                "focal, hold-out",
                "As focal, but with cv='holdout': one row in five is held out to stop training and "
                "set the threshold. The difference to focal is the gain from cross-fitting.",
                partial(_estimator, cv="holdout"),
                seconds=(0.25, 0.8),
                fit_options="--loss focal --validation holdout",
            ),
            Method(
                "focal-weighted",
                "focal, weighted",
                "As focal, with scale_pos_weight='balanced'. Runs only when it is named.",
                partial(_estimator, scale_pos_weight="balanced"),
                by_default=False,
            ),
            Method(
                "bagging",
                "focal, bagging",
                f"gbimb's UnderBaggingClassifier over the estimator of focal: {BAGS} bags, each "
                f"with {COMMON_PER_RARE} rows of a common class per row of the rarest.",
                _bagging,
                seconds=(1.5, 6.5),
            ),
            Method(
                PORTFOLIO,
                "ImbalancedClassifier",
                "gbimb's ImbalancedClassifier: members of both engines and a forest, cross-fitted, "
                "blended and recalibrated, with a threshold chosen for MCC.",
                _portfolio,
                seconds=(2.6, 6.8),
                fit_options="",
                chooses_engines=True,
            ),
            Method(
                "soft-mcc",
                "soft MCC",
                "As focal, with loss='soft_mcc': log loss until MCC on held-out rows stops rising, "
                "then a smooth MCC (for many classes R_K). Runs only when it is named.",
                partial(_estimator, loss="soft_mcc"),
                by_default=False,
                fit_options="--loss soft_mcc",
            ),
            *(
                Method(
                    name.replace("_", "-"),
                    name.replace("_", " "),
                    f"As focal, with loss={name!r}. Runs only when it is named.",
                    partial(_estimator, loss=name),
                    by_default=False,
                    fit_options=f"--loss {name}",
                )
                for name in LOSSES
                if name not in ("focal", "logistic", "soft_mcc")
            ),
        )
    }
)
"""The methods by name, in the order of the reports."""

DEFAULT_METHODS: Final = tuple(method for method in METHODS.values() if method.by_default)
"""Those that run when none is named; all would take over four minutes on built-in tables."""

QUICK_METHODS: Final = tuple(METHODS[name] for name in (BASELINE, MAIN, PORTFOLIO))
"""Those of ``gbimb benchmark --quick``."""


def method_label(method: str) -> str:
    """Return the name of a method in tables."""
    return METHODS[method].label if method in METHODS else method


def full_label(method: str, engine: str) -> str:
    """Return the name of a method in tables, with the engine unless it chooses its own."""
    own = method in METHODS and METHODS[method].chooses_engines
    return method_label(method) if own else f"{method_label(method)} ({ENGINES[engine]})"


def with_engine(method: str, engine: str) -> str:
    """Return the name that is typed, with the engine unless the method chooses its own."""
    own = method in METHODS and METHODS[method].chooses_engines
    return method if own else f"{method} with {ENGINES[engine]}"
