"""Addable confusion counts and the scores that are functions of them."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbimb import metrics
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.metrics import METRICS, ConfusionCounts, f_beta_score, g_mean_score, mcc_score
from tests.helpers.strategies import QUICK, Table, tables

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT_METRICS = {name: row.count for name, row in METRICS.items() if row.count is not None}
SCORES = sorted(COUNT_METRICS.items())
each_score = pytest.mark.parametrize("score", [f for _, f in SCORES], ids=[n for n, _ in SCORES])
counts = st.builds(ConfusionCounts, *[st.one_of(st.integers(0, 50), st.floats(0, 1e6))] * 4)


def flagged(t: Table) -> ConfusionCounts:
    return ConfusionCounts.from_labels(t.y, t.score > 0, t.weight)


@QUICK
@given(tables(), st.data())
def test_counts_of_the_parts_of_any_partition_add_up_to_those_of_the_whole(
    t: Table, data: st.DataObject
) -> None:
    part = np.array(data.draw(st.lists(st.integers(0, 2), min_size=t.y.size, max_size=t.y.size)))
    weight = np.ones(t.y.size) if t.weight is None else t.weight
    parts = [
        ConfusionCounts.from_labels(t.y[rows], (t.score > 0)[rows], weight[rows])
        for k in range(3)
        if (rows := part == k).any() and weight[rows].any()
    ]
    np.testing.assert_allclose(sum(parts).as_tuple(), flagged(t).as_tuple(), rtol=1e-12, atol=1e-9)


@QUICK
@given(tables())
def test_counts_hold_every_row_once(t: Table) -> None:
    total = t.y.size if t.weight is None else t.weight.sum()
    tp, fp, fn, tn = flagged(t).as_tuple()
    assert tp + fp + fn + tn == pytest.approx(total)
    positives = t.y.sum() if t.weight is None else t.weight[t.y == 1].sum()
    assert tp + fn == pytest.approx(positives)


def test_no_rows_count_nothing_and_an_empty_partition_adds_nothing() -> None:
    empty = ConfusionCounts.from_labels([], [])
    assert empty == ConfusionCounts(0, 0, 0, 0)
    assert ConfusionCounts(1, 2, 3, 4) + empty == ConfusionCounts(1, 2, 3, 4)


def test_counts_are_values_that_add_compare_and_travel() -> None:
    one = ConfusionCounts(1, 2, 3, 4)
    assert sum([one, one, one]) == ConfusionCounts(3, 6, 9, 12)
    assert one != ConfusionCounts(1, 2, 3, 5)
    assert one != (1, 2, 3, 4)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert repr(one) == "ConfusionCounts(tp=1.0, fp=2.0, fn=3.0, tn=4.0)"
    many = ConfusionCounts([1, 2], [0, 0], [1, 0], [5, 5])
    assert many + many == ConfusionCounts([2, 4], [0, 0], [2, 0], [10, 10])
    with pytest.raises(TypeError):
        one + 3
    with pytest.raises(TypeError):
        hash(one)
    with pytest.raises(AttributeError):
        one.tp = 3


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float32])
def test_labels_of_any_number_type_count_the_same(dtype: type) -> None:
    y, pred = np.array([1, 0, 1, 0, 0]), np.array([1, 1, 0, 0, 0])
    want = ConfusionCounts(1, 1, 1, 2)
    assert ConfusionCounts.from_labels(y.astype(dtype), pred) == want
    assert ConfusionCounts.from_labels(y, pred.astype(dtype)) == want
    wide = np.column_stack([y, pred]).astype(dtype)
    assert ConfusionCounts.from_labels(wide[:, 0], wide[:, 1]) == want


def test_a_wrong_table_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="y_pred must have the shape of y_true"):
        ConfusionCounts.from_labels([1, 0], [1, 0, 1])
    with pytest.raises(InvalidDataError, match="y_pred must hold only 0 and 1 here, got 2"):
        ConfusionCounts.from_labels([1, 0], [1, 2])
    with pytest.raises(InvalidDataError, match=r"y_true must hold only 0 and 1 here, got nan"):
        ConfusionCounts.from_labels([1, np.nan], [1, 0])
    with pytest.raises(InvalidDataError, match=r"y_pred must hold only 0 and 1 here, got 0\.3"):
        ConfusionCounts.from_labels([1, 0], [0.3, 0.7])
    with pytest.raises(InvalidDataError, match="y_true must be one-dimensional"):
        ConfusionCounts.from_labels([[1, 0]], [1, 0])
    with pytest.raises(InvalidDataError, match="sample_weight must be >= 0, got -1"):
        ConfusionCounts.from_labels([1, 0], [1, 0], [1, -1])
    with pytest.raises(InvalidDataError, match="sample_weight must not be all zero"):
        ConfusionCounts.from_labels([1, 0], [1, 0], [0, 0])
    with pytest.raises(InvalidTypeError, match="y_true must hold the numbers 0 and 1"):
        ConfusionCounts.from_labels(["a", "b"], [1, 0])


@pytest.mark.parametrize("bad", [-1, np.nan, [1, -2]])
def test_counts_below_zero_are_refused(bad: object) -> None:
    with pytest.raises(InvalidDataError, match=r"fp must be >= 0, got (-1|-2|nan)"):
        ConfusionCounts(1, bad, 1, 1)
    with pytest.raises(InvalidTypeError, match="tp must hold numbers"):
        ConfusionCounts("many", 1, 1, 1)


@each_score
def test_a_score_takes_counts_or_arrays_but_not_both(score: Callable) -> None:
    y, pred, weight = [1, 0, 1, 0, 0], [1, 1, 0, 0, 0], [1, 2, 3, 4, 5]
    table = ConfusionCounts.from_labels(y, pred, weight)
    assert score(table) == score(y, pred, weight) == score(y, pred, sample_weight=weight)
    with pytest.raises(InvalidTypeError, match="Give either counts alone"):
        score(table, pred)
    with pytest.raises(InvalidTypeError, match="y_pred is missing"):
        score(y)


@each_score
@QUICK
@given(st.lists(counts, min_size=1, max_size=5))
def test_counts_at_many_thresholds_score_as_each_alone(
    score: Callable, tables_: list[ConfusionCounts]
) -> None:
    many = ConfusionCounts(*np.array([c.as_tuple() for c in tables_]).T)
    got = score(many)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [score(c) for c in tables_])
    assert all(type(score(c)) is float for c in tables_)


@each_score
@QUICK
@given(counts)
def test_scores_stay_in_their_range(score: Callable, table: ConfusionCounts) -> None:
    low = -1 if score is mcc_score else 0
    assert low <= score(table) <= 1


@each_score
def test_nothing_over_nothing_is_zero(score: Callable) -> None:
    assert score(ConfusionCounts(0, 0, 0, 0)) == 0


@pytest.mark.parametrize(
    "table",
    [(0, 0, 5, 9), (5, 9, 0, 0), (0, 3, 0, 9), (5, 0, 2, 0)],
    ids=["nothing flagged", "all flagged", "no positives", "no negatives"],
)
def test_mcc_of_an_empty_margin_is_zero(table: tuple[int, ...]) -> None:
    assert mcc_score(ConfusionCounts(*table)) == 0
    assert g_mean_score(ConfusionCounts(*table)) == 0


def test_zero_over_zero_of_the_others() -> None:
    nothing_called = ConfusionCounts(0, 0, 5, 9)
    assert metrics.precision_score(nothing_called) == metrics.f1_score(nothing_called) == 0
    assert metrics.recall_score(ConfusionCounts(0, 3, 0, 9)) == 0
    assert metrics.specificity_score(ConfusionCounts(5, 0, 2, 0)) == 0
    assert metrics.balanced_accuracy_score(nothing_called) == 0.5


@QUICK
@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_a_perfect_prediction_scores_exactly_1_and_its_opposite_minus_1(p: float, n: float) -> None:
    for name, score in SCORES:
        assert score(ConfusionCounts(p, 0, 0, n)) == 1, name
        assert score(ConfusionCounts(0, n, p, 0)) == (-1 if name == "mcc" else 0), name


@QUICK
@given(counts)
def test_mcc_does_not_care_which_class_is_positive(c: ConfusionCounts) -> None:
    swapped = ConfusionCounts(c.tn, c.fn, c.fp, c.tp)
    assert mcc_score(swapped) == pytest.approx(mcc_score(c), abs=1e-12)
    assert g_mean_score(swapped) == pytest.approx(g_mean_score(c), abs=1e-12)


@QUICK
@given(counts)
def test_mcc_changes_sign_with_the_predictions(c: ConfusionCounts) -> None:
    opposite = ConfusionCounts(c.fn, c.tn, c.tp, c.fp)
    assert mcc_score(opposite) == pytest.approx(-mcc_score(c), abs=1e-12)


@QUICK
@given(counts)
def test_mcc_does_not_care_whether_labels_or_predictions_come_first(c: ConfusionCounts) -> None:
    transposed = ConfusionCounts(c.tp, c.fn, c.fp, c.tn)
    assert mcc_score(transposed) == pytest.approx(mcc_score(c), abs=1e-12)


@each_score
@QUICK
@given(counts, st.sampled_from([1e-6, 3.0, 1e6]))
def test_scores_do_not_depend_on_the_unit_of_the_weights(
    score: Callable, c: ConfusionCounts, unit: float
) -> None:
    scaled = ConfusionCounts(*(unit * v for v in c.as_tuple()))
    if min(v for v in (*c.as_tuple(), 1) if v) > 1e-100:
        assert score(scaled) == pytest.approx(score(c), rel=1e-9, abs=1e-9)


@each_score
@pytest.mark.parametrize("kind", [int, float, np.int64, np.float64])
def test_counts_of_1e12_rows_stay_finite_and_accurate(score: Callable, kind: type) -> None:
    table = (3, 5, 2, 1990)
    huge = ConfusionCounts(*(kind(v * 10**12) for v in table))
    assert score(huge) == pytest.approx(score(ConfusionCounts(*table)), rel=1e-14)
    rare = ConfusionCounts(kind(30), kind(20), kind(10), kind(10**12))
    assert np.isfinite(score(rare))


def test_mcc_of_few_positives_among_1e12_rows_is_accurate() -> None:
    want = np.sqrt(30 / 50 * 30 / 40)  # where true negatives outnumber all: sqrt(precision recall)
    assert mcc_score(ConfusionCounts(30, 20, 10, 10**12)) == pytest.approx(want, rel=1e-9)


def test_counts_in_integer_arrays_do_not_overflow() -> None:
    big = np.array([10**10, 10**12], dtype=np.int64)
    np.testing.assert_array_equal(mcc_score(ConfusionCounts(big, 0 * big, 0 * big, big)), 1)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 10.0])
def test_f_beta_is_the_weighted_harmonic_mean(beta: float) -> None:
    table = ConfusionCounts(30, 20, 10, 1000)
    precision, recall = 0.6, 0.75
    want = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    assert f_beta_score(table, beta=beta) == pytest.approx(want, rel=1e-14)


def test_f_beta_tends_to_precision_and_to_recall() -> None:
    table = ConfusionCounts(30, 20, 10, 1000)
    for beta in (1e-8, 1e-200, 5e-324):
        assert f_beta_score(table, beta=beta) == pytest.approx(0.6)
    for beta in (1e8, 1e200, 1.7e308):
        assert f_beta_score(table, beta=beta) == pytest.approx(0.75)


@pytest.mark.parametrize("beta", [0, -1.0, np.nan, np.inf])
def test_f_beta_refuses_what_is_no_beta(beta: float) -> None:
    with pytest.raises(InvalidParameterError, match=r"beta must be a number in \(0, inf\), got"):
        f_beta_score(ConfusionCounts(1, 1, 1, 1), beta=beta)


def test_g_mean_is_the_geometric_mean_of_recall_and_specificity() -> None:
    table = ConfusionCounts(30, 20, 10, 80)
    assert g_mean_score(table) == pytest.approx(np.sqrt(0.75 * 0.8))
