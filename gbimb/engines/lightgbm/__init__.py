"""LightGBM as gbimb uses it: bins, boosters in training, models, parameters."""

from __future__ import annotations

from gbimb.engines.lightgbm.about import NAME
from gbimb.engines.lightgbm.boosters import (
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
from gbimb.engines.lightgbm.member import Member
from gbimb.engines.lightgbm.model_file import SUFFIX, dump, load, version
from gbimb.engines.lightgbm.models import feature_gains, fit_plain_classifier, merge, raw_score
from gbimb.engines.lightgbm.native import (
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
from gbimb.engines.lightgbm.network import forget_network, network_params, ports_of
from gbimb.engines.lightgbm.parameters import (
    MANY_CLASSES,
    SMALL_MEMBERS,
    size_is_open,
    tree_params,
)
from gbimb.engines.lightgbm.trees import GrownTree, forest_text, from_text, trees

DROPS_ZEROS = False

__all__ = [
    "DROPS_ZEROS",
    "IGNORED_PARAMETERS",
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
    "EngineError",
    "GrownTree",
    "Member",
    "Objective",
    "StreamedBins",
    "bake_start",
    "check_linear",
    "check_parameters",
    "check_resumable",
    "dump",
    "feature_gains",
    "feval",
    "fit_plain_classifier",
    "forest_text",
    "forget_network",
    "from_text",
    "load",
    "merge",
    "network_params",
    "objective",
    "ports_of",
    "prepare_thread",
    "raw_score",
    "set_start",
    "size_is_open",
    "synonyms",
    "training_bytes",
    "tree_params",
    "trees",
    "version",
]
