"""Corrections that make raw scores mean what their link says, fitted on held-out rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.optimize import brentq, root

from gbimb.exceptions import InvalidDataError
from gbimb.validation import as_float, check_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray
    from gbimb.losses import BinaryLoss, MulticlassLoss

__all__ = [
    "RawScoreLine",
    "averaging_shift",
    "correct_prior",
    "match_class_shares",
    "match_share",
    "recalibrate",
]

SLOPE_SPREAD: Final = 0.25
LARGEST_SHIFT: Final = 5.0
LARGEST_STEPS: Final = 100
SHARE_TOLERANCE: Final = 1e-12
SMALLEST_SHARE: Final = 1e-300


class RawScoreLine(NamedTuple):
    """``slope * raw_score + intercept`` is the corrected raw score."""

    slope: float
    intercept: float


def correct_prior(
    proba: ArrayLike, resampled_prevalence: ArrayLike, true_prevalence: ArrayLike
) -> FloatArray:
    """Return the probabilities that a model trained on resampled rows should have given.

    Resampling a class changes its odds by a constant, which this takes out again: exact where
    rows of a class were drawn (or repeated) without regard to their features. After SMOTE or
    an informed draw it is an approximation.

    Parameters
    ----------
    proba : array of shape (n,) or (n, K), in [0, 1]
        Probability of the positive class, or of each class.
    resampled_prevalence : float or array of shape (K,)
        Share of the positive class, or of each class, in the rows that trained the model; > 0.
    true_prevalence : float or array of shape (K,)
        The same in the data as they come; > 0.

    Returns
    -------
    float64 array of the shape of ``proba``

    Raises
    ------
    InvalidDataError
        If shapes do not fit or a number is out of range.

    Notes
    -----
    Not for gbimb's estimators that were given ``X_val`` and ``y_val`` as they come: these make
    the probabilities true on the validation rows.

    References
    ----------
    A. Dal Pozzolo, O. Caelen, R. A. Johnson, G. Bontempi. Calibrating probability with
    undersampling for unbalanced classification. 2015. doi:10.1109/SSCI.2015.33.

    Examples
    --------
    >>> correct_prior([0.5, 0.9], resampled_prevalence=0.5, true_prevalence=0.02).round(4)
    array([0.02  , 0.1552])
    """
    p = check_probabilities(proba, "proba")
    pair = as_columns(p, "proba")
    old = read_prevalence("resampled_prevalence", resampled_prevalence, pair.shape[1])
    new = read_prevalence("true_prevalence", true_prevalence, pair.shape[1])
    shifted = pair * (new / old)
    corrected: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return corrected[:, 1] if p.ndim == 1 else corrected


def as_columns(proba: FloatArray, name: str) -> FloatArray:
    """Return a column of probabilities for each class, shape (n, K), or raise."""
    if proba.ndim not in (1, 2):
        msg = (
            f"{name} must be of shape (n,) or (n, K) with numbers in [0, 1], got shape "
            f"{proba.shape}."
        )
        raise InvalidDataError(msg)
    columns = np.column_stack([1.0 - proba, proba]) if proba.ndim == 1 else proba
    if not columns.any(axis=1).all():
        msg = f"{name} must have a number > 0 in each row, got one of zeros alone."
        raise InvalidDataError(msg)
    return columns


def read_prevalence(name: str, value: ArrayLike, n_classes: int) -> FloatArray:
    """Return the share of each class, shape (K,), from that or from the share of the positive."""
    share = as_float(value, name).astype(np.float64, copy=False)
    if share.ndim == 0:
        share = np.array([1.0 - share, share])
    if (
        share.shape != (n_classes,)
        or not (share > SMALLEST_SHARE).all()
        or abs(share.sum() - 1) > 1e-6
    ):
        msg = (
            f"{name} must be a number in (0, 1) for two classes or {n_classes} numbers > 0 with "
            f"sum 1, one a class, got {value!r}."
        )
        raise InvalidDataError(msg)
    return share


def recalibrate(
    loss: BinaryLoss,
    y_true: NDArray[Any],
    raw_score: NDArray[Any],
    sample_weight: NDArray[Any] | None = None,
) -> RawScoreLine:
    """Return the line through raw scores with the smallest log loss on held-out rows.

    Trees know their own rows too well, and on rare classes mostly the positive ones: on new rows
    the mean probability is then below the prevalence. This is Platt's correction on the scale of
    the raw score, through the loss's own link, with the slope drawn softly towards 1 (normal
    prior, standard deviation 0.25).

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


def _log_odds_slope(loss: BinaryLoss, raw: FloatArray) -> FloatArray:
    """Slope of the true log odds by the raw score."""
    half = 1e-4
    return (loss.log_odds(raw + half) - loss.log_odds(raw - half)) / (2 * half)


def averaging_shift(
    loss: BinaryLoss,
    raw_scores: Sequence[FloatArray],
    sample_weight: NDArray[Any] | None = None,
    shares: ArrayLike | None = None,
) -> float:
    """Return what to add to the mean of several models' raw scores.

    With it, the mean probability is that of the models' averaged probabilities: the mean raw
    score alone is more extreme.

    Parameters
    ----------
    loss : a two-class loss
    raw_scores : sequence of float64 arrays of shape (n,)
        Of the same rows, one array a model.
    sample_weight : array of shape (n,), optional
    shares : sequence of float, optional
        Of the models in the mean; None is equal ones.
    """
    mean = partial(np.average, axis=0, weights=shares)
    probabilities = [loss.probability(raw) for raw in raw_scores]
    share = float(np.average(mean(probabilities), weights=sample_weight))
    return match_share(loss, mean(raw_scores), share, sample_weight)


def match_share(
    loss: BinaryLoss,
    raw_score: FloatArray,
    share: float,
    sample_weight: NDArray[Any] | None = None,
) -> float:
    """Return what to add to the raw scores so that the mean probability becomes ``share``.

    Parameters
    ----------
    loss : a two-class loss
    raw_score : array of shape (n,)
    share : float, in (0, 1)
    sample_weight : array of shape (n,), optional

    Returns
    -------
    float
        At most 5 in size; 0 if that is not enough.
    """

    def distance(shift: float) -> float:
        proba = loss.probability(raw_score + shift)
        return float(np.average(proba, weights=sample_weight)) - share

    if distance(-LARGEST_SHIFT) > 0 or distance(LARGEST_SHIFT) < 0:
        return 0.0
    return float(brentq(distance, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=1e-14))


def match_class_shares(
    loss: MulticlassLoss,
    raw_score: FloatArray,
    share: FloatArray,
    sample_weight: NDArray[Any] | None = None,
) -> FloatArray:
    """Return what to add to the raw scores so that mean probabilities become ``share``.

    Parameters
    ----------
    loss : a loss of K classes
    raw_score : array of shape (n, K)
    share : array of shape (K,)
        The wanted mean probability of each class, sum 1. A class with share 0 is left alone.
    sample_weight : array of shape (n,), optional

    Returns
    -------
    float64 array of shape (K,), each at most 5 in size
    """
    there = share > 0

    def miss(shift: FloatArray) -> FloatArray:
        """Return by how much, on the log scale, each mean probability is too low."""
        mean = np.average(loss.probability(raw_score + shift), axis=0, weights=sample_weight)
        out = np.zeros(share.size)
        out[there] = np.log(share[there] / np.maximum(mean[there], SMALLEST_SHARE))
        return out

    nothing = np.zeros(share.size)
    # The spectral method of La Cruz, Martinez and Raydan (2006) needs no slope: the link of the
    # focal loss is so steep in places that plain fixed-point steps run away.
    found = root(miss, nothing, method="df-sane", options={"fatol": SHARE_TOLERANCE})
    shift: FloatArray = np.clip(found.x, -LARGEST_SHIFT, LARGEST_SHIFT)
    if there.all():
        shift -= shift.mean()
    return shift if np.abs(miss(shift)).max() < np.abs(miss(nothing)).max() else nothing


def keep_from_certainty(proba: FloatArray, limit: float) -> FloatArray:
    """Return probabilities >= ``limit`` with sum 1, shape (m, K)."""
    bounded = np.maximum(proba, limit)
    bounded /= bounded.sum(axis=1, keepdims=True)
    return bounded
