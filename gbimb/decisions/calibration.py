"""Curves from probability to probability, fitted on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray

SMALLEST: Final = 1e-12


class Correction(NamedTuple):
    """``slope * raw_score + intercept``, fitted on held-out rows.

    Attributes
    ----------
    slope : float
    intercept : float64 array of shape (number of raw scores,)
    """

    slope: float
    intercept: FloatArray

    def apply(self, raw: FloatArray) -> FloatArray:
        """Return the corrected raw scores, of the shape of ``raw``."""
        return self.slope * raw + self.intercept


def no_correction(n_outputs: int) -> Correction:
    """Return the correction that leaves raw scores as they are."""
    return Correction(1.0, np.zeros(n_outputs))


class Curve(Protocol):
    """A rising map of [0, 1] into itself, of arrays of any shape."""

    def __call__(self, proba: FloatArray) -> FloatArray:
        """Return the calibrated probabilities."""


@dataclass(frozen=True, eq=False)
class IsotonicCurve:
    """Straight lines between the points ``x`` and ``y``, both rising."""

    x: FloatArray
    y: FloatArray

    @classmethod
    def fit(cls, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> IsotonicCurve:
        """Learn the rising steps with the least squared error (Zadrozny and Elkan 2002)."""
        from sklearn.isotonic import IsotonicRegression

        fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(proba, y, weight)
        # A step of only one class would be certain, which no sample can know.
        limit = 0.5 / (y.size if weight is None else float(weight.sum()))
        return cls(
            np.asarray(fitted.X_thresholds_, np.float64),
            np.clip(np.asarray(fitted.y_thresholds_, np.float64), limit, 1.0 - limit),
        )

    def __call__(self, proba: FloatArray) -> FloatArray:
        """Return the calibrated probabilities."""
        return np.interp(proba, self.x, self.y)


@dataclass(frozen=True)
class BetaCurve:
    """``expit(a log p - b log(1 - p) + c)`` with a, b >= 0 (Kull et al. 2017)."""

    a: float
    b: float
    c: float

    @classmethod
    def fit(cls, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None) -> BetaCurve:
        """Learn a, b and c by maximum likelihood; a factor that would be negative is left out."""
        # A tenth of a second to import, for a curve that few fits ask for.
        from sklearn.linear_model import LogisticRegression

        features = _log_odds_parts(proba)
        slopes = np.zeros(2)
        kept = np.ones(2, dtype=bool)
        while kept.any():
            line = LogisticRegression(C=np.inf, max_iter=1000).fit(features[:, kept], y, weight)
            slopes[:] = 0.0
            slopes[kept] = line.coef_[0]
            if (slopes >= 0).all():
                return cls(float(slopes[0]), float(slopes[1]), float(line.intercept_[0]))
            kept[np.argmin(slopes)] = False
        share = float(np.average(y, weights=weight))
        return cls(0.0, 0.0, float(np.log(share / (1.0 - share))))

    def __call__(self, proba: FloatArray) -> FloatArray:
        """Return the calibrated probabilities."""
        log_p, minus_log_q = _log_odds_parts(np.ravel(proba)).T
        score = self.a * log_p + self.b * minus_log_q + self.c
        calibrated: FloatArray = expit(score).reshape(np.shape(proba))
        return calibrated


CURVES: Final[dict[str, Any]] = {"isotonic": IsotonicCurve, "beta": BetaCurve}
CALIBRATIONS: Final = ("platt", *CURVES)


@dataclass(frozen=True, eq=False)
class Calibrator:
    """A curve for the positive class of two, or for each of many.

    Many are calibrated one against the rest, and scaled to sum 1 (Zadrozny and Elkan 2002).
    """

    curves: tuple[Curve, ...]

    def __call__(self, proba: FloatArray) -> FloatArray:
        """Return calibrated probabilities of the shape of ``proba``, (n,) or (n, K)."""
        if proba.ndim == 1:
            return self.curves[0](proba)
        columns = [curve(proba[:, k]) for k, curve in enumerate(self.curves)]
        calibrated = np.column_stack(columns)
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        return calibrated


def fit_calibrator(
    calibration: str | None,
    y: NDArray[Any],
    proba: FloatArray,
    weight: NDArray[Any] | None,
) -> Calibrator | None:
    """Return the curves that held-out rows ask for.

    None for a calibration that is in the raw score already, and where only one class is held out.

    Parameters
    ----------
    calibration : {"platt", "isotonic", "beta"} or None
    y : array of shape (n,)
        1 for the positive class of two, or codes 0 to K-1.
    proba : float64 array of shape (n,) or (n, K)
    weight : array of shape (n,) or None
    """
    if calibration not in CURVES or y.min() == y.max():
        return None
    fit: Callable[..., Curve] = CURVES[calibration].fit
    if proba.ndim == 1:
        return Calibrator((fit(y, proba, weight),))
    return Calibrator(
        tuple(
            fit(y == k, proba[:, k], weight) if (y == k).any() else BetaCurve(1.0, 1.0, 0.0)
            for k in range(proba.shape[1])
        )
    )


def _log_odds_parts(proba: FloatArray) -> FloatArray:
    inside = np.clip(proba, SMALLEST, 1.0 - SMALLEST)
    return np.column_stack([np.log(inside), -np.log1p(-inside)])
