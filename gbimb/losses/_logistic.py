"""Log loss, with a weight for the positive class: the loss that every other one reduces to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scipy.special import expit, log_expit

from gbimb.losses._margin import MarginLoss
from gbimb.losses.kernels.probability import fill_focal_probability
from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows


@dataclass(frozen=True)
class LogisticLoss(MarginLoss):
    r"""Log loss (cross-entropy) for two classes.

    .. math:: \ell(y, s) = c_y \, \log(1 + e^{-m}), \quad m = (2y - 1) s

    with :math:`c_1` = ``scale_pos_weight`` and :math:`c_0 = 1`.

    Parameters
    ----------
    scale_pos_weight : float, default=1.0
        Weight of the positive class, > 0 and finite. The probability stays that of the data as
        given: ``probability`` takes the weight out again.

    Examples
    --------
    >>> loss = LogisticLoss(scale_pos_weight=49.0)
    >>> round(float(loss.init_score([0] * 98 + [1] * 2)), 6)
    0.0
    >>> loss.probability([0.0]).round(3)
    array([0.02])
    """

    scale_pos_weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_number(
            "scale_pos_weight", self.scale_pos_weight, low=0, low_open=True, high_open=True
        )
        store_plain_numbers(self)

    @property
    def class_constants(self) -> tuple[float, float]:
        """The constants (c1, c0) that multiply the loss of positives and of negatives."""
        return float(self.scale_pos_weight), 1.0

    def _value(self, margin: FloatArray) -> FloatArray:
        value: FloatArray = -log_expit(margin)
        return value

    def _first(self, margin: FloatArray) -> FloatArray:
        first: FloatArray = -expit(-margin)
        return first

    def _second(self, margin: FloatArray) -> FloatArray:
        second: FloatArray = expit(margin) * expit(-margin)
        return second

    def _log_slope(self, margin: FloatArray) -> FloatArray:
        slope: FloatArray = log_expit(-margin)
        return slope

    def _fill_probability(self, score: NDArray[Any], out: FloatArray) -> bool:
        return fill_focal_probability(score, self.class_constants, 0.0, out)

    def _fill(self, rows: LossRows, grad: Float32Array, curv: Float32Array) -> bool:
        from gbimb.losses.kernels.focal import fill_focal

        return fill_focal(rows, self.class_constants, 0.0, grad, curv)
