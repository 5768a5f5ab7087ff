"""The search in bins against sorting all rows: equal to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.losses import FocalLoss
from gbimb.metrics import (
    METRICS,
    BestThreshold,
    ConfusionCounts,
    CountMetric,
    best_threshold,
    evaluate,
    get_count_metric,
    get_metric,
    threshold_curve,
)
from gbimb.metrics import _search as search
from gbimb.metrics._curve_kernels import Grid
from gbimb.parallel import ROWS_PER_TASK, thread_limit
from tests.helpers.strategies import Table, tables, tied_scores

COUNT_METRICS = {name: row.count for name, row in METRICS.items() if row.count is not None}
NAMES = [*sorted(COUNT_METRICS), "fbeta:2", "fbeta:0.1"]
METRICS = [get_count_metric(name) for name in NAMES]
MORE = settings(max_examples=300, deadline=None, derandomize=True)

adversarial = st.one_of(
    tied_scores,
    st.floats(allow_nan=False, allow_infinity=True, allow_subnormal=True),
    st.floats(-8, 8, width=32),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-310, 1.7976931348623157e308, np.inf, -np.inf]),
    # Neighbours: no bin can tell them apart.
    st.integers(0, 3).map(lambda k: 1.0 + k * float(np.finfo(float).eps)),
)
exponents = st.sampled_from([0, 0, -40, 40, 200, -200, 900, -1060])


def by_sorting(t: Table) -> list[BestThreshold]:
    curve = threshold_curve(*t)
    return [curve.best(metric) for metric in METRICS]


def by_searching(t: Table) -> list[BestThreshold]:
    return search.best_thresholds(t.y, t.score, METRICS, t.weight)


@pytest.fixture
def always_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEARCHED_ROWS", 1)
    monkeypatch.setattr(search, "ROWS_PER_BIN", 1)
    monkeypatch.setattr(search, "BINS_PER_CELL", 1)


@pytest.fixture
def in_coarse_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bins with many rows, so that most of the work is inside them."""
    monkeypatch.setattr(search, "SEARCHED_ROWS", 1)
    monkeypatch.setattr(search, "ROWS_PER_BIN", 3)
    monkeypatch.setattr(search, "LARGEST_SAMPLE", 7)
    monkeypatch.setattr(search, "BINS_PER_CELL", 1)


@pytest.mark.usefixtures("always_search")
@MORE
@given(tables(scores=adversarial), exponents)
@example(Table(np.array([0, 1]), np.array([np.inf, 0.0]), None), 0)
@example(Table(np.array([1]), np.array([-np.inf]), None), 0)
def test_search_equals_sorting(t: Table, exponent: int) -> None:
    t = t if t.weight is None else t._replace(weight=np.ldexp(t.weight, exponent))
    with np.errstate(over="ignore", invalid="ignore"):  # MCC multiplies four counts
        np.testing.assert_array_equal(by_searching(t), by_sorting(t))


@pytest.mark.usefixtures("in_coarse_bins")
@MORE
@given(tables(scores=adversarial, min_size=12))
def test_search_in_coarse_bins_equals_sorting(t: Table) -> None:
    assert by_searching(t) == by_sorting(t)


@pytest.mark.usefixtures("in_coarse_bins")
@MORE
@given(tables(scores=st.floats(width=32, allow_nan=False), min_size=12))
def test_search_in_float32_equals_sorting(t: Table) -> None:
    t = t._replace(score=t.score.astype(np.float32))
    found = by_searching(t)
    assert found == by_sorting(t)
    for best in found:  # NumPy compares in float32
        above, same = (
            (t.score >= np.float32(best.threshold)).sum(),
            (t.score >= best.threshold).sum(),
        )
        assert above == same


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", ["raw", "probability", "31 values", "constant", "outliers", "noise", "one bin"]
)
def test_search_equals_sorting_on_many_rows(
    shape: str, dtype: type, weighted: bool, rng: np.random.Generator
) -> None:
    n = 2 * ROWS_PER_TASK + 17
    y = (rng.random(n) < 0.02).astype(np.float32)
    raw = rng.normal(-4, 1, n) + 2 * y
    score = {
        "raw": raw,
        "probability": 1 / (1 + np.exp(-raw)),
        "31 values": np.round(raw * 4) / 4,
        "constant": np.full(n, -3.9),
        "outliers": np.where(rng.random(n) < 1e-4, rng.choice([-1e300, 1e300, np.inf], n), raw),
        "noise": rng.random(n),
        "one bin": np.where(np.arange(n) == n - 1, 5.0, 1e-9 * rng.random(n)),
    }[shape]
    with np.errstate(over="ignore"):
        score = score.astype(dtype)
    weight = rng.choice([0.0, 0.1, 1.0, 48.123], n).astype(dtype) if weighted else None
    t = Table(y, score, weight)
    want = by_sorting(t)
    for threads in (1, 2):
        with thread_limit(threads):
            assert by_searching(t) == want
    shuffled = rng.permutation(n)
    part = Table(*(None if v is None else v[shuffled] for v in t))
    assert by_searching(part) == want


@pytest.mark.parametrize("name", NAMES)
@MORE
@given(
    st.tuples(*[st.integers(0, 60)] * 4),
    st.integers(1, 5),
    st.sampled_from([1.0, 0.1, 1e-30, 3e30]),
)
def test_no_registered_score_falls_with_a_hit_or_rises_with_a_false_alarm(
    name: str, counts: tuple[int, int, int, int], more: int, weight: float
) -> None:
    metric = get_count_metric(name)
    assert metric.rises
    tp, fp, fn, tn = counts

    def value(tp: int, fp: int, fn: int, tn: int) -> float:
        return metric(ConfusionCounts(tp * weight, fp, fn * weight, tn))

    hits, alarms = min(more, fn), min(more, tn)
    assert value(tp + hits, fp, fn - hits, tn) >= value(tp, fp, fn, tn) - 1e-12
    assert value(tp, fp + alarms, fn, tn - alarms) <= value(tp, fp, fn, tn) + 1e-12


def test_a_score_of_your_own_is_sought_among_all_thresholds(rng: np.random.Generator) -> None:
    n = search.SEARCHED_ROWS
    y, score = rng.random(n) < 0.1, rng.random(n)
    false_alarms = CountMetric("mcc", lambda c: np.asarray(c.fp) % 7)
    assert not false_alarms.rises
    want = threshold_curve(y, score).best(false_alarms)
    assert best_threshold(y, score, false_alarms) == want


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_labels_and_weights_of_any_type_and_layout(dtype: type, rng: np.random.Generator) -> None:
    n = search.SEARCHED_ROWS + 5
    y, score = rng.random(n) < 0.1, rng.normal(size=n)
    weight = rng.integers(1, 5, n)
    want = threshold_curve(y, score, weight).best("mcc")
    wide = np.column_stack([score, score, weight])
    assert best_threshold(y.astype(dtype), score, "mcc", weight) == want
    assert best_threshold(y.astype(dtype), wide[:, 0], "mcc", wide[:, 2]) == want
    assert best_threshold(y.astype(dtype)[::-1], score[::-1], "mcc", weight[::-1]) == want
    assert best_threshold(y.tolist(), score.tolist(), "mcc", weight.tolist()) == want
    for array in (y, score, weight):
        array.flags.writeable = False
    assert best_threshold(y, score, "mcc", weight) == want
    assert best_threshold(y, score, "mcc", 3.0) == best_threshold(y, score)


@pytest.mark.parametrize(
    ("column", "row", "value", "words"),
    [
        ("y", 0, 2.0, "y_true must hold only 0 and 1 here, got 2."),
        ("y", -1, np.nan, "y_true must hold only 0 and 1 here, got nan."),
        ("y", 5, 1 + 1e-12, "y_true must hold only 0 and 1 here, got 1.000000000001"),
        ("score", 0, np.nan, "y_score must not contain NaN."),
        ("score", -1, np.nan, "y_score must not contain NaN."),
        ("weight", -1, -1.0, "sample_weight must be >= 0, got -1."),
        ("weight", -1, np.nan, "sample_weight must be finite"),
        ("weight", 0, np.inf, "sample_weight must be finite"),
        ("weight", slice(None), 0.0, "sample_weight must not be all zero"),
    ],
)
def test_a_wrong_row_among_many_is_refused(
    column: str, row: int | slice, value: float, words: str, rng: np.random.Generator
) -> None:
    n = ROWS_PER_TASK + 17
    t = {"y": (rng.random(n) < 0.1) * 1.0, "score": rng.random(n), "weight": rng.random(n)}
    t[column][row] = value
    with pytest.raises(InvalidDataError) as caught:
        best_threshold(t["y"], t["score"], "mcc", t["weight"])
    assert str(caught.value).startswith(words)


def test_wrong_shapes_of_many_rows_are_refused() -> None:
    n = search.SEARCHED_ROWS
    with pytest.raises(InvalidDataError, match="y_score must have one value a row"):
        best_threshold(np.zeros(n), np.zeros(n + 1))
    with pytest.raises(InvalidDataError, match="sample_weight must have one value a row"):
        best_threshold(np.zeros(n), np.zeros(n), "mcc", np.ones(3))
    with pytest.raises(InvalidDataError, match="y_true must be one-dimensional"):
        best_threshold(np.zeros((n, 1)), np.zeros((n, 1)))
    with pytest.raises(InvalidTypeError, match="y_true must hold the numbers 0 and 1"):
        best_threshold(np.full(n, "yes"), np.zeros(n))


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_reports_what_the_curve_says(weighted: bool, rng: np.random.Generator) -> None:
    n = ROWS_PER_TASK + 3
    y = (rng.random(n) < 0.02).astype(np.float32)
    raw = rng.normal(-4, 1, n) + 2 * y
    weight = rng.random(n).astype(np.float32) if weighted else None
    names = ["mcc", "average_precision", "f1", "fbeta:2"]
    values = evaluate([get_metric(name) for name in names], FocalLoss(), y, raw, weight)
    curve = threshold_curve(y, raw, weight)
    assert list(values) == names
    for name in ("mcc", "f1", "fbeta:2"):
        assert values[name] == curve.best(name).score


def test_counts_of_equal_weights_are_those_of_the_rows_times_the_weight() -> None:
    y, score = np.array([1, 0, 1, 0]), np.array([0.4, 0.3, 0.2, 0.1])
    for weight in (0.1, 1e-320, 1e300, 3.0):
        curve = threshold_curve(y, score, np.full(4, weight))
        np.testing.assert_array_equal(curve.counts.tp, np.array([1, 1, 2, 2]) * weight)


def test_the_highest_score_falls_into_the_last_cell() -> None:
    scores = np.linspace(-3.0, 5.0, 1000)
    grid = Grid.over(scores, 8, 64)
    assert grid is not None
    assert grid.first.size == grid.parts.size == 8
    assert grid.parts.sum() == pytest.approx(8 + 64, abs=8)
