"""The pictures of a report, and the positions of the slider's marks in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.benchmark.methods import BASELINE
from gbimb.metrics import precision_score, recall_score
from gbimb.plots.axes import (
    clip_probability,
    colour,
    escape_dollars,
    legend_above,
    mark_threshold,
    probability_axis,
    probability_limits,
    text_colour,
)
from gbimb.report._over_time import plot_over_time
from gbimb.report._svg import SERIES, draw, positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from gbimb.plots import Display

CAPTIONS: Final = {
    "precision_recall": (
        "Precision and recall",
        "Each point of the curve is a threshold. Random predictions lie on the dashed line.",
    ),
    "threshold": (
        "Scores against the threshold",
        "The bands are 95 % intervals.",
    ),
    "reliability": (
        "Reliability",
        (
            "The share of positives among rows with similar probability. True probabilities lie on "
            "the dashed line; bars are 95 % intervals, triangles bins without a positive."
        ),
    ),
    "scores": (
        "Probabilities of each class",
        "The bars of each class add up to 1. The axis is even in log odds.",
    ),
    "training": (
        "Training",
        (
            "Scores of held-out rows after each round; the dotted line (with several members, the "
            "dots) marks the last round that the model uses."
        ),
    ),
    "differences": (
        "Differences in MCC",
        "Points are mean differences, lines 95 % intervals, grey if they include zero.",
    ),
    "ranks": ("Critical differences", "1 is the best mean rank."),
    "cost": ("Cost of a row", "Mean over all rows; the band is a 95 % interval."),
    "classes": (
        "Precision and recall of each class",
        "Each class against the others. The number is the average precision.",
    ),
    "over_time": ("Scores over time", "Blocks of about as many rows; bars are 95 % intervals."),
}


def evaluation_figures(
    facts: dict[str, Any], displays: dict[str, Any], table: pd.DataFrame
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return SVG by name, and for some the positions of the thresholds in it."""
    figures, marks = {}, {}
    axes = {}
    for name, display in displays.items():
        figures[name], axes[name] = draw(display.plot, name)
    if facts.get("cost") is not None:
        threshold = facts["threshold"]
        figures["cost"], axes["cost"] = draw(lambda ax: _plot_cost(ax, table, threshold), "cost")
    if "class_curves" in facts:
        curves = facts["class_curves"]
        figures["classes"], _ = draw(lambda ax: _plot_classes(ax, curves), "classes")
    if facts["over_time"] is not None:
        blocks = facts["over_time"]["blocks"]
        figures["over_time"], _ = draw(lambda ax: plot_over_time(ax, blocks), "over_time")
    if "curve" in facts:
        curve = facts["curve"]
        for name in ("threshold", "scores", "cost"):
            if name in axes:
                marks[name] = _lines(axes[name], curve["threshold"])
        counts = displays["precision_recall"].sweep.counts
        x, y = positions(axes["precision_recall"], recall_score(counts), precision_score(counts))
        marks["precision_recall"] = {"x": x, "y": y}
    return figures, marks


def _lines(axes: Axes, thresholds: Any) -> dict[str, Any]:
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    at = np.clip(clip_probability(thresholds), left, right)
    x, _ = positions(axes, at, np.full(at.size, low))
    _, ends = positions(axes, [left, left], [low, high])
    return {"x": x, "bottom": ends[0], "top": ends[1]}


def _plot_classes(ax: Axes, curves: Sequence[dict[str, Any]]) -> None:
    lines = []
    for i, curve in enumerate(curves):
        label = f"{escape_dollars(curve['name'])} {curve['average_precision']:.2f}"
        style = "-" if i < len(SERIES) else "--"
        lines += ax.plot(
            curve["recall"], curve["precision"], style, color=colour(i), label=label, lw=1.3
        )
    ax.set(xlabel="recall", ylabel="precision", ylim=(-0.03, 1.03))
    legend_above(ax, lines, 3)


def _plot_cost(ax: Axes, table: pd.DataFrame, threshold: float) -> None:
    data = table[table["tp"] + table["fp"] > 0]
    x = clip_probability(data["threshold"].to_numpy())
    ax.fill_between(x, data["cost_low"], data["cost_high"], color=colour(0), alpha=0.15, lw=0)
    ax.plot(x, data["cost"], color=colour(0), label="cost")
    nobody, everybody = (float(table["cost"].iloc[end]) for end in (0, -1))
    ax.axhline(nobody, color=text_colour(), linestyle="--", linewidth=1, label="no row flagged")
    ax.axhline(everybody, color=text_colour(), linestyle="-.", linewidth=1, label="all flagged")
    mark_threshold(ax, threshold)
    probability_axis(ax.xaxis, *probability_limits(x))
    ax.set(xlabel="threshold on the probability", ylabel="cost of a row")
    legend_above(ax, ax.get_legend_handles_labels()[0], 2)


def benchmark_figures(facts: dict[str, Any], ranks: Display | None) -> dict[str, str]:
    """Return SVG by name."""
    figures = {}
    rows = [d for d in facts["differences"] if d["baseline"] == BASELINE]
    if rows:
        size = (7.5, 0.9 + 0.27 * len(rows))
        figures["differences"], _ = draw(
            lambda ax: _plot_differences(ax, rows), "differences", size
        )
    if ranks is not None:
        size = (9.0, 1.6 + 0.22 * len(facts["ranks"]["mean"]))
        figures["ranks"], _ = draw(ranks.plot, "ranks", size)
    return figures


def _plot_differences(ax: Axes, rows: Sequence[dict[str, Any]]) -> None:
    names = [escape_dollars(row["name"]) for row in rows]
    for i, row in enumerate(rows):
        clear = row["low"] > 0 or row["high"] < 0
        shade = colour(0) if clear else colour(4)
        ax.plot([row["low"], row["high"]], [i, i], color=shade, linewidth=2)
        ax.plot([row["mean"]], [i], "o", color=shade)
    ax.axvline(0, color=text_colour(), linestyle="--", linewidth=1)
    ax.set_yticks(range(len(rows)), names)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel="MCC above weighted log loss with the same engine")
    ax.tick_params(axis="y", length=0)
