"""Every threshold in one pass against the loop that tries them one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.metrics import (
    METRICS,
    ConfusionCounts,
    average_precision,
    best_threshold,
    get_count_metric,
    roc_auc,
    threshold_curve,
)
from tests.helpers.strategies import QUICK, Table, tables, tied_scores

MORE = settings(QUICK, max_examples=200)
COUNT_METRICS = {name: row.count for name, row in METRICS.items() if row.count is not None}
NAMES = [*sorted(COUNT_METRICS), "fbeta:2", "fbeta:0.5"]
float32_scores = st.floats(width=32, allow_nan=False, allow_infinity=False)
any_scores = st.one_of(
    tied_scores,
    st.floats(allow_nan=False, allow_infinity=True, allow_subnormal=True),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-310, 1.7976931348623157e308, np.inf, -np.inf]),
)


def counts_at(t: Table, threshold: float) -> ConfusionCounts:
    return ConfusionCounts.from_labels(t.y, t.score >= threshold, t.weight)


@MORE
@given(tables(scores=any_scores))
def test_curve_equals_the_loop_over_thresholds(t: Table) -> None:
    curve = threshold_curve(*t)
    np.testing.assert_array_equal(curve.scores, np.unique(t.score)[::-1])
    for i, score in enumerate(curve.scores):
        np.testing.assert_allclose(
            [v[i] for v in curve.counts.as_tuple()],
            counts_at(t, score).as_tuple(),
            rtol=1e-12,
            atol=1e-9,
        )


@MORE
@given(tables(scores=any_scores))
def test_every_threshold_of_a_curve_calls_the_rows_it_says(t: Table) -> None:
    curve = threshold_curve(*t)
    for i, score in enumerate(curve.scores):
        np.testing.assert_array_equal(t.score >= curve.threshold(i), t.score >= score)
    if curve.scores[0] < np.inf:
        assert not (t.score >= curve.threshold(-1)).any()


@MORE
@given(tables(scores=st.one_of(tied_scores, float32_scores)))
def test_every_threshold_of_a_float32_curve_calls_its_rows_in_float32_and_float64(
    t: Table,
) -> None:
    narrow = t.score.astype(np.float32)
    curve = threshold_curve(t.y, narrow, t.weight)
    np.testing.assert_array_equal(curve.scores, np.unique(narrow)[::-1])
    for scores in (narrow, narrow.astype(np.float64)):
        for i, score in enumerate(curve.scores):
            np.testing.assert_array_equal(scores >= curve.threshold(i), scores >= score)
        assert not (scores >= curve.threshold(-1)).any()


def test_trap_threshold_between_neighbours_in_float32_is_rounded_onto_the_lower_one() -> None:
    upper = np.float32(0.3)
    for _ in range(4):
        lower = np.nextafter(upper, np.float32(0))
        score = np.array([upper, lower])
        found = best_threshold([1, 0], score)
        np.testing.assert_array_equal(score >= found.threshold, [True, False])
        upper = lower


def test_trap_threshold_above_all_is_rounded_onto_the_highest_float32_score() -> None:
    score = np.full(3, 0.4, np.float32)
    found = best_threshold([0, 0, 0], score, get_count_metric("specificity"))
    assert found.score == 1
    assert not (score >= found.threshold).any()


@pytest.mark.parametrize("metric", NAMES)
@QUICK
@given(tables(scores=any_scores))
def test_best_threshold_is_not_beaten_by_any_other_and_reaches_its_score(
    metric: str, t: Table
) -> None:
    found = best_threshold(t.y, t.score, get_count_metric(metric), t.weight)
    measure = get_count_metric(metric)
    reached = measure(counts_at(t, found.threshold))
    assert found.score == pytest.approx(reached, rel=1e-9, abs=1e-9)
    grid = [*np.linspace(-0.1, 1.1, 50), *t.score, -np.inf]
    assert found.score >= max(measure(counts_at(t, g)) for g in grid) - 1e-9
    assert type(found.threshold) is float
    assert type(found.score) is float


@QUICK
@given(tables(scores=tied_scores))
def test_order_of_the_rows_does_not_matter(t: Table) -> None:
    back = Table(t.y[::-1], t.score[::-1], None if t.weight is None else t.weight[::-1])
    one, other = threshold_curve(*t), threshold_curve(*back)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_allclose(one.counts.as_tuple(), other.counts.as_tuple(), atol=1e-9)


@QUICK
@given(tables(scores=tied_scores, weighted=True))
def test_rows_without_weight_change_no_score(t: Table) -> None:
    assert t.weight is not None
    rows = t.weight > 0
    for metric in NAMES:
        whole = best_threshold(t.y, t.score, get_count_metric(metric), t.weight).score
        part = best_threshold(
            t.y[rows], t.score[rows], get_count_metric(metric), t.weight[rows]
        ).score
        assert whole == pytest.approx(part, abs=1e-9)


@QUICK
@given(tables(scores=tied_scores, weighted=False), st.integers(2, 4))
def test_a_weight_of_k_counts_as_k_copies(t: Table, k: int) -> None:
    copies = np.where(np.arange(t.y.size) % 2 == 0, k, 1)
    weighted = threshold_curve(t.y, t.score, copies)
    copied = threshold_curve(np.repeat(t.y, copies), np.repeat(t.score, copies))
    np.testing.assert_array_equal(weighted.counts.as_tuple(), copied.counts.as_tuple())


@QUICK
@given(tables(scores=tied_scores, weighted=True), tables(scores=tied_scores, weighted=True))
def test_the_counts_above_a_threshold_add_up_over_partitions(one: Table, other: Table) -> None:
    whole = Table(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))
    curve = threshold_curve(*whole)
    for i, score in enumerate(curve.scores):
        parts = counts_at(one, score) + counts_at(other, score)
        np.testing.assert_allclose(
            parts.as_tuple(), [v[i] for v in curve.counts.as_tuple()], rtol=1e-12, atol=1e-9
        )


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 5e-324, 1.7976931348623157e308])
def test_constant_scores_call_all_or_none(value: float) -> None:
    curve = threshold_curve([1, 0, 0], [value] * 3)
    assert curve.scores.tolist() == [value]
    assert curve.counts == ConfusionCounts([1], [2], [0], [0])
    found = best_threshold([1, 0, 0], [value] * 3)
    assert found.score == 0
    assert found.threshold > value
    assert best_threshold([1, 0, 0], [value] * 3, "f1") == (value, 0.5)
    assert roc_auc(curve) == 0.5
    assert average_precision(curve) == pytest.approx(1 / 3)


@pytest.mark.parametrize("metric", ["mcc", "g_mean"])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_skill_and_nothing_is_called(label: int, metric: str) -> None:
    found = best_threshold([label] * 3, [0.1, 0.2, 0.3], metric)
    assert found.score == 0
    assert found.threshold > 0.3


def test_areas_of_one_class_alone_are_those_of_chance() -> None:
    negatives, positives = (threshold_curve([k] * 3, [0.1, 0.2, 0.3]) for k in (0, 1))
    assert roc_auc(negatives) == roc_auc(positives) == 0.5
    assert average_precision(negatives) == 0
    assert average_precision(positives) == 1


def test_positives_without_weight_are_no_positives() -> None:
    curve = threshold_curve([1, 0, 0], [0.9, 0.2, 0.1], [0, 1, 1])
    assert roc_auc(curve) == 0.5
    assert average_precision(curve) == 0
    assert best_threshold([1, 0, 0], [0.9, 0.2, 0.1], "mcc", [0, 1, 1]).score == 0


def test_no_threshold_is_above_an_infinite_score() -> None:
    found = best_threshold([0, 1], [np.inf, 0.0])
    assert counts_at(Table(np.array([0, 1]), np.array([np.inf, 0.0]), None), found.threshold)
    assert found.score == 0  # all flagged: better than the one false alarm alone
    assert found.threshold == 0.0


def test_the_highest_of_equally_good_thresholds_is_taken_in_the_middle_of_its_gap() -> None:
    found = best_threshold([1, 1, 0, 0], [0.9, 0.7, 0.3, 0.1], "balanced_accuracy")
    assert found == (pytest.approx(0.5), 1.0)
    found = best_threshold([1, 0, 1, 0], [0.8, 0.6, 0.4, 0.2], "balanced_accuracy")
    assert found == (pytest.approx(0.7), 0.75)


def test_scores_without_skill_call_nothing_rather_than_everything() -> None:
    found = best_threshold([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1])
    assert found.score == 0
    assert found.threshold > 0.9


def test_integer_and_boolean_scores_are_scores() -> None:
    assert best_threshold([0, 1, 1], [0, 3, 5]) == (1.5, 1.0)
    assert best_threshold([0, 1, 1], np.array([False, True, True])) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], []), "y_true must hold at least one row, got none."),
        (([0, 1], [0.1]), "y_score must have one value a row, shape (2,), got shape (1,)."),
        (([0, 1], [[0.1], [0.2]]), "y_score must have one value a row, shape (2,), got "),
        (([0, 1], [0.1, np.nan]), "y_score must not contain NaN."),
        (([0, 2], [0.1, 0.2]), "y_true must hold only 0 and 1 here, got 2."),
        (([[0, 1]], [0.1, 0.2]), "y_true must be one-dimensional, got an array of shape (1, 2)."),
        (([0, 1], [0.1, 0.2], [0, 0]), "sample_weight must not be all zero"),
        (([0, 1], [0.1, 0.2], [1, -1]), "sample_weight must be >= 0, got -1."),
        (([0, 1], [0.1, 0.2], [1, np.inf]), "sample_weight must be finite"),
        (([0, 1], [0.1, 0.2], [1]), "sample_weight must have one value a row, shape (2,), got "),
    ],
)
def test_a_wrong_table_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        threshold_curve(*arguments)
    assert str(caught.value).startswith(words)


def test_text_for_scores_and_misspelt_metrics_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="y_score must hold numbers, got dtype"):
        threshold_curve([0, 1], ["low", "high"])
    with pytest.raises(InvalidParameterError, match="Did you mean 'mcc'"):
        best_threshold([0, 1], [0.1, 0.2], "mmc")


def test_arguments_are_not_written_to_and_may_be_read_only() -> None:
    y, score, weight = np.array([0, 1, 0]), np.array([0.3, 0.2, 0.1]), np.ones(3)
    for array in (y, score, weight):
        array.flags.writeable = False
    threshold_curve(y, score, weight).best("mcc")


def test_a_million_rows_of_weight_0_1_add_up() -> None:
    n = 1_000_000
    y = np.arange(n) % 50 == 0
    curve = threshold_curve(y, np.arange(n) % 7, np.full(n, 0.1, np.float32))
    total = sum(v[-1] for v in curve.counts.as_tuple())
    assert total == pytest.approx(n * float(np.float32(0.1)), rel=1e-10)
    assert curve.counts.fn[-1] == curve.counts.tn[-1] == 0
