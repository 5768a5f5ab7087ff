"""Soft F-beta: precision and recall with probabilities in place of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gbimb.losses._soft import (
    NEGLIGIBLE,
    MetricSlopes,
    SoftCounts,
    SoftLoss,
    check_scale_pos_weight,
)
from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

LARGEST_BETA = 1e6


@dataclass(frozen=True)
class SoftFBetaLoss(SoftLoss):
    r"""One minus the smooth F-beta score of the whole training set.

    .. math:: F = \frac{(1 + \beta^2) a}{b + \beta^2 P}, \quad
              a = \sum w y p,\; b = \sum w p,\; p = \sigma(s)

    with P the weight of the positives. Its derivatives are, with :math:`E = b + \beta^2 P`,
    :math:`F_a = (1 + \beta^2) / E` and :math:`F_b = -F / E`; those by the raw scores follow, see
    :class:`~gbimb.losses.SoftLoss`. A row's share of the loss is its part in
    :math:`1 - F = (fp + \beta^2 fn) / E`.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of recall against precision, in (0, 1e6].
    scale_pos_weight : float, default=1.0
        Weight of the positive class in the metric, > 0 and finite.

    Notes
    -----
    Start from a model trained with the log loss, as for :class:`SoftMCCLoss`. Without positives
    F is 0/0: 0 here, with a gradient of 0.

    Examples
    --------
    >>> loss = SoftFBetaLoss(beta=2.0)
    >>> y, raw_score = [1, 0, 0], [2.0, -2.0, -2.0]
    >>> round(loss.score(loss.sums(y, raw_score)), 4)
    0.8603
    >>> loss.gradient(y, raw_score).round(4)
    array([-0.1132,  0.0235,  0.0235])
    """

    beta: float = 1.0
    scale_pos_weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_number("beta", self.beta, low=0, high=LARGEST_BETA, low_open=True)
        check_scale_pos_weight(self.scale_pos_weight)
        store_plain_numbers(self)

    def score(self, sums: SoftCounts) -> float:
        """Return the smooth F-beta, in [0, 1]; higher is better. 0 where it is 0/0."""
        width = self._width(sums)
        return (1.0 + self.beta**2) * sums.tp / width if width else 0.0

    def _slopes(self, sums: SoftCounts) -> MetricSlopes:
        width = self._width(sums)
        if width == 0:
            return MetricSlopes(0.0, 0.0, 0.0, 0.0, 0.0)
        gain, score = (1.0 + self.beta**2) / width, self.score(sums)
        return MetricSlopes(
            a=gain, b=-score / width, aa=0.0, ab=-gain / width, bb=2.0 * score / width**2
        )

    def _row_shares(
        self, y: FloatArray, p: FloatArray, q: FloatArray, sums: SoftCounts
    ) -> FloatArray:
        width = self._width(sums)
        if width == 0:
            return np.ones(y.size)
        missed = np.where(y > 0, self.beta**2 * q, p)
        return sums.total / width * missed

    def _width(self, sums: SoftCounts) -> float:
        """``b + beta^2 P``, or 0 where there are no positives."""
        if sums.positives <= NEGLIGIBLE * sums.total:
            return 0.0
        return sums.tp + sums.fp + self.beta**2 * sums.positives
