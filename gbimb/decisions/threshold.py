"""A decision threshold that holds on new rows, chosen on rows that trained no tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import expit, logit

from gbimb.decisions.promises import read_scores
from gbimb.exceptions import InvalidDataError
from gbimb.metrics import ConfusionCounts, ThresholdCurve, get_searched_metric, threshold_curve
from gbimb.validation import (
    check_number,
    check_total_weight,
    check_weight,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray
    from gbimb.metrics import CountMetric

RESAMPLES: Final = 100
LARGEST_CURVE: Final = 20_000
POSITIVES_FOR_EVEN_SAY: Final = 200.0
SMALLEST_PROBABILITY: Final = 1e-9


def choose_threshold(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    metric: str = "mcc",
    sample_weight: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> float:
    r"""Return a threshold on the probability that should serve ``metric`` on new rows.

    The threshold with the highest score on a few dozen positives is mostly noise. This one is
    the mean, on the logit scale, of two steadier ones:

    - *expected*: the threshold with the best score of the counts to be expected under the
      probabilities, after Platt's recalibration on the rows given;
    - *resampled*: the mean (logit) of the best thresholds of 100 Poisson bootstraps.

    The second has the share :math:`n_1 / (n_1 + 200)` with :math:`n_1` positives, and none for a
    score with a bound, such as "recall at precision >= 0.5": the lowest threshold that keeps to
    the bound on drawn rows breaks it on average on others. The bound is one on the mean: on new
    rows it holds about half of the time.

    Parameters
    ----------
    y_true : array of shape (n,), 0 or 1
        Labels of rows that did not train the model.
    y_proba : array of shape (n,), in [0, 1]
        Probability of class 1.
    metric : str, default="mcc"
        A score from counts: "mcc", "f1", "fbeta:2", "g_mean", "balanced_accuracy", ...
    sample_weight : array of shape (n,), optional
        A whole-number weight counts as that many rows.
    random_state : int, default=0
        Seed of the resampling.

    Returns
    -------
    float
        In [0, 1]; rows with ``y_proba >= threshold`` are predicted positive.

    Raises
    ------
    InvalidDataError
        If labels are not 0 and 1, only one class is there, or a probability is outside [0, 1].

    References
    ----------
    O. O. Koyejo, N. Natarajan, P. Ravikumar, I. S. Dhillon. Consistent binary classification with
    generalized performance metrics. NeurIPS 2014.
    J. Platt. Probabilistic outputs for support vector machines. 1999.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(0.5, 5, 2000)
    >>> y = rng.random(2000) < p
    >>> 0.1 < choose_threshold(y, p) < 0.5
    True
    """
    y, p = read_scores(y_true, y_proba)
    check_number("random_state", random_state, low=0, integer=True)
    weight = check_weight(sample_weight, y.size)
    if weight is not None:
        y, p, weight = y[weight > 0], p[weight > 0], weight[weight > 0] / _unit(weight)
    score = get_searched_metric(metric)
    curve = _thin(threshold_curve(y, p, weight))
    positives = float(curve.counts.tp[-1])
    check_total_weight(positives + float(curve.counts.fp[-1]))
    if positives == 0 or curve.counts.fp[-1] == 0:
        msg = "y_true must hold both classes to choose a threshold, got one only."
        raise InvalidDataError(msg)
    place = _expected(curve, score)
    if not score.has_bound:
        share = positives / (positives + POSITIVES_FOR_EVEN_SAY)
        place = share * _resampled(curve, score, random_state) + (1 - share) * place
    return float(expit(place))


def cheapest_threshold(
    y: NDArray[Any],
    proba: FloatArray,
    cost_fp: FloatArray,
    cost_fn: FloatArray,
    weight: NDArray[Any] | None = None,
) -> float:
    """Return the one threshold with the least cost to be expected, where each row has its own.

    Above it lie the scores at which the missed positives cost more than the false alarms. Both are
    sums over the rows given, smoothed by Platt's recalibration of what they cost: equal costs give
    a threshold near ``cost_fp / (cost_fp + cost_fn)``.

    Parameters
    ----------
    y : array of shape (n,), 0 or 1
    proba : float64 array of shape (n,), in [0, 1]
    cost_fp, cost_fn : float64 arrays of shape (n,), >= 0
    weight : array of shape (n,), optional
    """
    rows = np.ones(y.size) if weight is None else weight.astype(np.float64)
    money = rows * np.where(y == 1, cost_fn, cost_fp)
    alarm, miss = (float(np.sum(money[y == k])) for k in (0, 1))
    if alarm == 0 or miss == 0:  # nothing is lost by flagging all, or none
        return 0.0 if alarm == 0 and miss > 0 else 1.0
    # Money in units of rows, and scores at which both sides weigh the same for equal costs.
    curve = _thin(threshold_curve(y.astype(np.uint8), proba, money * (rows.sum() / money.sum())))
    shift = np.log(miss / rows[y == 1].sum()) - np.log(alarm / rows[y == 0].sum())
    positives, negatives = _steps(curve)
    raw = _logit(curve.scores) + shift
    slope, intercept = _platt(raw, positives, negatives)
    return float(expit(-intercept / slope - shift))


def _unit(weight: NDArray[Any]) -> float:
    """Return the weight of a row: 1, unless all weights together are less than that of one."""
    return 1.0 if weight.sum(dtype=np.float64) >= 1 else float(weight.max())


def _thin(curve: ThresholdCurve) -> ThresholdCurve:
    """Keep evenly spread thresholds, so that large tables cost no more than middling ones."""
    k = curve.scores.size
    if k <= LARGEST_CURVE:
        return curve
    keep = np.unique(np.linspace(0, k - 1, LARGEST_CURVE).astype(np.intp))
    return ThresholdCurve(curve.scores[keep], curve.counts.at(keep))


def _logit(p: FloatArray | float) -> FloatArray:
    out: FloatArray = logit(np.clip(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
    return out


def _steps(curve: ThresholdCurve) -> tuple[FloatArray, FloatArray]:
    """Weight of positives and of negatives that each threshold adds."""
    return np.diff(curve.counts.tp, prepend=0.0), np.diff(curve.counts.fp, prepend=0.0)


def _from_steps(
    scores: FloatArray, positives: NDArray[Any], negatives: NDArray[Any]
) -> ThresholdCurve:
    return ThresholdCurve(scores, ConfusionCounts.from_steps(positives, negatives))


def _resampled(curve: ThresholdCurve, score: CountMetric, random_state: int) -> float:
    """Mean logit of the best threshold over Poisson bootstraps of the rows."""
    rng = np.random.default_rng(random_state)
    positives, negatives = _steps(curve)
    best = [
        _from_steps(curve.scores, rng.poisson(positives), rng.poisson(negatives)).best(score)
        for _ in range(RESAMPLES)
    ]
    return float(np.mean(_logit(np.array([b.threshold for b in best]))))


def _expected(curve: ThresholdCurve, score: CountMetric) -> float:
    """Logit of the threshold with the best score of the expected counts."""
    positives, negatives = _steps(curve)
    raw = _logit(curve.scores)
    slope, intercept = _platt(raw, positives, negatives)
    calibrated = expit(slope * raw + intercept)
    weight = positives + negatives
    expected = _from_steps(curve.scores, weight * calibrated, weight * (1 - calibrated))
    return float(_logit(expected.best(score).threshold))


def _platt(raw: FloatArray, positives: FloatArray, negatives: FloatArray) -> tuple[float, float]:
    """Slope and intercept of a logistic regression on ``raw``, drawn softly towards (1, 0)."""
    design = np.column_stack([raw, np.ones_like(raw)])
    weight = positives + negatives
    prior = np.array([1.0, 0.0])
    beta = prior.copy()
    for _ in range(50):
        p = expit(design @ beta)
        gradient = design.T @ (weight * p - positives) + (beta - prior)
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    return float(max(beta[0], 1e-3)), float(beta[1])
