"""The observed share of positives against the predicted probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbimb.plots._base import PredictionsDisplay
from gbimb.plots._read import read_predictions
from gbimb.plots.axes import (
    clip_probability,
    colour,
    legend_above,
    make_axes,
    probability_axis,
    probability_limits,
    text_colour,
)
from gbimb.plots.statistics import before_and_after, reliability_bins

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from gbimb.plots.statistics import Predictions


class ReliabilityDisplay(PredictionsDisplay):
    """The observed share of positives against the mean probability, bin by bin.

    Each bin holds equally much information about the log-odds (the sum of p (1 - p), which for
    rare positives is their expected number), so that the points are equally certain; few
    positives make few bins. Both axes are even in log-odds. Bars are Wilson's 95 % intervals; a
    triangle at the lower end stands for a bin without a positive.

    Parameters
    ----------
    bins : DataFrame
        As ``frame`` returns it. ``from_predictions`` also takes ``y_proba_before``, the
        probabilities before a correction, to draw both.

    References
    ----------
    E. B. Wilson. Probable inference, the law of succession, and statistical inference. 1927.
    doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> proba = rng.beta(0.5, 20, 5000)
    >>> y = rng.random(5000) < proba
    >>> bins = ReliabilityDisplay.from_predictions(y, proba).frame()
    >>> bool(((bins["low"] <= bins["mean"]) & (bins["mean"] <= bins["high"])).mean() > 0.8)
    True
    """

    def __init__(self, *, bins: pd.DataFrame) -> None:
        self.bins = bins

    @classmethod
    def _of_rows(
        cls,
        rows: Predictions,
        threshold: float | None,  # noqa: ARG003  this picture has none
        y_proba_before: ArrayLike | None = None,
    ) -> Self:
        if y_proba_before is None:
            return cls(bins=reliability_bins(rows.y, rows.proba, rows.weight))
        before = read_predictions(rows.y, y_proba_before, what=cls.__name__, pos_label=1)
        return cls(bins=before_and_after(rows.y, before.proba, rows.proba, rows.weight))

    def frame(self) -> pd.DataFrame:
        """Return name, rows, positives, mean, observed share, low and high of each bin."""
        return self.bins.copy()

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        groups = list(self.bins.groupby("name", sort=False))
        seen = self.bins["observed"] > 0
        x_ends = probability_limits(self.bins["mean"])
        y_ends = probability_limits(
            self.bins["mean"], self.bins["high"], self.bins.loc[seen, "low"], x_ends
        )
        ax.plot(x_ends, x_ends, color=text_colour(), linestyle="--", linewidth=1, label="true")
        for i, (name, bins) in enumerate(groups):
            # The corrected probabilities have the first colour, whether or not others are there.
            _draw(ax, bins, y_ends, colour(len(groups) - 1 - i), str(name) or "observed")
        probability_axis(ax.xaxis, *x_ends)
        probability_axis(ax.yaxis, *y_ends)
        ax.set(xlabel="mean probability", ylabel="share of positives")
        legend_above(ax, ax.get_legend_handles_labels()[0], 3)
        return self._drawn(ax)


def _draw(ax: Axes, bins: pd.DataFrame, ends: tuple[float, float], shade: str, label: str) -> None:
    x, observed = bins["mean"].to_numpy(), bins["observed"].to_numpy()
    low, high = np.maximum(bins["low"], ends[0]), np.minimum(bins["high"], ends[1])
    seen = observed > 0
    ax.vlines(clip_probability(x), low, high, color=shade, linewidth=1.5)
    ax.plot(
        clip_probability(x[seen]), clip_probability(observed[seen]), "o-", color=shade, label=label
    )
    if not seen.all():  # an empty line would be laid out at the corner of the figure
        ax.plot(
            clip_probability(x[~seen]),
            np.full((~seen).sum(), ends[0]),
            "v",
            color=shade,
            clip_on=False,
        )
