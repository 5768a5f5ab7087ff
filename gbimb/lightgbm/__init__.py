"""gbimb's losses and metrics in LightGBM: for your own training code, and for the estimators.

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

from gbimb.lightgbm._boosters import (
    LISTENS,
    MODELS_ARE_BYTES,
    RANDOM_BY_TREE,
    SAMPLE_ROWS,
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
from gbimb.lightgbm._forest import GrownTree, forest_text, from_text
from gbimb.lightgbm._member import Member
from gbimb.lightgbm._models import merge
from gbimb.lightgbm._native import (
    IGNORED_PARAMETERS,
    MONOTONE_FORMS,
    Objective,
    bake_start,
    check_linear,
    check_parameters,
    feval,
    objective,
    set_start,
    synonyms,
)
from gbimb.lightgbm._network import forget_network, network_params

__all__ = [
    "IGNORED_PARAMETERS",
    "LISTENS",
    "MODELS_ARE_BYTES",
    "MONOTONE_FORMS",
    "RANDOM_BY_TREE",
    "SAMPLE_ROWS",
    "Bins",
    "EngineError",
    "GrownTree",
    "Member",
    "Objective",
    "StreamedBins",
    "bake_start",
    "check_linear",
    "check_parameters",
    "check_resumable",
    "feature_gains",
    "feval",
    "fit_plain_classifier",
    "forest_text",
    "forget_network",
    "from_text",
    "merge",
    "network_params",
    "objective",
    "prepare_thread",
    "raw_score",
    "set_start",
    "synonyms",
    "training_bytes",
]
