"""Draw ``results/given_up.svg`` from ``results/scores_by_positives.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Draw what is given up against knowing the truth, by the number of positives."""
    with (RESULTS / "scores_by_positives.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    mpl.rcParams["svg.hashsalt"] = "gbimb"
    figure, axes = plt.subplots(1, len(rules), figsize=(12, 2.8), sharey=True)
    for ax, rule in zip(axes, rules, strict=True):
        for part, label in (("fifth", "a fifth split off"), ("all", "all rows")):
            some = [row for row in rows if row["rule"] == rule and row["rows"] == part]
            some.sort(key=lambda row: int(row["positives"]))
            x = [int(row["positives"]) for row in some]
            ax.plot(x, [float(row["loss"]) for row in some], marker="o", label=label)
        ax.set(title=rule, xscale="log", xlabel="positives")
    axes[0].set_ylabel("given up")
    axes[0].legend(frameon=False, fontsize="small")
    figure.tight_layout()
    figure.savefig(RESULTS / "given_up.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
