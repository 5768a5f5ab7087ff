"""What counts and shared scores refuse, and how counts look."""

from __future__ import annotations

import numpy as np
import pytest

from gbimb.exceptions import InvalidDataError
from gbimb.metrics import ConfusionCounts, MulticlassCounts, best_threshold, get_metric
from gbimb.metrics._curve_kernels import Grid
from gbimb.metrics._shared import SharedRows
from gbimb.metrics._shared_search import best_shared_scores

MCC = get_metric("mcc").count
assert MCC is not None


def test_counts_of_many_classes_add_up_and_compare_with_their_like_only() -> None:
    counts = MulticlassCounts(np.eye(3))
    with pytest.raises(TypeError):
        counts + 1
    with pytest.raises(InvalidDataError, match="as many classes"):
        counts + MulticlassCounts(np.eye(2))
    assert counts != "counts"
    assert counts == MulticlassCounts(np.eye(3))


def test_counts_of_one_threshold_are_drawn_as_a_table() -> None:
    drawn = ConfusionCounts(3.0, 1200.0, 1.0, 9000.0)._repr_html_()
    assert drawn is not None
    assert "<td>1,200</td>" in drawn
    assert ConfusionCounts(np.ones(2), np.ones(2), np.ones(2), np.ones(2))._repr_html_() is None


def test_scores_that_differ_by_less_than_float64_can_divide_have_a_best_threshold() -> None:
    y = np.tile([0, 1], 5000)
    score = np.where(y == 1, 5e-324, 0.0)
    found = best_threshold(y, score, "mcc")
    assert found.score == 1.0
    assert 0.0 < found.threshold <= 5e-324


def test_no_grid_is_laid_between_scores_closer_than_float64_can_divide() -> None:
    assert Grid.over(np.array([0.0, 5e-324]), 16, 16) is None


def test_shared_scores_of_no_metric_are_none_and_nan_is_refused() -> None:
    rows = SharedRows.make(np.array([0, 1, 1], np.uint8), None, lambda parts, _: parts)
    assert best_shared_scores(rows, np.zeros(3), []) == []
    with pytest.raises(InvalidDataError, match="NaN"):
        best_shared_scores(rows, np.array([0.0, np.nan, 1.0]), [MCC])


@pytest.mark.parametrize(
    "score",
    [
        [-np.inf, -1.0, 0.5, 0.5, 2.0, np.inf],
        [-np.inf, -np.inf, -np.inf, np.inf, np.inf, np.inf],
        [0.0, 0.0, 0.0, 5e-324, 5e-324, 5e-324],
        [-1.7e308, -1e308, 0.0, 1e-3, 1e308, 1.7e308],
        [-np.inf, 1e-3, 1.1e-3, 1.2e-3, 1e305, np.inf],
    ],
)
def test_shared_scores_of_far_values_are_those_of_their_ranks(score: list[float]) -> None:
    y = np.array([0, 0, 1, 0, 1, 1], np.uint8)
    rows = SharedRows.make(y, None, lambda parts, _: parts)
    ranks = np.unique(score, return_inverse=True)[1].astype(np.float64)
    found = best_shared_scores(rows, np.array(score), [MCC])
    assert found == best_shared_scores(rows, ranks, [MCC])
