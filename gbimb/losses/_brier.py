"""The Brier score as a loss: raw scores are the probabilities themselves."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import logit

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.losses._base import BinaryLoss, Loss
from gbimb.losses._multiclass import MOST_CLASSES
from gbimb.losses._rows import check_score_shape, read_exact_rows
from gbimb.validation import (
    as_float,
    check_binary_labels,
    check_class_codes,
    check_number,
    check_raw_score,
    check_weight,
    store_plain_numbers,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows


class QuadraticLoss(Loss):
    """The derivatives of a sum of squared differences between raw scores and labels."""

    @abstractmethod
    def _error(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return scores less labels, and weights that go with them."""

    def gradient(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """First derivative by the raw scores, exact. Shape of ``raw_score``, float64."""
        error, weight = self._error(y_true, raw_score, sample_weight)
        return 2.0 * weight * error

    def hessian(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Diagonal of the second derivative, exact: 2, times the weights. float64."""
        error, weight = self._error(y_true, raw_score, sample_weight)
        return 2.0 * weight * np.ones_like(error)


@dataclass(frozen=True)
class BrierLoss(QuadraticLoss, BinaryLoss):
    r"""The Brier score, :math:`\ell(y, s) = (y - s)^2`, with the identity as link.

    The loss of a leaf is least at the share of positives in it, so this is the loss of forests,
    whose trees vote with shares: the automatic choice keeps theirs under it. For boosting take
    :class:`~gbimb.FocalLoss` or :class:`~gbimb.losses.LogisticLoss`: a sum of trees can leave
    [0, 1], where the probability is cut off.

    References
    ----------
    G. W. Brier. Verification of forecasts expressed in terms of probability. Monthly Weather
    Review, 1950. doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> loss = BrierLoss()
    >>> round(float(loss.init_score([0] * 98 + [1] * 2)), 6)
    0.02
    >>> loss.probability([-0.1, 0.02, 1.0])
    array([0.  , 0.02, 1.  ])
    """

    def loss(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Loss of each row, >= 0. Shape (n,), float64."""
        error, weight = self._error(y_true, raw_score, sample_weight)
        return weight * error**2

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        y, score, weight = rows
        scale = 2.0 * (weight.astype(np.float64) if weight.size else np.ones(1))
        if not (np.isfinite(score).all() and ((y == 0) | (y == 1)).all() and (scale >= 0).all()):
            return False
        grad[:] = scale * (score.astype(np.float64) - y)
        curv[:] = np.maximum(scale, np.finfo(np.float32).tiny)
        return bool(np.isfinite(grad).all())

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of positives.

        Raises
        ------
        InvalidDataError
            If there is no row, or none has weight.
        """
        y = check_binary_labels(y_true)
        if y.size == 0:
            msg = "y_true must hold a row, got none."
            raise InvalidDataError(msg)
        return float(np.average(y, weights=check_weight(sample_weight, y.size)))

    def probability(self, raw_score: ArrayLike) -> FloatArray:
        """Return P(y = 1 | x), float64: the raw score, cut off at 0 and 1."""
        score = as_float(raw_score, "raw_score")
        if np.isnan(score).any():
            check_raw_score(score.reshape(-1), score.size)  # raises
        return np.clip(score.astype(np.float64), 0.0, 1.0)

    def raw_score_at(self, probability: float) -> float:
        """Return ``probability``."""
        check_number("probability", probability, low=0, high=1)
        return float(probability)

    def log_odds(self, score: FloatArray) -> FloatArray:
        """Return the logit of :meth:`probability`; infinite outside (0, 1)."""
        odds: FloatArray = logit(np.clip(score, 0.0, 1.0))
        return odds

    def _error(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return score less label, and weights: shape (n,), or one 1 for all."""
        y, score, weight = read_exact_rows(y_true, raw_score, sample_weight)
        return score - y, np.ones(1) if weight is None else weight


@dataclass(frozen=True)
class MulticlassBrierLoss(QuadraticLoss):
    r"""The Brier score of K classes, :math:`\ell(y, z) = \sum_k (z_k - \delta_{yk})^2`.

    Raw scores are the probabilities themselves: the loss of forests of more than two classes, as
    :class:`BrierLoss` is that of two. Votes of random trees are too careful; a ``power`` above 1
    makes their probabilities sharper, :math:`p_k = z_k^a / \sum_j z_j^a`.

    Parameters
    ----------
    n_classes : int
        Number of classes K, at least 2.
    power : float, default=1.0
        Of the votes: 1, 1.5, 2, 3 or 4. It is part of the link, not of the loss.

    References
    ----------
    G. W. Brier. Verification of forecasts expressed in terms of probability. Monthly Weather
    Review, 1950. doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> loss = MulticlassBrierLoss(3)
    >>> loss.init_score([0, 0, 1, 2])
    array([0.5 , 0.25, 0.25])
    >>> loss.probability([[0.5, 0.5, -0.1]]).round(3)
    array([[0.5, 0.5, 0. ]])
    """

    n_classes: int
    power: float = 1.0

    # Products of a vote and its square root, which round alike wherever they are computed.
    POWERS: ClassVar = (1.0, 1.5, 2.0, 3.0, 4.0)
    # The fourth power of a vote is then not 0.
    SMALLEST_VOTE: ClassVar = 1e-75

    def __post_init__(self) -> None:
        """Check the number of classes and the power."""
        check_number("n_classes", self.n_classes, low=2, high=MOST_CLASSES, integer=True)
        check_number("power", self.power, low=1, high=4)
        if self.power not in self.POWERS:
            msg = f"power must be one of {[*self.POWERS]}, got {self.power!r}."
            raise InvalidParameterError(msg)
        store_plain_numbers(self)

    @property
    def n_outputs(self) -> int:
        """Number of raw scores a row: K."""
        return int(self.n_classes)

    @property
    def steepness(self) -> float:
        """That of the loss of two classes."""
        return BrierLoss().steepness

    def loss(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Loss of each row, >= 0. Shape (n,), float64."""
        error, weight = self._error(y_true, raw_score, sample_weight)
        value: FloatArray = weight[:, 0] * (error**2).sum(axis=1)
        return value

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        y, score, weight = rows
        scale = 2.0 * (weight.astype(np.float64) if weight.size else np.ones(1))[:, None]
        known = np.isin(y, np.arange(self.n_classes))
        if not (np.isfinite(score).all() and known.all() and (scale >= 0).all()):
            return False
        grad[:] = scale * (score.astype(np.float64) - (y[:, None] == np.arange(self.n_classes)))
        curv[:] = np.maximum(scale, np.finfo(np.float32).tiny)
        return bool(np.isfinite(grad).all())

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> FloatArray:
        """Return the share of each class. Shape (K,).

        Raises
        ------
        InvalidDataError
            If there is no row, or none has weight.
        """
        codes = check_class_codes(y_true, self.n_outputs)
        if codes.size == 0:
            msg = "y_true must hold a row, got none."
            raise InvalidDataError(msg)
        weight = check_weight(sample_weight, codes.size)
        totals = np.bincount(codes, weights=weight, minlength=self.n_outputs)
        shares: FloatArray = totals / totals.sum()
        return shares

    def probability(self, raw_score: ArrayLike) -> FloatArray:
        """Return P(y = k | x): powers of the raw scores, cut off at 0 and 1, over their sum.

        Shape (n, K), float64. A row whose scores are all 0 or less gets equal probabilities.
        """
        score = as_float(raw_score, "raw_score")
        check_score_shape(score, len(score) if score.ndim else 1, self.n_outputs)
        if np.isnan(score).any():
            msg = "raw_score must not contain NaN."
            raise InvalidDataError(msg)
        votes = np.clip(score.astype(np.float64, order="C"), self.SMALLEST_VOTE, 1.0)
        return _sharpen(votes, self.power)

    def _error(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return scores less 1 for the true class, (n, K), and weights, (n, 1) or (1, 1)."""
        y, score, weight = read_exact_rows(y_true, raw_score, sample_weight, self.n_outputs)
        error = score - (y[:, None] == np.arange(self.n_classes))
        return error, (np.ones(1) if weight is None else weight)[:, None]


def _sharpen(votes: FloatArray, power: float) -> FloatArray:
    """Return a power of votes > 0, shape (n, K), over its sum in each row."""
    raised = np.sqrt(votes) if power % 1.0 else np.ones_like(votes)
    for _ in range(int(power)):
        raised = raised * votes
    proba: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return proba
