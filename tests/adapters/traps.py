"""What the tests of traps share: a loss, two estimators, quick fits."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
import xgboost as xgb

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from tests.adapters.tables import XGB, Rows

Classifier: TypeAlias = type[gbimb.ImbalancedLGBMClassifier | gbimb.ImbalancedXGBClassifier]
Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

FOCAL = gbimb.FocalLoss(gamma=2.0)
ESTIMATORS = [gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier]
both_estimators = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["lgbm", "xgb"])


def fit(estimator: Classifier, table: Rows, **parameters: object) -> Any:  # either estimator
    """A quick fit; the traps are about what is done, not about how well."""
    small = {
        "n_estimators": 40,
        "learning_rate": 0.1,
        "subsample": 1.0,
        "cv": 2,
        "random_state": 0,
        "n_jobs": 1,
    }
    return estimator(**{**small, **parameters}).fit(table.X, table.y)


def xgb_watched(
    table: Rows,
    fresh: Rows,
    callback: xgb.callback.TrainingCallback,
    metrics: list[str],
    **options: object,
) -> tuple[xgb.Booster, dict[str, Any]]:
    history: dict[str, Any] = {}
    booster = xgb.train(
        {**XGB, "base_score": gbimb.xgboost.base_score(FOCAL, table.y), **options},
        xgb.DMatrix(table.X, table.y),
        60,
        evals=[(xgb.DMatrix(fresh.X, fresh.y), "valid")],
        obj=gbimb.xgboost.objective(FOCAL),
        custom_metric=gbimb.xgboost.custom_metric(metrics, FOCAL),
        callbacks=[callback],
        evals_result=history,
        verbose_eval=False,
    )
    return booster, history["valid"]
