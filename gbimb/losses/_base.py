"""What every loss can do, and the conventions that all of them share.

Conventions
-----------
- ``y_true``: shape (n,), 0 or 1 (two classes) or class codes 0 to K-1 (many).
- ``raw_score``: the score in link space that the trees add up, shape (n,) for two classes and
  (n, K) for many. LightGBM says *raw score*, XGBoost *margin*, scikit-learn *raw_prediction*.
- ``sample_weight``: shape (n,), >= 0. It multiplies the loss, the gradient and the curvature.
- The exact second derivative (``hessian``) and the curvature that trees receive are two
  things: the first may be negative, the second is always positive.
- A loss is a frozen value: it hashes, compares, pickles and knows no engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from gbimb.exceptions import InvalidTypeError
from gbimb.losses._rows import raise_reason, read_buffers, read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

RARE = 0.02

Sums: TypeAlias = Any
"""An instance of a loss's ``sums_class``."""


class Loss(ABC):
    """A loss for boosting in link space.

    Attributes
    ----------
    pointwise : bool
        Whether the loss is a sum over rows, so that the gradient of a row depends on that row
        alone. Otherwise it is a :class:`SetLoss`.
    """

    pointwise: ClassVar[bool] = True

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number of raw scores a row: 1 for two classes, K for K > 2 classes."""

    @abstractmethod
    def loss(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Loss of each row; lower is better, >= 0. Shape (n,), float64."""

    @abstractmethod
    def gradient(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """First derivative by the raw score, exact. Shape of ``raw_score``, float64."""

    @abstractmethod
    def hessian(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Second derivative by the raw score, exact; may be negative. float64."""

    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Gradient and positive curvature, as trees receive them.

        Parameters
        ----------
        y_true : array of shape (n,)
            Labels 0 and 1, or class codes 0 to K-1. float32 is used without a copy.
        raw_score : array of shape (n,), or (n, K) for K classes
            Scores in link space; float32 and float64 are used without a copy, those of K classes
            row by row (C, as XGBoost has them) or class by class (F, as LightGBM has them).
        sample_weight : array of shape (n,), optional
            Weights, >= 0. float32 is used without a copy.
        out : pair of float32 arrays of the shape of ``raw_score``, optional
            Buffers to write into, in either order, so that rounds of boosting share them.

        Returns
        -------
        gradient, curvature : float32 arrays of the shape of ``raw_score``
            In its order unless ``out`` is given. The curvature is at least the smallest normal
            float32 (1.2e-38).

        Raises
        ------
        InvalidDataError
            If shapes differ, a score is NaN or infinite, a label is not allowed, a weight is
            negative or not finite, or a gradient exceeds float32.
        """
        rows = read_rows(y_true, raw_score, sample_weight, self.n_outputs)
        grad, curv = read_buffers(out, rows.score)
        if not self._fill(rows, grad, curv):
            raise_reason(rows, self.n_outputs)
        return grad, curv

    @abstractmethod
    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        """Write gradient and curvature; False if a value is not allowed or does not fit."""

    @abstractmethod
    def probability(self, raw_score: ArrayLike) -> FloatArray:
        """Probability in the data as given, whatever the loss or its weights distort."""

    @property
    @abstractmethod
    def steepness(self) -> float:
        """How much faster log odds move with the raw score than under the log loss, > 0.

        Of a rare class. Steps of the raw score want to be smaller by as much.
        """

    @property
    def warm_up(self) -> Loss | None:
        """The loss for the first rounds of boosting, which start this one; None if none does."""
        return None


class SetLoss(Loss):
    """A loss of the whole training set: a function of sums over its rows.

    Every method wants all rows of the training set, or the ``sums`` of all of them beside a part:
    ``sums = loss.sums(part 1) + loss.sums(part 2)``, then
    ``loss.gradient_curvature(part, sums=sums)`` for each part, is exact.
    """

    pointwise = False
    sums_class: ClassVar[type]
    """Class of the sums: they add up, ``as_array()`` travels and ``from_array`` reads it."""

    @property
    @abstractmethod
    def curvature_share(self) -> float:
        """Curvature over the size of the gradient. No leaf outgrows the learning rate over it."""

    @abstractmethod
    def _count(self, rows: LossRows) -> Sums:
        """Return the sums of these rows, or None if a value is not allowed."""

    @abstractmethod
    def _fill_part(
        self, rows: LossRows, sums: Sums, grad: Float32Array, curv: Float32Array
    ) -> bool:
        """Write gradient and curvature of rows, given the sums of all rows, as ``_fill``."""

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        return self._fill_part(rows, self._counted(rows), grad, curv)

    def _counted(self, rows: LossRows) -> Sums:
        sums = self._count(rows)
        if sums is None:
            raise_reason(rows, self.n_outputs)
        return sums

    def sums(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Sums:
        """Return the sums of these rows, which add up over partitions.

        Raises
        ------
        InvalidDataError
            As :meth:`gradient_curvature`.
        """
        return self._counted(read_rows(y_true, raw_score, sample_weight, self.n_outputs))

    def curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sums: Sums = None,
    ) -> FloatArray:
        """Positive curvature in float64, which ``gradient_curvature`` returns in float32."""
        share: Any = self.curvature_share
        gradient: Any = self.gradient
        curvature: FloatArray = share * np.abs(
            gradient(y_true, raw_score, sample_weight, sums=sums)
        )
        return curvature

    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
        *,
        sums: Sums = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Gradient and positive curvature, as :meth:`Loss.gradient_curvature`.

        ``sums`` are those of all rows of the training set, where these are a part of them. The
        curvature is ``curvature_share`` of the size of the gradient.
        """
        rows = read_rows(y_true, raw_score, sample_weight, self.n_outputs)
        grad, curv = read_buffers(out, rows.score)
        found = self._counted(rows) if sums is None else self.check_sums(sums)
        if not self._fill_part(rows, found, grad, curv):
            raise_reason(rows, self.n_outputs)
        return grad, curv

    def check_sums(self, sums: object) -> Sums:
        """Return ``sums`` if they are of this loss's class, or raise."""
        if not isinstance(sums, self.sums_class):
            msg = f"sums must be what loss.sums(...) returns, added up, got {type(sums).__name__}."
            raise InvalidTypeError(msg)
        return sums


class BinaryLoss(Loss):
    """A two-class loss: one raw score a row, and a link from it to a probability."""

    @property
    def n_outputs(self) -> int:
        """Number of raw scores a row: 1."""
        return 1

    @property
    def steepness(self) -> float:
        """Slope of the log odds by the raw score, at a probability of 2 %; 1 for the log loss."""
        at, half = self.raw_score_at(RARE), 1e-4
        low, high = self.log_odds(np.array([at - half, at + half]))
        return float(high - low) / (2 * half)

    @abstractmethod
    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the constant raw score to start from."""

    @abstractmethod
    def raw_score_at(self, probability: float) -> float:
        """Return the raw score whose probability is ``probability``; infinite at 0 and 1."""

    @abstractmethod
    def log_odds(self, score: FloatArray) -> FloatArray:
        """Return the logit of :meth:`probability`, without its checks."""


def check_loss(loss: object) -> None:
    """Raise unless ``loss`` is a loss, rather than the name or the class of one."""
    if isinstance(loss, type) or not hasattr(loss, "gradient_curvature"):
        got = f"the class {loss.__name__}" if isinstance(loss, type) else f"{loss!r:.80}"
        msg = f"loss must be a loss such as gbimb.FocalLoss(gamma=2.0), got {got}."
        raise InvalidTypeError(msg)
