"""XGBoost as gbimb uses it: bins, boosters in training, models, parameters."""

from __future__ import annotations

from gbimb.engines.xgboost.about import NAME
from gbimb.engines.xgboost.boosters import (
    LISTENS,
    MODELS_ARE_BYTES,
    RANDOM_BY_TREE,
    SAMPLE_ROWS,
    Bins,
    EngineError,
    StreamedBins,
    check_resumable,
    prepare_thread,
    training_bytes,
)
from gbimb.engines.xgboost.collective import Tracker, all_reduce, joined
from gbimb.engines.xgboost.member import Member
from gbimb.engines.xgboost.model_file import SUFFIX, dump, load, version
from gbimb.engines.xgboost.models import feature_gains, fit_plain_classifier, merge, raw_score
from gbimb.engines.xgboost.native import (
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
from gbimb.engines.xgboost.parameters import (
    MANY_CLASSES,
    SMALL_MEMBERS,
    size_is_open,
    tree_params,
)
from gbimb.engines.xgboost.trees import trees

DROPS_ZEROS = True

__all__ = [
    "DROPS_ZEROS",
    "LISTENS",
    "MANY_CLASSES",
    "MODELS_ARE_BYTES",
    "MONOTONE_FORMS",
    "NAME",
    "RANDOM_BY_TREE",
    "SAMPLE_ROWS",
    "SMALL_MEMBERS",
    "SUFFIX",
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
    "dump",
    "early_stopping",
    "feature_gains",
    "fit_plain_classifier",
    "joined",
    "load",
    "merge",
    "objective",
    "prepare_thread",
    "raw_score",
    "size_is_open",
    "synonyms",
    "training_bytes",
    "tree_params",
    "trees",
    "version",
]
