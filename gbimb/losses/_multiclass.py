"""What every softmax loss can do: the loss of a row is a function of the true class's share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.special import log_expit, logsumexp

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses._base import Loss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._margin import LARGEST_SCORE
from gbimb.losses._rows import check_score_shape, read_exact_rows
from gbimb.validation import (
    as_float,
    check_class_codes,
    check_number,
    check_weight,
    store_plain_numbers,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array, FloatArray, IntArray
    from gbimb.losses._rows import LossRows

# Products of two constants and their quotients stay finite.
SMALLEST_WEIGHT: Final = 1e-100
LARGEST_WEIGHT: Final = 1e100
# More are rows that were counted, not classes; a few arrays of this length do no harm.
MOST_CLASSES: Final = 100_000


class MulticlassLoss(Loss):
    r"""A softmax loss for K classes, with a constant for each class.

    .. math:: \ell(y, z) = w \, c_y \, (1 - p_y)^\gamma L_y, \quad
              p = \mathrm{softmax}(z),\; L_y = -\log p_y

    Its derivatives by the raw score of class k, with :math:`q_y = 1 - p_y`, are

    .. math::
        \partial_k \ell   &= w c_y A \, (p_k - \delta_{yk}), \qquad
            A = q_y^\gamma \left(1 + \gamma p_y L_y / q_y\right) \\
        \partial_k^2 \ell &= w c_y \left( A \, p_k (1 - p_k) - B \, (p_k - \delta_{yk})^2 \right),
            \qquad B = \gamma p_y q_y^{\gamma - 1} (L_y - 2 - (\gamma - 1) p_y L_y / q_y)

    so that the gradient of a row sums to zero over the classes. The second derivative may be
    negative; trees receive ``A p_k (1 - p_k)`` times a factor, see ``gradient_curvature``.
    """

    n_classes: int
    class_weight: tuple[float, ...] | None

    def __post_init__(self) -> None:
        """Check the parameters; keep the weights as a tuple of floats."""
        check_number("n_classes", self.n_classes, low=2, high=MOST_CLASSES, integer=True)
        weights: object = self.class_weight
        if weights is None:
            return
        rule = f"class_weight must be None or {self.n_classes} numbers, one a class"
        if isinstance(weights, str) or not isinstance(weights, Sequence | np.ndarray):
            msg = f"{rule}, got {weights!r} ({type(weights).__name__})."
            raise InvalidTypeError(msg)
        if len(weights) != self.n_classes:
            msg = f"{rule}, got {len(weights)}."
            raise InvalidParameterError(msg)
        values = tuple(
            check_number(f"class_weight[{k}]", v, low=SMALLEST_WEIGHT, high=LARGEST_WEIGHT)
            for k, v in enumerate(weights)
        )
        object.__setattr__(self, "class_weight", values)
        store_plain_numbers(self)

    @property
    def n_outputs(self) -> int:
        """Number of raw scores a row: K."""
        return int(self.n_classes)

    @property
    def steepness(self) -> float:
        """That of the two-class loss with the same gamma."""
        return FocalLoss(gamma=self.exponent).steepness

    @property
    def exponent(self) -> float:
        """Gamma: 0 unless the loss has one."""
        return 0.0

    @property
    def class_constants(self) -> FloatArray:
        """The constants c that multiply the loss of each class, shape (K,)."""
        if self.class_weight is None:
            return np.ones(self.n_classes)
        return np.array(self.class_weight)

    @property
    def curvature_factor(self) -> float:
        r"""Factor of the curvature, 2.

        Trees of different classes are fitted side by side, each as if the others stood still.
        With 2 the diagonal bounds the whole Gauss-Newton matrix,
        :math:`2\,\mathrm{diag}(p (1 - p)) \succeq \mathrm{diag}(p) - p p^T` (Gershgorin), so the
        joint step never overshoots; for two classes it is the Newton step of the binary loss.
        XGBoost has 2 in its own softmax, LightGBM ``K / (K - 1)``, with which focal training
        without an L2 penalty diverged (13 classes: raw scores of 1e5, against 8 with 2).
        """
        return 2.0

    def loss(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Loss of each row; lower is better, >= 0. Shape (n,), float64."""
        t = self._terms(y_true, raw_score, sample_weight)
        return t.scale * t.q_true**self.exponent * t.log_loss

    def gradient(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """First derivative by the raw scores, exact. Shape (n, K), float64."""
        t = self._terms(y_true, raw_score, sample_weight)
        return (t.scale * t.slope)[:, None] * np.where(t.hit, -t.q, t.p)

    def hessian(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Diagonal of the second derivative, exact; may be negative. Shape (n, K), float64."""
        t = self._terms(y_true, raw_score, sample_weight)
        g = self.exponent
        bend = g * t.p_true * t.q_true**g
        inner = t.q_true * (t.log_loss - 2.0) - (g - 1.0) * t.p_true * t.log_loss
        # |p_k - delta| / q_y is at most 1, however small q_y is.
        part = divide(np.where(t.hit, t.q, t.p), t.q_true[:, None], where_zero=1.0)
        second = t.slope[:, None] * t.p * t.q - (bend * inner)[:, None] * part**2
        return t.scale[:, None] * second

    def curvature(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Positive curvature in float64: the oracle of what ``gradient_curvature`` hands out."""
        t = self._terms(y_true, raw_score, sample_weight)
        return self.curvature_factor * (t.scale * t.slope)[:, None] * t.p * t.q

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        """Write ``2 A p_k (1 - p_k)`` as curvature."""
        from gbimb.losses.kernels.softmax import fill_softmax_focal

        return fill_softmax_focal(
            rows, self.class_constants, self.exponent, self.curvature_factor, grad, curv
        )

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> FloatArray:
        r"""Return the constant raw scores that minimise the loss, with mean 0. Shape (K,).

        At the minimum :math:`\pi_k c_k (-\ell'(p_k)) = \lambda` for every class, with
        :math:`\pi` the shares of the classes; :math:`\lambda` is found so that p sums to 1.

        Raises
        ------
        InvalidDataError
            If a class has no weight: the minimum is then at infinity.
        """
        codes = check_class_codes(y_true, self.n_outputs)
        weight = check_weight(sample_weight, codes.size)
        totals = np.bincount(codes, weights=weight, minlength=self.n_outputs)
        if not (totals > 0).all():
            msg = (
                f"y_true must hold each of the {self.n_outputs} classes, got no row with weight "
                f"of {np.flatnonzero(totals == 0).tolist()}. Encode only the classes there are."
            )
            raise InvalidDataError(msg)
        log_p = stationary_log_p(np.log(totals) + np.log(self.class_constants), self.exponent)
        centred: FloatArray = log_p - log_p.mean()
        return centred

    def probability(self, raw_score: ArrayLike) -> FloatArray:
        r"""Return P(y = k | x) in the data as given, from the raw scores.

        :math:`\eta_k \propto 1 / (c_k \cdot (-\ell'(p_k)))` with
        :math:`\ell(v) = -(1 - v)^\gamma \log v`, which undoes gamma and the class weights at
        once: exact at the minimiser of the expected loss (Charoenphakdee et al. 2021,
        arXiv:2011.09172, extended by the class constants).

        Shape (n, K), float64, C order; each row sums to 1.
        """
        from gbimb.losses.kernels.softmax import fill_probability

        score = as_float(raw_score, "raw_score")
        check_score_shape(score, len(score) if score.ndim else 1, self.n_outputs)
        if np.isnan(score).any():
            msg = "raw_score must not contain NaN."
            raise InvalidDataError(msg)
        if not (score.flags.c_contiguous or score.flags.f_contiguous):
            score = np.ascontiguousarray(score)
        out = np.empty(score.shape)
        fill_probability(score, self.class_constants, self.exponent, out)
        return out

    def _terms(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None
    ) -> SoftmaxTerms:
        y, score, weight = read_exact_rows(y_true, raw_score, sample_weight, self.n_outputs)
        scale = self.class_constants[y]
        return softmax_terms(y, score, scale if weight is None else scale * weight, self.exponent)


class SoftmaxTerms(NamedTuple):
    """Softmax of rows, accurate at both ends; ``_true`` is of the true class."""

    scale: FloatArray
    hit: NDArray[np.bool_]
    p: FloatArray
    q: FloatArray
    p_true: FloatArray
    q_true: FloatArray
    log_loss: FloatArray
    slope: FloatArray


def softmax_terms(
    y: IntArray, score: NDArray[Any], scale: FloatArray, gamma: float
) -> SoftmaxTerms:
    rows = np.arange(y.size)
    z = np.clip(score.astype(np.float64), -LARGEST_SCORE, LARGEST_SCORE)
    top = z.argmax(axis=1)
    z -= z[rows, top][:, None]
    shares = np.exp(z)
    shares[rows, top] = 0.0
    rest = shares.sum(axis=1)
    shares[rows, top] = 1.0
    p = shares / (1.0 + rest)[:, None]
    q = 1.0 - p
    q[rows, top] = rest / (1.0 + rest)
    p_true, q_true = p[rows, y], q[rows, y]
    log_loss = np.log1p(rest) - z[rows, y]
    # L / q tends to 1 where q underflows.
    ratio = divide(log_loss, q_true, where_zero=1.0)
    slope = q_true**gamma * (1.0 + gamma * p_true * ratio)
    hit = np.zeros(p.shape, np.bool_)
    hit[rows, y] = True
    return SoftmaxTerms(scale, hit, p, q, p_true, q_true, log_loss, slope)


def divide(top: FloatArray, bottom: FloatArray, *, where_zero: float) -> FloatArray:
    out = np.full(np.broadcast(top, bottom).shape, where_zero)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def stationary_log_p(log_weight: FloatArray, gamma: float) -> FloatArray:
    """Return log p with ``weight_k (-l'(p_k))`` equal over classes and p summing to 1."""
    top = int(np.argmax(log_weight))
    others = np.arange(log_weight.size) != top

    def log_odds(log_lambda: float) -> FloatArray:
        """Logit of p at which each class has the slope, by bisection."""
        low, high = np.full(log_weight.size, -2e4), np.full(log_weight.size, 2e4)
        for _ in range(64):
            middle = (low + high) / 2
            above = _log_slope(middle, gamma) + log_weight > log_lambda
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        odds: FloatArray = (low + high) / 2
        return odds

    def excess(log_lambda: float) -> float:
        odds = log_odds(log_lambda)
        return float(logsumexp(log_expit(odds[others])) - log_expit(-odds[top]))

    even = float(_log_slope(np.array([-np.log(log_weight.size - 1.0)]), gamma)[0])
    from scipy.optimize import brentq  # loads for 0.3 seconds

    found = brentq(excess, log_weight.min() + even - 1.0, log_weight.max() + even + 1.0, xtol=1e-14)
    log_p: FloatArray = log_expit(log_odds(float(found)))
    return log_p


def _log_slope(log_odds: FloatArray, gamma: float) -> FloatArray:
    """``log(-l'(p))`` at the logit of p; falls with p."""
    log_p, log_q = log_expit(log_odds), log_expit(-log_odds)
    ratio = divide(-log_p, np.exp(log_q), where_zero=1.0)
    slope: FloatArray = gamma * log_q + np.log1p(gamma * np.exp(log_p) * ratio) - log_p
    return slope
