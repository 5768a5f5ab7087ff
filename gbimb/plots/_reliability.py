"""Whether rows with the probability p are positive p of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from gbimb.plots._axes import (
    colour,
    inside,
    legend_above,
    make_axes,
    probability_axis,
    probability_limits,
    text_colour,
)
from gbimb.plots._base import PredictionsDisplay
from gbimb.plots._read import read_predictions

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray

MOST_BINS: Final = 12
POSITIVES_PER_BIN: Final = 5


class ReliabilityDisplay(PredictionsDisplay):
    """The observed share of positives against the mean probability, bin by bin.

    Each bin holds equally much information about the log-odds (the sum of p (1 - p), which for
    rare positives is their expected number), so that the points are equally sure; there are fewer
    bins with few positives. Both axes are even in log-odds. Bars are Wilson's 95 % intervals; a
    triangle at the lower end stands for a bin without a positive.

    Parameters
    ----------
    bins : DataFrame
        As ``frame`` returns it.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``

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
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # noqa: ANN401  any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        y_proba_before: ArrayLike | None = None,
    ) -> Self:
        """Draw labels and probabilities of the positive one.

        Parameters
        ----------
        y_true : array of shape (n,)
            Two labels of any kind.
        y_proba : array of shape (n,), in [0, 1]
        threshold : float, optional
            Not drawn here.
        pos_label : label, optional
            Defaults to 1 for labels 0 and 1, else to the rarer label.
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.
        y_proba_before : array of shape (n,), in [0, 1], optional
            Probabilities before a correction, drawn beside.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        del threshold
        named = {"": y_proba}
        if y_proba_before is not None:
            named = {"before correction": y_proba_before, "after correction": y_proba}
        parts = []
        for name, proba in named.items():
            rows = read_predictions(
                y_true, proba, what=cls.__name__, pos_label=pos_label, sample_weight=sample_weight
            )
            parts.append(reliability_bins(rows.y, rows.proba, rows.weight).assign(name=name))
        return cls(bins=pd.concat(parts, ignore_index=True)).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return a row a bin: name, rows, positives, mean probability, observed share, interval."""
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
    ax.vlines(inside(x), low, high, color=shade, linewidth=1.5)
    ax.plot(inside(x[seen]), inside(observed[seen]), "o-", color=shade, label=label)
    if not seen.all():  # an empty line would be laid out at the corner of the figure
        ax.plot(inside(x[~seen]), np.full((~seen).sum(), ends[0]), "v", color=shade, clip_on=False)


def reliability_bins(
    y: NDArray[np.uint8], proba: FloatArray, weight: NDArray[Any] | None
) -> pd.DataFrame:
    """Return mean probability and observed share in bins of equal information."""
    w = np.ones(y.size) if weight is None else weight.astype(np.float64)
    at = np.unique(proba, return_inverse=True)[1]
    information = np.bincount(at, weights=w * np.maximum(proba * (1 - proba), 1e-12))
    positives = min(float(y @ w), float((1 - y) @ w)) / w.mean()
    n_bins = int(np.clip(positives / POSITIVES_PER_BIN, 2, MOST_BINS))
    done = np.cumsum(information) - information / 2
    bins = (n_bins * done / information.sum()).astype(np.intp)[at]
    rows, total = np.bincount(bins), np.bincount(bins, weights=w)
    kept = total > 0
    mean = np.bincount(bins, weights=w * proba)[kept] / total[kept]
    observed = np.bincount(bins, weights=w * y)[kept] / total[kept]
    effective = total[kept] ** 2 / np.bincount(bins, weights=w * w)[kept]
    low, high = wilson_interval(observed, effective)
    return pd.DataFrame(
        {
            "name": "",
            "rows": rows[kept],
            "positives": np.bincount(bins, weights=y)[kept].astype(np.intp),
            "mean": mean,
            "observed": observed,
            "low": low,
            "high": high,
        }
    )


def wilson_interval(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends of Wilson's 95 % interval of shares of ``n`` rows."""
    z = float(norm.isf(0.025))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(share == 0, 0.0, np.maximum(middle - half, 0.0))
    return low, np.where(share == 1, 1.0, np.minimum(middle + half, 1.0))
