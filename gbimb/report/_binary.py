"""The numbers of a report on two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics import (
    ConfusionCounts,
    average_precision,
    mcc_score,
    roc_auc,
    row_log_loss,
    threshold_curve,
)
from gbimb.plots import (
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    ScoreDisplay,
    ThresholdDisplay,
)
from gbimb.plots.statistics import (
    DEFAULT_METRICS,
    QUANTILES,
    Predictions,
    Sweep,
    bins_of_correction,
    score_bins,
)
from gbimb.report import _checks as checks
from gbimb.report._cost import CostCurve, cost_facts
from gbimb.report._model import training_display
from gbimb.report._verdict import Finding, binary_verdict, relative_error, spread_of_found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.plots import Display
    from gbimb.report._checks import Check
    from gbimb.report._rows import EvaluatedRows

HALVES: Final = 100
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


def binary_facts(
    model: dict[str, Any],
    rows: EvaluatedRows,
    costs: dict[str, float | str] | None,
    more_checks: Sequence[Check],
) -> tuple[dict[str, Any], dict[str, Display], pd.DataFrame]:
    """Return the numbers, their pictures, and the table of thresholds, for a described model."""
    at = model["classes"].index(model["positive"])
    y = (rows.codes == at).astype(np.uint8)
    threshold = float(model["threshold"])
    seen = Predictions(y, rows.proba[:, at], rows.weight, (rows.names[1 - at], rows.names[at]))
    sweep = Sweep.of(y, seen.proba, seen.weight, threshold=threshold, groups=rows.groups)
    bins = bins_of_correction(y, rows.uncorrected[:, at], seen.proba, seen.weight)
    curve = threshold_curve(y, seen.proba, seen.weight)
    area = average_precision(curve)
    displays: dict[str, Display] = {
        "precision_recall": PrecisionRecallDisplay(
            sweep=sweep, average_precision=area, threshold=threshold
        ),
        "threshold": ThresholdDisplay(sweep=sweep, threshold=threshold),
        "reliability": ReliabilityDisplay(bins=bins),
        "scores": ScoreDisplay(bins=score_bins(seen), threshold=threshold),
        **training_display(model),
    }
    table = displays["threshold"].frame()
    cost = CostCurve.of(costs, rows.costs, seen, sweep, rows.groups)
    place = int(np.flatnonzero(sweep.thresholds == threshold)[0])
    best = int(np.argmax(table["mcc"]))
    facts: dict[str, Any] = {
        "kind": "two classes",
        "negative": seen.names[0],
        "positive": seen.names[1],
        "rows": int(y.size),
        "positives": int(y.sum()),
        "weighted": seen.weight is not None,
        "prevalence": float(np.average(y, weights=seen.weight)),
        "threshold": threshold,
        "counts": {name: float(table[name].iloc[place]) for name in ("tp", "fp", "fn", "tn")},
        "scores": _scores(table.iloc[place], (area, roc_auc(curve)), seen),
        "best_mcc_threshold": float(sweep.thresholds[best]),
        "curve": {"threshold": sweep.thresholds, "tp": sweep.counts.tp, "fp": sweep.counts.fp},
        "reliability": bins.to_dict("records"),
        "histogram": displays["scores"].frame().to_dict("records"),
        "cost": None if cost is None else cost_facts(cost, seen, threshold),
    }
    finding = _find(seen, sweep, place, facts, curve=cost, groups=rows.groups)
    found = [
        *more_checks,
        checks.constant(rows.proba),
        checks.last_round(model),
        checks.leaks(rows.sample, (rows.sample_codes == at).astype(np.intp)),
        *_checks(facts, finding),
    ]
    facts["checks"] = checks.in_order(found)
    facts |= {"verdict": binary_verdict(facts, finding), "better_threshold": finding.better}
    if costs is not None:
        table = table.assign(**facts["cost"].pop("curve"))
        facts["curve"]["cost"] = table["cost"].to_numpy()
    bands = [name for name in table.columns if name.endswith(("_low", "_high"))]
    facts["bands"] = {name: table[name].to_numpy() for name in bands}
    return facts, displays, table


def _scores(
    chosen: pd.Series[Any], areas: tuple[float, float], seen: Predictions
) -> list[dict[str, Any]]:
    """Return the scores at the threshold with their intervals, then those of all thresholds."""
    found: list[dict[str, Any]] = [
        {"name": name, "value": float(chosen[name])}
        | {end: float(chosen[f"{name}_{end}"]) for end in ("low", "high")}
        for name in DEFAULT_METRICS
    ]
    losses = row_log_loss(seen.y.astype(np.float64), seen.proba), (seen.proba - seen.y) ** 2
    values = [*areas, *(float(np.average(loss, weights=seen.weight)) for loss in losses)]
    found += [
        {"name": name, "value": value, "low": None, "high": None}
        for name, value in zip(tuple(LABELS)[len(DEFAULT_METRICS) :], values, strict=True)
    ]
    return [{"label": LABELS[score["name"]], **score} for score in found]


def _find(
    seen: Predictions,
    sweep: Sweep,
    chosen: int,
    facts: dict[str, Any],
    *,
    curve: CostCurve | None,
    groups: IntArray | None,
) -> Finding:
    weight = np.ones(seen.y.size) if seen.weight is None else seen.weight
    cost = facts["cost"]
    score = mcc_score if curve is None else curve.saving_of_half
    each = weight if curve is None or curve.stake is None else curve.stake
    gains = gains_of_halves(
        seen.y, seen.proba, each, sweep.thresholds, chosen, score=score, groups=groups
    )
    return Finding(
        expected=float(seen.proba @ weight),
        found=float(seen.y @ weight),
        spread=spread_of_found(seen.y, seen.proba, weight, groups),
        error=relative_error(seen.y, weight, groups),
        best=facts["best_mcc_threshold"] if cost is None else cost["least_threshold"],
        gain=float(gains.mean()),
        least_gain=float(np.quantile(gains, QUANTILES[0])),
        cost=None if cost is None else cost["chosen"],
    )


def gains_of_halves(
    y: NDArray[np.uint8],
    proba: FloatArray,
    weight: FloatArray,
    thresholds: FloatArray,
    chosen: int,
    *,
    score: Callable[[ConfusionCounts], Any] = mcc_score,
    groups: IntArray | None = None,
) -> FloatArray:
    """Return the gain of the best threshold of a random half of the rows on the other half.

    On the rows that it was chosen on, a threshold always looks better than it is. It is compared
    with ``thresholds[chosen]``; thresholds fall, and the last one flags all rows. Of ``score``,
    from counts, more is better. One value for each of a hundred halves, of whole ``groups``, from 0
    on, where rows come in such.
    """
    rng = np.random.default_rng(0)
    # Counted once: for each row its first threshold and its label, so that a half is a bincount.
    cells = 2 * np.searchsorted(-thresholds, -proba) + y
    gains = np.empty(HALVES)
    for i in range(HALVES):
        drawn = rng.integers(0, 2, y.size if groups is None else int(groups.max()) + 1)
        drawn = drawn if groups is None else drawn[groups]
        half, other = (
            score(_counts(cells, weight * rows, thresholds.size)) for rows in (drawn, 1 - drawn)
        )
        best = int(np.argmax(half))
        gains[i] = other[best] - other[chosen]
    return gains


def _counts(cells: IntArray, weight: FloatArray, k: int) -> ConfusionCounts:
    """Return the counts of weighted rows at each threshold."""
    negatives, positives = np.bincount(cells, weights=weight, minlength=2 * k).reshape(k, 2).T
    return ConfusionCounts.from_steps(positives, negatives)


def _checks(facts: dict[str, Any], finding: Finding) -> list[Check]:
    positives, negatives = facts["positives"], facts["rows"] - facts["positives"]
    rare = (positives, facts["positive"]), (negatives, facts["negative"])
    rows, name = min(rare, key=lambda pair: pair[0])
    scores = {score["name"]: score for score in facts["scores"]}
    expected, found = np.array([finding.expected]), np.array([finding.found])
    off, sure = np.array([finding.differs]), np.array([finding.is_sure])
    return [
        checks.few_rows(name, rows, scores["mcc"]["low"], scores["mcc"]["high"]),
        checks.edge(facts["threshold"], scores["flagged"]["value"], facts["positive"]),
        checks.sums([facts["positive"]], expected, found, off, sure),
        checks.better_threshold(facts["threshold"], finding),
        checks.chance("MCC", scores["mcc"]["low"]),
    ]
