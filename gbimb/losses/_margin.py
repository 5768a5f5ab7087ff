"""Two-class losses that are functions of the margin."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, log_expit

from gbimb.exceptions import InvalidDataError
from gbimb.losses._base import BinaryLoss
from gbimb.losses._rows import read_exact_rows
from gbimb.parallel import run_ranges
from gbimb.validation import (
    as_float,
    check_binary_labels,
    check_number,
    check_raw_score,
    check_weight,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

SMALLEST_CURVATURE = np.float32(np.finfo(np.float32).tiny)
LARGEST_GRADIENT = float(np.finfo(np.float32).max)
LARGEST_SCORE = 1e300


@dataclass(frozen=True)
class MarginLoss(BinaryLoss):
    """A two-class loss that is a function of the margin, with a constant for each class.

    With s the raw score and y in {0, 1}, the margin is ``m = (2y - 1) s`` and the loss of a row
    is ``w c_y phi(m)``, with ``phi`` decreasing. A subclass gives ``phi`` and its derivatives;
    everything else follows, the true probability included:
    ``P(y = 1) = c0 phi'(-s) / (c0 phi'(-s) + c1 phi'(s))`` at the minimum of the expected loss
    (Charoenphakdee et al. 2021, arXiv:2011.09172, extended by the class constants).
    """

    @property
    @abstractmethod
    def class_constants(self) -> tuple[float, float]:
        """The constants (c1, c0) that multiply the loss of positives and of negatives."""

    @abstractmethod
    def _value(self, margin: FloatArray) -> FloatArray:
        """``phi(m)``."""

    @abstractmethod
    def _first(self, margin: FloatArray) -> FloatArray:
        """``phi'(m)``, negative."""

    @abstractmethod
    def _second(self, margin: FloatArray) -> FloatArray:
        """``phi''(m)``, exact."""

    @abstractmethod
    def _log_slope(self, margin: FloatArray) -> FloatArray:
        """``log(-phi'(m))``, finite for every finite margin."""

    def _curvature(self, margin: FloatArray) -> FloatArray:
        """Positive stand-in for ``phi''``: the slope times ``sigmoid(m)`` (Gauss-Newton form)."""
        curvature: FloatArray = -self._first(margin) * expit(margin)
        return curvature

    def loss(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Loss of each row; lower is better, >= 0. Shape (n,), float64."""
        margin, scale, _ = self._margin(y_true, raw_score, sample_weight)
        return scale * self._value(margin)

    def gradient(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """First derivative by the raw score, exact. Shape (n,), float64."""
        margin, scale, sign = self._margin(y_true, raw_score, sample_weight)
        return scale * sign * self._first(margin)

    def hessian(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Second derivative by the raw score, exact; may be negative. Shape (n,), float64."""
        margin, scale, _ = self._margin(y_true, raw_score, sample_weight)
        return scale * self._second(margin)

    def curvature(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Positive curvature in float64: the oracle of what ``gradient_curvature`` hands out."""
        margin, scale, _ = self._margin(y_true, raw_score, sample_weight)
        return scale * self._curvature(margin)

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        """Write gradient and curvature from NumPy formulas; a subclass may have a fast kernel."""

        def task(start: int, stop: int) -> bool:
            part = slice(start, stop)
            sign = 2.0 * rows.y[part].astype(np.float64) - 1.0
            c1, c0 = self.class_constants
            scale = np.where(sign > 0, c1, c0)
            if rows.weight.size:
                scale *= rows.weight[part]
            margin = sign * rows.score[part]
            if not (np.isfinite(margin).all() and (np.abs(sign) == 1).all() and (scale >= 0).all()):
                return False
            slope = scale * sign * self._first(margin)
            if not (np.abs(slope) <= LARGEST_GRADIENT).all():
                return False
            grad[part] = slope
            curv[part] = np.maximum(scale * self._curvature(margin), SMALLEST_CURVATURE)
            return True

        return all(run_ranges(task, rows.y.size))

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the constant raw score that minimises the loss over the rows given.

        Raises
        ------
        InvalidDataError
            If only one class has weight: the minimum is then at infinity.
        """
        y = check_binary_labels(y_true)
        weight = check_weight(sample_weight, y.size)
        totals = [
            float(np.sum(y == c) if weight is None else weight[y == c].sum(dtype=np.float64))
            for c in (0, 1)
        ]
        if min(totals) == 0:
            msg = (
                f"y_true must hold both classes, got {totals[1]:g} of {sum(totals):g} "
                "in the positive one."
            )
            raise InvalidDataError(msg)
        return self._score_at(float(np.log(totals[1]) - np.log(totals[0])))

    def probability(self, raw_score: ArrayLike) -> FloatArray:
        """Return P(y = 1 | x) in the data as given, from the raw score.

        Shape (n,), float64, in [0, 1]. It undoes what gamma, alpha and ``scale_pos_weight`` do
        to the sigmoid: exact at the minimiser of the expected loss.
        """
        score = as_float(raw_score, "raw_score")
        rows = score.reshape(-1)
        out = np.empty(rows.size)
        if not self._fill_probability(rows, out):
            check_raw_score(rows, rows.size)  # raises: there is a NaN
        return out.reshape(score.shape)

    def _fill_probability(self, score: NDArray[Any], out: FloatArray) -> bool:
        """Write the probability of scores of shape (n,); a subclass may have a fast kernel.

        False if a score is NaN. Infinite scores are certain.
        """

        def task(start: int, stop: int) -> bool:
            part = score[start:stop]
            if np.isnan(part).any():
                return False
            # The limits at infinite scores need finite arithmetic.
            part = np.clip(part.astype(np.float64), -LARGEST_SCORE, LARGEST_SCORE)
            out[start:stop] = expit(self.log_odds(part))
            return True

        return all(run_ranges(task, score.size))

    def raw_score_at(self, probability: float) -> float:
        """Return the raw score whose true probability is ``probability``; infinite at 0 and 1."""
        check_number("probability", probability, low=0, high=1)
        if probability in (0.0, 1.0):
            return -np.inf if probability == 0.0 else np.inf
        return self._score_at(float(np.log(probability) - np.log1p(-probability)))

    def _score_at(self, log_odds: float) -> float:
        def distance(score: float) -> float:
            return float(self.log_odds(np.array([score]))[0]) - log_odds

        bound = 1.0
        while distance(-bound) > 0 or distance(bound) < 0:
            bound *= 2.0
        from scipy.optimize import brentq  # loads for 0.3 seconds

        return float(brentq(distance, -bound, bound, xtol=1e-12, rtol=1e-14))

    def log_odds(self, score: FloatArray) -> FloatArray:
        """Return the logit of :meth:`probability`, without its checks."""
        c1, c0 = self.class_constants
        scale = float(np.log(c0) - np.log(c1))
        return scale + self._log_slope(-score) - self._log_slope(score)

    def _margin(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        y, score, weight = read_exact_rows(y_true, raw_score, sample_weight)
        sign = 2.0 * y.astype(np.float64) - 1.0
        c1, c0 = self.class_constants
        scale = np.where(sign > 0, c1, c0)
        return sign * score, scale if weight is None else scale * weight, sign


def margin_terms(margin: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``p = sigmoid(m)``, ``q = 1 - p`` and ``L = -log p``, accurate at both ends."""
    return expit(margin), expit(-margin), -log_expit(margin)
