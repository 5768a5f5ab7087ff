"""The scores of a model block by block in time, and whether they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics import MulticlassCounts, rk_score
from gbimb.plots.draws import draw_matrices
from gbimb.plots.statistics import QUANTILES
from gbimb.report._checks import Check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.report._rows import EvaluatedRows
    from gbimb.tables.files.columns import Times

MOST_BLOCKS: Final = 10
RARE_IN_A_BLOCK: Final = 10
"""Rows of the second class that a block has on average: fewer say nothing of a score."""


def over_time(rows: EvaluatedRows, positive: int | None) -> dict[str, Any] | None:
    """Return the scores of blocks of about equal size in order of time; None without times.

    ``positive`` is the code of the positive class of two.
    """
    if rows.times is None:
        return None
    blocks = time_blocks(rows.times.ranks(), rows.codes)
    found, drawn = [], []
    for at in blocks:
        facts, scores = _block(rows, at, rows.times, positive)
        found.append(facts)
        drawn.append(scores)
    change = low = high = None
    if len(blocks) > 1:
        value = [block["mcc"] for block in found]
        low, high = np.quantile(_change(np.column_stack(drawn)), QUANTILES).tolist()
        change = float(_change(np.array([value]))[0])
    return {
        "column": rows.times.column,
        "blocks": found,
        "change": change,
        "low": low,
        "high": high,
    }


def time_blocks(ranks: IntArray, codes: IntArray) -> list[IntArray]:
    """Return the rows of each block, the oldest first; rows of equal time are in one block."""
    order = np.argsort(ranks, kind="stable")
    rare = int(np.sort(np.bincount(codes))[-2])
    most = int(np.clip(rare // RARE_IN_A_BLOCK, 1, MOST_BLOCKS))
    ordered = ranks[order]
    ends = np.searchsorted(ordered, ordered[(np.arange(1, most) * ranks.size) // most])
    edges = np.unique(ends[(ends > 0) & (ends < ranks.size)])
    return [np.sort(part) for part in np.split(order, edges)]


def _block(
    rows: EvaluatedRows, at: IntArray, times: Times, positive: int | None
) -> tuple[dict[str, Any], FloatArray]:
    """Return the scores of a block, and 1,000 draws of its MCC or R_K."""
    k = len(rows.names)
    codes, predicted = rows.codes[at], rows.predicted[at]
    weight = None if rows.weight is None else rows.weight[at]
    groups = None if rows.groups is None else rows.groups[at]
    matrix = MulticlassCounts.from_labels(codes, predicted, k, weight)
    drawn = np.array([rk_score(MulticlassCounts(m)) for m in draw_matrices(
        codes, predicted, k, weight, groups
    )])  # fmt: skip
    value = float(rk_score(matrix))
    low, high = np.quantile(drawn, QUANTILES)
    first, last = times.values[at].min(), times.values[at].max()
    facts: dict[str, Any] = {
        "from": times.shown(first),
        "to": times.shown(last),
        "rows": int(at.size),
        "mcc": value,
        "low": min(float(low), value),
        "high": max(float(high), value),
    }
    if positive is not None:
        true, flagged = codes == positive, predicted == positive
        facts |= {
            "prevalence": _mean(true, weight),
            "expected": _mean(rows.proba[at, positive], weight),
            "precision": _mean(true[flagged], None if weight is None else weight[flagged]),
            "recall": _mean(flagged[true], None if weight is None else weight[true]),
            "flagged": _mean(flagged, weight),
        }
    return facts, drawn


def _mean(values: Any, weight: Any) -> float | None:
    """Return the weighted mean; None of no rows."""
    if values.size == 0 or (weight is not None and not weight.any()):
        return None
    return float(np.average(values, weights=weight))


def _change(scores: FloatArray) -> FloatArray:
    """Return the rise from the first block to the last of a straight line through each row."""
    k = scores.shape[1]
    at = np.arange(k) - (k - 1) / 2
    rise: FloatArray = scores @ at * ((k - 1) / float(at @ at))
    return rise


def changes_with_time(found: dict[str, Any]) -> Check:
    """GBI010: whether MCC falls or rises from the oldest to the newest rows."""
    if found["change"] is None:
        return Check("GBI010", "skipped", "There are too few rows or times for two blocks.")
    oldest, newest = found["blocks"][0], found["blocks"][-1]
    text = (
        f"from {oldest['mcc']:z.2f} in the oldest of {len(found['blocks'])} blocks to "
        f"{newest['mcc']:z.2f} in the newest"
    )
    if found["high"] < 0:
        text = f"MCC falls with time, {text}. Train again on newer rows, and give fit the time."
        return Check("GBI010", "warning", text)
    if found["low"] > 0:
        return Check("GBI010", "passed", f"MCC rises with time, {text}.")
    return Check("GBI010", "passed", f"MCC shows no trend in time: {text}, within chance.")


def plot_over_time(ax: Axes, blocks: list[dict[str, Any]]) -> None:
    """Draw MCC of each block with its interval."""
    from gbimb.plots.axes import colour, text_colour

    at = np.arange(len(blocks))
    value = np.array([block["mcc"] for block in blocks])
    ends = np.array([[value[i] - b["low"], b["high"] - value[i]] for i, b in enumerate(blocks)]).T
    ax.errorbar(at, value, yerr=ends, fmt="o-", color=colour(0), capsize=3)
    ax.axhline(0, color=text_colour(), linestyle="--", linewidth=1)
    shown = at if len(blocks) <= 4 else at[[0, len(blocks) // 2, -1]]
    ax.set_xticks(shown, [blocks[i]["from"].replace(" ", "\n") for i in shown])
    ax.set(xlabel="first row of each block", ylabel="MCC")
