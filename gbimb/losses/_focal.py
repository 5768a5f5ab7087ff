"""Focal loss: log loss in which well-classified rows are down-weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_expit

from gbimb.losses._margin import MarginLoss, margin_terms
from gbimb.losses.kernels.probability import fill_focal_probability
from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows

LARGEST_GAMMA = 100.0


@dataclass(frozen=True)
class FocalLoss(MarginLoss):
    r"""Focal loss for two classes (Lin et al. 2017).

    .. math:: \ell(y, s) = c_y \, q^\gamma L, \quad p = \sigma(m),\; q = 1 - p,\; L = -\log p

    with the margin :math:`m = (2y - 1) s`. Its derivatives are

    .. math::
        \ell'  &= -c_y q^\gamma (\gamma p L + q) \\
        \ell'' &= c_y q^\gamma p \, (q (1 + 2\gamma) + \gamma L (\gamma p - q))

    by the margin. The second one is negative where L is larger than about (1 + 2 gamma) / gamma,
    so trees receive ``|gradient| p`` instead, the Gauss-Newton curvature, which is exact for
    ``gamma = 0``.

    Parameters
    ----------
    gamma : float, default=2.0
        How much well-classified rows are down-weighted, in [0, 100]. 0 is the log loss.
    alpha : float or None, default=None
        Weight of the positive class, in (0, 1); negatives get ``1 - alpha``. None is 1 for both.
    scale_pos_weight : float, default=1.0
        A further weight of the positive class, > 0 and finite.

    Notes
    -----
    ``sigmoid(raw_score)`` is not a probability under this loss; ``probability`` is. Training has
    to start at ``init_score``: from the logit of the prevalence the trees do not grow.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar. Focal loss for dense object detection.
    2017. arXiv:1708.02002.
    N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul, M. Sugiyama. On focal loss for
    class-posterior probability estimation: a theoretical perspective. 2021. arXiv:2011.09172.

    Examples
    --------
    >>> loss = FocalLoss(gamma=2.0)
    >>> y = [1] * 2 + [0] * 98
    >>> start = loss.init_score(y)
    >>> round(start, 3)
    -1.448
    >>> loss.probability([start]).round(3)
    array([0.02])
    """

    gamma: float = 2.0
    alpha: float | None = None
    scale_pos_weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_number("gamma", self.gamma, low=0, high=LARGEST_GAMMA)
        check_number(
            "scale_pos_weight", self.scale_pos_weight, low=0, low_open=True, high_open=True
        )
        if self.alpha is not None:
            check_number("alpha", self.alpha, low=0, high=1, low_open=True, high_open=True)
        store_plain_numbers(self)

    @property
    def class_constants(self) -> tuple[float, float]:
        """The constants (c1, c0) that multiply the loss of positives and of negatives."""
        if self.alpha is None:
            return float(self.scale_pos_weight), 1.0
        return float(self.alpha * self.scale_pos_weight), float(1.0 - self.alpha)

    def _value(self, margin: FloatArray) -> FloatArray:
        _, q, log_loss = margin_terms(margin)
        return q**self.gamma * log_loss

    def _first(self, margin: FloatArray) -> FloatArray:
        p, q, log_loss = margin_terms(margin)
        return -(q**self.gamma) * (self.gamma * p * log_loss + q)

    def _second(self, margin: FloatArray) -> FloatArray:
        p, q, log_loss = margin_terms(margin)
        g = self.gamma
        return q**g * (p * q * (1 + 2 * g) + g * (p * log_loss) * (g * p - q))

    def _log_slope(self, margin: FloatArray) -> FloatArray:
        p, q, log_loss = margin_terms(margin)
        log_q = log_expit(-margin)
        # L / q tends to 1 where q underflows.
        ratio = np.divide(log_loss, q, out=np.ones_like(q), where=q > 0)
        slope: FloatArray = (self.gamma + 1) * log_q + np.log1p(self.gamma * p * ratio)
        return slope

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        from gbimb.losses.kernels.focal import fill_focal

        return fill_focal(rows, self.class_constants, self.gamma, grad, curv)

    def _fill_probability(self, score: NDArray[Any], out: FloatArray) -> bool:
        return fill_focal_probability(score, self.class_constants, self.gamma, out)
