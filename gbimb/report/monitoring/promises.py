"""Whether what a threshold promised holds on new rows with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import betainc, betaincinv, ndtr

from gbimb.decisions.held_out import ALONE
from gbimb.json_text import percent
from gbimb.metrics import ConfusionCounts, MulticlassCounts
from gbimb.report.monitoring.groups import trained_effects

if TYPE_CHECKING:
    from gbimb.array_types import BoolArray, IntArray
    from gbimb.decisions.held_out import GroupEffects, HeldOutScores

CONFIDENCE: Final = 0.95
LEVEL: Final = 0.01
"""Of the test whether labels have another prevalence than training."""

RATES: Final = ("precision", "recall")
"""What held-out rows promise, where the threshold has no guarantee."""


def interval(k: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper & Pearson 1934).

    >>> low, high = interval(5, 100)
    >>> round(low, 3), round(high, 3)
    (0.016, 0.113)
    """
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high


def flagged_share(model: Any, flagged: BoolArray, effects: GroupEffects) -> dict[str, Any]:
    """Return the share of rows flagged with its interval, and that of held-out rows."""
    low, high = interval(flagged.sum() / effects.alerts, flagged.size / effects.alerts)
    expected = None
    if model.held_out is not None:
        decided = _decided(model, model.held_out)
        expected = float(np.average(decided, weights=model.held_out.weight))
    return {"share": float(flagged.mean()), "low": low, "high": high, "expected": expected}


def kept_promises(
    model: Any, truth: IntArray, predicted: IntArray, effects: GroupEffects = ALONE
) -> dict[str, Any]:
    """Return the rates on labelled rows, and which promises are broken, in sentences.

    Parameters
    ----------
    model : fitted estimator
    truth, predicted : int arrays of shape (n,)
        Positions in ``classes_``.
    effects : GroupEffects
        Of the groups that the rows come in.
    """
    if model.classes_.size > 2:
        counted = MulticlassCounts.from_labels(truth, predicted, model.classes_.size)
        return _many(model, counted, effects)
    positive = model.model_.classes.positive_code
    y, flagged = truth == positive, predicted == positive
    counts = {
        "tp": int((y & flagged).sum()),
        "fp": int((~y & flagged).sum()),
        "fn": int((y & ~flagged).sum()),
        "tn": int((~y & ~flagged).sum()),
    }
    low, high = interval(y.sum() / effects.label, y.size / effects.label)
    facts: dict[str, Any] = {
        "counts": counts,
        "positives": int(y.sum()),
        "prevalence": {
            "value": float(y.mean()),
            "low": low,
            "high": high,
            "moved": _prevalence_moved(model, y, effects),
        },
    }
    rates, sentences = _against_held_out(model.model_, counts, effects)
    guarantee = getattr(model.model_.rule, "guarantee", None)
    if guarantee is not None and guarantee.met:
        kept, sentence = _guarantee(guarantee, counts, effects)
        sentences = [sentence]
        for rate in rates:  # the guarantee is what was promised
            rate["broken"] = False
        facts["guarantee"] = {"rule": guarantee.rule, "kept": kept, "sentence": sentence}
        broken = not kept
    else:
        facts["guarantee"] = None
        broken = any(rate["broken"] for rate in rates)
    return facts | {"rates": rates, "sentences": sentences, "broken": broken}


def _prevalence_moved(model: Any, y: BoolArray, effects: GroupEffects) -> bool:
    """Whether labels have another share of positives than training, at a level of 1 %."""
    held_out, before = model.model_.held_out, float(np.atleast_1d(model.prevalence_)[0])
    if held_out is None:
        return False
    n = y.size / effects.label
    n0 = float(held_out.weight.sum()) / trained_effects(model.model_).label
    pooled = (n * y.mean() + n0 * before) / (n + n0)
    error = np.sqrt(max(pooled * (1.0 - pooled), 1e-12) * (1.0 / n + 1.0 / n0))
    return bool(2.0 * ndtr(-abs(y.mean() - before) / error) < LEVEL)


def _guarantee(
    guarantee: Any, counts: dict[str, int], effects: GroupEffects = ALONE
) -> tuple[bool, str]:
    """Test the bound of a guarantee at its own confidence, with an exact binomial tail.

    Rows in groups count as fewer; the tail of a fraction of a row is that of the beta distribution.
    """
    rate, sign, value = guarantee.rule.split()
    k, n = _of_rate(rate, counts)
    bound = float(value)
    if n == 0:
        return True, f"{guarantee.rule}: no row to test it on."
    own = _effect_on(rate, effects)
    below, above = k / own, (n - k) / own
    if sign == ">=":  # so few, or fewer
        p = betainc(above, below + 1.0, 1.0 - bound) if above else 1.0
    else:
        p = betainc(below, above + 1.0, bound) if below else 1.0
    sure = f"{100 * guarantee.confidence:.4g} % confidence"
    if p <= 1.0 - guarantee.confidence:
        return (
            False,
            f"{guarantee.rule} is broken, with {sure}: {k:,} of {n:,}, {percent(k / n, 1)}.",
        )
    return (
        True,
        f"{guarantee.rule} is not refuted with {sure}: {k:,} of {n:,}, {percent(k / n, 1)}.",
    )


def _of_rate(rate: str, counts: dict[str, int]) -> tuple[int, int]:
    """Return the rows that count for a rate, and those that they are a share of."""
    tp, fp, fn, tn = (counts[name] for name in ("tp", "fp", "fn", "tn"))
    return {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "fpr": (fp, tn + fp),
        "alerts": (tp + fp, tp + fp + fn + tn),
    }[rate]


def _effect_on(rate: str, effects: GroupEffects) -> float:
    return effects.fpr if rate == "specificity" else float(getattr(effects, rate))


def _decided(model: Any, held_out: HeldOutScores) -> BoolArray:
    """Return which of the kept held-out rows are flagged."""
    return held_out.proba >= np.float32(model.rule.value)


def _against_held_out(
    model: Any, counts: dict[str, int], effects: GroupEffects
) -> tuple[list[dict[str, Any]], list[str]]:
    """Compare precision and recall with those of held-out rows: one-sided, two proportions."""
    rates, sentences = [], []
    before = {} if model.held_out is None else _held_out_counts(model)
    level = (1.0 - CONFIDENCE) / len(RATES)
    for name in RATES:
        k, n = _of_rate(name, counts)
        own = _effect_on(name, effects)
        low, high = interval(k / own, n / own) if n else (0.0, 1.0)
        promised, broken = None, False
        if n and before:
            k0, n0 = before[name]
            promised = k0 / n0 if n0 else None
            if promised is not None:
                pooled = (k + k0 + 1.0) / (n + n0 + 2.0)
                before_too = _effect_on(name, trained_effects(model))
                error = np.sqrt(pooled * (1.0 - pooled) * (own / n + before_too / n0))
                broken = bool(ndtr((k / n - promised) / error) < level)
        value = k / n if n else None
        rates.append(
            {
                "name": name,
                "value": value,
                "low": low,
                "high": high,
                "promised": promised,
                "broken": broken,
            }
        )
        if value is not None and promised is not None:
            how = "is below" if broken else "is above" if promised < low else "agrees with"
            now, least, most, before_now = (percent(v, 1) for v in (value, low, high, promised))
            sentences.append(
                f"{name.capitalize()} {now} ({least} to {most}) {how} the {before_now} of held-out "
                "rows."
            )
    return rates, sentences


def _held_out_counts(model: Any) -> dict[str, tuple[float, float]]:
    held_out = model.held_out
    flagged, y = _decided(model, held_out), held_out.codes == 1
    weight = held_out.weight.astype(np.float64)
    found = ConfusionCounts.from_labels(y.astype(int), flagged.astype(int), weight)
    tp, fp, fn = float(found.tp), float(found.fp), float(found.fn)
    return {"precision": (tp, tp + fp), "recall": (tp, tp + fn)}


def _many(model: Any, counts: MulticlassCounts, effects: GroupEffects) -> dict[str, Any]:
    """Return the recall of each class; nothing is promised of it."""
    matrix = np.asarray(counts.matrix, np.int64)
    rates = []
    for k, label in enumerate(model.classes_.tolist()):
        right, rows = int(matrix[k, k]), int(matrix[k].sum())
        own = effects.recall
        low, high = interval(right / own, rows / own) if rows else (0.0, 1.0)
        rates.append(
            {
                "name": f"recall of {label}",
                "value": right / rows if rows else None,
                "low": low,
                "high": high,
                "promised": None,
                "broken": False,
            }
        )
    return {"rates": rates, "guarantee": None, "sentences": [], "broken": False}
