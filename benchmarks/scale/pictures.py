"""Draw the pictures of a folder of results: ``python -m benchmarks.scale.pictures FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, BLUE, RED, GREEN = "#222222", "#8a8a8a", "#1764ab", "#c0392b", "#2e7d4f"
NAMES = {
    "ten bags": "ten bags of log loss, each with 2 % of it",
    "weighted log loss": "LightGBM's own weighted log loss, threshold 0.5",
}


def draw_majority(runs: pd.DataFrame, path: Path) -> None:
    """Draw MCC, and time, against the share of the majority that trains."""
    curve = runs[runs["run"].str.startswith("majority") | (runs["run"] == "focal")]
    curve = curve.sort_values("majority")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 6.6), sharex=True)
    for ax, column in ((top, "mcc"), (bottom, "minutes")):
        ax.plot(curve["majority"], curve[column], "o-", color=BLUE, label="one focal model")
        for name, colour, marker in (("ten bags", GREEN, "D"), ("weighted log loss", RED, "s")):
            one = runs[runs["run"] == name]
            ax.plot(one["majority"], one[column], marker, color=colour, label=NAMES[name])
    own = runs[runs["run"] == "weighted log loss"]
    top.plot(own["majority"], own["best_mcc"], "s", color=RED, mfc="none",
             label="the same at its best threshold")  # fmt: skip
    limit = runs["bayes_mcc"].iloc[0]
    top.axhline(limit, color=GREY, lw=1, ls="--")
    top.annotate("the true probabilities", (0.02, limit), color=GREY, xytext=(0, 4),
                 textcoords="offset points")  # fmt: skip
    rows = runs["train_rows"].max() / 1e6
    top.set(ylabel="MCC on unseen rows",
            title=f"What the majority is worth: {rows:g} million rows, 2 % positive")  # fmt: skip
    top.margins(y=0.12)
    top.legend(frameon=False, loc="best")
    bottom.set(xscale="log", xlabel="share of the majority that trains",
               ylabel="processor minutes to fit", ylim=(0, None))  # fmt: skip
    bottom.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2 %", "5 %", "10 %", "20 %", "50 %", "all"])
    bottom.minorticks_off()
    _finish(figure, (top, bottom), path)


def draw_growth(runs: pd.DataFrame, path: Path) -> None:
    """Draw time and memory against the number of rows, with a straight line through the origin."""
    part = runs[runs["run"].str.startswith("growth")].sort_values("train_rows")
    rows, largest = part["train_rows"] / 1e6, part.iloc[-1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    left.plot(rows, part["fit_seconds"], "o-", color=BLUE, label="on the clock")
    left.plot(rows, part["fit_processor_seconds"], "s--", color=GREY, label="of all processors")
    left.set(ylabel="seconds to fit 50 rounds", ylim=(0, None))
    left.legend(frameon=False)
    right.plot(rows, part["peak_bytes"] / 1e9, "o-", color=BLUE, label="peak of the process")
    raw = 30 * 4 * largest["train_rows"] / 1e9
    right.plot([0, rows.max()], [0, raw], color=GREY, ls="--", label="the table alone, as float32")
    right.set(ylabel="GB of memory", ylim=(0, None))
    right.legend(frameon=False)
    for ax in (left, right):
        ax.set(xlabel="million rows", xlim=(0, None))
    _finish(figure, (left, right), path)


def _finish(figure: mpl.figure.Figure, axes: tuple[Axes, ...], path: Path) -> None:
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color="#e6e6e6", lw=0.8)
        ax.set_axisbelow(True)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(folder: Path) -> None:
    """Draw what the runs there allow."""
    runs = pd.read_csv(folder / "runs.csv")
    runs["minutes"] = runs["fit_processor_seconds"] / 60
    there = set(runs["run"])
    if {"focal", "majority 50%"} <= there:
        draw_majority(runs, folder / "majority.png")
    if sum(name.startswith("growth") for name in there) > 1:
        draw_growth(runs, folder / "growth.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
