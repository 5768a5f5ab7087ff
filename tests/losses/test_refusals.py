"""What losses refuse, in calls that the engines never make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.losses import SoftmaxLoss
from gbimb.losses._base import check_loss
from gbimb.losses.experimental import SoftmaxMCCLoss

Y = np.array([0, 1, 0, 1])
Y3 = np.array([0, 1, 2, 1])
SCORE = np.array([-1.0, 1.0, 0.5, 0.25])
SCORE3 = np.arange(12.0).reshape(4, 3) / 10


def test_the_name_of_a_loss_is_no_loss() -> None:
    with pytest.raises(InvalidTypeError, match=r"loss must be a loss such as .* got 'focal'"):
        check_loss("focal")


@pytest.mark.parametrize("loss", [gbimb.LogisticLoss(), gbimb.FocalLoss(2.0), gbimb.SoftMCCLoss()])
def test_nan_has_no_probability(loss: Any) -> None:
    with pytest.raises(InvalidDataError, match="NaN"):
        loss.probability(np.array([0.0, np.nan]))


class Slow(gbimb.LogisticLoss):
    """A loss without a kernel of its own for probabilities."""

    def _fill_probability(self, score: Any, out: Any) -> bool:
        return super(gbimb.LogisticLoss, self)._fill_probability(score, out)


def test_nan_has_no_probability_where_a_loss_has_no_kernel_for_it() -> None:
    with pytest.raises(InvalidDataError, match="NaN"):
        Slow().probability(np.array([0.0, np.nan]))
    np.testing.assert_allclose(
        Slow().probability(SCORE), gbimb.LogisticLoss().probability(SCORE), rtol=1e-14
    )


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ((np.zeros((4, 3), np.float32),), InvalidDataError, "pair of arrays"),
        (([0.0], [0.0]), InvalidTypeError, "got list"),
        ((np.zeros((4, 3)),) * 2, InvalidDataError, "float32"),
        ((np.zeros((3, 3), np.float32),) * 2, InvalidDataError, "shape"),
    ],
)
def test_buffers_of_many_classes_are_two_float32_arrays(
    out: Any,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        SoftmaxLoss(3).gradient_curvature(Y3, SCORE3, out=out)


@pytest.mark.parametrize("loss", [gbimb.SoftMCCLoss(), gbimb.SoftFBetaLoss()])
def test_soft_losses_have_no_value_at_infinite_scores(loss: Any) -> None:
    with pytest.raises(InvalidDataError, match="finite"):
        loss.loss(Y, np.array([0.0, 1.0, np.inf, 0.0]))


def test_soft_mcc_of_many_classes_has_no_value_at_infinite_scores() -> None:
    score = SCORE3.copy()
    score[2, 1] = np.inf
    with pytest.raises(InvalidDataError, match="finite"):
        SoftmaxMCCLoss(3).loss(Y3, score)


def test_soft_mcc_of_many_classes_reads_text_codes_as_a_mistake_and_gaps_as_numbers() -> None:
    loss = SoftmaxMCCLoss(3)
    with pytest.raises((InvalidDataError, InvalidTypeError), match="y_true"):
        loss.gradient_curvature(np.array(["a", "b", "c", "b"]), SCORE3)
    wide = np.repeat(SCORE3, 2, axis=1)[:, ::2]
    for got, expected in zip(
        loss.gradient_curvature(Y3, wide), loss.gradient_curvature(Y3, SCORE3), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_soft_counts_add_up_with_their_like_only() -> None:
    counts = SoftmaxMCCLoss(3).sums(Y3, SCORE3)
    with pytest.raises(TypeError):
        counts + 1
