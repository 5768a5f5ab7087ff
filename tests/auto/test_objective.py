"""What the automatic choice serves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

import gbimb
from gbimb.training.objectives.named import make_objective


def sample(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    posterior = expit(rng.normal(-2.5, 1.5, n))
    return (rng.random(n) < posterior).astype(np.float32), posterior


@pytest.mark.parametrize(
    ("name", "chance"),
    [("mcc", 0.0), ("f1", 0.1), ("fbeta:2", 0.21), ("balanced_accuracy", 0.5), ("g_mean", 0.5)],
)
def test_noise_scores_about_as_chance(name: str, chance: float) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.05).astype(np.float32)
    noise = rng.random(400)
    score = make_objective(name, 2).score(y, noise, None)
    assert score < chance + 0.02
    assert score < gbimb.metrics.best_threshold(y, noise, metric=name).score - 0.01


@pytest.mark.parametrize("name", ["mcc", "f1", "average_precision", "log_loss", "roc_auc"])
def test_true_probabilities_score_higher_than_blurred_ones(name: str) -> None:
    y, posterior = sample()
    objective = make_objective(name, 2)
    rng = np.random.default_rng(1)
    blurred = expit(np.log(posterior / (1 - posterior)) + rng.normal(0, 1.5, y.size))
    assert objective.score(y, posterior, None) > objective.score(y, blurred, None)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("average_precision", average_precision_score),
        ("roc_auc", roc_auc_score),
        ("log_loss", lambda y, p: -log_loss(y, p)),
        ("brier", lambda y, p: -np.mean((y - p) ** 2)),
    ],
)
def test_the_mean_over_bootstraps_is_near_the_score(name: str, wanted: object) -> None:
    y, posterior = sample(20_000)
    found = make_objective(name, 2).score(y, posterior, None)
    assert abs(found - wanted(y, posterior)) < 0.01  # type: ignore[operator]


def test_a_whole_weight_shifts_the_score_as_more_rows_do() -> None:
    y, posterior = sample()
    weight = np.where(y == 1, 3.0, 1.0)
    repeated = np.repeat(np.arange(y.size), weight.astype(int))
    for name in ("mcc", "f1", "average_precision"):
        objective = make_objective(name, 2)
        one = objective.score(y, posterior, weight)
        other = objective.score(y[repeated], posterior[repeated], None)
        assert abs(one - other) < 0.03
        assert abs(one - objective.score(y, posterior, None)) > 0.03


def test_costs_decide_as_their_threshold_says() -> None:
    y, posterior = sample()
    objective = make_objective([[0, 1], [9, 0]], 2)
    assert objective.decide(y, posterior, None, 0) == pytest.approx(0.1)
    paid = np.where(posterior >= 0.1, y == 0, 9 * (y == 1)).mean()
    assert abs(objective.score(y, posterior, None) + paid) < 0.02


def test_costs_are_in_the_order_of_the_classes_whichever_is_positive() -> None:
    y, posterior = sample()
    costs = [[0, 9], [1, 0]]  # class 0 is the positive one: to miss it costs nine
    objective = make_objective(costs, 2, swap=True)
    assert objective.decide(y, posterior, None, 0) == pytest.approx(0.1)


def test_recall_at_a_precision_is_served_by_the_lowest_threshold_that_has_it() -> None:
    y, posterior = sample(50_000)
    objective = make_objective("recall at precision >= 0.6", 2)
    threshold = objective.decide(y, posterior, None, 0)
    new_y, new = sample(200_000, seed=5)
    flagged = new >= threshold
    assert abs(new_y[flagged].mean() - 0.6) < 0.03
    best = objective.score(new_y, new, None)
    assert abs(new_y[flagged].sum() / new_y.sum() - best) < 0.05


@pytest.mark.parametrize(
    ("metric", "n_classes", "message"),
    [
        ("mccc", 2, "'mcc'"),
        ("mcc@0.5", 2, "leave the threshold open"),
        ("average_precision", 3, "many classes|must be one of|average_precision"),
        ([[0, 1], [1, 0]], 3, "3 rows and columns"),
        ([[0, 1], [0, 0]], 2, "costs more"),
        ([["a", 1], [0, 0]], 2, "matrix of costs"),
        ([[0, np.inf], [1, 0]], 2, "finite"),
        (7.0, 2, "rows and columns"),
        ("recall at precision >= 1.5", 2, "precision"),
    ],
)
def test_what_cannot_be_served_is_refused(metric: object, n_classes: int, message: str) -> None:
    with pytest.raises(gbimb.GbimbError, match=message):
        make_objective(metric, n_classes)  # type: ignore[arg-type]
