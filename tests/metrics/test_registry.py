"""Metrics by name, and several of them at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gbimb
from gbimb.decisions.threshold import choose_threshold
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss
from gbimb.metrics import (
    METRICS,
    ConfusionCounts,
    MetricRow,
    average_precision,
    best_threshold,
    evaluate,
    f_beta_score,
    get_count_metric,
    get_metric,
    roc_auc,
    threshold_curve,
)
from gbimb.plots import statistics
from gbimb.training.objectives.named import make_objective
from tests.estimators.common import quick
from tests.helpers.derivatives import ALL_LOSSES
from tests.helpers.strategies import QUICK, Table, tables

COUNT_METRICS = {name: row.count for name, row in METRICS.items() if row.count is not None}
AREAS = [name for name, row in METRICS.items() if row.area is not None]
PROPER = [name for name, row in METRICS.items() if row.proper is not None]
ONE_SIDED = [name for name, row in METRICS.items() if row.instead is not None]
BEST = sorted(set(COUNT_METRICS) - set(ONE_SIDED))


@pytest.mark.parametrize("name", BEST)
def test_a_score_from_counts_is_watched_at_its_best_threshold(name: str) -> None:
    metric = get_metric(name)
    assert (metric.name, metric.threshold, metric.greater_is_better) == (name, None, True)
    assert metric.count is not None
    table = ConfusionCounts(3, 5, 2, 90)
    assert metric.count(table) == COUNT_METRICS[name](table)


@pytest.mark.parametrize("name", sorted(COUNT_METRICS))
def test_any_score_from_counts_can_be_watched_at_a_threshold(name: str) -> None:
    for text, value in (("0.5", 0.5), ("0", 0.0), ("1", 1.0), ("2e-3", 0.002)):
        metric = get_metric(f"{name}@{text}")
        assert metric.name == f"{name}@{text}"
        assert metric.threshold == value


@pytest.mark.parametrize("name", [*AREAS, *PROPER])
def test_areas_are_better_when_high_and_proper_scores_when_low(name: str) -> None:
    metric = get_metric(name)
    assert metric.count is None
    assert metric.threshold is None
    assert metric.greater_is_better == (name in AREAS)


@pytest.mark.parametrize("beta", ["2", "0.5", "1e1"])
def test_f_beta_takes_its_beta_after_a_colon(beta: str) -> None:
    table = ConfusionCounts(3, 5, 2, 90)
    want = f_beta_score(table, beta=float(beta))
    assert get_count_metric(f"fbeta:{beta}")(table) == want
    metric = get_metric(f"fbeta:{beta}@0.3")
    assert metric.threshold == 0.3
    assert metric.count is not None
    assert metric.count(table) == want


@pytest.mark.parametrize("name", ["mcc", "fbeta:2@0.5", "log_loss"])
def test_a_metric_can_be_pickled(name: str) -> None:
    metric = pickle.loads(pickle.dumps(get_metric(name)))
    assert (metric.name, metric.threshold) == (name, get_metric(name).threshold)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("mmc", "mcc"),
        ("MCC", "mcc"),
        ("F1", "f1"),
        ("f2", None),
        ("fbeta", "fbeta:2"),
        ("precision >= 0.8", "recall at precision >= 0.8"),
        ("alerts <= 0.01", "recall at alerts <= 0.01"),
        ("precison@0.5", "precision"),
        ("gmean", "g_mean"),
        ("logloss", "log_loss"),
        ("avrage_precision", "average_precision"),
        ("rocauc", "roc_auc"),
        ("balanced_acuracy", "balanced_accuracy"),
        ("", None),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one_that_is_known(
    wrong: str, near: str | None
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        get_metric(wrong)
    words = str(caught.value)
    assert words.startswith("metric must be one of ['average_precision', ")
    assert f"got {wrong!r}." in words
    if near is not None:
        assert words.endswith(f"Did you mean {near!r}?")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("mcc@", "metric must have a number after ':' or '@', got 'mcc@'."),
        ("mcc@half", "metric must have a number after ':' or '@', got 'mcc@half'."),
        ("mcc@0.5@0.5", "metric must have a number after ':' or '@', got 'mcc@0.5@0.5'."),
        ("fbeta:two", "metric must have a number after ':' or '@', got 'fbeta:two'."),
        ("mcc@nan", "metric: threshold must be a number in [0, 1], got nan."),
        ("mcc@1.5", "metric: threshold must be a number in [0, 1], got 1.5."),
        ("mcc@-0.1", "metric: threshold must be a number in [0, 1], got -0.1."),
        ("fbeta:0", "metric: beta must be a number in (0, inf), got 0.0."),
        ("fbeta:nan", "metric: beta must be a number in (0, inf), got nan."),
        ("fbeta:inf@0.5", "metric: beta must be a number in (0, inf), got inf."),
    ],
)
def test_a_wrong_number_in_a_name_is_refused(wrong: str, words: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        get_metric(wrong)
    assert str(caught.value) == words


@pytest.mark.parametrize("name", ONE_SIDED)
def test_trap_the_best_of_a_one_sided_score_is_1_for_any_model(name: str) -> None:
    assert best_threshold([1, 0, 0, 1], [0.9, 0.1, 0.3, 0.2], get_count_metric(name)).score == 1
    with pytest.raises(InvalidParameterError, match=f"'{name}@0.5'"):
        get_metric(name)
    with pytest.raises(InvalidParameterError, match=f"got '{name}'"):
        best_threshold([1, 0], [0.9, 0.1], name)


@pytest.mark.parametrize("wrong", [None, 3, ["mcc"]])
def test_what_is_no_name_is_refused(wrong: object) -> None:
    for get in (get_metric, get_count_metric):
        with pytest.raises(InvalidParameterError, match="A metric must be named by a string"):
            get(wrong)  # type: ignore[operator]


def test_a_count_metric_passes_through() -> None:
    metric = get_count_metric("mcc")
    assert get_count_metric(metric) is metric


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables(scores=st.floats(-8, 8), both_classes=True))
def test_values_over_thresholds_equal_those_computed_one_by_one(loss: MarginLoss, t: Table) -> None:
    names = [*BEST, "fbeta:2", *AREAS]
    got = evaluate([get_metric(n) for n in names], loss, t.y, t.score, t.weight)
    curve = threshold_curve(*t)
    assert list(got) == names
    for name in (*BEST, "fbeta:2"):
        assert got[name] == best_threshold(t.y, t.score, name, t.weight).score
    assert got["average_precision"] == average_precision(curve)
    assert got["roc_auc"] == roc_auc(curve)
    assert all(type(v) is float for v in got.values())


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables(scores=st.floats(-8, 8), both_classes=True))
def test_values_over_thresholds_are_the_same_on_the_probability(loss: MarginLoss, t: Table) -> None:
    score = np.round(t.score, 3)  # apart enough to stay apart as probabilities
    p = loss.probability(score)
    if np.unique(p).size == np.unique(score).size:
        metrics = [get_metric(n) for n in ("mcc", "f1", "roc_auc")]
        got = evaluate(metrics, loss, t.y, score, t.weight)
        for name in ("mcc", "f1"):
            want = best_threshold(t.y, p, name, t.weight).score
            assert got[name] == pytest.approx(want, abs=1e-12)
        assert got["roc_auc"] == pytest.approx(roc_auc(threshold_curve(t.y, p, t.weight)))


@QUICK
@given(
    st.sampled_from(ALL_LOSSES),
    tables(both_classes=True),
    st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.9, 1.0]),
    st.sampled_from([np.float32, np.float64]),
)
def test_a_fixed_threshold_acts_on_the_true_probability(
    loss: MarginLoss, t: Table, threshold: float, dtype: type
) -> None:
    score = t.score.astype(dtype)
    p = loss.probability(score)
    if (np.abs(p - threshold) < 1e-12).any():
        return  # a rounding error decides
    name = f"mcc@{threshold}"
    got = evaluate([get_metric(name)], loss, t.y, score, t.weight)
    want = COUNT_METRICS["mcc"](ConfusionCounts.from_labels(t.y, p >= threshold, t.weight))
    assert got[name] == want


def test_trap_a_fixed_threshold_on_the_sigmoid_or_on_the_raw_score() -> None:
    loss = FocalLoss(2.0, scale_pos_weight=10.0)
    y, score = np.array([1, 0]), np.array([loss.raw_score_at(0.6), loss.raw_score_at(0.4)])
    assert (score > 0).all()  # both would be flagged by sigmoid(raw) >= 0.5
    assert evaluate([get_metric("mcc@0.5")], loss, y, score)["mcc@0.5"] == 1
    assert evaluate([get_metric("mcc@0.3")], loss, y, score)["mcc@0.3"] == 0


def test_trap_a_constant_score_reads_0_and_not_nan() -> None:
    y, score = np.array([1, 0, 0]), np.zeros(3, np.float32)
    names = ("mcc", "mcc@0.5", "f1", "roc_auc", "average_precision", "g_mean")
    got = evaluate([get_metric(n) for n in names], LogisticLoss(), y, score)
    assert got["mcc"] == got["mcc@0.5"] == got["g_mean"] == 0
    assert got["f1"] == got["roc_auc"] == 0.5
    assert got["average_precision"] == pytest.approx(1 / 3)


def test_a_probability_of_exactly_the_threshold_is_called() -> None:
    y = np.array([1, 0])
    for dtype in (np.float32, np.float64):
        score = np.array([0.0, -1.0], dtype)
        assert evaluate([get_metric("mcc@0.5")], FocalLoss(), y, score)["mcc@0.5"] == 1


@pytest.mark.parametrize("dtype", [bool, np.int32, np.float32])
def test_labels_of_any_number_type_give_the_same_values(dtype: type) -> None:
    y, score = np.array([1, 0, 0, 1]), np.array([0.5, -0.5, 0.7, 2.0])
    metrics = [get_metric(n) for n in ("mcc", "f1@0.5", "log_loss", "brier", "roc_auc")]
    want = evaluate(metrics, FocalLoss(), y, score)
    assert evaluate(metrics, FocalLoss(), y.astype(dtype), score) == want


def test_a_certain_model_that_is_wrong_has_a_finite_log_loss() -> None:
    for score in (750.0, np.inf):
        got = evaluate(
            [get_metric("log_loss")], FocalLoss(), np.array([0, 1]), np.array([score, -score])
        )
        assert 30 < got["log_loss"] < 40


@pytest.mark.parametrize("name", ["mcc", "mcc@0.5", "roc_auc", "log_loss", "brier"])
def test_a_wrong_table_is_refused_by_every_metric(name: str) -> None:
    y, score = np.array([1, 0, 1]), np.array([0.1, 0.2, 0.3])
    for table in (
        (y, score[:, None]),
        (y, score[:2]),
        (y + 1, score),
        (y, score, np.array([1.0, -1.0, 1.0])),
        (y, score, np.zeros(3)),
    ):
        with pytest.raises(InvalidDataError, match="must"):
            evaluate([get_metric(name)], FocalLoss(), *table)


def test_a_new_row_is_watched_searched_decided_and_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def precision_recall_mean(counts: ConfusionCounts) -> np.ndarray:
        flagged, positives = counts.tp + counts.fp, counts.tp + counts.fn
        return counts.tp / np.sqrt(np.maximum(flagged * positives, 1e-300))

    monkeypatch.setitem(METRICS, "g_flagged", MetricRow(precision_recall_mean))
    rng = np.random.default_rng(0)
    y = np.arange(600) % 7 == 0
    raw = rng.normal(size=600) + 2.0 * y
    proba = 1 / (1 + np.exp(-raw))
    values = evaluate(
        [get_metric("g_flagged"), get_metric("g_flagged@0.9")], LogisticLoss(), y, raw
    )
    curve = threshold_curve(y, raw)
    assert values["g_flagged"] == precision_recall_mean(curve.counts).max()
    at = ConfusionCounts.from_labels(y, proba >= 0.9)
    assert values["g_flagged@0.9"] == pytest.approx(float(precision_recall_mean(at)))
    assert 0 < choose_threshold(y, proba, "g_flagged") < 1
    drawn = statistics.score_of("g_flagged", at)
    assert float(drawn) == values["g_flagged@0.9"]
    assert make_objective("g_flagged", 2).score(y, proba, None) > 0.4
    clf = quick(gbimb.ImbalancedLGBMClassifier, eval_metric="g_flagged").fit(raw[:, None], y)
    assert clf.evals_result_["valid"]["g_flagged"][-1] > 0.4


def test_every_row_is_one_kind_of_metric_with_names_of_its_own() -> None:
    for name, row in METRICS.items():
        assert sum(part is not None for part in (row.count, row.area, row.proper)) == 1, name
    elsewhere = [word for row in METRICS.values() for word in row.elsewhere.split()]
    assert len(set(elsewhere)) == len(elsewhere)
