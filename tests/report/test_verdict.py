"""The verdict says what the rows can tell, and no more; given costs, it speaks of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.report.tables import check_of, counted, facts_of, facts_of_many

COSTS = {"tp": 0.0, "fp": 5.0, "fn": 100.0, "tn": 0.0}
TRUST = "on average they can be trusted"
NO_BETTER = "may be no better than chance"


def true_ones(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels that are drawn from their probabilities."""
    rng = np.random.default_rng(seed)
    proba = rng.beta(0.5, 20, n)
    return (rng.random(n) < proba).astype(int), proba


@pytest.mark.parametrize(("positives", "expected"), [(4, 9.0), (6, 12.1), (6, 6.0)])
def test_few_rows_are_not_said_to_show_that_probabilities_can_be_trusted(
    positives: int, expected: float
) -> None:
    y = (np.arange(1000) < positives).astype(int)
    facts = facts_of(y, np.linspace(2, 0, 1000) * expected / 1000, 0.01)
    assert f"there are {positives}, too few to tell" in facts["verdict"][-1]
    assert TRUST not in facts["verdict"][-1]
    check = check_of(facts, "GBI007")
    assert check["severity"] == "skipped"
    assert "too few to tell" in check["text"]


def test_probabilities_are_trusted_where_many_rows_agree() -> None:
    y, proba = true_ones(10_000)
    facts = facts_of(y, proba, 0.1)
    assert TRUST in facts["verdict"][-1]
    assert check_of(facts, "GBI007")["severity"] == "passed"
    assert "too low here" in facts_of(y, proba / 2, 0.1)["verdict"][1]


def test_weights_of_few_rows_are_few_rows() -> None:
    y, proba = true_ones(10_000)
    kept = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:20]])
    weight = np.where(y[kept] == 1, y.sum() / 20, 1.0)
    assert TRUST not in facts_of(y[kept], proba[kept], 0.1, weight=weight)["verdict"][1]


def test_a_model_that_may_be_no_better_than_chance_is_said_to_be() -> None:
    facts = facts_of(*counted(tp=0, fp=5, fn=6, tn=989))
    assert NO_BETTER in facts["verdict"][0]
    assert check_of(facts, "GBI009")["severity"] == "warning"
    facts = facts_of(*counted(tp=5, fp=5, fn=6, tn=989))
    assert NO_BETTER not in facts["verdict"][0]
    assert check_of(facts, "GBI009")["severity"] == "passed"


def test_many_classes_told_by_chance_are_said_to_be(rng: np.random.Generator) -> None:
    codes, proba = np.arange(300) % 3, rng.dirichlet(np.ones(3), 300)
    facts = facts_of_many(codes, proba)
    assert NO_BETTER in facts["verdict"][0]
    assert check_of(facts, "GBI009")["severity"] == "warning"
    facts = facts_of_many(codes, 0.1 + 0.7 * np.eye(3)[codes])
    assert NO_BETTER not in facts["verdict"][0]


@pytest.mark.parametrize(
    ("each", "words"),
    [
        ([300, 300, 300], "The probabilities of every class add up"),
        ([300, 300, 5], "except for classes with too few rows to tell: '2'."),
        ([9, 9, 5], "too few to tell whether the probabilities add up"),
    ],
)
def test_many_classes_say_which_are_too_few_to_tell(each: list[int], words: str) -> None:
    codes = np.repeat([0, 1, 2], each)
    proba = np.tile(np.array(each) / sum(each), (codes.size, 1))
    assert words in facts_of_many(codes, proba)["verdict"][1]


def test_with_costs_the_verdict_names_a_cheaper_threshold() -> None:
    y, proba = true_ones(5000)
    facts = facts_of(y, proba, 0.5, costs=COSTS)
    cost = facts["cost"]
    assert (
        f"At the threshold 0.5 a row costs {cost['chosen']:.3g} on average" in facts["verdict"][-1]
    )
    assert f"less near {cost['least_threshold']:.3g}" in facts["verdict"][-1]
    assert "with true probabilities 0.0476 is best" in facts["verdict"][-1]
    assert "MCC" not in facts["verdict"][-1]
    check = check_of(facts, "GBI008")
    assert check["severity"] == "warning"
    assert "of the cost of a row" in check["text"]


def test_with_costs_the_cheapest_threshold_is_left_alone() -> None:
    y, proba = true_ones(5000)
    facts = facts_of(y, proba, 5 / 105, costs=COSTS)
    chosen = facts["cost"]["chosen"]
    words = (
        f"No threshold is clearly cheaper than 0.0476, where a row costs {chosen:.3g} on average."
    )
    assert facts["verdict"][-1].endswith(words)
    assert check_of(facts, "GBI008")["severity"] == "passed"
