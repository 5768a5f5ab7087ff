"""The methods that are compared. A new one is a function in ``rivals/`` and a row here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.interpreters import OURS, package_version
from gbimb.benchmark.records import code_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

RIVALS: Final = Path(__file__).parent / "rivals"
AUTOML_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class QualityMethod:
    """One row of the comparison.

    Attributes
    ----------
    name : str
        After ``--methods``.
    label : str
        In tables.
    builder : str
        ``module.function`` in ``rivals/``.
    environment : str
        Where it runs: a list of versions in ``environments/``, or ``"gbimb"``.
    packages : tuple of str
        Those whose versions its results depend on.
    params : dict
        Passed to the function; what JSON can hold.
    binary_only : bool
        Whether it is for two classes only.
    """

    name: str
    label: str
    builder: str
    environment: str
    packages: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    binary_only: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it is an estimator of gbimb."""
        return self.environment == OURS

    @property
    def module(self) -> str:
        """The module with the function."""
        return self.builder.partition(".")[0]

    @property
    def function(self) -> str:
        """The name of the function in it."""
        return self.builder.partition(".")[2]

    def versions(self) -> dict[str, str]:
        """Return the versions that its results depend on."""
        return {name: package_version(self.environment, name) for name in self.packages}

    def code(self) -> str:
        """Return a hash of the code its results depend on: all of gbimb for gbimb's own."""
        return code_fingerprint() if self.is_ours else _hash_of(self.module)


@cache
def _hash_of(module: str) -> str:
    files = (RIVALS / f"{module}.py", RIVALS / "preparation.py")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _rival(
    name: str, label: str, builder: str, *packages: str, binary_only: bool = False
) -> QualityMethod:
    return QualityMethod(name, label, builder, "rivals", packages, {}, binary_only)


def _ours(name: str, label: str, estimator: str, *engines: str, **params: object) -> QualityMethod:
    settings = {"name": estimator, **params}
    return QualityMethod(name, label, "ours.estimator", OURS, engines, settings)


def _automl(
    name: str,
    label: str,
    builder: str,
    package: str,
    seconds: int = AUTOML_SECONDS,
    **params: object,
) -> QualityMethod:
    params["seconds"] = seconds
    return QualityMethod(
        name, label, builder, builder.split("_", maxsplit=1)[0], (package,), params
    )


BASELINE: Final = "lightgbm_weighted"
PLAIN: Final = "lightgbm"

_LIGHTGBM: Final = ("lightgbm", "scikit-learn")
_IMBLEARN: Final = (*_LIGHTGBM, "imbalanced-learn")

METHODS: Final[Mapping[str, QualityMethod]] = MappingProxyType({
    method.name: method
    for method in (
        _ours("gbimb", "gbimb, ImbalancedClassifier", "ImbalancedClassifier", "lightgbm",
              "xgboost"),
        _ours("gbimb_lgbm", "gbimb, LightGBM", "ImbalancedLGBMClassifier", "lightgbm"),
        _ours("gbimb_auto", "gbimb, automatic, 60 s", "AutoImbalancedClassifier", "lightgbm",
              "xgboost", time_budget=AUTOML_SECONDS),
        _ours("gbimb_lgbm_f1", "gbimb, LightGBM, for F1", "ImbalancedLGBMClassifier", "lightgbm",
              eval_metric="f1"),
        _ours("gbimb_xgb", "gbimb, XGBoost", "ImbalancedXGBClassifier", "xgboost"),
        _ours("gbimb_bagging", "gbimb, bagging", "UnderBaggingClassifier", "lightgbm"),
        _rival(PLAIN, "LightGBM", "boosting.lightgbm_plain", *_LIGHTGBM),
        _rival(BASELINE, "LightGBM, weighted (baseline)", "boosting.lightgbm_weighted", *_LIGHTGBM),
        _rival("xgboost_weighted", "XGBoost, weighted", "boosting.xgboost_weighted", "xgboost-cpu"),
        _rival("lightgbm_codes", "LightGBM, weighted, categories as numbers",
               "coded.lightgbm_weighted", *_LIGHTGBM),
        _rival("xgboost_codes", "XGBoost, weighted, categories as numbers",
               "coded.xgboost_weighted", "xgboost-cpu"),
        _rival("lightgbm_tuned_threshold", "LightGBM, TunedThresholdClassifierCV",
               "boosting.lightgbm_tuned_threshold", *_LIGHTGBM, binary_only=True),
        QualityMethod("lightgbm_tuned_f1", "LightGBM, TunedThresholdClassifierCV for F1",
               "thresholds.lightgbm_tuned_for", "rivals", _LIGHTGBM,
               {"scoring": "f1"}, binary_only=True),
        _rival("lightgbm_one_percent", "LightGBM on 1 % of each class",
               "boosting.lightgbm_one_percent", *_LIGHTGBM),
        _rival("random_undersampling", "undersampling, LightGBM",
               "resampling.random_undersampling", *_IMBLEARN),
        _rival("random_oversampling", "oversampling, LightGBM",
               "resampling.random_oversampling", *_IMBLEARN),
        _rival("smote", "SMOTE, LightGBM", "resampling.smote", *_IMBLEARN),
        _rival("balanced_bagging", "BalancedBagging, LightGBM",
               "resampling.balanced_bagging", *_IMBLEARN),
        _rival("balanced_forest", "BalancedRandomForest",
               "resampling.balanced_forest", *_IMBLEARN),
        _rival("easy_ensemble", "EasyEnsemble", "resampling.easy_ensemble", *_IMBLEARN),
        _rival("isolation_forest", "isolation forest, tuned threshold",
               "anomaly.isolation_forest", "scikit-learn", binary_only=True),
        _rival("imlightgbm_focal", "imlightgbm, focal", "imlightgbm_models.focal",
               "imlightgbm", "lightgbm"),
        QualityMethod("self_paced_lightgbm", "imbens self-paced, LightGBM",
               "imbens_models.self_paced_lightgbm", "imbens", ("imbalanced-ensemble", "lightgbm")),
        QualityMethod("self_paced_trees", "imbens self-paced, trees",
               "imbens_models.self_paced_trees", "imbens", ("imbalanced-ensemble",)),
        _rival("catboost_balanced", "CatBoost, balanced", "catboost_models.balanced", "catboost"),
        _rival("catboost_focal", "CatBoost, Focal", "catboost_models.focal", "catboost",
               binary_only=True),
        QualityMethod("catboost_cross_fitted", "CatBoost, cross-fitted, gbimb's threshold",
               "catboost_cross_fitted.log_loss", "cross_fitted", ("catboost",), binary_only=True),
        _automl("flaml_mcc", "FLAML, MCC, 60 s", "flaml_models.mcc", "FLAML"),
        _automl("autogluon_medium", "AutoGluon medium, 60 s", "autogluon_models.predictor",
                "autogluon.tabular", presets="medium_quality"),
        _automl("autogluon_good", "AutoGluon good, 60 s", "autogluon_models.predictor",
                "autogluon.tabular", presets="good_quality"),
        _automl("autogluon_best", "AutoGluon best, log loss, threshold for MCC, 60 s",
                "autogluon_models.predictor", "autogluon.tabular", presets="best_quality",
                eval_metric="log_loss"),
        _automl("autogluon_best_600", "AutoGluon best, log loss, threshold for MCC, 600 s",
                "autogluon_models.predictor", "autogluon.tabular", seconds=600,
                presets="best_quality", eval_metric="log_loss"),
    )
})  # fmt: skip
"""The methods by name, in the order in which they run: cheap rivals before expensive ones."""
