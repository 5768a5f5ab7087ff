"""The shares of the classes in rows without labels, from the probabilities of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from scipy.stats import norm

from gbimb.decisions.label_shift import DensityRatios, LikelihoodRatio, most_likely
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

    from gbimb.array_types import FloatArray, IntArray

SMALLEST: Final = 1e-12
SMALLEST_FACTOR: Final = 0.05


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

    Examples
    --------
    >>> found = estimate_prevalence([0.1, 0.2, 0.9, 0.8] * 50, prevalence=0.3)
    >>> bool(found.low < found.prevalence < found.high), found.n
    (True, 200)
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
    about the probabilities; those of more than two classes are first made sharper or flatter, as
    the held-out rows ask for (Alexandari et al.). Without them the probabilities count as exact,
    and the interval of a model that was trained on few positives is too short.

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
    A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
    hard-to-beat at label shift adaptation. ICML 2020. arXiv:1901.06852.

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
    held_out: list[DensityRatios] = []
    if y_held_out is not None and proba_held_out is not None:
        known = _read_held_out(y_held_out, proba_held_out, weight_held_out, n_classes)
        if n_classes > 2:
            sharpen = Sharpening.fit(known)
            columns, known = sharpen(columns), known._replace(columns=sharpen(known.columns))
        held_out = known.by_class(share)
    elif y_held_out is not None or proba_held_out is not None or weight_held_out is not None:
        msg = "Give y_held_out and proba_held_out together, or neither."
        raise InvalidTypeError(msg)
    rows = DensityRatios.of(columns / share, np.ones(len(columns)))
    found = most_likely(rows, share)
    quantile = float(norm.ppf(0.5 + confidence / 2))
    asked = [1] if proba.ndim == 1 else range(n_classes)
    test = LikelihoodRatio(rows, held_out, found.share, quantile)
    low, high = np.array([test.interval(k) for k in asked]).T
    shown: Any = found.share, low, high
    if proba.ndim == 1:
        shown = float(found.share[1]), float(low[0]), float(high[0])
    return PrevalenceEstimate(
        prevalence=shown[0],
        low=shown[1],
        high=shown[2],
        n=len(columns),
        iterations=found.steps,
        converged=found.converged,
    )


class HeldOutRows(NamedTuple):
    """Codes (m,), a column of probabilities for each class (m, K), and weights (m,)."""

    codes: IntArray
    columns: FloatArray
    weight: FloatArray

    def by_class(self, share: FloatArray) -> list[DensityRatios]:
        """Return the rows of each class, as ratios of densities."""
        ratio = self.columns / share
        own = [self.codes == k for k in range(share.size)]
        return [DensityRatios.of(ratio[rows], self.weight[rows]) for rows in own]


class Sharpening(NamedTuple):
    """Logs of the probabilities times a factor, plus a number for each class."""

    factor: float
    shift: FloatArray

    @classmethod
    def fit(cls, rows: HeldOutRows) -> Sharpening:
        """Return that with the least log loss; a row speaks for a factor of 1 and no shift."""
        logs = np.log(np.maximum(rows.columns, SMALLEST))
        n_classes = logs.shape[1]
        onehot = np.eye(n_classes)[rows.codes]
        weight = rows.weight[:, None]
        plain = np.append(1.0, np.zeros(n_classes))

        def loss(line: FloatArray) -> tuple[float, FloatArray]:
            score = line[0] * logs + line[1:]
            off = softmax(score, axis=1) - onehot
            fit = float((rows.weight * (logsumexp(score, axis=1) - (score * onehot).sum(1))).sum())
            slope = np.append((weight * off * logs).sum(), (weight * off).sum(axis=0))
            away = line - plain
            return fit + 0.5 * float(away @ away), slope + away

        found = minimize(loss, plain, jac=True, method="BFGS").x
        return cls(float(max(found[0], SMALLEST_FACTOR)), found[1:])

    def __call__(self, columns: FloatArray) -> FloatArray:
        """Return the changed probabilities."""
        score = self.factor * np.log(np.maximum(columns, SMALLEST)) + self.shift
        changed: FloatArray = softmax(score, axis=1)
        return changed


def _read_held_out(
    y: ArrayLike, proba: ArrayLike, weight: ArrayLike | None, n_classes: int
) -> HeldOutRows:
    """Return the held-out rows, or raise."""
    columns = as_columns(check_probabilities(proba, "proba_held_out"), "proba_held_out")
    codes = check_class_codes(y, n_classes, "y_held_out")
    if columns.shape != (codes.size, n_classes):
        msg = (
            f"proba_held_out must have a row for each of the {codes.size} labels and the classes "
            f"of y_proba, got shape {np.shape(proba)}."
        )
        raise InvalidDataError(msg)
    counts = check_weight(weight, codes.size, "weight_held_out")
    rows = np.ones(codes.size) if counts is None else counts.astype(np.float64)
    if not np.bincount(codes, rows, n_classes).all():
        msg = f"y_held_out must hold rows of all {n_classes} classes, got none of one."
        raise InvalidDataError(msg)
    return HeldOutRows(codes, columns, rows)
