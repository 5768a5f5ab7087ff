"""gbimb's losses and metrics in LightGBM, for your own training code.

::

    loss = gbimb.FocalLoss(gamma=2.0)
    start = gbimb.lightgbm.set_start(loss, train_set, valid_set)
    booster = lgb.train(
        {"objective": gbimb.lightgbm.objective(loss), "metric": "None"},
        train_set,
        valid_sets=[valid_set],
        feval=gbimb.lightgbm.feval(["mcc", "f1"], loss),
        callbacks=[lgb.early_stopping(50, first_metric_only=True)],
    )
    gbimb.lightgbm.bake_start(booster, start)
    proba = loss.probability(booster.predict(X, raw_score=True))
"""

from __future__ import annotations

from gbimb.engines.lightgbm.native import (
    bake_start,
    check_parameters,
    feval,
    objective,
    set_start,
)

__all__ = [
    "bake_start",
    "check_parameters",
    "feval",
    "objective",
    "set_start",
]
