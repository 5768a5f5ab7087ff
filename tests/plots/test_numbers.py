"""The frames of the pictures agree with scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    f1_score,
    matthews_corrcoef,
    precision_recall_curve,
)

from gbimb.exceptions import InvalidDataError
from gbimb.metrics import mcc_score
from gbimb.plots import (
    ConfusionDisplay,
    CriticalDifferenceDisplay,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    ScoreDisplay,
    ThresholdDisplay,
    TrainingDisplay,
)
from gbimb.plots.statistics import MOST_THRESHOLDS, Sweep, signed_rank_holm, wilson_interval

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def test_scores_at_each_threshold_are_scikit_learns(rows: Rows) -> None:
    y, proba, weight = rows
    frame = ThresholdDisplay.from_predictions(y, proba, threshold=0.2, sample_weight=weight).frame()
    assert 0.2 in frame["threshold"].to_numpy()
    for row in frame.iloc[1:-1:40].itertuples():
        flagged = (proba >= row.threshold).astype(int)
        assert row.mcc == pytest.approx(matthews_corrcoef(y, flagged, sample_weight=weight))
        assert row.f1 == pytest.approx(f1_score(y, flagged, sample_weight=weight))
        assert row.flagged == pytest.approx(np.average(flagged, weights=weight))


def test_precision_and_recall_are_scikit_learns_curve(rows: Rows) -> None:
    y, proba, weight = rows
    display = PrecisionRecallDisplay.from_predictions(y, proba, sample_weight=weight)
    frame = display.frame()
    precision, recall, _ = precision_recall_curve(y, proba, sample_weight=weight)
    assert len(frame) < MOST_THRESHOLDS
    np.testing.assert_allclose(frame["precision"], precision[-2::-1])
    np.testing.assert_allclose(frame["recall"], recall[-2::-1])
    area = average_precision_score(y, proba, sample_weight=weight)
    assert display.average_precision == pytest.approx(area)
    assert display.prevalence == pytest.approx(np.average(y, weights=weight))


def test_a_sweep_of_many_scores_is_short_and_exact(rng: np.random.Generator) -> None:
    proba = rng.beta(0.5, 30, 30_000)
    y = (rng.random(30_000) < proba).astype(np.uint8)
    sweep = Sweep.of(y, proba, None, threshold=0.0371)
    assert sweep.thresholds.size <= MOST_THRESHOLDS
    assert (np.diff(sweep.thresholds) < 0).all()
    tp, fp, fn, tn = sweep.counts.as_tuple()
    assert (tp[0], fp[0], fn[-1], tn[-1]) == (0, 0, 0, 0)
    for i in (0, 1, 17, sweep.thresholds.size // 2, sweep.thresholds.size - 1):
        flagged = proba >= sweep.thresholds[i]
        expected = confusion_matrix(y, flagged, labels=[0, 1]).ravel()
        assert [tn[i], fp[i], fn[i], tp[i]] == list(expected)
    flagged = proba >= 0.0371
    assert sweep.at(0.0371).tp == y[flagged].sum()
    # The top, where few rows are flagged, is not skipped.
    assert (tp + fp)[:20].tolist() == list(range(20))


def test_rows_without_weight_may_have_the_highest_scores(rng: np.random.Generator) -> None:
    proba = rng.permutation(np.linspace(0.0, 1.0, 5000))
    y = (rng.random(5000) < proba).astype(int)
    weight = (proba < 0.9).astype(float)
    heavy = weight > 0
    frame = ThresholdDisplay.from_predictions(y, proba, sample_weight=weight).frame()
    kept = ThresholdDisplay.from_predictions(y[heavy], proba[heavy]).frame()
    assert frame["mcc"].max() == pytest.approx(kept["mcc"].max(), abs=0.005)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_a_row_without_a_label_is_refused(missing: object) -> None:
    y = np.array([0, 1, missing], dtype=float if missing is not None else object)
    with pytest.raises(InvalidDataError, match="no missing label, got 1 in 3 rows"):
        ThresholdDisplay.from_predictions(y, [0.1, 0.2, 0.3], pos_label=1)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_band_is_as_wide_as_a_bootstrap_of_rows(rows: Rows, weighted: bool) -> None:
    y, proba, weight = rows
    own = weight if weighted else None
    sweep = Sweep.of(y.astype(np.uint8), proba, own, threshold=0.2)
    at = int(np.flatnonzero(sweep.thresholds == 0.2)[0])
    fast = mcc_score(sweep.resample(2000))[:, at]
    rng = np.random.default_rng(1)
    drawn = rng.poisson(1.0, (2000, y.size)) * (weight if weighted else 1.0)
    flagged = proba >= 0.2
    tp, fp = drawn @ (flagged & (y == 1)), drawn @ (flagged & (y == 0))
    fn, tn = drawn @ (~flagged & (y == 1)), drawn @ (~flagged & (y == 0))
    slow = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.005)
    assert fast.std() == pytest.approx(slow.std(), rel=0.08)


def test_confusion_at_a_threshold_has_a_row_for_each_true_class(rows: Rows) -> None:
    y, proba, weight = rows
    display = ConfusionDisplay.from_predictions(
        np.array(["ok", "fraud"])[y], proba, threshold=0.2, sample_weight=weight
    )
    expected = confusion_matrix(y, proba >= 0.2, sample_weight=weight)
    np.testing.assert_allclose(display.frame().loc[["ok", "fraud"], ["ok", "fraud"]], expected)
    np.testing.assert_allclose(display.shares().sum(axis=1), 1.0)
    texts = [text.get_text() for text in display.ax_.texts]
    assert f"{expected[0, 1]:,.0f}\n{100 * expected[0, 1] / expected[0].sum():.1f} %" in texts


def test_reliability_bins_hold_every_row_and_the_truth(rows: Rows) -> None:
    y, proba, _ = rows
    frame = ReliabilityDisplay.from_predictions(y, proba, y_proba_before=proba**0.5).frame()
    after = frame[frame["name"] == "after correction"]
    before = frame[frame["name"] == "before correction"]
    for bins in (after, before):
        assert (bins["rows"].sum(), bins["positives"].sum()) == (y.size, y.sum())
    assert ((after["low"] <= after["mean"]) & (after["mean"] <= after["high"])).mean() > 0.7
    assert (before["mean"] > before["high"]).mean() > 0.7


def test_reliability_bins_are_equally_informative(rows: Rows) -> None:
    y, proba, _ = rows
    bins = ReliabilityDisplay.from_predictions(y, proba).frame()
    variance = bins["rows"] * bins["mean"] * (1 - bins["mean"])
    assert variance.max() < 1.5 * variance.min()
    assert bins["mean"].is_monotonic_increasing


def test_wilson_is_scipys() -> None:
    from scipy.stats import binomtest

    for k, n in ((0, 10), (3, 40), (40, 40)):
        low, high = wilson_interval(np.array([k / n]), np.array([float(n)]))
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


def test_histograms_hold_every_row_of_each_class(rows: Rows) -> None:
    y, proba, weight = rows
    frame = ScoreDisplay.from_predictions(y, proba, sample_weight=weight).frame()
    assert frame.groupby("class")["rows"].sum().to_dict() == {"0": (y == 0).sum(), "1": y.sum()}
    np.testing.assert_allclose(frame.groupby("class")["share"].sum(), 1.0)


def test_training_has_a_row_for_each_round_and_metric() -> None:
    history = {"valid": {"mcc": [0.1, 0.3, 0.2], "log_loss": [0.5, 0.4, 0.3]}}
    display = TrainingDisplay.from_evals_result(history, 2)
    frame = display.frame()
    assert frame.loc[frame["metric"] == "mcc", "value"].tolist() == [0.1, 0.3, 0.2]
    assert frame["round"].tolist() == [1, 2, 3, 1, 2, 3]
    assert len(display.figure_.axes) == 2  # the loss has its own scale


def test_pairs_are_tested_as_scipy_does_and_corrected_as_holm_did(rng: np.random.Generator) -> None:
    better = np.array([0.0, 0.1, 0.3])
    scores = pd.DataFrame(rng.random((15, 3)) + better, columns=list("abc"))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    p = {pair: wilcoxon(scores[pair[0]], scores[pair[1]]).pvalue for pair in pairs}
    low, middle, high = sorted(pairs, key=lambda pair: p[pair])
    found = signed_rank_holm(scores)
    assert found.loc[low] == pytest.approx(min(1, 3 * p[low]))
    assert found.loc[middle] == pytest.approx(min(1, max(3 * p[low], 2 * p[middle])))
    assert found.loc[high] == pytest.approx(min(1, max(3 * p[low], 2 * p[middle], p[high])))


def test_holm_multiplies_by_the_number_of_pairs_left() -> None:
    # The smallest possible p of 8 tables is 2^-7, for three pairs 3 * 2^-7 after correction.
    base = np.arange(8.0)
    scores = pd.DataFrame({"a": base, "b": base + np.arange(1, 9), "c": base - np.arange(1, 9)})
    assert signed_rank_holm(scores).loc["a", "b"] == pytest.approx(3 / 128)


def test_ranks_and_groups_of_methods(rng: np.random.Generator) -> None:
    base = rng.random(12)
    scores = pd.DataFrame(
        {"worse": base, "twin": base + rng.normal(0, 0.01, 12), "better": base + 0.3}
    )
    display = CriticalDifferenceDisplay.from_scores(scores)
    assert display.frame().index[0] == "better"
    assert display.frame()["rank"].sum() == pytest.approx(6.0)
    assert [sorted(group) for group in display.groups()] == [["twin", "worse"]]
    falling = CriticalDifferenceDisplay.from_scores(-scores, greater_is_better=False)
    pd.testing.assert_series_equal(falling.ranks, display.ranks)
