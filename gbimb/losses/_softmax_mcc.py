"""Soft MCC for many classes: R_K with probabilities in place of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from gbimb.exceptions import InvalidDataError
from gbimb.losses._multiclass import MulticlassLoss, read_buffers, read_weight
from gbimb.losses._rows import NOT_FINITE
from gbimb.losses._soft import CURVATURE_SHARE
from gbimb.losses._soft_counts import NEGLIGIBLE, SoftClassCounts, check_sums, spread
from gbimb.losses._softmax import SoftmaxLoss, check_classes, class_constants
from gbimb.losses._softmax_mcc_kernels import count_softly, fill_gradient
from gbimb.validation import (
    as_float,
    as_float32,
    check_class_codes,
    check_weight,
    store_plain_numbers,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray


@dataclass(frozen=True)
class SoftmaxMCCLoss(MulticlassLoss):
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

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_classes(self)
        store_plain_numbers(self)

    @property
    def exponent(self) -> float:
        """0: the link is that of the log loss."""
        return 0.0

    @property
    def class_constants(self) -> FloatArray:
        """The weights of the classes, shape (K,)."""
        return class_constants(self.n_classes, self.class_weight)

    @property
    def warm_up(self) -> SoftmaxLoss:
        """The loss for the first rounds of boosting: the log loss with the same weights."""
        return SoftmaxLoss(self.n_classes, self.class_weight)

    def sums(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> SoftClassCounts:
        """Return the soft counts of these rows, which add up over partitions."""
        score, codes, weight = self._rows(y_true, raw_score, sample_weight)
        hits, true, predicted = count_softly(score, codes, weight, self.class_constants)
        if isnan(hits):
            self._explain(codes, score, weight)
        return SoftClassCounts(hits, true, predicted)

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
        share: FloatArray = counts.scale / n * weight * shares
        return share

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
        gradient: FloatArray = -counts.scale * weight[:, None] * p * _centred(push, p)
        return gradient

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

    def curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftClassCounts | None = None,
    ) -> FloatArray:
        """Positive curvature in float64: the oracle of what ``gradient_curvature`` hands out."""
        share = self.curvature_factor * CURVATURE_SHARE
        return share * np.abs(self.gradient(y_true, raw_score, sample_weight, sums=sums))

    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
        *,
        sums: SoftClassCounts | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Gradient and positive curvature, as trees receive them: float32, shape (n, K).

        The arguments are those of :meth:`MulticlassLoss.gradient_curvature`, and ``sums`` of all
        rows of the training set where these are a part of them. The curvature is a fifth of the
        size of the gradient, at least the smallest normal float32.

        Raises
        ------
        InvalidDataError
            As there.
        """
        score, codes, weight = self._rows(y_true, raw_score, sample_weight)
        grad, curv = read_buffers(out, score)
        if sums is None:
            counts = SoftClassCounts(*count_softly(score, codes, weight, self.class_constants))
        else:
            counts = check_sums(sums, SoftClassCounts)
        by_hit, by_class = self._slopes(counts)
        share = self.curvature_factor * CURVATURE_SHARE
        if not fill_gradient(
            score,
            codes,
            weight,
            self.class_constants,
            counts.scale * by_hit,
            counts.scale * by_class,
            share,
            grad,
            curv,
        ):
            self._explain(codes, score, weight)
        return grad, curv

    def _slopes(self, sums: SoftClassCounts) -> tuple[float, FloatArray]:
        """Return the derivatives of R by a and by b, 0 where it is 0/0."""
        root = _root(sums)
        if root == 0:
            return 0.0, np.zeros(self.n_classes)
        pull = self.score(sums) / spread(sums.predicted)
        return sums.total / root, pull * sums.predicted - sums.true / root

    def _rows(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Any, Float32Array, Float32Array]:
        y = np.asarray(y_true)
        if y.ndim != 1 or y.dtype.kind not in "biuf":
            y = check_class_codes(y, self.n_outputs)  # raises, in the usual words
        score = as_float(raw_score, "raw_score")
        self._check_shape(score, y.size)
        if not (score.flags.c_contiguous or score.flags.f_contiguous):
            score = np.ascontiguousarray(score)
        return score, as_float32(y), read_weight(sample_weight, y.size)

    def _parts(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None,
        sums: SoftClassCounts | None,
    ) -> tuple[FloatArray, FloatArray, FloatArray, SoftClassCounts]:
        """Return p, whether a class is the true one, the weights, and the counts."""
        y = check_class_codes(y_true, self.n_outputs)
        score = as_float(raw_score, "raw_score").astype(np.float64)
        self._check_shape(score, y.size)
        if not np.isfinite(score).all():
            raise InvalidDataError(NOT_FINITE)
        weight, given = self.class_constants[y], check_weight(sample_weight, y.size)
        if given is not None:
            weight = weight * given
        p, hit = softmax(score, axis=1), np.eye(self.n_outputs)[y]
        if sums is not None:
            return p, hit, weight, check_sums(sums, SoftClassCounts)
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
