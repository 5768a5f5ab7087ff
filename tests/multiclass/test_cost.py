"""Many classes: each gets a tree a round, so there are fewer rounds, and larger steps."""

from __future__ import annotations

import pytest

import gbimb
from gbimb.engines.defaults import TREES_OF_MANY, Pace, learning_rate, most_rounds
from gbimb.losses import SoftmaxFocalLoss, SoftmaxLoss


@pytest.mark.parametrize(
    ("n_classes", "expected"), [(2, 1000), (7, 1000), (8, 187), (18, 83), (5000, 1)]
)
def test_with_many_classes_there_are_fewer_rounds(n_classes: int, expected: int) -> None:
    assert most_rounds(1000, n_classes) == expected
    assert n_classes < 8 or expected * n_classes <= max(TREES_OF_MANY, n_classes)


def test_rounds_that_somebody_chose_stay() -> None:
    assert most_rounds(500, 18) == 500


@pytest.mark.parametrize(
    ("loss", "n_classes", "expected"),
    [("focal", 3, 0.037), ("focal", 9, 0.222), ("logistic", 18, 0.3), ("logistic", 3, 0.1)],
)
def test_steps_grow_as_rounds_fall(loss: str, n_classes: int, expected: float) -> None:
    focal = loss == "focal"
    made = SoftmaxFocalLoss(n_classes, 2.0) if focal else SoftmaxLoss(n_classes)
    rate = learning_rate(gbimb.ImbalancedLGBMClassifier(), 8000, Pace(made.steepness, n_classes))
    assert rate == pytest.approx(expected, abs=5e-4)
