"""One recipe for any loss, to compare losses made for a metric: ours and those of papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

import gbimb
from gbimb.metrics import best_threshold

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.rivals.task import Task

    Gradient = Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

FOLDS: Final = 5
WARM_ROUNDS: Final = 60
ROUNDS: Final = 160
STEP: Final = 4
CURVATURE_SHARE: Final = 0.1
AMPLIFICATION: Final = 73.0  # Han et al. 2024, AnyLoss
DISCREPANCY: Final = 1 / 3  # Bao and Sugiyama 2020, tau
TREES: Final = {
    "num_leaves": 8,
    "learning_rate": 0.1,
    "feature_fraction": 0.6,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "verbosity": -1,
    "metric": "None",
    "boost_from_average": False,
}


def boosted(task: Task, loss: str) -> MetricBoosting:
    """Return boosted trees whose rounds after the first 60 minimise one of ``LOSSES``."""
    return MetricBoosting(loss, task.seed)


class MetricBoosting:
    """Five cross-fitted boosters; rounds and threshold are best for MCC on held-out rows."""

    def __init__(self, loss: str, seed: int) -> None:
        self.loss = loss
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> MetricBoosting:
        """Train."""
        self.classes_ = np.array([0, 1])
        checked = np.arange(WARM_ROUNDS, ROUNDS + 1, STEP)
        scores = np.empty((checked.size, y.size))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
        self.boosters: list[lgb.Booster] = []
        for train, held_out in folds.split(X, y):
            booster = self._train(X.iloc[train], y[train])
            self.boosters.append(booster)
            for i, rounds in enumerate(checked):
                scores[i, held_out] = booster.predict(
                    X.iloc[held_out], raw_score=True, num_iteration=int(rounds)
                )
        found = [best_threshold(y, score, "mcc") for score in scores]
        best = int(np.argmax([each.score for each in found]))
        self.rounds = int(checked[best])
        self.cut = found[best].threshold
        self.platt = LogisticRegression().fit(scores[best][:, None], y)
        return self

    def _train(self, X: pd.DataFrame, y: NDArray[Any]) -> lgb.Booster:
        labels = y.astype(np.float32)
        data = lgb.Dataset(X, labels, params=TREES)
        booster = lgb.Booster(TREES | {"seed": self.seed, "objective": "none"}, data)
        warm, then = logistic(), LOSSES[self.loss]()
        for i in range(ROUNDS):
            gradient = warm if i < WARM_ROUNDS else then
            booster.update(fobj=lambda score, _, of=gradient: of(labels, score))
        return booster

    def _score(self, X: pd.DataFrame) -> NDArray[Any]:
        raw = [b.predict(X, raw_score=True, num_iteration=self.rounds) for b in self.boosters]
        return np.asarray(np.mean(raw, axis=0))

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""
        return (self._score(X) >= self.cut).astype(int)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
        return np.asarray(self.platt.predict_proba(self._score(X)[:, None]))


def logistic() -> Gradient:
    """Log loss."""
    return gbimb.LogisticLoss().gradient_curvature


def soft_mcc() -> Gradient:
    """Soft MCC of gbimb."""
    return gbimb.SoftMCCLoss().gradient_curvature


def soft_f1() -> Gradient:
    """Soft F1 of gbimb."""
    return gbimb.SoftFBetaLoss().gradient_curvature


def any_mcc() -> Gradient:
    """AnyLoss (arXiv:2405.14745) for MCC: soft counts of amplified probabilities."""
    return lambda y, score: amplified(y, score, mcc_slopes)


def any_f1() -> Gradient:
    """AnyLoss for F1."""
    return lambda y, score: amplified(y, score, f1_slopes)


def surrogate_f1() -> Gradient:
    """Bao and Sugiyama (arXiv:1905.12511): a bound of F1 that is calibrated."""
    return bounded_f1


def moving_costs() -> Gradient:
    """Cost-sensitive log loss whose costs follow the MCC of the training rows.

    As in Narasimhan et al. (ICML 2015) and METRO, with a step of the costs every few rounds.
    """
    return MovingCosts()


LOSSES: Final[dict[str, Callable[[], Gradient]]] = {
    make.__name__: make
    for make in (logistic, soft_mcc, soft_f1, any_mcc, any_f1, surrogate_f1, moving_costs)
}


def mcc_slopes(a: float, b: float, positives: float, n: float) -> tuple[float, float]:
    """Return the derivatives of MCC by true positives (a) and predicted positives (b)."""
    root = np.sqrt(positives * (n - positives) * b * (n - b))
    covariance = n * a - positives * b
    return n / root, -positives / root - covariance * (n - 2 * b) / (2 * b * (n - b) * root)


def f1_slopes(a: float, b: float, positives: float, n: float) -> tuple[float, float]:
    """Return the derivatives of F1 by true positives (a) and predicted positives (b)."""
    del n
    return 2 / (positives + b), -2 * a / (positives + b) ** 2


def amplified(
    y: NDArray[Any], score: NDArray[Any], slopes: Callable[..., tuple[float, float]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return gradient and curvature of one minus a metric of ``sigmoid(73 (p - 1/2))``."""
    p = _sigmoid(score)
    sharp = _sigmoid(AMPLIFICATION * (p - 0.5))
    positives, n = float(y.sum()), float(y.size)
    by_a, by_b = slopes(float(y @ sharp), float(sharp.sum()), positives, n)
    slope = AMPLIFICATION * sharp * (1 - sharp) * p * (1 - p)
    return _with_curvature(-_scale(positives, n) * (by_a * y + by_b) * slope)


def bounded_f1(y: NDArray[Any], score: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return gradient and curvature of one minus the surrogate of F1.

    ``2 sum_pos (1 - phi(s)) / (P + sum_pos (1 - phi(s)) + sum_neg phi(-s))``; while its upper
    part is negative, that of the upper part alone, as the paper says.
    """
    margin = np.where(y > 0, score, -score)
    steep = np.where(margin < 0, 1.0, DISCREPANCY)
    phi = np.logaddexp(0, -steep * margin) / np.log(2)
    phi_slope = -steep * _sigmoid(-steep * margin) / np.log(2)
    positives, n = float(y.sum()), float(y.size)
    found = float(y @ (1 - phi))
    below = positives + found + float((1 - y) @ phi)
    if found > 0:
        by_phi = np.where(y > 0, -2 * (below - found), -2 * found) / below**2
    else:
        by_phi = np.where(y > 0, -2 / positives, 0.0)
    gradient = -_scale(positives, n) * by_phi * phi_slope * np.where(y > 0, 1.0, -1.0)
    return _with_curvature(gradient)


class MovingCosts:
    """Log loss with costs that follow MCC at the scores' sign."""

    EVERY: Final = 10

    def __init__(self) -> None:
        self.rounds = 0
        self.costs = (1.0, 1.0)

    def __call__(self, y: NDArray[Any], score: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return gradient and curvature."""
        if self.rounds % self.EVERY == 0:
            self._move(y, score)
        self.rounds += 1
        weight = np.where(y > 0, self.costs[1], self.costs[0])
        p = _sigmoid(score)
        return weight * (p - y), weight * p * (1 - p)

    def _move(self, y: NDArray[Any], score: NDArray[Any]) -> None:
        predicted = score > 0
        a, b = float(y @ predicted), float(predicted.sum())
        if not 0 < b < y.size:
            return
        by_a, by_b = mcc_slopes(a, b, float(y.sum()), float(y.size))
        costs = np.maximum([-by_b, by_a + by_b], 0.0)
        if costs.min() > 0:
            mean = np.mean(np.where(y > 0, costs[1], costs[0]))
            self.costs = (costs[0] / mean, costs[1] / mean)


def _with_curvature(gradient: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Add the curvature that gbimb's soft losses hand to trees."""
    return gradient, np.maximum(CURVATURE_SHARE * np.abs(gradient), 1e-30)


def _scale(positives: float, n: float) -> float:
    return 2 * positives * (n - positives) / n


def _sigmoid(score: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * score)))
