"""Soft MCC for many classes: R_K with probabilities in place of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from gbimb.losses._base import SetLoss
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.losses._rows import read_exact_rows
from gbimb.losses._soft import CURVATURE_SHARE, NEGLIGIBLE
from gbimb.losses._softmax import SoftmaxLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows


@dataclass(frozen=True, eq=False)
class SoftClassCounts:
    """All that a smooth R_K depends on; the counts of partitions add up.

    Parameters
    ----------
    hits : float
        Sum of ``w p_y``, ``class_weight`` included.
    true, predicted : float64 arrays of shape (K,)
        Weight of the rows of each class, and sum of ``w p_k``.
    """

    hits: float
    true: FloatArray
    predicted: FloatArray

    def __add__(self, other: object) -> SoftClassCounts:
        """Return the counts of both sets of rows together."""
        if not isinstance(other, SoftClassCounts):
            return NotImplemented
        return SoftClassCounts(
            self.hits + other.hits, self.true + other.true, self.predicted + other.predicted
        )

    def as_array(self) -> FloatArray:
        """Return hits, true and predicted in one array."""
        return np.concatenate([[self.hits], self.true, self.predicted])

    @classmethod
    def from_array(cls, values: FloatArray) -> SoftClassCounts:
        """Return the counts that ``as_array`` made ``values`` of."""
        true, predicted = np.split(values[1:], 2)
        return cls(float(values[0]), true, predicted)

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return float(self.true.sum())

    @property
    def scale(self) -> float:
        """``(n^2 - sum t^2) / n``, what the loss of all rows is 1 - R_K times."""
        return spread(self.true) / self.total if self.total > 0 else 0.0


def spread(totals: FloatArray) -> float:
    """``n^2 - sum of squares``, as sums of products: nothing cancels."""
    before = np.concatenate([[0.0], np.cumsum(totals)[:-1]])
    return 2.0 * float(before @ totals)


@dataclass(frozen=True)
class SoftmaxMCCLoss(SetLoss, MulticlassLoss):
    r"""One minus the smooth R_K, the multi-class MCC, of the whole training set.

    .. math:: R = \frac{n a - \sum_k t_k b_k}{D}, \quad
              D = \sqrt{\left(n^2 - \sum_k b_k^2\right) \left(n^2 - \sum_k t_k^2\right)}

    with :math:`a = \sum w p_y`, :math:`b_k = \sum w p_k`, :math:`p = \mathrm{softmax}(z)`, and
    :math:`t_k` and n the weights of the classes and of all rows. What is minimised is
    :math:`T = (n^2 - \sum t_k^2) / n \cdot (1 - R)`. Its derivative is, with
    :math:`e_{ik} = R_a \delta_{y_i k} + R_{b_k}`,

    .. math::
        \partial_{ik} T = -\frac{n^2 - \sum t^2}{n} \, w_i p_{ik}
            \Big(e_{ik} - \sum_l p_{il} e_{il}\Big), \quad
        R_a = \frac{n}{D}, \quad R_{b_k} = \frac{R b_k}{n^2 - \sum b^2} - \frac{t_k}{D}

    For two classes it is :class:`SoftMCCLoss`. ``hessian`` is the diagonal; the coupling of
    rows and of classes is left out.

    Parameters
    ----------
    n_classes : int
        Number of classes K, 2 to 100,000.
    class_weight : tuple of K floats, optional
        Weight of each class in the metric, > 0 and finite.

    Notes
    -----
    Start from a model trained with ``SoftmaxLoss``, as for :class:`SoftMCCLoss`. ``probability``
    is the softmax with the class weights taken out, and true only after recalibration.

    References
    ----------
    J. Gorodkin. Comparing two K-category assignments by a K-category correlation coefficient.
    2004. doi:10.1016/j.compbiolchem.2004.09.006.

    Examples
    --------
    >>> loss = SoftmaxMCCLoss(3)
    >>> y, raw_score = [0, 1, 2], [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]
    >>> round(loss.score(loss.sums(y, raw_score)), 4)
    0.6804
    """

    n_classes: int
    class_weight: tuple[float, ...] | None = None
    sums_class = SoftClassCounts

    @property
    def warm_up(self) -> SoftmaxLoss:
        """The loss for the first rounds of boosting: the log loss with the same weights."""
        return SoftmaxLoss(self.n_classes, self.class_weight)

    def score(self, sums: SoftClassCounts) -> float:
        """Return the smooth R_K, in [-1, 1]; higher is better. 0 where it is 0/0."""
        root = _root(sums)
        return (sums.total * sums.hits - float(sums.true @ sums.predicted)) / root if root else 0.0

    def loss(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftClassCounts | None = None,
    ) -> FloatArray:
        """Return each row's share of the loss; lower is better, shape (n,), may be negative.

        The shares of all rows add up to the loss, of which ``gradient`` is the derivative.
        """
        p, hit, weight, counts = self._parts(y_true, raw_score, sample_weight, sums)
        root, n = _root(counts), counts.total
        if n == 0:
            return np.zeros(len(p))
        shares = np.ones(len(p))
        if root:
            shares -= ((hit - counts.true / n) * (p - counts.predicted / n)).sum(axis=1) * (
                n * (n / root)
            )
        return counts.scale / n * weight * shares

    def gradient(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftClassCounts | None = None,
    ) -> FloatArray:
        """Return the derivative of the summed loss, exact. Shape (n, K), float64."""
        p, hit, weight, counts = self._parts(y_true, raw_score, sample_weight, sums)
        by_hit, by_class = self._slopes(counts)
        push = by_hit * hit + by_class
        return -counts.scale * weight[:, None] * p * _centred(push, p)

    def hessian(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftClassCounts | None = None,
    ) -> FloatArray:
        """Return the diagonal of the Hessian of the summed loss, exact. Shape (n, K), float64."""
        p, hit, weight, counts = self._parts(y_true, raw_score, sample_weight, sums)
        root = _root(counts)
        if root == 0:
            return np.zeros_like(p)
        by_hit, by_class = self._slopes(counts)
        own = p * (1.0 - 2.0 * p) * _centred(by_hit * hit + by_class, p)
        # How a and b move with a score, and what the second derivatives of R make of that.
        w, width, score = weight[:, None], spread(counts.predicted), self.score(counts)
        move_a = w * p * _centred(hit, p)
        move_b = w * p * _centred(np.broadcast_to(counts.predicted, p.shape), p)
        along = np.broadcast_to(by_class - counts.true / root, p.shape)
        move = w * p * _centred(along, p)
        squares = w**2 * p**2 * (1.0 - 2.0 * p + (p**2).sum(axis=1, keepdims=True))
        bend = move_b * (2.0 * counts.total / root * move_a + move) + score * (
            squares + 2.0 * move_b**2 / width
        )
        hessian: FloatArray = -counts.scale * (w * own + bend / width)
        return hessian

    @property
    def curvature_share(self) -> float:
        """0.2: no leaf is larger than 5 times the learning rate."""
        return self.curvature_factor * CURVATURE_SHARE

    def _count(self, rows: LossRows) -> SoftClassCounts | None:
        from gbimb.losses.experimental._kernels import count_softly

        hits, true, predicted = count_softly(rows, self.class_constants)
        return None if isnan(hits) else SoftClassCounts(hits, true, predicted)

    def _fill_part(
        self, rows: LossRows, sums: SoftClassCounts, grad: Float32Array, curv: Float32Array
    ) -> bool:
        by_hit, by_class = self._slopes(sums)
        slopes = sums.scale * by_hit, sums.scale * by_class
        from gbimb.losses.experimental._kernels import fill_gradient

        return fill_gradient(rows, self.class_constants, *slopes, self.curvature_share, grad, curv)

    def _slopes(self, sums: SoftClassCounts) -> tuple[float, FloatArray]:
        """Return the derivatives of R by a and by b, 0 where it is 0/0."""
        root = _root(sums)
        if root == 0:
            return 0.0, np.zeros(self.n_classes)
        pull = self.score(sums) / spread(sums.predicted)
        return sums.total / root, pull * sums.predicted - sums.true / root

    def _parts(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None,
        sums: SoftClassCounts | None,
    ) -> tuple[FloatArray, FloatArray, FloatArray, SoftClassCounts]:
        """Return p, whether a class is the true one, the weights, and the counts."""
        y, score, given = read_exact_rows(y_true, raw_score, sample_weight, self.n_outputs)
        weight = self.class_constants[y]
        if given is not None:
            weight = weight * given
        p, hit = softmax(score.astype(np.float64), axis=1), np.eye(self.n_outputs)[y]
        if sums is not None:
            return p, hit, weight, self.check_sums(sums)
        counts = SoftClassCounts(float(weight @ (p * hit).sum(axis=1)), weight @ hit, weight @ p)
        return p, hit, weight, counts


def _centred(values: FloatArray, p: FloatArray) -> FloatArray:
    """Values less their mean under p, row by row."""
    centred: FloatArray = values - (p * values).sum(axis=1, keepdims=True)
    return centred


def _root(sums: SoftClassCounts) -> float:
    """``D``, or 0 where it is so small that the gradient vanishes."""
    spreads = spread(sums.true), spread(sums.predicted)
    if min(spreads) <= NEGLIGIBLE * sums.total**2:
        return 0.0
    return sqrt(spreads[0]) * sqrt(spreads[1])
