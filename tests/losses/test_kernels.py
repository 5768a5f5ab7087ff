"""The compiled loops: digits at every size of score, layouts, and the same bits everywhere."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from mpmath import mp

from gbimb.exceptions import InvalidDataError
from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss
from gbimb.losses.kernels import probability
from gbimb.losses.kernels.probability import fill_focal_probability
from gbimb.parallel import ROWS_PER_TASK, run_ranges, thread_limit
from tests.helpers.derivatives import DIGITS, exact, table

TINY = float(np.finfo(np.float32).tiny)
HALF_OF_THE_SMALLEST = 2.0**-150
LOSSES = [
    LogisticLoss(3.0),
    *(FocalLoss(gamma) for gamma in (0, 0.01, 0.5, 1, 1.7, 2, 5, 100)),
    FocalLoss(2.0, alpha=0.25, scale_pos_weight=50.0),
    FocalLoss(0.5, alpha=0.75, scale_pos_weight=1e-3),
]


def many_scores() -> np.ndarray:
    rng = np.random.default_rng(3)
    edges = np.outer([-1, 1], [0, 1e-300, 1e-9, 0.5, 1, 17.3, 36.8, 87.3, 103.9, 708.4, 745.2, 750])
    # Where the exponent of the polynomial changes over.
    steps = np.log(2) * (np.arange(-21, 22) + 0.5)
    return np.concatenate([edges.ravel(), steps, rng.normal(0, 4, 80), rng.uniform(-750, 750, 80)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_only_error_is_the_rounding_to_float32(loss: MarginLoss, dtype: type) -> None:
    score = np.repeat(many_scores().astype(dtype), 2)
    y = np.arange(score.size) % 2
    got = loss.gradient_curvature(y, score)
    reference = exact(loss)
    for values, function in zip(got, (reference.gradient, reference.curvature), strict=True):
        true = table(function, y, score)
        error = np.abs(values.astype(np.float64) - true)
        normal = np.abs(true) >= TINY
        assert (error[normal] <= 6.0e-8 * np.abs(true[normal])).all()
        assert (np.sign(values[normal]) == np.sign(true[normal])).all()
        allowed = HALF_OF_THE_SMALLEST * (1 + 1e-9) if function == reference.gradient else TINY
        assert (error[~normal] <= allowed).all()
        assert (values * true >= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_probability_has_fourteen_digits(loss: MarginLoss, dtype: type) -> None:
    score = many_scores().astype(dtype)
    with mp.workdps(DIGITS):
        want = np.array([float(exact(loss).probability(float(s))) for s in score])
    np.testing.assert_allclose(loss.probability(score), want, rtol=1e-13, atol=1e-300)
    general = np.empty(score.size)
    assert MarginLoss._fill_probability(loss, score, general)
    np.testing.assert_allclose(loss.probability(score), general, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_probability_of_a_missing_score_is_refused_in_whichever_row(loss: MarginLoss) -> None:
    for row in (0, 3, ROWS_PER_TASK + 4):
        score = np.zeros(ROWS_PER_TASK + 5)
        score[row] = np.nan
        with pytest.raises(InvalidDataError, match="raw_score must not contain NaN"):
            loss.probability(score)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_probability_under_an_absurd_weight_is_a_probability(gamma: float, scale: float) -> None:
    loss = FocalLoss(gamma, scale_pos_weight=scale)
    proba = loss.probability([-np.inf, -750.0, 0.0, 750.0, np.inf])
    assert (np.diff(proba) >= 0).all()
    assert (proba[0], proba[-1]) == (0, 1)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7])
def test_a_row_has_the_same_bits_wherever_it_stands(gamma: float) -> None:
    rng = np.random.default_rng(5)
    y, score = (rng.random(100) < 0.5).astype(np.float32), rng.normal(0, 8, 100)
    loss = FocalLoss(gamma)
    want = np.stack(loss.gradient_curvature(y, score))
    for start in range(1, 40):  # moves rows between the vector loop and what is left over
        np.testing.assert_array_equal(
            loss.gradient_curvature(y[start:], score[start:]), want[:, start:]
        )
        np.testing.assert_array_equal(
            loss.probability(score[start:]), loss.probability(score)[start:]
        )


def test_arrays_that_are_not_aligned_and_buffers_that_are_not_contiguous() -> None:
    rng = np.random.default_rng(6)
    y, score = (rng.random(100) < 0.5).astype(np.float32), rng.normal(0, 8, 100)
    weight = rng.random(100).astype(np.float32)
    want = FocalLoss().gradient_curvature(y, score, weight)

    def shift(array: np.ndarray) -> np.ndarray:
        moved = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype)
        moved[:] = array
        assert not moved.flags.aligned
        return moved

    got = FocalLoss().gradient_curvature(shift(y), shift(score), shift(weight))
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(
        FocalLoss().probability(shift(score)), FocalLoss().probability(score)
    )
    out = np.full((100, 2), np.nan, np.float32)
    buffers = out[:, 0], out[:, 1]
    got = FocalLoss().gradient_curvature(y, score, weight, out=buffers)
    assert got[0] is buffers[0]
    np.testing.assert_array_equal(out.T, want)


def test_ranges_are_handed_out_one_by_one_and_an_error_comes_through() -> None:
    def task(start: int, stop: int) -> int:
        if start == 30:
            msg = "no"
            raise KeyError(msg)
        return stop - start

    for threads in (1, 2, 5):
        with thread_limit(threads):
            assert run_ranges(task, 25, rows_per_task=10) == [10, 10, 5]
            with pytest.raises(KeyError):
                run_ranges(task, 45, rows_per_task=10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_without_numba_the_probability_has_the_same_bits(
    loss: MarginLoss, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = np.append(many_scores(), [np.inf, -np.inf, 1e6]).astype(dtype)
    compiled = loss.probability(score)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, probability.COMPILED)
        in_numpy = loss.probability(score)
        assert probability.COMPILED not in sys.modules
        assert not fill_focal_probability(np.array([0.5, np.nan]), (1.0, 1.0), 2.0, np.empty(2))
    np.testing.assert_array_equal(in_numpy, compiled)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 0.5])
def test_scores_of_any_size_are_looked_at_once_and_only_nan_twice(gamma: float) -> None:
    def looked_at_once(*scores: float) -> bool:
        out = np.empty(len(scores))
        return fill_focal_probability(np.array(scores), (1.0, 1.0), gamma, out)

    assert looked_at_once(0.0, -0.0, 1e-300, -0.5, 0.9, 1e6, np.inf, -np.inf)
    assert not looked_at_once(0.5, np.nan)
