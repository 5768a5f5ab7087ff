"""Histograms of the predicted probability, one for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.plots._base import PredictionsDisplay
from gbimb.plots.axes import (
    colour,
    escape_dollars,
    legend_above,
    make_axes,
    mark_threshold,
    probability_axis,
)
from gbimb.plots.statistics import score_bins

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from matplotlib.axes import Axes

    from gbimb.plots.statistics import Predictions


class ScoreDisplay(PredictionsDisplay):
    """Histograms of the probability for each class, on an axis even in log-odds.

    The bars of each class add up to 1, so that a rare class is visible.

    Parameters
    ----------
    bins : DataFrame
        As ``frame`` returns it.
    threshold : float or None
        The one marked.

    Examples
    --------
    >>> display = ScoreDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> display.frame().groupby("class")["rows"].sum().tolist()
    [2, 2]
    """

    def __init__(self, *, bins: pd.DataFrame, threshold: float | None = None) -> None:
        self.bins = bins
        self.threshold = threshold

    @classmethod
    def _of_rows(cls, rows: Predictions, threshold: float | None) -> Self:
        return cls(bins=score_bins(rows), threshold=threshold)

    def frame(self) -> pd.DataFrame:
        """Return class, low, high, rows and share of the class for each bar."""
        return self.bins.copy()

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        named: list[Any] = []
        for i, (name, bars) in enumerate(self.bins.groupby("class", sort=False)):
            edges = np.append(bars["low"], bars["high"].iloc[-1])
            label = f"{escape_dollars(name)} ({int(bars['rows'].sum()):,} rows)"
            named.append(
                ax.stairs(bars["share"], edges, fill=True, alpha=0.35, color=colour(i), label=label)
            )
            ax.stairs(bars["share"], edges, color=colour(i), linewidth=1.2)
        named += mark_threshold(ax, self.threshold)
        probability_axis(ax.xaxis, float(self.bins["low"].min()), float(self.bins["high"].max()))
        ax.set(xlabel="probability", ylabel="share of the class")
        ax.set_ylim(bottom=0)
        legend_above(ax, named, 2)
        return self._drawn(ax)
