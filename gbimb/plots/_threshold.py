"""Scores against the decision threshold."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gbimb.metrics import get_count_metric
from gbimb.plots._base import PredictionsDisplay
from gbimb.plots.axes import (
    clip_probability,
    colour,
    legend_above,
    make_axes,
    mark_threshold,
    probability_axis,
    probability_limits,
)
from gbimb.plots.statistics import (
    DEFAULT_METRICS,
    QUANTILES,
    SHARES,
    Sweep,
    score_of,
    widen_to_include,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from matplotlib.axes import Axes

    from gbimb.plots.statistics import Predictions

NAMES: Final = {"mcc": "MCC", "f1": "F1", "flagged": "share flagged"}


class ThresholdDisplay(PredictionsDisplay):
    """MCC, F1, precision, recall and the share flagged, against the threshold.

    The bands are 95 % intervals: Wilson's of shares such as precision, and of the others those of
    1,000 posterior draws of the counts (``Sweep.resample``), of all where rows come in groups. The
    axis is even in log-odds, so that the small thresholds of rare classes have room.

    Parameters
    ----------
    sweep : Sweep
        Confusion counts at the thresholds.
    metrics : sequence of str
        Scores from counts ("mcc", "f1", "fbeta:2", "recall", ...) and "flagged", the share of
        rows flagged as positive.
    threshold : float or None
        The one marked.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``
    lines_ : dict of matplotlib Line2D, by metric

    Examples
    --------
    >>> y, proba = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    >>> display = ThresholdDisplay.from_predictions(y, proba, threshold=0.5)
    >>> display.frame().round(2).loc[1, ["threshold", "precision", "recall"]].tolist()
    [0.6, 1.0, 0.5]
    """

    def __init__(
        self,
        *,
        sweep: Sweep,
        metrics: Sequence[str] = DEFAULT_METRICS,
        threshold: float | None = None,
    ) -> None:
        self.sweep = sweep
        self.metrics = tuple(metrics)
        self.threshold = threshold

    @classmethod
    def _of_rows(
        cls, rows: Predictions, threshold: float | None, metrics: Sequence[str] = DEFAULT_METRICS
    ) -> Self:
        for name in metrics:
            if name != "flagged":
                get_count_metric(name)
        sweep = Sweep.of(rows.y, rows.proba, rows.weight, threshold=threshold)
        return cls(sweep=sweep, metrics=metrics, threshold=threshold)

    def frame(self) -> pd.DataFrame:
        """Return counts, scores and the ends of each band at each threshold, the highest first."""
        return self._table.copy()

    @cached_property
    def _table(self) -> pd.DataFrame:
        names = ("tp", "fp", "fn", "tn")
        columns = {"threshold": self.sweep.thresholds}
        columns |= dict(zip(names, self.sweep.counts.as_tuple(), strict=True))
        drawn = self.sweep.resample()
        for name in self.metrics:
            value = np.asarray(score_of(name, self.sweep.counts), np.float64)
            if name in SHARES and self.sweep.clusters is None:
                ends = np.stack(self.sweep.share_interval(name))
            else:
                ends = np.quantile(score_of(name, drawn), QUANTILES, axis=0)
            low, high = widen_to_include(value, ends)
            columns |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return pd.DataFrame(columns)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        data = self.frame()
        data = data[data["tp"] + data["fp"] > 0]
        x = clip_probability(data["threshold"].to_numpy())
        self.lines_ = {}
        for i, name in enumerate(self.metrics):
            ax.fill_between(
                x, data[f"{name}_low"], data[f"{name}_high"], color=colour(i), alpha=0.15, lw=0
            )
            label = NAMES.get(name, name)
            (self.lines_[name],) = ax.plot(x, data[name], color=colour(i), label=label)
        lines = [*self.lines_.values(), *mark_threshold(ax, self.threshold)]
        probability_axis(ax.xaxis, *probability_limits(x))
        lowest = min(float(data[name].min()) for name in self.metrics)
        ax.set(xlabel="threshold on the probability", ylim=(min(-0.02, lowest), 1.02))
        legend_above(ax, lines, 3)
        return self._drawn(ax)
