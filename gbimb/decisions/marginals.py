"""How the values of each column are spread in each class, and whether new rows agree with that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from scipy.stats import chi2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

CUTS: Final = 9  # between the parts of the values of a column
MOST_COLUMNS: Final = 64  # those that tell the classes apart best
WIDE: Final = 2_000  # columns, of which only the first are looked at
LEVEL: Final = 0.01  # of the test of all columns together
SHOWN: Final = 3
NONE: Final = float(np.finfo(np.float64).max)  # no cut


@dataclass(frozen=True, eq=False)
class Marginals:
    """The spread of some columns in each class of the training rows.

    Attributes
    ----------
    columns : int64 array of shape (c,)
        Places of the columns, those first that tell the classes apart best.
    cuts : float64 array of shape (c, 9)
        Rising, between the parts of the values; the largest float where there are fewer.
    share : float64 array of shape (c, K, 11)
        Of the rows of each class, those in each part; the last one is of missing values.
    rows : float64 array of shape (K,)
        Of each class that were looked at.
    prevalence : float64 array of shape (K,)
        Of the classes in training.
    """

    columns: IntArray
    cuts: FloatArray
    share: FloatArray
    rows: FloatArray
    prevalence: FloatArray

    @classmethod
    def of(
        cls,
        sample: Any,  # an ndarray or a CSR matrix
        codes: IntArray,
        weight: FloatArray,
    ) -> Marginals:
        """Return the spread in sampled rows, each of which stands for ``weight`` rows."""
        places = np.arange(min(sample.shape[1], WIDE))
        onehot = np.eye(int(codes.max()) + 1)[codes]
        totals = weight @ onehot
        within = onehot * (weight[:, None] / np.maximum(totals, 1e-300))
        cuts = np.full((places.size, CUTS), NONE)
        share = np.zeros((places.size, totals.size, CUTS + 2))
        for j in places:
            values = column(sample, j)
            cuts[j] = cuts_of(values, within.sum(axis=1))
            at = parts_of(values, cuts[j])
            share[j] = np.stack([np.bincount(at, own, CUTS + 2) for own in within.T])
        best = np.argsort(-_information(share), kind="stable")[:MOST_COLUMNS]
        rows = onehot.sum(axis=0)
        return cls(places[best], cuts[best], share[best], rows, totals / totals.sum())

    def in_other_order(self) -> Marginals:
        """Return the same for two classes that are numbered the other way round."""
        return Marginals(
            self.columns, self.cuts, self.share[:, ::-1], self.rows[::-1], self.prevalence[::-1]
        )

    def count(self, matrix: Any) -> FloatArray:  # an ndarray or a CSR matrix
        """Return how many rows have values in each part of each column, shape (c, 11)."""
        counts = [
            np.bincount(parts_of(column(matrix, j), cuts), minlength=CUTS + 2)
            for j, cuts in zip(self.columns, self.cuts, strict=True)
        ]
        return np.array(counts, np.float64).reshape(-1, CUTS + 2)

    def unlike(self, counts: FloatArray, prevalence: FloatArray, error: FloatArray) -> IntArray:
        """Return the columns in which new rows are no mixture of the classes, worst first.

        A chi-square test of each column, at the level 0.01 for all of them together. The
        variance is that of the new rows, of the training rows and of the prevalence.

        Parameters
        ----------
        counts : float64 array of shape (c, 11)
            From :meth:`count`.
        prevalence, error : float64 arrays of shape (K,)
            Of the classes in the new rows, and its standard error.
        """
        p = np.array(
            [
                _p_value(own, share, self.rows, prevalence, error)
                for own, share in zip(counts, self.share, strict=True)
            ]
        )
        order = np.argsort(p, kind="stable")
        return self.columns[order][p[order] * max(p.size, 1) < LEVEL]


def column(matrix: Any, j: int) -> FloatArray:  # an ndarray or a CSR matrix
    """Return the values of a column, float64."""
    if sparse.issparse(matrix):
        return np.asarray(matrix[:, [j]].toarray(), np.float64).ravel()
    return np.asarray(matrix[:, j], np.float64)


def cuts_of(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Return different values between parts of about the same weight, shape (9,)."""
    cuts = np.full(CUTS, NONE)
    known = ~np.isnan(values)
    if known.any():
        order = np.argsort(values[known], kind="stable")
        ranked, done = values[known][order], np.cumsum(weight[known][order])
        wanted = done[-1] * np.arange(1, CUTS + 1) / (CUTS + 1)
        # The lowest value begins no part: nothing is below it.
        some = np.unique(ranked[np.minimum(np.searchsorted(done, wanted), ranked.size - 1)])
        some = some[(some > ranked[0]) & (some < NONE)]
        cuts[: some.size] = some
    return cuts


def parts_of(values: FloatArray, cuts: FloatArray) -> IntArray:
    """Return the part of each value, from 0; the last one is of missing values."""
    at = np.searchsorted(cuts[cuts < NONE], values, side="right")
    return np.where(np.isnan(values), CUTS + 1, at)


def _information(share: FloatArray) -> FloatArray:
    """Return how far the classes are apart in each column: mean divergence from their mean."""
    mean = share.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(share > 0, share * np.log(share / mean), 0.0)
    total: FloatArray = each.sum(axis=(1, 2))
    return total


def _p_value(
    counts: FloatArray,
    share: FloatArray,
    rows: FloatArray,
    prevalence: FloatArray,
    error: FloatArray,
) -> float:
    """Return the p-value of the counts of a column's parts under a mixture of the classes."""
    seen = share * rows[:, None]
    there = (counts > 0) | (seen.sum(axis=0) > 0)
    n, k = counts.sum(), int(np.count_nonzero(there))
    if k < 2 or n == 0:
        return 1.0
    # Half a row in each part of each class: none is impossible for sure.
    smooth = seen[:, there] + 0.5
    smooth /= smooth.sum(axis=1, keepdims=True)
    mixed = prevalence @ smooth
    spread = _covariance(mixed) / n
    for own, each, size, off in zip(prevalence, smooth, rows, error, strict=True):
        spread += own**2 * _covariance(each) / max(size, 1.0)
        # The other classes share what this one has too much.
        way = each - (mixed - own * each) / max(1.0 - own, 1e-12)
        spread += off**2 * np.outer(way, way) * (0.5 if rows.size == 2 else 1.0)
    gap = counts[there] / n - mixed
    statistic = float(gap @ np.linalg.pinv(spread, rcond=1e-12, hermitian=True) @ gap)
    return float(chi2.sf(statistic, k - 1))


def _covariance(share: NDArray[Any]) -> FloatArray:
    """Return the covariance of a row's indicators of the parts."""
    return np.diag(share) - np.outer(share, share)
