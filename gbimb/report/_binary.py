"""The numbers of a report on two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics import average_precision, roc_auc, row_log_loss, threshold_curve
from gbimb.plots import (
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    ScoreDisplay,
    ThresholdDisplay,
    TrainingDisplay,
)
from gbimb.plots._read import Predictions
from gbimb.plots._reliability import reliability_bins
from gbimb.plots._scores import score_bins
from gbimb.plots._sweep import Sweep, score_of
from gbimb.plots._threshold import RESAMPLES, SHOWN, TAILS
from gbimb.report import _checks as checks
from gbimb.report._cost import cost_facts
from gbimb.report._verdict import Finding, binary_verdict

if TYPE_CHECKING:
    import pandas as pd

    from gbimb._typing import FloatArray
    from gbimb.plots._base import Display
    from gbimb.report._rows import Rows

LABELS: Final = {
    "mcc": "MCC",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "flagged": "share flagged",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
}
LOWER_IS_BETTER: Final = ("log_loss", "brier")


def binary_facts(
    model: Any,  # noqa: ANN401  any of our estimators
    rows: Rows,
    costs: dict[str, float] | None,
    training: Any = None,  # noqa: ANN401  fingerprints of the training file
    training_file: str = "",
) -> tuple[dict[str, Any], dict[str, Display], pd.DataFrame]:
    """Return the numbers, the pictures that show them, and the table of thresholds."""
    at = int(np.flatnonzero(model.classes_ == model.pos_label_)[0])
    y = (rows.codes == at).astype(np.uint8)
    proba, before = rows.proba[:, at], rows.before[:, at]
    threshold = float(model.threshold_)
    seen = Predictions(y, proba, rows.weight, (rows.names[1 - at], rows.names[at]))
    sweep = Sweep.of(y, proba, rows.weight, threshold=threshold)
    curve = threshold_curve(y, proba, rows.weight)
    area = average_precision(curve)
    bins = reliability_bins(y, proba, rows.weight)
    if not np.allclose(before, proba, rtol=1e-3, atol=1e-9):
        bins = _beside(reliability_bins(y, before, rows.weight), bins)
    displays: dict[str, Display] = {
        "precision_recall": PrecisionRecallDisplay(
            sweep=sweep, average_precision=area, threshold=threshold
        ),
        "threshold": ThresholdDisplay(sweep=sweep, threshold=threshold),
        "reliability": ReliabilityDisplay(bins=bins),
        "scores": ScoreDisplay(bins=score_bins(seen), threshold=threshold),
    }
    if getattr(model, "evals_result_", None):
        displays["training"] = TrainingDisplay(
            evals_result=model.evals_result_, best_iteration=int(model.best_iteration_)
        )
    table = displays["threshold"].frame()
    place = int(np.flatnonzero(sweep.thresholds == threshold)[0])
    scores = [
        {"name": name, "label": LABELS[name], "value": float(table[name].iloc[place])}
        | {end: float(table[f"{name}_{end}"].iloc[place]) for end in ("low", "high")}
        for name in SHOWN
    ]
    weight = np.ones(y.size) if rows.weight is None else rows.weight
    losses = row_log_loss(y, proba), (proba - y) ** 2
    whole = [area, roc_auc(curve), *(float(np.average(v, weights=weight)) for v in losses)]
    scores += [
        {"name": name, "label": LABELS[name], "value": value, "low": None, "high": None}
        for name, value in zip(tuple(LABELS)[len(SHOWN) :], whole, strict=True)
    ]
    best = int(np.argmax(table["mcc"]))
    counts = {name: float(table[name].iloc[place]) for name in ("tp", "fp", "fn", "tn")}
    expected, found = float(proba @ weight), float(y @ weight)
    spread = float(np.sqrt((proba * (1 - proba)) @ weight**2))
    gain, least_gain = _gain(sweep, best, place)
    low, high = scores[0]["low"], scores[0]["high"]
    facts = {
        "kind": "two classes",
        "negative": seen.names[0],
        "positive": seen.names[1],
        "rows": int(y.size),
        "positives": int(y.sum()),
        "weighted": rows.weight is not None,
        "prevalence": found / float(weight.sum()),
        "threshold": threshold,
        "counts": counts,
        "scores": scores,
        "best_mcc_threshold": float(sweep.thresholds[best]),
        "curve": {"threshold": sweep.thresholds, "tp": sweep.counts.tp, "fp": sweep.counts.fp},
        "reliability": bins.to_dict("records"),
        "histogram": displays["scores"].frame().to_dict("records"),
        "cost": None if costs is None else cost_facts(costs, sweep, threshold),
    }
    facts["checks"] = checks.in_order(
        [
            checks.few_rows(*_rarest(seen), low, high),
            checks.constant(rows.proba),
            checks.last_round(model),
            checks.edge(threshold, scores[4]["value"], seen.names[1]),
            checks.leaks(rows.sample, (rows.sampled == at).astype(np.intp)),
            checks.repeated(rows.prints, training, training_file),
            checks.sums(
                [seen.names[1]], np.array([expected]), np.array([found]), np.array([spread])
            ),
            checks.better_threshold(threshold, float(sweep.thresholds[best]), gain, least_gain),
        ]
    )
    finding = Finding(
        expected=expected,
        found=found,
        differs=abs(found - expected) > checks.CHANCE * spread,
        best=float(sweep.thresholds[best]),
        gain=gain,
        clear=least_gain > 0,
    )
    facts["verdict"] = binary_verdict(facts, finding)
    if facts["cost"] is not None:
        for name, values in facts["cost"].pop("curve").items():
            table[name if name == "cost" else f"cost_{name}"] = values
    facts["bands"] = {
        name: table[name].to_numpy() for name in table.columns if name.endswith(("_low", "_high"))
    }
    return facts, displays, table


def _beside(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    parts = [before.assign(name="before correction"), after.assign(name="after correction")]
    return pd.concat(parts, ignore_index=True)


def _rarest(seen: Predictions) -> tuple[str, int]:
    counts = np.bincount(seen.y, minlength=2)
    at = int(np.argmin(counts[::-1]) == 0)
    return seen.names[at], int(counts[at])


def _gain(sweep: Sweep, best: int, chosen: int) -> tuple[float, float]:
    """Return how much MCC the best threshold adds, and the lower end over the bootstraps."""
    counts = sweep.resample(RESAMPLES, 0)
    drawn: FloatArray = score_of("mcc", counts)
    gains = drawn[:, best] - drawn[:, chosen]
    whole = score_of("mcc", sweep.counts)
    return float(whole[best] - whole[chosen]), float(np.quantile(gains, TAILS[0]))
