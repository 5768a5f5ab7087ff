"""Blocks of later rows are decided by what the blocks before them tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import average_precision_score, f1_score, log_loss, matthews_corrcoef

import gbimb
from gbimb.thresholds import choose_threshold
from gbimb.training.backtest import Backtest, newest_most
from gbimb.training.objectives.named import make_objective

if TYPE_CHECKING:
    from collections.abc import Callable


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray]:
    """Labels, scores, three blocks in mixed order of the rows, and whole weights."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.5, 1.5, n)
    y = (rng.random(n) < expit(raw)).astype(np.float32)
    blocks = np.array_split(rng.permutation(n), [n // 2, 4 * n // 5])
    return y, raw, blocks, rng.integers(1, 4, n).astype(float)


def faded(blocks: list[np.ndarray], weight: np.ndarray) -> np.ndarray:
    """Weights by the definition: a block counts half of the one after it, the mean is 1."""
    result = np.zeros(weight.size)
    for age, block in enumerate(reversed(blocks)):
        result[block] = 0.5**age
    known = result > 0
    result[known] /= result[known].mean()
    return result * weight


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), weighted=st.booleans())
def test_each_threshold_comes_from_the_blocks_before(seed: int, weighted: bool) -> None:
    y, raw, blocks, weight = rows(600, seed)
    own = weight if weighted else np.ones(y.size)
    test = Backtest.of(blocks, y, weight if weighted else None)
    np.testing.assert_allclose(test.weight, faded(blocks, own))
    known = [expit(0.8 * raw), expit(raw - 0.2)]
    found = test.score(make_objective("mcc", 2), y, known, 3)
    flagged = np.zeros(y.size, bool)
    for k in (1, 2):
        past = np.concatenate(blocks[:k])
        then = faded(blocks[:k], own)[past]
        threshold = choose_threshold(y[past], known[k - 1][past], "mcc", then, random_state=3)
        flagged[blocks[k]] = known[k - 1][blocks[k]] >= threshold
    judged = np.concatenate(blocks[1:])
    wanted = matthews_corrcoef(y[judged], flagged[judged], sample_weight=faded(blocks, own)[judged])
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("average_precision", average_precision_score),
        ("log_loss", lambda y, p, sample_weight: -log_loss(y, p, sample_weight=sample_weight)),
        ("brier", lambda y, p, sample_weight: -np.average((y - p) ** 2, weights=sample_weight)),
    ],
)
def test_scores_of_probabilities_need_no_decision(name: str, metric: Callable[..., float]) -> None:
    y, raw, blocks, weight = rows(900, 1)
    test = Backtest.of(blocks, y, weight)
    known = [expit(raw), expit(2 * raw)]
    proba = np.empty(y.size)
    proba[blocks[1]], proba[blocks[2]] = known[0][blocks[1]], known[1][blocks[2]]
    judged = np.concatenate(blocks[1:])
    wanted = metric(y[judged], proba[judged], sample_weight=test.weight[judged])
    assert test.score(make_objective(name, 2), y, known, 0) == pytest.approx(wanted, abs=1e-9)


def test_many_classes_and_costs_are_decided_as_before_each_block() -> None:
    rng = np.random.default_rng(2)
    raw = rng.normal([1.0, 0.0, -1.0], size=(900, 3))
    y = (raw + rng.gumbel(size=raw.shape)).argmax(axis=1)
    blocks = np.array_split(np.arange(900), 3)
    test, proba = Backtest.of(blocks, y, None), softmax(raw, axis=1)
    objective = make_objective("f1", 3)
    predicted = np.zeros(900, int)
    for k, past in ((1, blocks[0]), (2, np.arange(600))):
        then = faded(blocks[:k], np.ones(900))[past]
        rule = objective.decide(y[past].astype(np.float32), proba[past], then, 0)
        predicted[blocks[k]] = np.argmax(proba[blocks[k]] * rule, axis=1)
    later = np.arange(300, 900)
    wanted = f1_score(y[later], predicted[later], average="macro", sample_weight=test.weight[later])
    assert test.score(objective, y, [proba, proba], 0) == pytest.approx(wanted, abs=1e-12)

    costs = np.array([[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [9.0, 4.0, 0.0]])
    paid = costs[y, np.argmin(proba @ costs, axis=1)]
    found = test.score(make_objective(costs, 3), y, [proba, proba], 0)
    assert found == pytest.approx(-np.average(paid[later], weights=test.weight[later]))


def test_blocks_after_one_class_alone_are_not_judged() -> None:
    y = np.repeat([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 25)
    blocks = np.array_split(np.arange(200), 4)
    test = Backtest.of(blocks, y, None)
    assert [step.block[0] for step in test.steps] == [100, 150]
    assert np.isnan(
        Backtest.of([np.arange(75), np.arange(75, 200)], y, None).score(
            make_objective("mcc", 2), y, [], 0
        )
    )
    np.testing.assert_allclose(newest_most([2, 1]).mean(), 1.0)


NOISE: list[Any] = [
    gbimb.ImbalancedLGBMClassifier(n_estimators=20, num_leaves=8, random_state=0, n_jobs=1),
    gbimb.ImbalancedXGBClassifier(n_estimators=20, max_depth=3, random_state=0, n_jobs=1),
]


@pytest.mark.parametrize("clf", NOISE, ids=["lgbm", "xgb"])
def test_no_score_is_promised_where_there_is_nothing_to_learn(clf: Any) -> None:
    promised = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(1500, 3)), (rng.random(1500) < 0.1).astype(int)
        promised.append(clf.fit(X, y, time=np.arange(1500)).best_score_)
    # Thresholds that are judged on the rows they were chosen on promise 0.12 and more.
    assert abs(np.mean(promised)) < 0.07
