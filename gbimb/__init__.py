"""Gradient boosting for imbalanced classes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gbimb.version import __version__

if TYPE_CHECKING:
    from gbimb import (
        benchmark,
        dask,
        datasets,
        exceptions,
        lightgbm,
        losses,
        metrics,
        plots,
        report,
        thresholds,
        xgboost,
    )
    from gbimb.decisions.prevalence import PrevalenceEstimate, estimate_prevalence
    from gbimb.decisions.prior import correct_prior
    from gbimb.estimators import (
        AutoImbalancedClassifier,
        ImbalancedClassifier,
        ImbalancedLGBMClassifier,
        ImbalancedXGBClassifier,
        UnderBaggingClassifier,
        load,
    )
    from gbimb.exceptions import GbimbError, GbimbWarning
    from gbimb.losses import (
        FocalLoss,
        LogisticLoss,
        SoftFBetaLoss,
        SoftmaxFocalLoss,
        SoftmaxLoss,
        SoftMCCLoss,
    )
    from gbimb.tables.parquet.source import ParquetSource

__all__ = [
    "AutoImbalancedClassifier",
    "FocalLoss",
    "GbimbError",
    "GbimbWarning",
    "ImbalancedClassifier",
    "ImbalancedLGBMClassifier",
    "ImbalancedXGBClassifier",
    "LogisticLoss",
    "ParquetSource",
    "PrevalenceEstimate",
    "SoftFBetaLoss",
    "SoftMCCLoss",
    "SoftmaxFocalLoss",
    "SoftmaxLoss",
    "UnderBaggingClassifier",
    "__version__",
    "benchmark",
    "correct_prior",
    "dask",
    "datasets",
    "estimate_prevalence",
    "exceptions",
    "lightgbm",
    "load",
    "losses",
    "metrics",
    "plots",
    "report",
    "thresholds",
    "xgboost",
]

# Names are imported when first used, so that `import gbimb` loads no engine.
_HOME = {
    "AutoImbalancedClassifier": "gbimb.estimators",
    "FocalLoss": "gbimb.losses",
    "GbimbError": "gbimb.exceptions",
    "GbimbWarning": "gbimb.exceptions",
    "ImbalancedClassifier": "gbimb.estimators",
    "ImbalancedLGBMClassifier": "gbimb.estimators",
    "ImbalancedXGBClassifier": "gbimb.estimators",
    "LogisticLoss": "gbimb.losses",
    "ParquetSource": "gbimb.tables.parquet.source",
    "PrevalenceEstimate": "gbimb.decisions.prevalence",
    "SoftFBetaLoss": "gbimb.losses",
    "SoftMCCLoss": "gbimb.losses",
    "SoftmaxFocalLoss": "gbimb.losses",
    "SoftmaxLoss": "gbimb.losses",
    "SoftmaxMCCLoss": "gbimb.losses",
    "UnderBaggingClassifier": "gbimb.estimators",
    "correct_prior": "gbimb.decisions.prior",
    "estimate_prevalence": "gbimb.decisions.prevalence",
    "load": "gbimb.estimators",
}


def __getattr__(name: str) -> Any:  # a module attribute can be anything
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in __all__:
        return import_module(f"gbimb.{name}")
    msg = f"module 'gbimb' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
