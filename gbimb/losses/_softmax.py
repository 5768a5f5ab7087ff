"""Losses for many classes: softmax log loss and softmax focal loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.losses._focal import LARGEST_GAMMA
from gbimb.losses._multiclass import MulticlassLoss
from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

# Products of two constants and their quotients stay finite.
SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100
# More are rows that were counted, not classes; a few arrays of this length do no harm.
MOST_CLASSES = 100_000


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

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_classes(self)
        store_plain_numbers(self)

    @property
    def exponent(self) -> float:
        """Gamma, 0."""
        return 0.0

    @property
    def class_constants(self) -> FloatArray:
        """The constants c that multiply the loss of each class, shape (K,)."""
        return class_constants(self.n_classes, self.class_weight)


@dataclass(frozen=True)
class SoftmaxFocalLoss(MulticlassLoss):
    r"""Focal loss for K classes.

    .. math:: \ell(y, z) = c_y \, (1 - p_y)^\gamma (-\log p_y), \quad p = \mathrm{softmax}(z)

    Parameters
    ----------
    n_classes : int
        Number of classes K, 2 to 100,000.
    gamma : float, default=2.0
        How much rows that are already right are turned down, in [0, 100]. 0 is the log loss.
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
        check_classes(self)
        store_plain_numbers(self)

    @property
    def exponent(self) -> float:
        """Gamma."""
        return float(self.gamma)

    @property
    def class_constants(self) -> FloatArray:
        """The constants c that multiply the loss of each class, shape (K,)."""
        return class_constants(self.n_classes, self.class_weight)


def check_classes(loss: Any) -> None:  # noqa: ANN401  a loss with n_classes and class_weight
    """Raise unless both are allowed; keep the weights as a tuple of floats."""
    check_number("n_classes", loss.n_classes, low=2, high=MOST_CLASSES, integer=True)
    weights: object = loss.class_weight
    if weights is None:
        return
    rule = f"class_weight must be None or {loss.n_classes} numbers, one a class"
    if isinstance(weights, str) or not isinstance(weights, Sequence | np.ndarray):
        msg = f"{rule}, got {weights!r} ({type(weights).__name__})."
        raise InvalidTypeError(msg)
    if len(weights) != loss.n_classes:
        msg = f"{rule}, got {len(weights)}."
        raise InvalidParameterError(msg)
    values = tuple(
        check_number(f"class_weight[{k}]", v, low=SMALLEST_WEIGHT, high=LARGEST_WEIGHT)
        for k, v in enumerate(weights)
    )
    object.__setattr__(loss, "class_weight", values)


def class_constants(n_classes: int, class_weight: tuple[float, ...] | None) -> FloatArray:
    """Return the weights as an array, ones by default."""
    return np.ones(n_classes) if class_weight is None else np.array(class_weight)
