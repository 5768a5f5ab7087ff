"""Losses over the whole training set: one minus a smooth metric, a function of four soft counts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import expit

from gbimb.losses._base import BinaryLoss, SetLoss
from gbimb.losses._logistic import LogisticLoss
from gbimb.losses._rows import read_exact_rows
from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

# A class or a decision with a smaller share than this is as good as absent.
NEGLIGIBLE: Final = 1e-150


@dataclass(frozen=True)
class SoftCounts:
    """Confusion counts in which a row counts as positive with the probability ``sigmoid(s)``.

    All that a smooth metric depends on. The counts of partitions add up, so that a gradient over
    rows on several machines is exact: ``sums = loss.sums(part 1) + loss.sums(part 2)``, then
    ``loss.gradient_curvature(part, sums=sums)`` for each part.

    Parameters
    ----------
    tp, fp, fn, tn : float, >= 0
        Sums of ``w p`` over positives and over negatives, and of ``w (1 - p)`` over positives and
        over negatives, ``scale_pos_weight`` included.

    Examples
    --------
    >>> from gbimb import SoftMCCLoss
    >>> SoftMCCLoss().sums([1, 0], [0.0, 0.0]) + SoftMCCLoss().sums([0], [0.0])
    SoftCounts(tp=0.5, fp=1.0, fn=0.5, tn=1.0)
    """

    tp: float
    fp: float
    fn: float
    tn: float

    def __post_init__(self) -> None:
        """Check the counts."""
        for name in ("tp", "fp", "fn", "tn"):
            check_number(name, getattr(self, name), low=0, high_open=True)
        store_plain_numbers(self)

    def __add__(self, other: object) -> SoftCounts:
        """Return the counts of both sets of rows together."""
        if not isinstance(other, SoftCounts):
            return NotImplemented
        return SoftCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    def as_array(self) -> FloatArray:
        """Return ``[tp, fp, fn, tn]``."""
        return np.array([self.tp, self.fp, self.fn, self.tn])

    @classmethod
    def from_array(cls, values: FloatArray) -> SoftCounts:
        """Return the counts that ``as_array`` made ``values`` of."""
        return cls(*values.tolist())

    @property
    def positives(self) -> float:
        """Weight of the positive rows."""
        return self.tp + self.fn

    @property
    def negatives(self) -> float:
        """Weight of the negative rows."""
        return self.fp + self.tn

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return self.positives + self.negatives

    @property
    def scale(self) -> float:
        """``2 P N / n``, what the loss of all rows is 1 - metric times."""
        return 2.0 * self.positives * (self.negatives / self.total) if self.total > 0 else 0.0


CURVATURE_SHARE: Final = 0.1


class MetricSlopes(NamedTuple):
    """Derivatives of a metric by ``sum w y p`` (a) and ``sum w p`` (b)."""

    a: float
    b: float
    aa: float
    ab: float
    bb: float


class SoftLoss(SetLoss, BinaryLoss):
    r"""One minus a smooth metric of the whole training set.

    With :math:`p = \sigma(s)`, the metric M is a function of :math:`a = \sum w y p` and
    :math:`b = \sum w p` (and of the weights P, N and n of the positives, the negatives and all,
    which do not change). What is minimised is

    .. math:: T = \frac{2 P N}{n} (1 - M)

    of the size of a log loss, so that penalties of the trees mean about the same. Its derivatives
    by the raw scores, with :math:`v = p (1 - p)` and :math:`c_i = M_a y_i + M_b`, are

    .. math::
        \partial_i T   &= -\tfrac{2PN}{n} \, w_i c_i v_i \\
        \partial_i^2 T &= -\tfrac{2PN}{n} \left( w_i c_i v_i (1 - 2 p_i)
            + w_i^2 v_i^2 (M_{aa} y_i + 2 M_{ab} y_i + M_{bb}) \right) \\
        \partial_i \partial_j T &= -\tfrac{2PN}{n} \, w_i w_j v_i v_j
            (M_{aa} y_i y_j + M_{ab} (y_i + y_j) + M_{bb}), \quad i \neq j

    so it is a cost-sensitive loss whose two costs move each round: :math:`c_i` is the same for
    all positives (> 0) and for all negatives (< 0). ``hessian`` is the diagonal, the second line;
    the coupling of the rows, the third line, has rank 2 and is left out, as trees cannot use it.

    Rows do not stand alone, see :class:`~gbimb.losses.SetLoss`.
    """

    scale_pos_weight: float
    sums_class = SoftCounts

    @abstractmethod
    def score(self, sums: SoftCounts) -> float:
        """Return the smooth metric; higher is better. 0 where it is 0/0."""

    @abstractmethod
    def _slopes(self, sums: SoftCounts) -> MetricSlopes:
        """Return the derivatives of the metric, all 0 where it is 0/0."""

    @abstractmethod
    def _row_shares(
        self, y: FloatArray, p: FloatArray, q: FloatArray, sums: SoftCounts
    ) -> FloatArray:
        """Return numbers with the weighted sum ``n (1 - metric)``."""

    def loss(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftCounts | None = None,
    ) -> FloatArray:
        """Return each row's share of the loss; lower is better, shape (n,), float64.

        The shares of all rows add up to ``2 P N / n (1 - metric)``. A metric does not decompose,
        so the share of a row depends on the other rows, and ``gradient`` is the derivative of
        the sum, not of the share. A share of soft MCC may be negative.
        """
        y, p, q, weight, counts = self._terms(y_true, raw_score, sample_weight, sums)
        if counts.total == 0:
            return np.zeros(y.size)
        return counts.scale / counts.total * weight * self._row_shares(y, p, q, counts)

    def gradient(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftCounts | None = None,
    ) -> FloatArray:
        """Return the derivative of the summed loss by each raw score, exact. Shape (n,)."""
        y, p, q, weight, counts = self._terms(y_true, raw_score, sample_weight, sums)
        slopes = self._slopes(counts)
        return -counts.scale * weight * (slopes.a * y + slopes.b) * (p * q)

    def hessian(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: SoftCounts | None = None,
    ) -> FloatArray:
        """Return the diagonal of the Hessian of the summed loss, exact; may be negative.

        Shape (n,), float64. The coupling of different rows is not in it, see the class.
        """
        y, p, q, weight, counts = self._terms(y_true, raw_score, sample_weight, sums)
        m = self._slopes(counts)
        v = weight * p * q
        bend = (m.aa + 2.0 * m.ab) * y + m.bb
        return -counts.scale * ((m.a * y + m.b) * v * (q - p) + bend * v**2)

    @property
    def curvature_share(self) -> float:
        """0.1: no leaf is larger than 10 times the learning rate."""
        return CURVATURE_SHARE

    def _fill_part(
        self, rows: LossRows, sums: SoftCounts, grad: Float32Array, curv: Float32Array
    ) -> bool:
        slopes = self._slopes(sums)
        sizes = (
            max(sums.scale * self.scale_pos_weight * (slopes.a + slopes.b), 0.0),
            max(-sums.scale * slopes.b, 0.0),
        )
        from gbimb.losses.kernels.soft import fill_gradient

        return fill_gradient(rows, sizes, CURVATURE_SHARE, grad, curv)

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the constant raw score to start from: the minimum of the log loss.

        No constant is better than another for MCC, and for F-beta the best one is infinite.
        """
        return self.warm_up.init_score(y_true, sample_weight)

    @property
    def warm_up(self) -> LogisticLoss:
        """The loss for the first rounds of boosting: the log loss with the same weight."""
        return LogisticLoss(self.scale_pos_weight)

    def probability(self, raw_score: ArrayLike) -> FloatArray:
        """Return ``sigmoid(raw_score)``, with ``scale_pos_weight`` taken out. Shape (n,), float64.

        The link of the log loss, with which training starts. A smooth metric has no link of its
        own: the scores that maximise it are infinite. So these are no true probabilities until
        the raw score is recalibrated on held-out rows, as the estimators do.
        """
        return self.warm_up.probability(raw_score)

    def raw_score_at(self, probability: float) -> float:
        """Return the raw score whose ``probability`` is this; infinite at 0 and 1."""
        return self.warm_up.raw_score_at(probability)

    def log_odds(self, score: FloatArray) -> FloatArray:
        """Return the logit of :meth:`probability`, without its checks."""
        return self.warm_up.log_odds(score)

    def _count(self, rows: LossRows) -> SoftCounts | None:
        from gbimb.losses.kernels.soft import count_softly

        counts = count_softly(rows)
        if counts is None:
            return None
        tp, fp, fn, tn = counts
        return SoftCounts(tp * self.scale_pos_weight, fp, fn * self.scale_pos_weight, tn)

    def _terms(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None,
        sums: SoftCounts | None,
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, SoftCounts]:
        """Return y, p, 1 - p, the weights with ``scale_pos_weight``, and the counts."""
        labels, scores, given = read_exact_rows(y_true, raw_score, sample_weight)
        y, score = labels.astype(np.float64), scores.astype(np.float64)
        weight = np.where(y > 0, float(self.scale_pos_weight), 1.0)
        if given is not None:
            weight *= given
        p, q = expit(score), expit(-score)
        if sums is not None:
            return y, p, q, weight, self.check_sums(sums)
        hit, miss = weight * p, weight * q
        counts = SoftCounts(
            float(hit @ y), float(hit @ (1.0 - y)), float(miss @ y), float(miss @ (1.0 - y))
        )
        return y, p, q, weight, counts


def check_scale_pos_weight(value: object) -> None:
    """Raise unless this is a number > 0 and finite."""
    check_number("scale_pos_weight", value, low=0, low_open=True, high_open=True)
