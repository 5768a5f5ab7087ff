"""Confusion counts at up to a thousand thresholds, and how much they vary by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics import ConfusionCounts, get_count_metric, threshold_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb._typing import FloatArray, IntArray

MOST_THRESHOLDS: Final = 1000


def score_of(name: str, counts: ConfusionCounts) -> Any:  # noqa: ANN401  a float or an array
    """Return a score from counts; "flagged" is the share of rows called positive.

    >>> float(score_of("flagged", ConfusionCounts(1, 1, 0, 6)))
    0.25
    """
    if name != "flagged":
        return get_count_metric(name)(counts)
    tp, fp, fn, tn = counts.as_tuple()
    # A bootstrap of very few rows can be empty.
    return (tp + fp) / np.maximum(tp + fp + fn + tn, np.finfo(float).tiny)


@dataclass(frozen=True, eq=False)
class Sweep:
    """Counts at thresholds that tell rows apart, from none called to all.

    Attributes
    ----------
    thresholds : float64 array of shape (k,), falling
        Rows with a probability >= the threshold are called positive.
    counts : ConfusionCounts
        Arrays of shape (k,).
    variance : float64 array of shape (k, 2)
        Sum of the squared weights of the negatives and positives that each threshold adds.
    """

    thresholds: FloatArray
    counts: ConfusionCounts
    variance: FloatArray

    @classmethod
    def of(
        cls,
        y: NDArray[np.uint8],
        proba: FloatArray,
        weight: NDArray[Any] | None,
        *,
        threshold: float | None = None,
    ) -> Sweep:
        """Count labels 0 and 1 at thresholds spread over the positives and over all rows.

        ``threshold`` is one of them.
        """
        curve = threshold_curve(y, proba, weight)
        kept = _spread(curve.counts.tp, curve.counts.fp)
        thresholds = np.array([curve.threshold(int(i)) for i in [-1, *kept]])
        called = np.array([0, *(kept + 1)])
        if threshold is not None and threshold not in thresholds:
            at = int(np.searchsorted(-thresholds, -threshold))
            n_called = int(np.searchsorted(-curve.scores, -threshold, side="right"))
            thresholds = np.insert(thresholds, at, threshold)
            called = np.insert(called, at, n_called)
        tp, fp = (np.append(0.0, c)[called] for c in (curve.counts.tp, curve.counts.fp))
        counts = ConfusionCounts(tp, fp, curve.counts.tp[-1] - tp, curve.counts.fp[-1] - fp)
        return cls(thresholds, counts, _variance(y, proba, weight, curve.scores, called))

    def at(self, threshold: float) -> ConfusionCounts:
        """Return the counts at the highest threshold of the sweep that is not above this one."""
        index = min(int(np.searchsorted(-self.thresholds, -threshold)), self.thresholds.size - 1)
        return ConfusionCounts(*(c[index] for c in self.counts.as_tuple()))

    def resample(self, n: int, random_state: int) -> ConfusionCounts:
        """Return the counts of ``n`` Poisson bootstraps of the rows, arrays of shape (n, k).

        A sum of weights then has the mean S and, with the sum Q of their squares, the variance Q;
        so has Q/S times a Poisson number of mean S^2/Q. Equal weights make that exact.
        """
        rng = np.random.default_rng(random_state)
        steps = np.diff([self.counts.fp, self.counts.tp], prepend=0.0)
        scale = np.divide(self.variance.T, steps, out=np.ones_like(steps), where=steps > 0)
        drawn = rng.poisson((steps / scale)[:, None], (2, n, self.thresholds.size))
        fp, tp = np.cumsum(scale[:, None] * drawn, axis=-1)
        return ConfusionCounts(tp, fp, tp[:, -1:] - tp, fp[:, -1:] - fp)


def _spread(tp: FloatArray, fp: FloatArray) -> IntArray:
    """Choose thresholds evenly by positives called, by rows called and by their logarithm."""
    k = tp.size
    most = MOST_THRESHOLDS - 2  # besides none called and the chosen one
    if k <= most:
        return np.arange(k)
    called = tp + fp
    parts = [
        np.searchsorted(tp, np.linspace(0, tp[-1], most // 3)),
        np.searchsorted(called, np.linspace(0, called[-1], most // 3)),
        np.searchsorted(called, np.geomspace(called[called > 0][0], called[-1], most // 3)),
    ]
    chosen: IntArray = np.unique(np.minimum(np.concatenate(parts), k - 1))
    return chosen


def _variance(
    y: NDArray[np.uint8],
    proba: FloatArray,
    weight: NDArray[Any] | None,
    scores: FloatArray,
    called: IntArray,
) -> FloatArray:
    step = np.searchsorted(called, np.searchsorted(-scores, -proba) + 1)
    squares = None if weight is None else np.square(weight, dtype=np.float64)
    table = np.bincount(2 * step + y, weights=squares, minlength=2 * called.size)
    return np.reshape(table, (called.size, 2)).astype(np.float64)
