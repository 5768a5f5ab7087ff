"""Precision against recall, with the prevalence as the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gbimb.metrics import average_precision, precision_score, recall_score, threshold_curve
from gbimb.plots._base import PredictionsDisplay
from gbimb.plots.axes import make_axes, text_colour
from gbimb.plots.statistics import Sweep

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from gbimb.plots.statistics import Predictions


class PrecisionRecallDisplay(PredictionsDisplay):
    """Precision against recall, the prevalence as a line, the chosen threshold as a point.

    Parameters
    ----------
    sweep : Sweep
        Confusion counts at the thresholds.
    average_precision : float
        Of all thresholds.
    threshold : float or None
        The one marked.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``
    line_ : matplotlib Line2D

    Examples
    --------
    >>> display = PrecisionRecallDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> display.prevalence
    0.5
    """

    def __init__(
        self, *, sweep: Sweep, average_precision: float, threshold: float | None = None
    ) -> None:
        self.sweep = sweep
        self.average_precision = average_precision
        self.threshold = threshold

    @classmethod
    def _of_rows(cls, rows: Predictions, threshold: float | None) -> Self:
        area = average_precision(threshold_curve(rows.y, rows.proba, rows.weight))
        sweep = Sweep.of(rows.y, rows.proba, rows.weight, threshold=threshold)
        return cls(sweep=sweep, average_precision=area, threshold=threshold)

    @property
    def prevalence(self) -> float:
        """The share of positives: the precision of random predictions."""
        tp, _, fn, _ = self.sweep.at(1.0).as_tuple()
        return float((tp + fn) / sum(self.sweep.at(1.0).as_tuple()))

    def frame(self) -> pd.DataFrame:
        """Return precision and recall at each threshold that flags a row, the highest first."""
        counts = self.sweep.counts
        flags_some = np.asarray(counts.tp + counts.fp) > 0
        return pd.DataFrame(
            {
                "threshold": self.sweep.thresholds[flags_some],
                "precision": precision_score(counts)[flags_some],
                "recall": recall_score(counts)[flags_some],
            }
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        data = self.frame()
        label = f"average precision {self.average_precision:.3f}"
        recall = [0.0, *data["recall"]]
        precision = [data["precision"].iloc[0], *data["precision"]]
        # A step's precision holds from the recall before it: that is what the area adds up.
        (self.line_,) = ax.plot(recall, precision, drawstyle="steps-pre", label=label)
        ax.axhline(
            self.prevalence,
            color=text_colour(),
            linestyle="--",
            linewidth=1,
            label=f"prevalence {self.prevalence:.3g}",
        )
        if self.threshold is not None:
            counts = self.sweep.at(self.threshold)
            ax.plot(
                [recall_score(counts)],
                [precision_score(counts)],
                "o",
                color=text_colour(),
                label=f"threshold {self.threshold:.3g}",
            )
        ax.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
        ax.legend(fontsize="small")
        return self._drawn(ax)
