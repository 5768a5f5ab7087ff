"""Compiled coordinate ascent over class weights, exact along each class."""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

MEASURES: Final = {"mcc": 0, "f1": 1, "balanced_accuracy": 2}
CYCLES: Final = 30
GAIN: Final = 1e-10


@njit(nogil=True, cache=True, error_model="numpy")
def _score(hits, predicted, true, measure):  # type: ignore[no-untyped-def]
    """R_K, macro F1 or mean recall from hits, rows predicted and true rows of each class."""
    n_classes = hits.size
    value = 0.0
    if measure == 0:
        total = true.sum()
        spread_true = spread_predicted = 0.0
        for k in range(n_classes):
            value += hits[k] * total - true[k] * predicted[k]
            spread_true += true[k] * (total - true[k])
            spread_predicted += predicted[k] * (total - predicted[k])
        # Sums that were added to and taken from are not exactly 0 again.
        empty = min(spread_true, spread_predicted) <= 1e-12 * total * total
        return 0.0 if empty else value / sqrt(spread_true * spread_predicted)
    for k in range(n_classes):
        below = 0.5 * (predicted[k] + true[k]) if measure == 1 else true[k]
        if below > 0.0:
            value += hits[k] / below
    return value / n_classes


@njit(nogil=True, cache=True, error_model="numpy")
def _sweep(k, log_proba, weight, labels, log_weights, measure):  # type: ignore[no-untyped-def]
    """Return the best log weight of class k with the others fixed, its score and the present one.

    ``labels`` holds the weight of each row that belongs to each class.
    """
    n, n_classes = log_proba.shape
    barrier, rival = np.empty(n), np.empty(n, np.int64)
    hits, predicted, true = np.zeros(n_classes), np.zeros(n_classes), np.zeros(n_classes)
    for i in range(n):
        other, highest = 0, -np.inf
        for j in range(n_classes):
            true[j] += labels[i, j]
            value = log_proba[i, j] + log_weights[j]
            if j != k and value > highest:
                other, highest = j, value
        barrier[i], rival[i] = highest - log_proba[i, k], other
        hits[other] += labels[i, other]
        predicted[other] += weight[i]
    order = np.argsort(barrier)
    best = present = _score(hits, predicted, true, measure)
    at = barrier[order[0]] - 1.0
    for place in range(n):
        i = order[place]
        j = rival[i]
        hits[j] -= labels[i, j]
        predicted[j] -= weight[i]
        hits[k] += labels[i, k]
        predicted[k] += weight[i]
        following = barrier[order[place + 1]] if place + 1 < n else barrier[i] + 2.0
        if following - barrier[i] < 1e-12:
            continue
        value = _score(hits, predicted, true, measure)
        if barrier[i] < log_weights[k]:
            present = value
        if value > best + GAIN:
            best, at = value, (barrier[i] + following) / 2
    return at, best, present


@njit(nogil=True, cache=True, error_model="numpy")
def _climb(log_proba, weight, labels, log_weights, measure):  # type: ignore[no-untyped-def]
    reached = -np.inf
    for _ in range(CYCLES):
        before = reached
        for k in range(log_weights.size):
            at, best, present = _sweep(k, log_proba, weight, labels, log_weights, measure)
            reached = present
            if best > present + GAIN:
                log_weights[k], reached = at, best
        if reached <= before + GAIN:
            break
    return reached


def climb(
    log_proba: FloatArray, weight: FloatArray, labels: FloatArray, start: FloatArray, measure: int
) -> tuple[FloatArray, float]:
    """Return log weights at which no single class can do better, and their score.

    Parameters
    ----------
    log_proba : float64 array of shape (n, K)
    weight : float64 array of shape (n,)
    labels : float64 array of shape (n, K)
        Weight of each row that belongs to each class: whole for known labels, shared out for
        expected ones.
    start : float64 array of shape (K,)
    measure : int
        A value of ``MEASURES``.
    """
    log_weights = start - start.mean()
    score = _climb(log_proba, weight, labels, log_weights, measure)
    return log_weights, float(score)
