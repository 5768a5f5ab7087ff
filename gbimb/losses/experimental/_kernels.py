"""Compiled loops of the soft MCC of many classes; scores row by row (C) or class by class (F)."""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from math import exp, isfinite
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from gbimb.losses.kernels.softmax import LARGEST, TINY
from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from gbimb.array_types import Float32Array, FloatArray
    from gbimb.losses._rows import LossRows


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _softmax(score, i, shares):  # type: ignore[no-untyped-def]
    """Write the softmax of a row; return the class with the highest score and 1 - its share."""
    n_classes = score.shape[1]
    top = 0
    for k in range(1, n_classes):
        if score[i, k] > score[i, top]:
            top = k
    highest = np.float64(score[i, top])
    rest = 0.0
    for k in range(n_classes):
        if k != top:
            shares[k] = exp(np.float64(score[i, k]) - highest)
            rest += shares[k]
    inverse = 1.0 / (1.0 + rest)
    for k in range(n_classes):
        shares[k] *= inverse
    shares[top] = inverse
    return top, rest * inverse


@njit(nogil=True, cache=True, error_model="numpy")
def _count_rows(  # type: ignore[no-untyped-def]
    start, stop, score, y, weight, constants, true, predicted
):
    n_classes = score.shape[1]
    shares = np.empty(n_classes)
    weighted = weight.size > 0
    hits = 0.0
    for i in range(start, stop):
        label = y[i]
        if not (label >= 0.0 and label < n_classes and label == np.floor(label)):
            return np.nan
        w = constants[int(label)]
        if weighted:
            w *= weight[i]
        if not (w >= 0.0 and isfinite(w)):
            return np.nan
        _softmax(score, i, shares)
        hits += w * shares[int(label)]
        true[int(label)] += w
        for k in range(n_classes):
            predicted[k] += w * shares[k]
    return hits


@njit(nogil=True, cache=True, error_model="numpy")
def _gradient_rows(  # type: ignore[no-untyped-def]
    start, stop, score, y, weight, constants, hit, slopes, share, grad, curv
):
    n_classes = score.shape[1]
    shares = np.empty(n_classes)
    weighted = weight.size > 0
    sound = True
    for i in range(start, stop):
        label = y[i]
        if not (label >= 0.0 and label < n_classes and label == np.floor(label)):
            return False
        true = int(label)
        w = constants[true]
        if weighted:
            w *= weight[i]
        sound &= w >= 0.0
        top, below = _softmax(score, i, shares)
        others = 0.0
        for k in range(n_classes):
            sound &= isfinite(score[i, k])
            if k != top:
                others += shares[k] * (slopes[k] + (hit if k == true else 0.0))
        highest = slopes[top] + (hit if top == true else 0.0)
        for k in range(n_classes):
            if k == top:
                push = highest * below - others
            else:
                own = slopes[k] + (hit if k == true else 0.0)
                push = own * (1.0 - shares[k]) - (
                    others - shares[k] * own + (1.0 - below) * highest
                )
            slope = -w * shares[k] * push
            sound &= abs(slope) <= LARGEST
            grad[i, k] = slope
            curv[i, k] = max(share * abs(slope), TINY)
    return sound


def count_softly(rows: LossRows, constants: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return the weight on the true classes, and that of each class in truth and in prediction.

    The first is NaN if a row is not allowed.
    """
    y, score, weight = rows

    def task(start: int, stop: int) -> tuple[float, FloatArray, FloatArray]:
        true, predicted = np.zeros(constants.size), np.zeros(constants.size)
        hits = _count_rows(start, stop, score, y, weight, constants, true, predicted)
        return float(hits), true, predicted

    nothing = np.zeros(constants.size)
    found = [(0.0, nothing, nothing), *run_ranges(task, y.size)]
    hits, true, predicted = zip(*found, strict=True)
    return sum(hits), np.sum(true, axis=0), np.sum(predicted, axis=0)


def fill_gradient(
    rows: LossRows,
    constants: FloatArray,
    hit: float,
    slopes: FloatArray,
    share: float,
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature; False if a row is not allowed or a gradient too large.

    ``hit`` and ``slopes`` are the derivatives of minus the loss by the share of the true class
    and of each class.
    """
    y, score, weight = rows

    def task(start: int, stop: int) -> bool:
        return bool(
            _gradient_rows(start, stop, score, y, weight, constants, hit, slopes, share, grad, curv)
        )

    return all(run_ranges(task, y.size))
