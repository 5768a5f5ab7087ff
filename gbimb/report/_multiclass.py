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
    rk_score,
    threshold_curve,
)
from gbimb.plots import ReliabilityDisplay, TrainingDisplay
from gbimb.plots._reliability import reliability_bins
from gbimb.plots._threshold import RESAMPLES, TAILS
from gbimb.report import _checks as checks
from gbimb.report._checks import Check
from gbimb.report._verdict import many_verdict

if TYPE_CHECKING:
    from gbimb._typing import FloatArray, IntArray
    from gbimb.plots._base import Display
    from gbimb.report._rows import Rows

SCORES: Final = {
    "mcc": ("R_K (MCC of many classes)", rk_score),
    "f1": ("macro F1", macro_f1_score),
    "balanced_accuracy": ("mean recall of the classes", macro_recall_score),
}
CONFUSIONS_SHOWN: Final = 15


def many_facts(
    model: Any,  # noqa: ANN401  any of our estimators
    rows: Rows,
    training: Any = None,  # noqa: ANN401  fingerprints of the training file
    training_file: str = "",
) -> tuple[dict[str, Any], dict[str, Display], pd.DataFrame]:
    """Return the numbers, the pictures that show them, and the table of classes."""
    k = len(rows.names)
    weight = np.ones(rows.codes.size) if rows.weight is None else rows.weight
    called = model._codes(rows.proba)  # noqa: SLF001  the same package
    matrix = MulticlassCounts.from_labels(rows.codes, called, k, weight).matrix
    drawn = _resample(rows.codes, called, weight, k)
    scores = []
    for name, (label, score) in SCORES.items():
        low, high = np.quantile([score(m) for m in drawn], TAILS)
        value = score(MulticlassCounts(matrix))
        scores.append(
            {"name": name, "label": label, "value": value, "low": float(low), "high": float(high)}
        )
    own = rows.proba[np.arange(rows.codes.size), rows.codes]
    log_loss = float(np.average(-np.log(np.maximum(own, 1e-15)), weights=weight))
    scores.append(
        {"name": "log_loss", "label": "log loss", "value": log_loss, "low": None, "high": None}
    )
    bins = _pooled(rows.codes, rows.proba, rows.weight)
    if not np.allclose(rows.before, rows.proba, rtol=1e-3, atol=1e-9):
        before = _pooled(rows.codes, rows.before, rows.weight).assign(name="before correction")
        bins = pd.concat([before, bins.assign(name="after correction")], ignore_index=True)
    displays: dict[str, Display] = {"reliability": ReliabilityDisplay(bins=bins)}
    if getattr(model, "evals_result_", None):
        displays["training"] = TrainingDisplay(
            evals_result=model.evals_result_, best_iteration=int(model.best_iteration_)
        )
    table = _classes(rows, matrix, weight)
    spread = np.sqrt((rows.proba * (1 - rows.proba)).T @ weight**2)
    summed = checks.sums(
        rows.names, table["expected"].to_numpy(), table["rows"].to_numpy(np.float64), spread
    )
    there = table[table["rows"] > 0]
    rarest, worst = there.loc[there["rows"].idxmin()], there.loc[there["f1"].idxmin()]
    fewest = int((rows.codes == rows.names.index(rarest["class"])).sum())
    facts: dict[str, Any] = {
        "kind": "many classes",
        "names": rows.names,
        "rows": int(rows.codes.size),
        "weighted": rows.weight is not None,
        "right": float(np.trace(matrix) / matrix.sum()),
        "class_weights": dict(zip(rows.names, model.class_weights_, strict=True)),
        "scores": scores,
        "classes": table.to_dict("records"),
        "matrix": matrix,
        "confusions": _confusions(matrix, rows.names),
        "reliability": bins.to_dict("records"),
    }
    only_two = "It looks at two classes."
    facts["checks"] = checks.in_order(
        [
            checks.few_rows(rarest["class"], fewest, scores[0]["low"], scores[0]["high"]),
            checks.constant(rows.proba),
            checks.last_round(model),
            Check("GBI004", "skipped", only_two),
            Check("GBI005", "skipped", only_two),
            checks.repeated(rows.prints, training, training_file),
            summed,
            Check("GBI008", "skipped", only_two),
        ]
    )
    off = summed.severity == "warning"
    differs = [name for name in rows.names if off and repr(name) in summed.text]
    least = {"name": worst["class"], "hits": worst["hits"], "rows": worst["rows"]}
    facts["verdict"] = many_verdict(facts, least, differs)
    return facts, displays, table


def _resample(
    codes: IntArray, called: IntArray, weight: FloatArray, k: int
) -> list[MulticlassCounts]:
    """Return the tables of Poisson bootstraps of the rows; see ``Sweep.resample``."""
    cells = codes * k + called
    total = np.bincount(cells, weights=weight, minlength=k * k)
    squares = np.bincount(cells, weights=weight**2, minlength=k * k)
    scale = np.divide(squares, total, out=np.ones(k * k), where=total > 0)
    rng = np.random.default_rng(0)
    drawn = scale * rng.poisson(total / scale, (RESAMPLES, k * k))
    return [MulticlassCounts(m.reshape(k, k)) for m in drawn]


def _pooled(codes: IntArray, proba: FloatArray, weight: FloatArray | None) -> pd.DataFrame:
    """Return the bins of all classes together, each against the rest."""
    k = proba.shape[1]
    hits = (codes[:, None] == np.arange(k)).astype(np.uint8).ravel()
    return reliability_bins(hits, proba.ravel(), None if weight is None else np.repeat(weight, k))


def _classes(rows: Rows, matrix: FloatArray, weight: FloatArray) -> pd.DataFrame:
    hits, true, called = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def share(part: FloatArray, whole: FloatArray) -> FloatArray:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    areas = [
        average_precision(threshold_curve((rows.codes == i).astype(np.uint8), p, weight))
        for i, p in enumerate(rows.proba.T)
    ]
    return pd.DataFrame(
        {
            "class": rows.names,
            "rows": true,
            "called": called,
            "hits": hits,
            "precision": share(hits, called),
            "recall": share(hits, true),
            "f1": share(2 * hits, true + called),
            "average_precision": areas,
            "expected": rows.proba.T @ weight,
        }
    )


def _confusions(matrix: FloatArray, names: list[str]) -> list[dict[str, Any]]:
    """Return the commonest mistakes."""
    wrong = matrix * (1 - np.eye(len(matrix)))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS_SHOWN]
    pairs = [divmod(int(i), len(matrix)) for i in order]
    return [
        {"true": names[i], "called": names[j], "rows": wrong[i, j], "share": float(share)}
        for i, j in pairs
        if (share := wrong[i, j] / max(matrix[i].sum(), 1e-300)) > 0
    ]
