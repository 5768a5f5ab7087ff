"""The critical-difference diagram of the methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.quality.methods import BASELINE, METHODS
from benchmarks.quality.statistics import by_table
from gbimb.plots import CriticalDifferenceDisplay
from gbimb.plots.statistics import FEWEST_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

FEWEST_METHODS: Final = 3
BLUE, RED, GREY = "#1764ab", "#c0392b", "#6b6b6b"


def draw_critical_differences(frame: pd.DataFrame, methods: Sequence[str], path: Path) -> bool:
    """Draw mean ranks by MCC: gbimb's methods in blue, the baseline in red.

    Returns
    -------
    bool
        Whether there were enough tables and methods for a picture.
    """
    values = by_table(frame, "mcc").reindex(columns=list(methods)).dropna()
    if len(values) < FEWEST_TABLES or len(methods) < FEWEST_METHODS:
        return False
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    labels = {name: METHODS[name].label if name in METHODS else name for name in methods}
    colours = {labels[name]: _colour(name) for name in methods}
    display = CriticalDifferenceDisplay.from_scores(values.rename(columns=labels))
    for text, label in zip(display.ax_.texts, display.frame().index, strict=True):
        text.set_color(colours[label])
    display.figure_.set_size_inches(11, 0.9 + 0.19 * len(methods))
    display.figure_.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(display.figure_)
    return True


def _colour(name: str) -> str:
    if name == BASELINE:
        return RED
    return BLUE if name in METHODS and METHODS[name].is_ours else GREY
