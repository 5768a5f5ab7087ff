"""Soft MCC and soft F-beta in 60-digit arithmetic, from the definitions of the metrics.

The metrics are written with the four confusion counts, the losses in ``gbimb.losses`` with two
sums; the derivatives are taken numerically, in far more digits than are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import mpmath
import numpy as np
from mpmath import mp, mpf

from gbimb.losses import SoftFBetaLoss, SoftLoss, SoftMCCLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIGITS = 60
SOFT_LOSSES: list[SoftLoss] = [
    SoftMCCLoss(),
    SoftMCCLoss(scale_pos_weight=20.0),
    SoftFBetaLoss(),
    SoftFBetaLoss(beta=2.0),
    SoftFBetaLoss(beta=0.5, scale_pos_weight=0.3),
]

Numbers: TypeAlias = "Sequence[float | mpf]"


def total(loss: SoftLoss, y: Numbers, score: Numbers, weight: Numbers) -> mpf:
    """2 P N / n (1 - metric)."""
    tp = fp = fn = tn = mpf(0)
    for label, s, w in zip(y, score, weight, strict=True):
        p, q = 1 / (1 + mpmath.exp(-mpf(s))), 1 / (1 + mpmath.exp(mpf(s)))
        if label:
            tp, fn = tp + loss.scale_pos_weight * w * p, fn + loss.scale_pos_weight * w * q
        else:
            fp, tn = fp + w * p, tn + w * q
    scale = 2 * (tp + fn) * (fp + tn) / (tp + fp + fn + tn)
    return scale * (1 - metric(loss, tp, fp, fn, tn))


def metric(loss: SoftLoss, tp: mpf, fp: mpf, fn: mpf, tn: mpf) -> mpf:
    if isinstance(loss, SoftFBetaLoss):
        precision, recall, square = tp / (tp + fp), tp / (tp + fn), mpf(loss.beta) ** 2
        return (1 + square) * precision * recall / (square * precision + recall)
    root = mpmath.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / root


def derivatives(
    loss: SoftLoss, y: Numbers, score: Numbers, weight: Numbers, order: int
) -> np.ndarray:
    """The derivative of the given order by each score alone; each rounded to float64 once."""

    def along(i: int) -> Callable[[mpf], mpf]:
        return lambda s: total(loss, y, [*score[:i], s, *score[i + 1 :]], weight)

    with mp.workdps(DIGITS):
        return np.array([float(mpmath.diff(along(i), mpf(score[i]), order)) for i in range(len(y))])
