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
from typing import TYPE_CHECKING

import numpy as np

from gbimb.exceptions import InvalidTypeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import Float32Array, FloatArray

RARE = 0.02


class Loss(ABC):
    """A loss for boosting in link space."""

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

    @abstractmethod
    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Gradient and positive curvature, as trees receive them."""

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
        """The loss for the first rounds of boosting; None if it is this one."""
        return None


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
