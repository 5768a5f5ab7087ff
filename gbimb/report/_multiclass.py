"""The numbers of a report on more than two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.metrics import (
    MulticlassCounts,
    average_precision,
    macro_f1_score,
    macro_recall_score,
    precision_score,
    recall_score,
    rk_score,
    threshold_curve,
)
from gbimb.plots import ReliabilityDisplay
from gbimb.plots.draws import draw_matrices
from gbimb.plots.statistics import (
    QUANTILES,
    bins_of_correction,
    widen_to_include,
)
from gbimb.report import _checks as checks
from gbimb.report._checks import Check
from gbimb.report._model import training_display
from gbimb.report._verdict import CHANCE, WIDEST, many_verdict, relative_error, spread_of_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import BoolArray, FloatArray
    from gbimb.plots import Display
    from gbimb.report._rows import EvaluatedRows

SCORES: Final = {
    "mcc": ("R_K (multi-class MCC)", rk_score),
    "f1": ("macro F1", macro_f1_score),
    "balanced_accuracy": ("mean recall", macro_recall_score),
}
CONFUSIONS_SHOWN: Final = 15
CURVES_SHOWN: Final = 12
CURVE_POINTS: Final = 200
SMALLEST: Final = 1e-15


def many_facts(
    model: dict[str, Any],
    rows: EvaluatedRows,
    more_checks: Sequence[Check],
) -> tuple[dict[str, Any], dict[str, Display], pd.DataFrame]:
    """Return the numbers, their pictures, and the table of classes, for a described model."""
    weight = np.ones(rows.codes.size) if rows.weight is None else rows.weight
    k = len(rows.names)
    matrix = MulticlassCounts.from_labels(rows.codes, rows.predicted, k, weight).matrix
    bins = _reliability(rows)
    displays: dict[str, Display] = {
        "reliability": ReliabilityDisplay(bins=bins),
        **training_display(model),
    }
    table = _classes(rows, matrix, weight)
    facts: dict[str, Any] = {
        "kind": "many classes",
        "names": rows.names,
        "rows": int(rows.codes.size),
        "weighted": rows.weight is not None,
        "right": float(np.trace(matrix) / matrix.sum()),
        "class_weights": dict(zip(rows.names, model["class_weights"], strict=True)),
        "scores": _scores(rows, weight, matrix),
        "classes": table.to_dict("records"),
        "matrix": matrix,
        "class_curves": _curves(rows, weight),
        "confusions": _confusions(matrix, rows.names),
        "reliability": bins.to_dict("records"),
    }
    off = checks.off_by_more_than_chance(*table[["expected", "rows", "spread"]].to_numpy().T)
    errors = [relative_error(rows.codes == i, weight, rows.groups) for i in range(k)]
    sure = CHANCE * np.array(errors) <= WIDEST
    facts["checks"] = checks.in_order(
        [
            checks.last_round(model),
            *more_checks,
            *_checks(rows, table, facts["scores"][0], off, sure),
        ]
    )
    named = np.array(rows.names, object)
    unsure = ~sure & (table["rows"].to_numpy() > 0)
    facts["verdict"] = many_verdict(facts, named[off].tolist(), named[unsure].tolist())
    return facts, displays, table


def _scores(rows: EvaluatedRows, weight: FloatArray, matrix: FloatArray) -> list[dict[str, Any]]:
    matrices = draw_matrices(rows.codes, rows.predicted, len(matrix), rows.weight, rows.groups)
    drawn = [MulticlassCounts(m) for m in matrices]
    found: list[dict[str, Any]] = []
    for name, (label, score) in SCORES.items():
        value = score(MulticlassCounts(matrix))
        low, high = widen_to_include(
            np.array(value), np.quantile([score(m) for m in drawn], QUANTILES)
        )
        ends = {"low": float(low), "high": float(high)}
        found.append({"name": name, "label": label, "value": value, **ends})
    own = rows.proba[np.arange(rows.codes.size), rows.codes]
    loss = float(np.average(-np.log(np.maximum(own, SMALLEST)), weights=weight))
    whole = {"name": "log_loss", "label": "log loss", "value": loss, "low": None, "high": None}
    return [*found, whole]


def _reliability(rows: EvaluatedRows) -> pd.DataFrame:
    """Return the bins of all classes together, each against the rest."""
    k = len(rows.names)
    hits = (rows.codes[:, None] == np.arange(k)).astype(np.uint8).ravel()
    weight = None if rows.weight is None else np.repeat(rows.weight, k)
    return bins_of_correction(hits, rows.uncorrected.ravel(), rows.proba.ravel(), weight)


def _classes(rows: EvaluatedRows, matrix: FloatArray, weight: FloatArray) -> pd.DataFrame:
    hits, true, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def share(part: FloatArray, whole: FloatArray) -> FloatArray:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    areas = [
        average_precision(threshold_curve((rows.codes == i).astype(np.uint8), p, weight))
        for i, p in enumerate(rows.proba.T)
    ]
    present = true > 0
    return pd.DataFrame(
        {
            "class": rows.names,
            "rows": true,
            "predicted": predicted,
            "hits": hits,
            "precision": share(hits, predicted),
            "recall": np.where(present, share(hits, true), np.nan),
            "f1": np.where(present, share(2 * hits, true + predicted), np.nan),
            "average_precision": np.where(present, areas, np.nan),
            "expected": rows.proba.T @ weight,
            "spread": [
                spread_of_found(rows.codes == i, p, weight, rows.groups)
                for i, p in enumerate(rows.proba.T)
            ],
        }
    )


def _curves(rows: EvaluatedRows, weight: FloatArray) -> list[dict[str, Any]]:
    """Return precision and recall of classes with rows, the rarest first, at some thresholds."""
    totals = np.bincount(rows.codes, weight, len(rows.names))
    found: list[dict[str, Any]] = []
    for code in np.argsort(totals, kind="stable"):
        if totals[code] == 0 or len(found) == CURVES_SHOWN:
            continue
        y = (rows.codes == code).astype(np.uint8)
        curve = threshold_curve(y, rows.proba[:, code], weight)
        size = curve.scores.size
        at = np.unique(np.linspace(0, size - 1, min(size, CURVE_POINTS)).astype(np.intp))
        some = curve.counts.at(at)
        found.append(
            {
                "name": rows.names[code],
                "average_precision": average_precision(curve),
                "recall": recall_score(some),
                "precision": precision_score(some),
            }
        )
    return found


def _confusions(matrix: FloatArray, names: list[str]) -> list[dict[str, Any]]:
    """Return the most common mistakes."""
    wrong = matrix * (1 - np.eye(len(matrix)))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS_SHOWN]
    pairs = [divmod(int(i), len(matrix)) for i in order]
    return [
        {
            "true": names[i],
            "predicted": names[j],
            "rows": float(wrong[i, j]),
            "share": float(wrong[i, j] / matrix[i].sum()),
        }
        for i, j in pairs
        if wrong[i, j] > 0
    ]


def _checks(
    rows: EvaluatedRows, table: pd.DataFrame, rk: dict[str, Any], off: BoolArray, sure: BoolArray
) -> list[Check]:
    each = np.bincount(rows.codes, minlength=len(rows.names))
    rarest = int(np.argmin(np.where(each > 0, each, each.max())))
    expected, found = table["expected"].to_numpy(), table["rows"].to_numpy(np.float64)
    return [
        checks.few_rows(rows.names[rarest], int(each[rarest]), rk["low"], rk["high"]),
        checks.constant(rows.proba),
        checks.sums(rows.names, expected, found, off, sure),
        checks.never_predicted(rows.names, found, table["predicted"].to_numpy(np.float64)),
        checks.leaks(rows.sample, rows.sample_codes, rows.names),
        Check("GBI008", "skipped", "More than two classes have weights, not one threshold."),
        checks.chance("R_K", rk["low"]),
    ]
