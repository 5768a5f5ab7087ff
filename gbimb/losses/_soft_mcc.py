"""Soft MCC: Matthews' correlation with probabilities in place of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

from gbimb.losses._soft import (
    NEGLIGIBLE,
    MetricSlopes,
    SoftCounts,
    SoftLoss,
    check_scale_pos_weight,
)
from gbimb.validation import store_plain_numbers

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray


@dataclass(frozen=True)
class SoftMCCLoss(SoftLoss):
    r"""One minus the smooth Matthews correlation coefficient of the whole training set.

    .. math:: M = \frac{n a - P b}{\sqrt{P N b (n - b)}}, \quad
              a = \sum w y p,\; b = \sum w p,\; p = \sigma(s)

    with P, N and n the weights of the positives, the negatives and all rows. Its derivatives are

    .. math::
        M_a = \frac{n}{D}, \quad M_b = -\frac{P}{D} - M \frac{n - 2b}{2 b (n - b)}, \quad
        D = \sqrt{P N b (n - b)}

    from which those by the raw scores follow, see :class:`~gbimb.losses.SoftLoss`. A row's share
    of the loss is one minus its part in the correlation,
    :math:`(y - P/n) (p - b/n) \, n^2 / D`.

    Parameters
    ----------
    scale_pos_weight : float, default=1.0
        Weight of the positive class in the metric, > 0 and finite.

    Notes
    -----
    Not convex, and flat where rows are far from 0: start from a model trained with the log loss.
    The estimators do so; in code of your own, train with ``LogisticLoss()`` first and give that
    booster as ``init_model`` (LightGBM) or ``xgb_model`` (XGBoost) to a second ``train`` with
    this loss. Raw scores are no longer log odds then, see ``probability``.

    Where all or none of the rows are positive, in truth or in prediction, M is 0/0: 0 here, with
    a gradient of 0.

    Examples
    --------
    >>> loss = SoftMCCLoss()
    >>> y, raw_score = [1, 0, 0], [2.0, -2.0, -2.0]
    >>> round(loss.score(loss.sums(y, raw_score)), 4)
    0.7424
    >>> loss.gradient(y, raw_score).round(4)
    array([-0.1177,  0.087 ,  0.087 ])
    """

    scale_pos_weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_scale_pos_weight(self.scale_pos_weight)
        store_plain_numbers(self)

    def score(self, sums: SoftCounts) -> float:
        """Return the smooth MCC, in [-1, 1]; higher is better. 0 where it is 0/0."""
        root = _root(sums)
        return (sums.tp * (sums.tn / root) - sums.fp * (sums.fn / root)) if root else 0.0

    def _slopes(self, sums: SoftCounts) -> MetricSlopes:
        root = _root(sums)
        if root == 0:
            return MetricSlopes(0.0, 0.0, 0.0, 0.0, 0.0)
        flagged, left = sums.tp + sums.fp, sums.fn + sums.tn
        # log of sqrt(b (n - b)): its first derivative by b, and that one's.
        bend = 0.5 / flagged - 0.5 / left
        turn = -0.5 / flagged**2 - 0.5 / left**2
        score = self.score(sums)
        a, b = sums.total / root, -sums.positives / root
        return MetricSlopes(
            a=a,
            b=b - score * bend,
            aa=0.0,
            ab=-a * bend,
            bb=-2.0 * b * bend + score * (bend**2 - turn),
        )

    def _row_shares(
        self, y: FloatArray, p: FloatArray, q: FloatArray, sums: SoftCounts
    ) -> FloatArray:
        del q
        root = _root(sums)
        if root == 0:
            return np.ones(y.size)
        n = sums.total
        centred = (y - sums.positives / n) * (p - (sums.tp + sums.fp) / n)
        return 1.0 - centred * (n * (n / root))


def _root(sums: SoftCounts) -> float:
    """``sqrt(P N b (n - b))``, or 0 where it is so small that the gradient vanishes."""
    sides = (sums.positives, sums.negatives, sums.tp + sums.fp, sums.fn + sums.tn)
    if min(sides) <= NEGLIGIBLE * sums.total:
        return 0.0
    return prod(map(sqrt, sides))
