"""scikit-learn estimators for imbalanced classes."""

from __future__ import annotations

from gbimb.estimators._bagging import UnderBaggingClassifier
from gbimb.estimators._fitted import check_is_fitted
from gbimb.estimators._lgbm import ImbalancedLGBMClassifier
from gbimb.estimators._xgb import ImbalancedXGBClassifier

__all__ = [
    "ImbalancedLGBMClassifier",
    "ImbalancedXGBClassifier",
    "UnderBaggingClassifier",
    "check_is_fitted",
]
