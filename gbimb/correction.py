"""Corrections that make raw scores mean what their link says, learnt on held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb._typing import FloatArray
    from gbimb.losses import MarginLoss

SLOPE_SPREAD: Final = 0.25
LARGEST_SHIFT: Final = 5.0
LARGEST_STEPS: Final = 100


class RawScoreLine(NamedTuple):
    """``slope * raw_score + intercept`` is the corrected raw score."""

    slope: float
    intercept: float


def recalibrate(
    loss: MarginLoss,
    y_true: NDArray[Any],
    raw_score: NDArray[Any],
    sample_weight: NDArray[Any] | None = None,
) -> RawScoreLine:
    """Return the line through raw scores with the smallest log loss on held-out rows.

    Trees know their own rows too well, and on rare classes mostly the positive ones: on new rows
    the mean probability is then below the prevalence, by a tenth on small tables. This is
    Platt's correction on the scale of the raw score, through the loss's own link, with the slope
    drawn softly towards 1 (normal prior, standard deviation 0.25).

    Parameters
    ----------
    loss : a two-class loss
    y_true : array of shape (n,), 0 or 1
        Labels of rows that did not train the model.
    raw_score : array of shape (n,)
    sample_weight : array of shape (n,), optional

    References
    ----------
    J. Platt. Probabilistic outputs for support vector machines. 1999.
    """
    y = y_true.astype(np.float64)
    weight = np.ones_like(y) if sample_weight is None else sample_weight
    design = np.column_stack([raw_score.astype(np.float64), np.ones_like(y)])
    line = np.array([1.0, 0.0])
    prior = np.array([SLOPE_SPREAD**-2, 0.0])
    for _ in range(LARGEST_STEPS):
        raw = design @ line
        p = loss.probability(raw)
        slope = _log_odds_slope(loss, raw)
        gradient = design.T @ (weight * (p - y) * slope) + prior * (line - [1.0, 0.0])
        fisher = (design * (weight * p * (1 - p) * slope**2)[:, None]).T @ design + np.diag(prior)
        step = np.linalg.lstsq(fisher, gradient)[0]
        line = np.clip(line - np.clip(step, -0.5, 0.5), [0.1, -LARGEST_SHIFT], [3.0, LARGEST_SHIFT])
        if np.abs(step).max() < 1e-12:
            break
    return RawScoreLine(float(line[0]), float(line[1]))


def _log_odds_slope(loss: MarginLoss, raw: FloatArray) -> FloatArray:
    """Slope of the true log odds by the raw score."""
    half = 1e-4
    slope: FloatArray = (loss.log_odds(raw + half) - loss.log_odds(raw - half)) / (2 * half)
    return slope


def averaging_shift(
    loss: MarginLoss, raw_scores: Sequence[FloatArray], sample_weight: NDArray[Any] | None = None
) -> float:
    """Return what to add to the mean of several models' raw scores.

    With it, the mean probability is that of the models' averaged probabilities: the mean raw
    score alone is more extreme, which cost log loss on 17 of 18 tables.

    Parameters
    ----------
    loss : a two-class loss
    raw_scores : sequence of float64 arrays of shape (n,)
        Of the same rows, one array a model.
    sample_weight : array of shape (n,), optional
    """

    def mean_probability(raw: FloatArray) -> float:
        return float(np.average(loss.probability(raw), weights=sample_weight))

    mean = np.mean(raw_scores, axis=0)
    target = float(np.mean([mean_probability(raw) for raw in raw_scores]))

    def distance(shift: float) -> float:
        return mean_probability(mean + shift) - target

    if distance(-LARGEST_SHIFT) > 0 or distance(LARGEST_SHIFT) < 0:
        return 0.0
    return float(brentq(distance, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=1e-14))
