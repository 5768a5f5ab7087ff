"""gbimb's losses and metrics in XGBoost, for your own training code.

::

    loss = gbimb.FocalLoss(gamma=2.0)
    booster = xgb.train(
        {
            "objective": "binary:logistic",
            "base_score": gbimb.xgboost.base_score(loss, y_train),
            "disable_default_eval_metric": 1,
        },
        dtrain,
        num_boost_round=1000,
        evals=[(dvalid, "valid")],
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(["mcc", "f1"], loss),
        callbacks=[gbimb.xgboost.early_stopping(50, metric="mcc")],
    )
    proba = loss.probability(booster.predict(dtest, output_margin=True))
"""

from __future__ import annotations

from gbimb.engines.xgboost.native import (
    base_score,
    check_booster_parameters,
    custom_metric,
    early_stopping,
    objective,
)

__all__ = [
    "base_score",
    "check_booster_parameters",
    "custom_metric",
    "early_stopping",
    "objective",
]
