"""Losses for many classes: softmax log loss and softmax focal loss."""

from __future__ import annotations

from dataclasses import dataclass

from gbimb.losses._focal import LARGEST_GAMMA
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.validation import check_number


@dataclass(frozen=True)
class SoftmaxLoss(MulticlassLoss):
    r"""Log loss (cross-entropy) for K classes.

    .. math:: \ell(y, z) = c_y \left(\log \sum_k e^{z_k} - z_y\right)

    Parameters
    ----------
    n_classes : int
        Number of classes K, 2 to 100,000.
    class_weight : tuple of K floats, optional
        Weight of each class, > 0 and finite. ``probability`` takes it out again.

    Examples
    --------
    >>> loss = SoftmaxLoss(3)
    >>> loss.init_score([0, 0, 1, 2]).round(3)
    array([ 0.462, -0.231, -0.231])
    """

    n_classes: int
    class_weight: tuple[float, ...] | None = None


@dataclass(frozen=True)
class SoftmaxFocalLoss(MulticlassLoss):
    r"""Focal loss for K classes.

    .. math:: \ell(y, z) = c_y \, (1 - p_y)^\gamma (-\log p_y), \quad p = \mathrm{softmax}(z)

    Parameters
    ----------
    n_classes : int
        Number of classes K, 2 to 100,000.
    gamma : float, default=2.0
        How much well-classified rows are down-weighted, in [0, 100]. 0 is the log loss.
    class_weight : tuple of K floats, optional
        Weight of each class, > 0 and finite. ``probability`` takes it out again.

    Notes
    -----
    ``softmax(raw_score)`` is not a probability under this loss; ``probability`` is. Training has
    to start at ``init_score``.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar. Focal loss for dense object detection.
    2017. arXiv:1708.02002.
    N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul, M. Sugiyama. On focal loss for
    class-posterior probability estimation: a theoretical perspective. 2021. arXiv:2011.09172.

    Examples
    --------
    >>> loss = SoftmaxFocalLoss(3, gamma=2.0)
    >>> start = loss.init_score([0] * 90 + [1] * 9 + [2])
    >>> loss.probability([start]).round(3)
    array([[0.9 , 0.09, 0.01]])
    """

    n_classes: int
    gamma: float = 2.0
    class_weight: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_number("gamma", self.gamma, low=0, high=LARGEST_GAMMA)
        super().__post_init__()

    @property
    def exponent(self) -> float:
        """Gamma."""
        return float(self.gamma)
