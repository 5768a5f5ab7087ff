"""The numbers behind the pictures: counts at thresholds, bins, intervals, paired tests.

Nothing here draws. Reports use the same functions, so that a page and a picture agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm, wilcoxon

from gbimb.metrics import ConfusionCounts, get_count_metric, threshold_curve
from gbimb.plots.axes import clip_probability, probability_limits
from gbimb.plots.draws import RESAMPLES, Clusters, cell_sums, draw_weights, row_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

DEFAULT_METRICS: Final = ("mcc", "f1", "precision", "recall", "flagged")
MOST_THRESHOLDS: Final = 1000
FEWEST_ROWS: Final = 1e-9
PRIOR_ROWS: Final = 0.5
QUANTILES: Final = (0.025, 0.975)
RELIABILITY_BINS: Final = 12
POSITIVES_PER_BIN: Final = 5
HISTOGRAM_BINS: Final = (12, 40)
FEWEST_TABLES: Final = 6
SHARES: Final = {
    "precision": ("tp", "fp"),
    "recall": ("tp", "fn"),
    "specificity": ("tn", "fp"),
    "flagged": ("tp", "fp", "fn", "tn"),
}
"""The counts in the denominator of each share."""


class Predictions(NamedTuple):
    """Labels and probabilities of two classes, checked.

    Attributes
    ----------
    y : uint8 array of shape (n,)
        1 for the positive label.
    proba : float64 array of shape (n,), in [0, 1]
    weight : float array of shape (n,) or None
    names : pair of str
        The negative label, then the positive one.
    """

    y: NDArray[np.uint8]
    proba: FloatArray
    weight: NDArray[Any] | None
    names: tuple[str, str]


def score_of(name: str, counts: ConfusionCounts) -> Any:  # a float or an array
    """Return a score from counts; "flagged" is the share of rows flagged as positive.

    >>> float(score_of("flagged", ConfusionCounts(1, 1, 0, 6)))
    0.25
    """
    if name != "flagged":
        return get_count_metric(name)(counts)
    tp, fp, fn, tn = counts.as_tuple()
    return (tp + fp) / (tp + fp + fn + tn)


@dataclass(frozen=True, eq=False)
class Sweep:
    """Counts at thresholds between different probabilities, from no row flagged to all rows.

    Attributes
    ----------
    thresholds : float64 array of shape (k,), falling
        Rows with a probability >= the threshold are flagged as positive.
    counts : ConfusionCounts
        Arrays of shape (k,).
    variance : float64 array of shape (k, 2)
        Sum of the squared weights of the negatives and positives that each threshold adds.
    clusters : Clusters or None
        Where rows come in groups: those that each group adds.
    """

    thresholds: FloatArray
    counts: ConfusionCounts
    variance: FloatArray
    clusters: Clusters | None = None

    @classmethod
    def of(
        cls,
        y: NDArray[np.uint8],
        proba: FloatArray,
        weight: NDArray[Any] | None,
        *,
        threshold: float | None = None,
        groups: IntArray | None = None,
    ) -> Sweep:
        """Count labels 0 and 1 at thresholds spread over the positives and over all rows.

        ``threshold`` is one of them; ``groups``, from 0 on, are those that rows come in.
        """
        curve = threshold_curve(y, proba, weight)
        kept = _spread(curve.counts.tp, curve.counts.fp)
        # Step i of the curve flags the i + 1 highest different probabilities; step 0 here none.
        thresholds = np.array([curve.threshold(int(i)) for i in [-1, *kept]])
        steps = np.array([0, *(kept + 1)])
        if threshold is not None and threshold not in thresholds:
            at = int(np.searchsorted(-thresholds, -threshold))
            step = int(np.searchsorted(-curve.scores, -threshold, side="right"))
            thresholds = np.insert(thresholds, at, threshold)
            steps = np.insert(steps, at, step)
        tp, fp = (np.append(0.0, c)[steps] for c in (curve.counts.tp, curve.counts.fp))
        counts = ConfusionCounts(tp, fp, curve.counts.tp[-1] - tp, curve.counts.fp[-1] - fp)
        cells = _cells(y, proba, curve.scores, steps)
        k = 2 * steps.size
        _, variance = cell_sums(cells, k, weight)
        clusters = None if groups is None else Clusters.of(groups, cells, weight, k)
        return cls(thresholds, counts, variance.reshape(-1, 2), clusters)

    def at(self, threshold: float) -> ConfusionCounts:
        """Return the counts at the highest threshold of the sweep that is not above this one."""
        index = min(int(np.searchsorted(-self.thresholds, -threshold)), self.thresholds.size - 1)
        return self.counts.at(index)

    def resample(self, n: int = RESAMPLES) -> ConfusionCounts:
        """Return ``n`` draws of the counts that the rows may stand for, arrays of shape (n, k).

        A Bayesian bootstrap: a step that adds rows of weight S in sum, and Q in sum of squares,
        adds Q/S times a Gamma number of mean S^2/Q, which has the mean S and the variance Q. Half
        a row before the first threshold and half a row after the last, in each class, are Jeffreys'
        prior for the four counts of every threshold: none of them is 0 for sure. Where rows come
        in groups, whole groups are drawn.

        References
        ----------
        D. B. Rubin. The Bayesian bootstrap. 1981. doi:10.1214/aos/1176345338.
        L. D. Brown, T. T. Cai, A. DasGupta. Interval estimation for a binomial proportion. 2001.
        doi:10.1214/ss/1009213286.
        """
        rng = np.random.default_rng(0)
        steps = np.diff([self.counts.fp, self.counts.tp], prepend=0.0)
        if self.clusters is None:
            drawn = draw_weights(rng, steps, self.variance.T, n)
        else:
            drawn = np.moveaxis(self.clusters.draw(rng, n).reshape(n, -1, 2), -1, 0)
        row = row_weight(steps.sum(axis=1), self.variance.sum(axis=0))
        before, after = row[:, None, None] * rng.standard_gamma(PRIOR_ROWS, (2, 2, n, 1))
        fp, tp = before + np.cumsum(drawn, axis=-1)
        fn, tn = after[1] + tp[:, -1:] - tp, after[0] + fp[:, -1:] - fp
        return ConfusionCounts(tp, fp, np.maximum(fn, 0.0), np.maximum(tn, 0.0))

    def squares(self) -> ConfusionCounts:
        """Return the sums of the squared weights behind the counts."""
        negatives, positives = self.variance.T
        return ConfusionCounts.from_steps(positives, negatives)

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


def widen_to_include(value: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the lower and upper ends of intervals, widened where they leave out the value."""
    return np.stack([np.minimum(ends[0], value), np.maximum(ends[1], value)])


def _spread(tp: FloatArray, fp: FloatArray) -> IntArray:
    """Choose thresholds evenly by positives flagged, by rows flagged and by their logarithm."""
    k = tp.size
    most = MOST_THRESHOLDS - 2  # besides the one that flags no row, and the chosen one
    if k <= most:
        return np.arange(k)
    flagged = tp + fp
    parts = [
        np.searchsorted(tp, np.linspace(0, tp[-1], most // 3)),
        np.searchsorted(flagged, np.linspace(0, flagged[-1], most // 3)),
        np.searchsorted(flagged, np.geomspace(flagged[flagged > 0][0], flagged[-1], most // 3)),
    ]
    # Even steps of tp serve recall, of rows the share flagged, of its logarithm the few rows at the
    # top, where precision is decided.
    return np.unique(np.minimum(np.concatenate(parts), k - 1))


def _cells(
    y: NDArray[np.uint8], proba: FloatArray, scores: FloatArray, steps: IntArray
) -> IntArray:
    """Return twice the first kept threshold at which each row is flagged, plus its label."""
    step = np.searchsorted(steps, np.searchsorted(-scores, -proba) + 1)
    return 2 * step + y


def reliability_bins(
    y: NDArray[np.uint8], proba: FloatArray, weight: NDArray[Any] | None
) -> pd.DataFrame:
    """Return mean probability and observed share in bins of equal information."""
    w = np.ones(y.size) if weight is None else weight.astype(np.float64)
    at = np.unique(proba, return_inverse=True)[1]
    # Rows with equal probabilities stay together; each bin gets an equal part of sum p (1 - p),
    # and few positives make few bins.
    information = np.bincount(at, weights=w * np.maximum(proba * (1 - proba), 1e-12))
    positives = min(float(y @ w), float((1 - y) @ w)) / w.mean()
    n_bins = int(np.clip(positives / POSITIVES_PER_BIN, 2, RELIABILITY_BINS))
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


def before_and_after(
    y: NDArray[np.uint8], before: FloatArray, after: FloatArray, weight: NDArray[Any] | None
) -> pd.DataFrame:
    """Return the bins of probabilities before and after a correction as one table."""
    bins = {"before correction": before, "after correction": after}
    parts = [reliability_bins(y, p, weight).assign(name=name) for name, p in bins.items()]
    return pd.concat(parts, ignore_index=True)


def bins_of_correction(
    y: NDArray[np.uint8], before: FloatArray, after: FloatArray, weight: NDArray[Any] | None
) -> pd.DataFrame:
    """Return the bins before and after a correction, those after it alone where it did little."""
    if np.allclose(before, after, rtol=1e-3, atol=1e-9):
        return reliability_bins(y, after, weight)
    return before_and_after(y, before, after, weight)


def wilson_interval(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends of Wilson's 95 % interval of shares of ``n`` rows."""
    z = float(norm.isf(0.025))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(share == 0, 0.0, np.maximum(middle - half, 0.0))
    return low, np.where(share == 1, 1.0, np.minimum(middle + half, 1.0))


def score_bins(rows: Predictions) -> pd.DataFrame:
    """Return the histogram of each class, with the same bars, even in log-odds."""
    low, high = probability_limits(rows.proba)
    rarest = min(np.count_nonzero(rows.y), np.count_nonzero(rows.y == 0))
    # Twice Rice's rule of 2 n^(1/3) bins, for the rows of the rarer class.
    n_bins = int(np.clip(4 * np.cbrt(rarest), *HISTOGRAM_BINS))
    edges = expit(np.linspace(logit(low), logit(high), n_bins + 1))
    weight = np.ones(rows.y.size) if rows.weight is None else rows.weight
    parts = []
    for code, name in enumerate(rows.names):
        own = rows.y == code
        values = clip_probability(rows.proba[own])
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


def signed_rank_holm(scores: pd.DataFrame) -> pd.DataFrame:
    """Return Holm's corrected p-values of Wilcoxon's test for each pair of columns."""
    names = list(scores.columns)
    pairs = list(combinations(range(len(names)), 2))
    values = scores.to_numpy(np.float64)
    p = np.array([_signed_rank(values[:, i] - values[:, j]) for i, j in pairs])
    # Holm: the smallest of m p-values times m, the next times m - 1, ..., and never falling.
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1.0)
    table = np.ones((len(names), len(names)))
    for (i, j), value in zip(pairs, corrected, strict=True):
        table[i, j] = table[j, i] = value
    return pd.DataFrame(table, index=names, columns=names)


def _signed_rank(difference: np.ndarray) -> float:
    return float(wilcoxon(difference).pvalue) if difference.any() else 1.0
