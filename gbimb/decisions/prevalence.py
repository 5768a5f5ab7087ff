"""The shares of the classes in rows without labels, from the probabilities of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from gbimb.decisions.label_shift import LikelihoodRatio, Rows, most_likely
from gbimb.decisions.prior import as_columns, read_prevalence
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.validation import (
    check_class_codes,
    check_number,
    check_probabilities,
    check_weight,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray


@dataclass(frozen=True, eq=False)
class PrevalenceEstimate:
    """The shares of the classes in new rows.

    Attributes
    ----------
    prevalence : float, or float64 array of shape (K,)
        Of the positive class, or of each class.
    low, high : float, or float64 array of shape (K,)
        The ends of the interval, of each class on its own.
    n : int
        New rows.
    iterations : int
        Of the EM algorithm.
    converged : bool
        Whether they were enough.
    """

    prevalence: Any
    low: Any
    high: Any
    n: int
    iterations: int
    converged: bool


def estimate_prevalence(
    y_proba: ArrayLike,
    prevalence: ArrayLike,
    *,
    y_held_out: ArrayLike | None = None,
    proba_held_out: ArrayLike | None = None,
    weight_held_out: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PrevalenceEstimate:
    r"""Return the shares of the classes in new rows, from their probabilities alone.

    The rows of a class must be as in training: only how many there are of each class may differ
    (label shift). The estimate has the largest likelihood, which the EM algorithm of Saerens,
    Latinne and Decaestecker finds; the interval holds the shares that a likelihood-ratio test
    does not reject. With held-out rows of training the interval includes what those leave open
    about the probabilities. Without them the probabilities count as exact, and the interval of a
    model that was trained on few positives is too short.

    Parameters
    ----------
    y_proba : array of shape (n,) or (n, K), in [0, 1]
        Probabilities of the positive class, or of each class, of new rows, true where the classes
        have the shares ``prevalence``.
    prevalence : float or array of shape (K,)
        Share of the positive class, or of each class, in training.
    y_held_out : array of shape (m,), optional
        1 for the positive class and 0, or codes 0 to K-1, of rows that did not train the model.
    proba_held_out : array of shape (m,) or (m, K), optional
        Their probabilities.
    weight_held_out : array of shape (m,), optional
        A whole-number weight counts as that many rows.
    confidence : float, default=0.95
        Of the interval, in (0, 1).

    Returns
    -------
    PrevalenceEstimate
        Numbers for probabilities of shape (n,), arrays of shape (K,) for (n, K).

    Raises
    ------
    GbimbError
        If shapes do not fit or a number is out of range; also a ValueError or a TypeError.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure. 2002. doi:10.1162/089976602753284446.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(20_000) < 0.1
    >>> x = rng.normal(2.0 * y, 1.0)
    >>> odds = 0.02 / 0.98 * np.exp(2.0 * x - 2.0)     # true where 2 % are positive
    >>> found = estimate_prevalence(odds / (1 + odds), prevalence=0.02)
    >>> bool(found.low < 0.1 < found.high)
    True
    """
    check_number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    proba = check_probabilities(y_proba, "y_proba")
    columns = as_columns(proba, "y_proba")
    if not columns.size:
        msg = "y_proba must have at least one row, got none."
        raise InvalidDataError(msg)
    n_classes = columns.shape[1]
    share = read_prevalence("prevalence", prevalence, n_classes)
    rows = Rows.of(columns / share, np.ones(len(columns)))
    held_out: list[Rows] = []
    if y_held_out is not None and proba_held_out is not None:
        held_out = _by_class(y_held_out, proba_held_out, weight_held_out, share)
    elif y_held_out is not None or proba_held_out is not None or weight_held_out is not None:
        msg = "Give y_held_out and proba_held_out together, or neither."
        raise InvalidTypeError(msg)
    found = most_likely(rows, share)
    quantile = float(norm.ppf(0.5 + confidence / 2))
    asked = [1] if proba.ndim == 1 else range(n_classes)
    test = LikelihoodRatio(rows, held_out, found.share, quantile)
    low, high = np.array([test.interval(k) for k in asked]).T
    known: Any = found.share, low, high
    if proba.ndim == 1:
        known = float(found.share[1]), float(low[0]), float(high[0])
    return PrevalenceEstimate(
        prevalence=known[0],
        low=known[1],
        high=known[2],
        n=len(columns),
        iterations=found.steps,
        converged=found.converged,
    )


def _by_class(
    y: ArrayLike, proba: ArrayLike, weight: ArrayLike | None, share: FloatArray
) -> list[Rows]:
    """Return the held-out rows of each class, or raise."""
    columns = as_columns(check_probabilities(proba, "proba_held_out"), "proba_held_out")
    codes = check_class_codes(y, share.size, "y_held_out")
    if columns.shape != (codes.size, share.size):
        msg = (
            f"proba_held_out must have a row for each of the {codes.size} labels and the classes "
            f"of y_proba, got shape {np.shape(proba)}."
        )
        raise InvalidDataError(msg)
    counts = check_weight(weight, codes.size, "weight_held_out")
    rows = np.ones(codes.size) if counts is None else counts.astype(np.float64)
    if not np.bincount(codes, rows, share.size).all():
        msg = f"y_held_out must hold rows of all {share.size} classes, got none of one."
        raise InvalidDataError(msg)
    ratio = columns / share
    return [Rows.of(ratio[codes == k], rows[codes == k]) for k in range(share.size)]
