"""Mean cost, savings and money saved, against sums over the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbimb.exceptions import InvalidDataError
from gbimb.metrics import cost_saved, mean_cost, savings_score
from tests.helpers.strategies import QUICK

row = st.tuples(
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 3.0]),
    st.sampled_from([0.0, 1.0, 80.0]),
    st.sampled_from([1.0, 2.0, 3.0]),
)


@given(st.lists(row, min_size=1, max_size=20))
@QUICK
def test_they_are_sums_over_the_rows(rows: list[tuple[bool, bool, float, float, float]]) -> None:
    y, flagged, fp, fn, weight = (np.array(column) for column in zip(*rows, strict=True))
    cost = sum(w * (b if t and not f else a if f and not t else 0) for t, f, a, b, w in rows)
    nobody = sum(w * b for t, _, _, b, w in rows if t)
    everybody = sum(w * a for t, _, a, _, w in rows if not t)
    better = min(nobody, everybody)
    assert mean_cost(y, flagged, fp, fn, weight) == pytest.approx(cost / weight.sum())
    assert cost_saved(y, flagged, fp, fn, weight) == pytest.approx(better - cost)
    score = savings_score(y, flagged, fp, fn, weight)
    if better:
        assert score == pytest.approx(1 - cost / better)
    else:
        assert score == (0.0 if cost == 0 else -np.inf)


@given(st.lists(row, min_size=1, max_size=20))
@QUICK
def test_a_whole_weight_is_as_many_rows(
    rows: list[tuple[bool, bool, float, float, float]],
) -> None:
    y, flagged, fp, fn, weight = (np.array(column) for column in zip(*rows, strict=True))
    repeated = [np.repeat(part, weight.astype(int)) for part in (y, flagged, fp, fn)]
    for metric in (mean_cost, savings_score, cost_saved):
        assert metric(y, flagged, fp, fn, weight) == pytest.approx(metric(*repeated))


def test_a_perfect_prediction_saves_all_and_simple_rules_nothing() -> None:
    y, amounts = np.array([1, 0, 0, 1]), np.array([10.0, 20.0, 30.0, 4.0])
    assert savings_score(y, y, 5, amounts) == 1.0
    assert cost_saved(y, y, 5, amounts) == 10.0
    assert savings_score(y, np.ones(4, int), 5, amounts) == 0.0
    assert mean_cost(y, np.zeros(4, int), 5, amounts) == 3.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 0], [1], 1, 1), "same number of rows"),
        (([], [], 1, 1), "at least one"),
        (([1, 0], [1, 0], -1, 1), "cost_fp must be >= 0"),
        (([1, 0], [1, 0], 1, [1, np.nan]), "cost_fn must be finite, got nan in row 1"),
        (([1, 0], [1, 0], 1, [1, 2, 3]), "cost_fn must be a number or one a row"),
        (([1, 2], [1, 0], 1, 1), "y_true must hold only 0 and 1"),
        (([1, 0], [1, 2], 1, 1), "y_pred must hold only 0 and 1"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments: tuple, words: str) -> None:  # type: ignore[type-arg]
    for metric in (mean_cost, savings_score, cost_saved):
        with pytest.raises(InvalidDataError, match=words):
            metric(*arguments)
