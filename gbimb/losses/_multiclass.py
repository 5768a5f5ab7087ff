"""What every softmax loss can do: the loss of a row is a function of the true class's share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.losses._base import Loss
from gbimb.losses._focal import FocalLoss
from gbimb.losses._rows import NOT_FINITE
from gbimb.losses._softmax_kernels import fill_probability, fill_softmax_focal
from gbimb.losses._softmax_terms import SoftmaxTerms, divide, softmax_terms, stationary_log_p
from gbimb.validation import as_float, as_float32, check_class_codes, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array, FloatArray


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

    @property
    def n_outputs(self) -> int:
        """Number of raw scores a row: K."""
        return int(self.n_classes)

    @property
    def steepness(self) -> float:
        """That of the two-class loss with the same gamma."""
        return FocalLoss(gamma=self.exponent).steepness

    @property
    @abstractmethod
    def exponent(self) -> float:
        """Gamma."""

    @property
    @abstractmethod
    def class_constants(self) -> FloatArray:
        """The constants c that multiply the loss of each class, shape (K,)."""

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
        value: FloatArray = t.scale * t.q_true**self.exponent * t.log_loss
        return value

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
            Class codes 0 to K-1. float32 is used without a copy.
        raw_score : array of shape (n, K)
            Scores in link space; float32 and float64, row by row (C, as XGBoost has them) or
            class by class (F, as LightGBM has them), are used without a copy.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. float32 is used without a copy.
        out : pair of float32 arrays of shape (n, K), optional
            Buffers to write into, in either order, so that rounds of boosting share them.

        Returns
        -------
        gradient, curvature : float32 arrays of shape (n, K)
            In the order of ``raw_score`` unless ``out`` is given. The curvature is
            ``2 A p_k (1 - p_k)``, at least the smallest normal float32 (1.2e-38).

        Raises
        ------
        InvalidDataError
            If shapes differ, a score is NaN or infinite, a label is no class code, a weight is
            negative or not finite, or a gradient exceeds float32.
        """
        score = as_float(raw_score, "raw_score")
        y = np.asarray(y_true)
        if y.ndim != 1 or y.dtype.kind not in "biuf":
            y = check_class_codes(y, self.n_outputs)  # raises, in the usual words
        self._check_shape(score, y.size)
        weight = read_weight(sample_weight, y.size)
        if not (score.flags.c_contiguous or score.flags.f_contiguous):
            score = np.ascontiguousarray(score)
        grad, curv = read_buffers(out, score)
        codes = as_float32(y)
        constants = self.class_constants
        if not fill_softmax_focal(
            score, codes, weight, constants, self.exponent, self.curvature_factor, grad, curv
        ):
            self._explain(codes, score, weight)
        return grad, curv

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
        score = as_float(raw_score, "raw_score")
        self._check_shape(score, len(score) if score.ndim else 1)
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
        y = check_class_codes(y_true, self.n_outputs)
        score = as_float(raw_score, "raw_score")
        self._check_shape(score, y.size)
        if not np.isfinite(score).all():
            raise InvalidDataError(NOT_FINITE)
        weight = check_weight(sample_weight, y.size)
        scale = self.class_constants[y]
        return softmax_terms(y, score, scale if weight is None else scale * weight, self.exponent)

    def _check_shape(self, score: NDArray[Any], n: int) -> None:
        if score.shape != (n, self.n_outputs):
            msg = (
                f"raw_score must have a row a label and a column a class, "
                f"shape ({n}, {self.n_outputs}), got shape {score.shape}."
            )
            raise InvalidDataError(msg)

    def _explain(self, y: Float32Array, score: NDArray[Any], weight: Float32Array) -> NoReturn:
        """Say what made the kernel refuse."""
        if not np.isfinite(score).all():
            raise InvalidDataError(NOT_FINITE)
        check_class_codes(y, self.n_outputs)
        if weight.size and weight.any():
            check_weight(weight, y.size)
        msg = (
            "The gradient must fit into float32 (3.4e38), got a larger one. "
            "Lower class_weight or sample_weight."
        )
        raise InvalidDataError(msg)


def read_weight(sample_weight: ArrayLike | None, n: int) -> Float32Array:
    """Return the weights in float32, shape (0,) if there are none, or raise by their shape."""
    if sample_weight is None:
        return np.empty(0, np.float32)
    weight = as_float(sample_weight, "sample_weight")
    if weight.shape != (n,):
        msg = f"sample_weight must have one value a row, shape ({n},), got shape {weight.shape}."
        raise InvalidDataError(msg)
    with np.errstate(over="ignore"):  # a weight beyond float32 is refused by the kernel
        return as_float32(weight)


def read_buffers(
    out: tuple[Float32Array, Float32Array] | None, score: NDArray[Any]
) -> tuple[Float32Array, Float32Array]:
    """Return the pair of float32 arrays to write into, new ones laid out as ``score``."""
    if out is None:
        return np.empty_like(score, np.float32), np.empty_like(score, np.float32)
    if len(out) != 2:
        msg = f"out must be a pair of arrays, gradient and curvature, got {len(out)}."
        raise InvalidDataError(msg)
    for i, buffer in enumerate(out):
        rule = f"out[{i}] must be a writeable float32 array of shape {score.shape}"
        if not isinstance(buffer, np.ndarray):
            msg = f"{rule}, got {type(buffer).__name__}."
            raise InvalidTypeError(msg)
        if buffer.shape != score.shape or buffer.dtype != np.float32 or not buffer.flags.writeable:
            state = "" if buffer.flags.writeable else "read-only "
            msg = f"{rule}, got {state}{buffer.dtype} of shape {buffer.shape}."
            raise InvalidDataError(msg)
    return out[0], out[1]
