"""Confusion counts at up to a thousand thresholds, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.metrics import ConfusionCounts, get_count_metric, threshold_curve
from gbimb.plots._reliability import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

MOST_THRESHOLDS: Final = 1000
FEWEST_ROWS: Final = 1e-9
PRIOR_ROWS: Final = 0.5
SHARES: Final = {
    "precision": ("tp", "fp"),
    "recall": ("tp", "fn"),
    "specificity": ("tn", "fp"),
    "flagged": ("tp", "fp", "fn", "tn"),
}
"""The counts that each share is a share of."""


def score_of(name: str, counts: ConfusionCounts) -> Any:  # noqa: ANN401  a float or an array
    """Return a score from counts; "flagged" is the share of rows called positive.

    >>> float(score_of("flagged", ConfusionCounts(1, 1, 0, 6)))
    0.25
    """
    if name != "flagged":
        return get_count_metric(name)(counts)
    tp, fp, fn, tn = counts.as_tuple()
    return (tp + fp) / (tp + fp + fn + tn)


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
        """Return ``n`` draws of the counts that the rows may stand for, arrays of shape (n, k).

        A Bayesian bootstrap: a step that adds rows of weight S in sum, and Q in sum of squares,
        adds Q/S times a Gamma number of mean S^2/Q, which has the mean S and the variance Q. Half
        a row before the first threshold and half a row after the last, in each class, are Jeffreys'
        prior for the four counts of every threshold: none of them is 0 for sure.

        References
        ----------
        D. B. Rubin. The Bayesian bootstrap. 1981. doi:10.1214/aos/1176345338.
        L. D. Brown, T. T. Cai, A. DasGupta. Interval estimation for a binomial proportion. 2001.
        doi:10.1214/ss/1009213286.
        """
        rng = np.random.default_rng(random_state)
        steps = np.diff([self.counts.fp, self.counts.tp], prepend=0.0)
        drawn = draw_weights(rng, steps, self.variance.T, n)
        row = row_weight(steps.sum(axis=1), self.variance.sum(axis=0))
        before, after = row[:, None, None] * rng.standard_gamma(PRIOR_ROWS, (2, 2, n, 1))
        fp, tp = before + np.cumsum(drawn, axis=-1)
        fn, tn = after[1] + tp[:, -1:] - tp, after[0] + fp[:, -1:] - fp
        return ConfusionCounts(tp, fp, np.maximum(fn, 0.0), np.maximum(tn, 0.0))

    def squares(self) -> ConfusionCounts:
        """Return the sums of the squared weights behind the counts."""
        fp, tp = np.cumsum(self.variance.T, axis=-1)
        return ConfusionCounts(tp, fp, np.maximum(tp[-1] - tp, 0.0), np.maximum(fp[-1] - fp, 0.0))

    def share_interval(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return the ends of Wilson's 95 % interval of one of ``SHARES`` at each threshold.

        Rows of weight S in sum and Q in sum of squares are S^2/Q rows of equal weight.
        """
        whole, squares = (
            np.sum([getattr(counts, part) for part in SHARES[name]], axis=0)
            for counts in (self.counts, self.squares())
        )
        rows = np.divide(whole**2, squares, out=np.zeros_like(whole), where=squares > 0)
        share = np.asarray(score_of(name, self.counts), np.float64)
        return wilson_interval(share, np.maximum(rows, FEWEST_ROWS))


def holding(ends: FloatArray, value: FloatArray) -> FloatArray:
    """Return the lower and upper ends of intervals, moved to where they hold the value."""
    return np.stack([np.minimum(ends[0], value), np.maximum(ends[1], value)])


def row_weight(total: FloatArray, squares: FloatArray) -> FloatArray:
    """Return what a row weighs where the weights have these sums and sums of squares."""
    return np.divide(squares, total, out=np.ones_like(total), where=total > 0)


def draw_weights(
    rng: np.random.Generator, total: FloatArray, squares: FloatArray, n: int
) -> FloatArray:
    """Return ``n`` draws of each sum of weights, an axis before the last."""
    row = row_weight(total, squares)[..., None, :]
    shape = total[..., None, :] / row
    size = (*total.shape[:-1], n, total.shape[-1])
    drawn: FloatArray = row * rng.standard_gamma(np.broadcast_to(shape, size))
    return drawn


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
