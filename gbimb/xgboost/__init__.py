"""gbimb's losses and metrics in XGBoost: for your own training code, and for the estimators.

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

from gbimb.xgboost._boosters import (
    LISTENS,
    MODELS_ARE_BYTES,
    RANDOM_BY_TREE,
    SAMPLE_ROWS,
    SMALL_SHARE,
    Bins,
    EngineError,
    StreamedBins,
    check_resumable,
    feature_gains,
    fit_plain_classifier,
    prepare_thread,
    raw_score,
    training_bytes,
)
from gbimb.xgboost._collective import Tracker, all_reduce, joined
from gbimb.xgboost._member import Member
from gbimb.xgboost._models import merge
from gbimb.xgboost._native import (
    MONOTONE_FORMS,
    EarlyStopping,
    Objective,
    base_score,
    check_booster_parameters,
    custom_metric,
    early_stopping,
    objective,
    synonyms,
)

__all__ = [
    "LISTENS",
    "MODELS_ARE_BYTES",
    "MONOTONE_FORMS",
    "RANDOM_BY_TREE",
    "SAMPLE_ROWS",
    "SMALL_SHARE",
    "Bins",
    "EarlyStopping",
    "EngineError",
    "Member",
    "Objective",
    "StreamedBins",
    "Tracker",
    "all_reduce",
    "base_score",
    "check_booster_parameters",
    "check_resumable",
    "custom_metric",
    "early_stopping",
    "feature_gains",
    "fit_plain_classifier",
    "joined",
    "merge",
    "objective",
    "prepare_thread",
    "raw_score",
    "synonyms",
    "training_bytes",
]
