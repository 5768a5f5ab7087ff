"""How the probabilities of both classes are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from gbimb.plots._axes import (
    as_written,
    colour,
    inside,
    legend_above,
    make_axes,
    mark_threshold,
    probability_axis,
    probability_limits,
)
from gbimb.plots._base import PredictionsDisplay
from gbimb.plots._read import Predictions, read_predictions

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

FEWEST_BINS: Final = 12
MOST_BINS: Final = 40


class ScoreDisplay(PredictionsDisplay):
    """Histograms of the probability for each class, on an axis even in log-odds.

    The bars of each class add up to 1, so that a rare class can be seen.

    Parameters
    ----------
    bins : DataFrame
        As ``frame`` returns it.
    threshold : float or None
        The one marked.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``

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
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # noqa: ANN401  any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw labels and probabilities of the positive one.

        Parameters
        ----------
        y_true : array of shape (n,)
            Two labels of any kind.
        y_proba : array of shape (n,), in [0, 1]
        threshold : float, optional
            The one marked.
        pos_label : label, optional
            Defaults to 1 for labels 0 and 1, else to the rarer label.
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        rows = read_predictions(
            y_true, y_proba, what=cls.__name__, pos_label=pos_label, sample_weight=sample_weight
        )
        return cls(bins=score_bins(rows), threshold=threshold).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return a row for each class and bar: class, low, high, rows, share of the class."""
        return self.bins.copy()

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        named: list[Any] = []
        for i, (name, bars) in enumerate(self.bins.groupby("class", sort=False)):
            edges = np.append(bars["low"], bars["high"].iloc[-1])
            label = f"{as_written(name)} ({int(bars['rows'].sum()):,} rows)"
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


def score_bins(rows: Predictions) -> pd.DataFrame:
    """Return the histogram of each class, with the same bars, even in log-odds."""
    low, high = probability_limits(rows.proba)
    rarest = min(np.count_nonzero(rows.y), np.count_nonzero(rows.y == 0))
    n_bins = int(np.clip(4 * np.cbrt(rarest), FEWEST_BINS, MOST_BINS))
    edges = expit(np.linspace(logit(low), logit(high), n_bins + 1))
    weight = np.ones(rows.y.size) if rows.weight is None else rows.weight
    parts = []
    for code, name in enumerate(rows.names):
        own = rows.y == code
        values = inside(rows.proba[own])
        total = np.histogram(values, edges, weights=weight[own])[0]
        parts.append(
            pd.DataFrame(
                {
                    "class": name,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "rows": np.histogram(values, edges)[0],
                    "share": total / max(float(total.sum()), np.finfo(float).tiny),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
