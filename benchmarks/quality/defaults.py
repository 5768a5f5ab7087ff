"""The evidence for the defaults: ``python -m benchmarks.quality.defaults --data FOLDER``.

The three estimators with no argument, and with one changed at a time, under the protocol of the
comparison. Results go to results/defaults and, with ``--report``, to the page DEFAULTS.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.interpreters import OURS
from benchmarks.quality.methods import QualityMethod
from benchmarks.quality.pages import comparison_table, failure_table, write_between_markers
from benchmarks.quality.run import RESULTS, command
from benchmarks.quality.statistics import read_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OUT: Final = RESULTS / "defaults"
PAGE: Final = Path(__file__).parent / "DEFAULTS.md"
ESTIMATORS: Final = {
    "lgbm": ("ImbalancedLGBMClassifier", ("lightgbm",)),
    "xgb": ("ImbalancedXGBClassifier", ("xgboost",)),
    "bagging": ("UnderBaggingClassifier", ("lightgbm",)),
}

SHARED: Final[dict[str, Sequence[Any]]] = {
    "loss": ("logistic",),
    "gamma": (0.5, 1.0, 3.0),
    "alpha": (0.75,),
    "scale_pos_weight": ("balanced",),
    "learning_rate": (0.02, 0.1),
    "calibration": ("isotonic",),
    "subsample": (0.6, 1.0),
    "colsample_bytree": (0.3, 0.8),
    "reg_alpha": (1.0,),
    "reg_lambda": (0.0, 3.0, 10.0),
    "min_child_weight": (0.1, 1.0),
    "cv": (3, 10, "holdout"),
    "early_stopping_rounds": (20, 30, 50, 100),
    "threshold": (0.5,),
}
"""Values tried besides the default of parameters that both boosting estimators have."""

VARIED: Final[Mapping[str, Mapping[str, Sequence[Any]]]] = {
    "lgbm": SHARED
    | {
        "num_leaves": (8, 15, 63),
        "min_child_samples": (5, 50),
        "engine_params": ({"extra_trees": True}, {"cat_smooth": 50}, {"path_smooth": 1.0}),
    },
    "xgb": SHARED
    | {
        "max_depth": (3, 6),
        "engine_params": ({"grow_policy": "lossguide"}, {"colsample_bynode": 0.5}),
    },
    "bagging": {
        "n_estimators": (5, 20),
        "sampling_strategy": (1.0, 3.0, 10.0),
        "replacement": (True,),
        "sampling": ("self_paced",),
        "threshold": (0.5,),
    },
}

# Variations of more than one argument, or with another estimator inside.
TOGETHER: Final[Mapping[str, Mapping[str, dict[str, Any]]]] = {
    name: {"stop on log loss": {"eval_metric": ["log_loss"], "threshold": "mcc"},
           "stop on PR-AUC": {"eval_metric": ["average_precision"], "threshold": "mcc"}}
    for name in ("lgbm", "xgb")
}  # fmt: skip
INNER: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "XGBoost inside": ("ImbalancedXGBClassifier", {}),
    "logistic inside": ("ImbalancedLGBMClassifier", {"loss": "logistic"}),
    "31 leaves inside": ("ImbalancedLGBMClassifier", {"num_leaves": 31}),
}


def variations() -> dict[str, QualityMethod]:
    """Return the default of each estimator and its variations, by name."""
    found = []
    for short, (estimator, packages) in ESTIMATORS.items():
        changes: dict[str, dict[str, Any]] = {short: {}}
        for parameter, values in VARIED[short].items():
            changes |= {f"{short}:{parameter}={_text(v)}": {parameter: v} for v in values}
        changes |= {f"{short}:{name}": params for name, params in TOGETHER.get(short, {}).items()}
        found += [
            QualityMethod(
                name, name, "ours.estimator", OURS, packages, {"name": estimator, **params}
            )
            for name, params in changes.items()
        ]
    found += [
        QualityMethod(f"bagging:{name}", name, "ours.bagging", OURS, ("lightgbm", "xgboost"),
               {"inner": inner, "params": params})
        for name, (inner, params) in INNER.items()
    ]  # fmt: skip
    return {method.name: method for method in found}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={each}" for key, each in value.items())
    return str(value)


def report(results: Path, page: Path = PAGE) -> None:
    """Write a table for each estimator, two classes and more apart."""
    frame = read_results(results)
    parts = []
    for short, (estimator, _) in ESTIMATORS.items():
        of_it = frame[frame["method"].str.partition(":")[0] == short]
        for title, rows in (
            ("two classes", of_it[of_it["classes"] == 2]),
            ("more than two classes", of_it[of_it["classes"] > 2]),
        ):
            if not rows.empty:
                table = comparison_table(rows, short, _without_prefix)
                parts.append(
                    f"## {estimator}, {title}\n\n{rows['table'].nunique()} tables.\n\n{table}"
                )
    failed = failure_table(frame, str)
    write_between_markers(page, "defaults", "\n\n".join([*parts, failed]).rstrip())


def _without_prefix(name: str) -> str:
    return name.partition(":")[2] or "the defaults"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and report; 2 if the command line is wrong."""
    return command("defaults", __doc__ or "", variations(), OUT, arguments, report=report)


if __name__ == "__main__":
    sys.exit(main())
