"""Class weights for a decision on many classes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gbimb.decisions import class_weights as _multiclass_rule
from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.sweep import MEASURES, _score, _sweep, climb
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.metrics import (
    MulticlassCounts,
    macro_f1_score,
    macro_recall_score,
    rk_score,
)

SCORES = {"mcc": rk_score, "f1": macro_f1_score, "balanced_accuracy": macro_recall_score}
PRIOR = np.array([0.82, 0.1, 0.05, 0.02, 0.01])


def simulate(n: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and their true posteriors: normal classes with a known prior."""
    centres = np.random.default_rng(99).normal(size=(PRIOR.size, 4)) * 1.2
    rng = np.random.default_rng(seed)
    y = rng.choice(PRIOR.size, n, p=PRIOR)
    x = centres[y] + noise * rng.normal(size=(n, 4))
    log_density = -0.5 * ((x[:, None] - centres) ** 2).sum(axis=2) / noise**2
    proba = PRIOR * np.exp(log_density)
    return y, proba / proba.sum(axis=1, keepdims=True)


def judge(metric: str, y: np.ndarray, proba: np.ndarray, weights: np.ndarray) -> float:
    calls = (weights * proba).argmax(axis=1)
    return SCORES[metric](MulticlassCounts.from_labels(y, calls, proba.shape[1]))


@pytest.mark.parametrize("metric", SCORES)
def test_score_of_sums_is_the_score_of_the_table(metric: str) -> None:
    rng = np.random.default_rng(0)
    y, pred, weight = rng.integers(0, 4, 60), rng.integers(0, 4, 60), rng.random(60)
    matrix = MulticlassCounts.from_labels(y, pred, 4, weight).matrix
    sums = np.diag(matrix).copy(), matrix.sum(axis=0), matrix.sum(axis=1)
    want = SCORES[metric](MulticlassCounts(matrix))
    assert _score(*sums, MEASURES[metric]) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("metric", SCORES)
@pytest.mark.parametrize("tied", [False, True])
def test_sweep_is_exact_along_a_class(metric: str, tied: bool) -> None:
    rng = np.random.default_rng(2)
    y, proba = rng.integers(0, 3, 40), rng.dirichlet([1, 1, 1], 40)
    if tied:
        proba = (np.round(proba * 3) + 1) / (np.round(proba * 3) + 1).sum(axis=1, keepdims=True)
    log_proba, labels, log_weights = np.log(proba), np.eye(3)[y], np.array([0.2, -0.3, 0.1])
    at, best, present = _sweep(1, log_proba, np.ones(40), labels, log_weights, MEASURES[metric])
    assert present == pytest.approx(judge(metric, y, proba, np.exp(log_weights)), abs=1e-12)

    def score(log_weight: float) -> float:
        moved = log_weights.copy()
        moved[1] = log_weight
        return judge(metric, y, proba, np.exp(moved))

    barriers = np.unique(np.max((log_proba + log_weights)[:, [0, 2]], axis=1) - log_proba[:, 1])
    places = [(a + b) / 2 for a, b in pairwise([-9.0, *barriers, 9.0]) if b - a > 1e-9]
    assert best == pytest.approx(max(score(x) for x in places), abs=1e-12)
    assert score(at) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("metric", SCORES)
def test_no_single_class_can_do_better_at_the_end(metric: str) -> None:
    rng = np.random.default_rng(3)
    y, proba = rng.integers(0, 4, 60), rng.dirichlet(np.ones(4), 60)
    labels = np.eye(4)[y]
    found, score = climb(np.log(proba), np.ones(60), labels, np.zeros(4), MEASURES[metric])
    assert score == pytest.approx(judge(metric, y, proba, np.exp(found)), abs=1e-12)
    assert score >= judge(metric, y, proba, np.ones(4))
    for k in range(4):
        for step in np.linspace(-3, 3, 41):
            moved = found + step * (np.arange(4) == k)
            assert judge(metric, y, proba, np.exp(moved)) <= score + 1e-9


@pytest.mark.parametrize("metric", SCORES)
def test_the_rule_beats_the_most_probable_class_on_new_rows(metric: str) -> None:
    y_new, proba_new = simulate(100_000, seed=50, noise=1.5)
    plain = judge(metric, y_new, proba_new, np.ones(5))
    gains = []
    for seed in range(3):
        weights = fit_class_weights(*simulate(3000, seed, 1.5), metric)
        assert weights.shape == (5,)
        assert (weights > 0).all()
        assert np.log(weights).mean() == pytest.approx(0, abs=1e-12)
        gains.append(judge(metric, y_new, proba_new, weights) - plain)
    assert np.mean(gains) > {"mcc": 0.005, "f1": 0.05, "balanced_accuracy": 0.15}[metric]
    assert min(gains) > 0


def test_balanced_accuracy_has_the_inverse_prior_as_its_rule() -> None:
    weights = fit_class_weights(*simulate(20_000), "balanced_accuracy")
    want = np.log(1 / PRIOR)
    np.testing.assert_allclose(np.log(weights), want - want.mean(), atol=0.35)


def test_noisy_rows_move_the_rule_less_than_the_best_score_on_their_labels() -> None:
    spread = {"expected": [], "labels": []}
    for seed in range(6):
        y, proba = simulate(600, seed)
        spread["expected"].append(np.log(fit_class_weights(y, proba)))
        labels = np.eye(5)[y]
        found, _ = climb(np.log(proba), np.ones(600), labels, np.zeros(5), MEASURES["mcc"])
        spread["labels"].append(found)
    of = {name: np.std(values, axis=0).mean() for name, values in spread.items()}
    assert of["expected"] < 0.6 * of["labels"]


@pytest.mark.parametrize("metric", SCORES)
def test_a_whole_number_weight_is_repetition(metric: str) -> None:
    y, proba = simulate(800)
    weight = np.random.default_rng(0).integers(0, 3, 800)
    got = fit_class_weights(y, proba, metric, weight)
    want = fit_class_weights(np.repeat(y, weight), np.repeat(proba, weight, axis=0), metric)
    np.testing.assert_allclose(got, want, rtol=1e-3)
    np.testing.assert_array_equal(got, fit_class_weights(y, proba, metric, weight))


def test_distorted_probabilities_are_recalibrated() -> None:
    y, proba = simulate(4000)
    factors = np.array([0.2, 1.0, 5.0, 1.0, 3.0])
    distorted = proba * factors / (proba * factors).sum(axis=1, keepdims=True)
    y_new, proba_new = simulate(50_000, seed=7)
    distorted_new = proba_new * factors
    right = judge("f1", y_new, proba_new, fit_class_weights(y, proba, "f1"))
    got = judge("f1", y_new, distorted_new, fit_class_weights(y, distorted, "f1"))
    assert got == pytest.approx(right, abs=0.01)


def test_many_rows_are_thinned_by_class_and_keep_their_weight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y, proba = simulate(20_000)
    rows = _multiclass_rule._check(y, proba, None)
    whole = fit_class_weights(y, proba, "f1")
    monkeypatch.setattr(_multiclass_rule, "LARGEST_TABLE", 3000)
    thinned = _multiclass_rule._thin(rows, 0)
    assert thinned.codes.size == 3000
    np.testing.assert_allclose(np.bincount(thinned.codes, thinned.weight), np.bincount(y))
    assert (np.bincount(thinned.codes)[3:] == np.bincount(y)[3:]).all()
    some = fit_class_weights(y, proba, "f1", random_state=1)
    np.testing.assert_array_equal(some, fit_class_weights(y, proba, "f1", random_state=1))
    np.testing.assert_allclose(np.log(some), np.log(whole), atol=0.5)


def test_extreme_probabilities_and_absent_classes_give_finite_weights() -> None:
    y = np.array([0, 0, 0, 1, 1, 0, 2, 0])
    proba = np.eye(4)[y]  # class 3 has no rows and no probability
    for metric in SCORES:
        weights = fit_class_weights(y, proba, metric)
        assert np.isfinite(weights).all()
        assert judge(metric, y, proba, weights) == judge(metric, y, proba, np.ones(4))


def test_wrong_input_is_refused() -> None:
    y, proba = simulate(20)
    with pytest.raises(InvalidParameterError, match="metric must be one of"):
        fit_class_weights(y, proba, "accuracy")
    with pytest.raises(InvalidDataError, match="at least two classes"):
        fit_class_weights(np.zeros(20), proba)
    with pytest.raises(InvalidDataError, match="a column a class"):
        fit_class_weights(y, proba[:, 0])
    with pytest.raises(InvalidDataError, match="probabilities in"):
        fit_class_weights(y, 3 * proba)
    with pytest.raises(InvalidDataError, match="a row a label"):
        fit_class_weights(y, proba[:5])
