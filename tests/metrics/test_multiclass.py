"""Tables of many classes, their scores against scikit-learn, and what training watches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss
from gbimb.metrics import (
    MulticlassCounts,
    evaluate_multiclass,
    get_multiclass_metric,
    macro_f1_score,
    macro_recall_score,
    mcc_score,
    rk_score,
)
from gbimb.metrics._watch import PRIOR_POWERS
from tests.helpers.strategies import QUICK

SCORES = (rk_score, macro_f1_score, macro_recall_score)
NAMES = ["mcc", "f1", "balanced_accuracy", "mcc@argmax", "f1@argmax", "log_loss"]


@st.composite
def labels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    n_classes, n = draw(st.integers(2, 6)), draw(st.integers(1, 30))
    codes = st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)
    weight = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    weight[0] += 1
    return np.array(draw(codes)), np.array(draw(codes)), np.array(weight), n_classes


@pytest.mark.filterwarnings("ignore:A single label")
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@QUICK
@given(labels(), st.booleans(), st.sampled_from([1.0, 0.1]))
def test_scores_equal_those_of_scikit_learn(
    table: tuple[np.ndarray, np.ndarray, np.ndarray, int], weighted: bool, unit: float
) -> None:
    y, pred, weight, n_classes = table
    w = weight * unit if weighted else None
    counts = MulticlassCounts.from_labels(y, pred, n_classes, w)
    every = range(n_classes)
    np.testing.assert_allclose(
        counts.matrix, reference.confusion_matrix(y, pred, labels=every, sample_weight=w)
    )
    f1 = reference.f1_score(
        y, pred, labels=every, average="macro", sample_weight=w, zero_division=0
    )
    assert macro_f1_score(counts) == pytest.approx(f1, abs=1e-12)
    there = np.ones(y.size, bool) if w is None else w > 0
    y, pred, w = y[there], pred[there], None if w is None else w[there]
    balanced = reference.balanced_accuracy_score(y, pred, sample_weight=w)
    assert macro_recall_score(counts) == pytest.approx(balanced, abs=1e-12)
    if len(np.unique(y)) > 1 and len(np.unique(pred)) > 1:  # 0/0 elsewhere
        rk = reference.matthews_corrcoef(y, pred, sample_weight=w)
        assert rk_score(counts) == pytest.approx(rk, abs=1e-9)
    else:
        assert rk_score(counts) == 0


@QUICK
@given(labels())
def test_a_weight_is_repetition_and_counts_add_up(
    table: tuple[np.ndarray, np.ndarray, np.ndarray, int],
) -> None:
    y, pred, weight, k = table
    whole = MulticlassCounts.from_labels(y, pred, k, weight)
    repeated = MulticlassCounts.from_labels(np.repeat(y, weight), np.repeat(pred, weight), k)
    assert whole == repeated
    cut = y.size // 2
    parts = [
        MulticlassCounts.from_labels(y[rows], pred[rows], k)
        for rows in (slice(cut), slice(cut, None))
    ]
    assert sum(parts) == MulticlassCounts.from_labels(y, pred, k)
    for score in SCORES:
        assert score(whole) == score(repeated)


@QUICK
@given(labels())
def test_two_classes_give_the_binary_mcc(
    table: tuple[np.ndarray, np.ndarray, np.ndarray, int],
) -> None:
    y, pred, weight, _ = table
    y, pred = y % 2, pred % 2
    got = rk_score(MulticlassCounts.from_labels(y, pred, 2, weight))
    assert got == pytest.approx(mcc_score(y, pred, weight), abs=1e-12)


def test_labels_of_any_kind_give_the_same_as_counts() -> None:
    rng = np.random.default_rng(0)
    y, pred, weight = rng.integers(0, 4, 50), rng.integers(0, 4, 50), rng.random(50)
    names = np.array(["z", "b", "10", "a"])
    for score in SCORES:
        want = score(MulticlassCounts.from_labels(y, pred, 4, weight))
        assert score(y, pred, weight) == pytest.approx(want, abs=1e-15)
        assert score(names[y], names[pred], weight) == pytest.approx(want, abs=1e-14)


@pytest.mark.parametrize("scale", [0.1, 1.0, 1e9])
def test_ends_of_the_scale_are_exact(scale: float) -> None:
    weight = np.array([0.1, 0.7, 0.3, 0.9, 0.2, 1.1]) * scale
    y = np.array([0, 0, 1, 2, 2, 2])
    assert rk_score(y, y, weight) == pytest.approx(1, abs=1e-15)
    for predicted in range(3):
        assert rk_score(y, np.full(6, predicted), weight) == 0
    assert macro_f1_score(y, y, weight) == 1


def test_a_class_without_rows_and_calls_is_zero_in_f1_and_absent_in_recall() -> None:
    counts = MulticlassCounts(np.diag([2.0, 3.0, 0.0]))
    assert macro_f1_score(counts) == pytest.approx(2 / 3)
    assert macro_recall_score(counts) == 1
    assert rk_score(counts) == 1
    assert [score(MulticlassCounts(np.zeros((3, 3)))) for score in SCORES] == [0, 0, 0]


def test_watched_score_moves_where_that_of_the_most_probable_class_stands_still() -> None:
    rng = np.random.default_rng(0)
    loss, prior = SoftmaxLoss(4), np.array([0.95, 0.03, 0.015, 0.005])
    y = rng.choice(4, 5000, p=prior)
    raw = np.tile(np.log(prior), (5000, 1))
    raw[np.arange(5000), y] += 0.5 * rng.random(5000)  # trees have only just begun
    values = evaluate_multiclass(NAMES, loss, y, raw)
    assert values["mcc@argmax"] == 0
    assert values["mcc"] > 0.5
    assert values["f1"] > values["f1@argmax"] + 0.3
    start = np.tile(loss.init_score(y), (5000, 1))
    assert evaluate_multiclass(["mcc"], loss, y, start)["mcc"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_watched_scores_are_the_best_of_five_rules(weighted: bool) -> None:
    rng = np.random.default_rng(1)
    y = np.r_[rng.integers(0, 3, 400), 3]
    raw = rng.normal(size=(401, 5))  # class 4 has no rows here
    weight = rng.integers(1, 4, 401).astype(float) if weighted else None
    loss = SoftmaxFocalLoss(5, 2.0, (1.0, 2.0, 3.0, 4.0, 5.0))
    proba = loss.probability(raw)
    rows = np.bincount(y, weights=weight, minlength=5)
    prior = np.maximum(rows, rows[3]) / rows.sum()
    tables = [
        MulticlassCounts.from_labels(y, (proba / prior**power).argmax(axis=1), 5, weight)
        for power in PRIOR_POWERS
    ]
    got = evaluate_multiclass(NAMES, loss, y, raw, weight)
    assert got["mcc@argmax"] == rk_score(tables[0])
    assert got["f1@argmax"] == macro_f1_score(tables[0])
    for name, score in zip(("mcc", "f1", "balanced_accuracy"), SCORES, strict=True):
        assert got[name] == max(score(table) for table in tables)
    log_loss = reference.log_loss(y, proba, labels=range(5), sample_weight=weight)
    assert got["log_loss"] == pytest.approx(log_loss, rel=1e-12)
    assert list(got) == NAMES
    f_order = evaluate_multiclass(NAMES, loss, y, np.asfortranarray(raw), weight)
    assert f_order == got
    if weight is not None:
        times = weight.astype(int)
        again = evaluate_multiclass(NAMES, loss, np.repeat(y, times), np.repeat(raw, times, axis=0))
        assert again == pytest.approx(got, rel=1e-12)


def test_metrics_by_name() -> None:
    assert get_multiclass_metric("mcc").greater_is_better
    assert not get_multiclass_metric("log_loss").greater_is_better
    metric = get_multiclass_metric("mcc@argmax")
    raw, y = np.eye(3), [0, 1, 2]
    assert evaluate_multiclass([metric], SoftmaxLoss(3), y, raw) == {"mcc@argmax": 1.0}
    for name in ("mcc@0.5", "roc_auc", "log_loss@argmax", None):
        with pytest.raises(InvalidParameterError, match="metric must be one of"):
            get_multiclass_metric(name)  # type: ignore[arg-type]


def test_wrong_input_is_refused() -> None:
    counts = MulticlassCounts(np.eye(3))
    with pytest.raises(InvalidDataError, match="square"):
        MulticlassCounts(np.ones((2, 3)))
    with pytest.raises(InvalidDataError, match=">= 0"):
        MulticlassCounts(-np.eye(2))
    with pytest.raises(InvalidDataError, match="as many classes"):
        counts + MulticlassCounts(np.eye(2))
    with pytest.raises(InvalidDataError, match="whole numbers from 0 to 1"):
        MulticlassCounts.from_labels([0, 2], [0, 1], 2)
    with pytest.raises(InvalidDataError, match="shape of y_true"):
        MulticlassCounts.from_labels([0, 1], [0], 2)
    with pytest.raises(ValueError, match="read-only"):
        counts.matrix[0, 0] = 5
    with pytest.raises(InvalidTypeError, match="y_pred is missing"):
        rk_score([0, 1])
    with pytest.raises(InvalidTypeError, match="counts alone"):
        rk_score(counts, [0, 1])
    with pytest.raises(InvalidDataError, match="same length"):
        rk_score([0, 1], [0])
    with pytest.raises(InvalidDataError, match="at least one row"):
        evaluate_multiclass(["mcc"], SoftmaxLoss(3), [], np.empty((0, 3)))
    with pytest.raises(InvalidDataError, match="2 rows for 3 labels"):
        evaluate_multiclass(["mcc"], SoftmaxLoss(3), [0, 1, 2], np.eye(3)[:2])
