"""scikit-learn estimators for imbalanced classes."""

from __future__ import annotations

from gbimb.estimators.bagging import UnderBaggingClassifier
from gbimb.estimators.blends.auto import AutoImbalancedClassifier
from gbimb.estimators.blends.portfolio import ImbalancedClassifier
from gbimb.estimators.fitted import check_is_fitted
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.loading import load
from gbimb.estimators.xgb import ImbalancedXGBClassifier

__all__ = [
    "AutoImbalancedClassifier",
    "ImbalancedClassifier",
    "ImbalancedLGBMClassifier",
    "ImbalancedXGBClassifier",
    "UnderBaggingClassifier",
    "check_is_fitted",
    "load",
]
