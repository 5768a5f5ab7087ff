"""Counts, weights and labels at the ends of what a float holds, or beyond."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gbimb import correct_prior
from gbimb.decisions.threshold import choose_threshold
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError
from gbimb.metrics import (
    ConfusionCounts,
    MulticlassCounts,
    best_threshold,
    f1_score,
    get_multiclass_metric,
    macro_f1_score,
    macro_recall_score,
    mcc_score,
    rk_score,
    threshold_curve,
)

Y = np.array([0, 0, 1, 0, 1, 0, 0, 1])
SCORE = np.array([0.1, 0.6, 0.7, 0.3, 0.4, 0.8, 0.2, 0.9])


@pytest.mark.parametrize("scale", [1e300, 1e200, 1e80, 1e-80, 1e-200, 1e-300])
def test_scores_do_not_depend_on_the_scale_of_counts(scale: float) -> None:
    counts = ConfusionCounts(3 * scale, scale, 2 * scale, 7 * scale)
    assert mcc_score(counts) == pytest.approx(19 / np.sqrt(4 * 9 * 5 * 8))
    assert f1_score(counts) == pytest.approx(6 / 9)
    table = MulticlassCounts(np.array([[7.0, 1.0], [2.0, 3.0]]) * scale)
    assert rk_score(table) == pytest.approx(19 / np.sqrt(4 * 9 * 5 * 8))
    assert macro_f1_score(table) == pytest.approx((14 / 17 + 6 / 9) / 2)
    assert macro_recall_score(table) == pytest.approx((7 / 8 + 3 / 5) / 2)


def test_counts_must_be_finite() -> None:
    with pytest.raises(InvalidDataError, match="fn must be finite, got infinity"):
        ConfusionCounts(1, 2, np.inf, 4)
    with pytest.raises(InvalidDataError, match="matrix must be finite, got infinity"):
        MulticlassCounts(np.array([[1.0, np.inf], [2.0, 3.0]]))


def test_counts_at_many_thresholds_must_be_of_one_shape() -> None:
    with pytest.raises(InvalidDataError, match="one shape"):
        ConfusionCounts([1, 2], [1, 2, 3], 1, 1)
    assert ConfusionCounts([1, 2], 1, 0, [3, 4]).tp.shape == (2,)


def squared_mcc(threshold: float, weight: list[Fraction]) -> Fraction:
    """MCC without rounding, its square with its sign."""
    cells = {(a, b): Fraction(0) for a in (0, 1) for b in (0, 1)}
    for label, flagged, w in zip(Y.tolist(), (threshold <= SCORE).tolist(), weight, strict=True):
        cells[label, int(flagged)] += w
    tn, fp, fn, tp = cells[0, 0], cells[0, 1], cells[1, 0], cells[1, 1]
    top, spread = tp * tn - fp * fn, (tp + fp) * (tn + fn) * (tp + fn) * (tn + fp)
    return abs(top) * top / spread if spread else Fraction(0)


@pytest.mark.parametrize(
    "weight",
    [
        np.linspace(1, 3, 8) * 1e80,
        np.linspace(1, 3, 8) * 1e300,
        np.linspace(1, 3, 8) * 1e-200,
        np.arange(1, 9) * 5e-324,
        np.where(Y == 1, 1e80, 1.0),
        np.where(Y == 1, 1.0, 1e80),
    ],
    ids=["1e80", "1e300", "1e-200", "denormal", "positives 1e80", "negatives 1e80"],
)
def test_no_threshold_is_better_than_the_best_under_extreme_weights(weight: Any) -> None:
    found = best_threshold(Y, SCORE, "mcc", weight)
    exact = [Fraction(float(w)) for w in weight]
    best = max(squared_mcc(t, exact) for t in SCORE)
    mine = squared_mcc(found.threshold, exact)
    assert float(mine / best) == pytest.approx(1, rel=1e-9)
    assert found.score**2 == pytest.approx(float(best), rel=1e-6)


def test_weights_of_less_than_a_row_in_all_choose_the_threshold_of_their_shares() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 4, 1500)
    y = rng.random(1500) < p
    for tiny in (1e-30, 1e-300, 5e-324):
        weight = np.full(1500, tiny)
        assert choose_threshold(y, p, "mcc", weight) == choose_threshold(y, p, "mcc")


@pytest.mark.parametrize(
    ("y_true", "y_pred", "says"),
    [
        ([0, 1, None], [0, 1, 1], "none missing"),
        (np.array([0, 1, "a"], object), [0, 1, 1], "one kind"),
        ([0.0, np.nan], [0.0, 1.0], "none missing"),
        ([[1], [0, 1]], [0, 1], "unequal length"),
        (np.array(["2020"], "M8[D]"), [1], "one kind"),
        ([0, 1], [0, 1, 1], "got 2 and 3"),
        (np.random.default_rng(0).normal(size=5000), np.zeros(5000), "at most 4,096 classes"),
    ],
    ids=["None", "objects", "NaN", "ragged", "dates", "lengths", "continuous"],
)
@pytest.mark.parametrize("score", [rk_score, macro_f1_score, macro_recall_score])
def test_labels_that_are_no_classes_are_refused(
    score: Any,
    y_true: Any,
    y_pred: Any,
    says: str,
) -> None:
    with pytest.raises(GbimbError, match=says):
        score(y_true, y_pred)


def test_a_table_of_a_million_classes_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="n_classes"):
        MulticlassCounts.from_labels([0, 1], [0, 1], 10**6)


@pytest.mark.parametrize("name", [np.array(["mcc", "f1"]), ["mcc"], np.zeros(3)])
def test_an_array_is_no_name_of_a_metric(name: Any) -> None:
    with pytest.raises(GbimbError, match="metric"):
        get_multiclass_metric(name)


def test_labels_in_rows_of_unequal_length_are_refused() -> None:
    for act in (best_threshold, threshold_curve):
        with pytest.raises(InvalidDataError, match="unequal length"):
            act([[1], [0, 1]], [0.1, 0.2])


def test_priors_near_zero_leave_sure_rows_sure() -> None:
    for old, new in ((1e-290, 0.5), (0.5, 1e-290), (1 - 1e-16, 1e-290)):
        np.testing.assert_array_equal(correct_prior([0.0, 1.0], old, new), [0.0, 1.0])
    found = correct_prior(np.eye(3), [0.2, 0.3, 0.5], [1e-290, 0.5, 0.5])
    np.testing.assert_array_equal(found, np.eye(3))


def test_a_row_of_zeros_and_a_prior_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="a number > 0 in each row"):
        correct_prior(np.array([[0.5, 0.5], [0.0, 0.0]]), 0.5, 0.1)
    with pytest.raises(InvalidDataError, match="resampled_prevalence"):
        correct_prior([0.5], 5e-324, 0.5)
