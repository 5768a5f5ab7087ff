"""Extremes, dtypes, layouts, threads and buffers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.losses import FocalLoss, LogisticLoss, MarginLoss
from gbimb.losses._rows import LossRows
from gbimb.parallel import ROWS_PER_TASK, resolve_jobs, run_ranges, thread_limit
from tests.helpers.derivatives import ALL_LOSSES, EXACT_LOSSES, exact, table
from tests.helpers.memory import least_peak
from tests.helpers.strategies import QUICK, Table, tables

TINY = np.finfo(np.float32).tiny
EXTREMES = np.array([-750, -745.2, -400, -88.8, -40, -1, -1e-300, 0, 5e-324, 1, 40, 88.8, 400, 750])
FEW_LOSSES = [LogisticLoss(), LogisticLoss(10.0), FocalLoss(), FocalLoss(0.5, 0.25, 10.0)]


def example(n: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    y = (rng.random(n) < 0.05).astype(np.float32)
    return y, rng.normal(-2, 3, n).astype(dtype), rng.exponential(size=n).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("loss", [*ALL_LOSSES, FocalLoss(100.0), FocalLoss(0.01)], ids=str)
def test_everything_is_finite_up_to_750_without_a_warning(
    loss: MarginLoss, label: int, dtype: type
) -> None:
    score, y = EXTREMES.astype(dtype), np.full(EXTREMES.size, label)
    for function in (loss.loss, loss.gradient, loss.hessian, loss.curvature):
        value = function(y, score)
        assert value.dtype == np.float64
        assert np.isfinite(value).all()
    for value in loss.gradient_curvature(y, score):
        assert value.dtype == np.float32
        assert np.isfinite(value).all()
    proba = loss.probability(score)
    assert proba.dtype == np.float64
    assert ((proba >= 0) & (proba <= 1)).all()
    assert (np.diff(proba) >= 0).all()
    assert (proba[0], proba[-1]) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


@pytest.mark.parametrize("loss", FEW_LOSSES, ids=str)
def test_the_largest_finite_scores_are_as_harmless(loss: MarginLoss) -> None:
    score = np.array([-1e308, 1e308])
    assert np.isfinite(loss.hessian([1, 0], score)).all()
    np.testing.assert_array_equal(np.abs(loss.gradient([0, 1], score)), 0)
    np.testing.assert_array_equal(loss.probability(score), [0, 1])


@pytest.mark.parametrize("loss", [*FEW_LOSSES, FocalLoss(100.0)], ids=str)
def test_an_infinite_score_is_certain(loss: MarginLoss) -> None:
    np.testing.assert_array_equal(loss.probability([-np.inf, np.inf]), [0, 1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", EXACT_LOSSES, ids=str)
def test_kernel_equals_sixty_digit_arithmetic_in_float32(loss: MarginLoss, weighted: bool) -> None:
    score = np.linspace(-80, 80, 33).astype(np.float32)
    y, s = np.tile([0, 1], score.size), np.repeat(score, 2)
    weight = np.linspace(0.25, 3, s.size).astype(np.float32) if weighted else None
    got = loss.gradient_curvature(y, s, weight)
    reference = exact(loss)
    for value, function in zip(got, (reference.gradient, reference.curvature), strict=True):
        true = table(function, y, s) * (1 if weight is None else weight.astype(np.float64))
        usual = np.abs(true) > 1e-30
        np.testing.assert_allclose(value[usual], true[usual], rtol=2e-7)
        assert (np.sign(value[usual]) == np.sign(true[usual])).all()
        assert (value * true >= 0).all()
        assert (np.abs(value[~usual]) <= 2e-30).all()


@QUICK
@given(st.sampled_from(ALL_LOSSES), tables(), st.sampled_from([np.float32, np.float64]))
def test_kernel_equals_the_numpy_oracle(loss: MarginLoss, t: Table, dtype: type) -> None:
    score = t.score.astype(dtype)
    weight = None if t.weight is None else t.weight.astype(np.float32)
    grad, curv = loss.gradient_curvature(t.y, score, weight)
    np.testing.assert_allclose(grad, loss.gradient(t.y, score, weight), rtol=2e-7, atol=1e-44)
    oracle = np.maximum(loss.curvature(t.y, score, weight), TINY)
    np.testing.assert_allclose(curv, oracle, rtol=2e-7)
    general = [np.empty(t.y.size, np.float32) for _ in range(2)]
    empty = np.empty(0, np.float32)
    given = LossRows(t.y.astype(np.float32), score, empty if weight is None else weight)
    assert MarginLoss._fill(loss, given, *general)
    np.testing.assert_allclose(grad, general[0], rtol=2e-7, atol=1e-44)
    np.testing.assert_allclose(curv, general[1], rtol=2e-7)


@pytest.mark.parametrize("loss", FEW_LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_labels_of_any_number_type_give_the_same(loss: MarginLoss, dtype: type) -> None:
    y, score, weight = example(200)
    want = loss.gradient_curvature(y, score, weight)
    got = loss.gradient_curvature(y.astype(dtype), score, weight)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(
        loss.loss(y.astype(dtype), score, weight), loss.loss(y, score, weight)
    )
    assert loss.init_score(y.astype(dtype), weight) == loss.init_score(y, weight)


@pytest.mark.parametrize("loss", [LogisticLoss(), FocalLoss()], ids=str)
def test_strided_read_only_and_reversed_arrays_give_the_same(loss: MarginLoss) -> None:
    y, score, weight = example(200, np.float64)
    want = loss.gradient_curvature(y, score, weight)
    wide = np.column_stack([y, score, weight])
    np.testing.assert_array_equal(loss.gradient_curvature(*wide.T), want)
    back = loss.gradient_curvature(y[::-1], score[::-1], weight[::-1])
    np.testing.assert_array_equal([part[::-1] for part in back], want)
    for array in (y, score, weight):
        array.flags.writeable = False
    np.testing.assert_array_equal(loss.gradient_curvature(y, score, weight), want)
    assert loss.init_score(y, weight) == loss.init_score(y.copy(), weight.copy())
    assert np.isfinite(loss.probability(score)).all()


def test_arguments_are_not_written_to() -> None:
    arrays = example(100, np.float64)
    before = [a.copy() for a in arrays]
    loss = FocalLoss(0.5, 0.25, 10.0)
    for method in (loss.loss, loss.gradient, loss.hessian, loss.gradient_curvature):
        method(*arrays)
    loss.probability(arrays[1])
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_lists_and_pandas_columns_are_accepted() -> None:
    import pandas as pd

    y, score, weight = example(20)
    loss = FocalLoss()
    want = loss.gradient(y, score, weight)
    np.testing.assert_array_equal(loss.gradient(*map(list, (y, score, weight))), want)
    np.testing.assert_array_equal(loss.gradient(*map(pd.Series, (y, score, weight))), want)


def test_no_rows_give_no_rows() -> None:
    for part in FocalLoss().gradient_curvature([], []):
        assert part.shape == (0,)
    assert FocalLoss().gradient([], []).shape == (0,)
    assert FocalLoss().probability([]).shape == (0,)


def test_probability_keeps_the_shape() -> None:
    assert FocalLoss().probability(0.5).shape == ()
    assert FocalLoss().probability(np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("loss", FEW_LOSSES, ids=str)
def test_one_and_two_threads_give_the_same_bits(loss: MarginLoss) -> None:
    arrays = example(3 * ROWS_PER_TASK + 17)
    with thread_limit(1):
        one = loss.gradient_curvature(*arrays)
    with thread_limit(2):
        two = loss.gradient_curvature(*arrays)
    np.testing.assert_array_equal(one, two)


def test_a_bad_row_is_found_in_whichever_thread_it_is() -> None:
    for row in (0, ROWS_PER_TASK, 3 * ROWS_PER_TASK + 16):
        y, score, _ = example(3 * ROWS_PER_TASK + 17)
        score[row] = np.nan
        with thread_limit(2), pytest.raises(InvalidDataError, match="must be finite"):
            FocalLoss().gradient_curvature(y, score)


def test_kernels_called_from_many_threads_do_not_wait_for_one_another() -> None:
    arrays = example(2 * ROWS_PER_TASK + 1)
    want = FocalLoss().gradient_curvature(*arrays)

    def call(_: int) -> tuple[np.ndarray, np.ndarray]:
        with thread_limit(2):
            return FocalLoss().gradient_curvature(*arrays)

    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(call, range(8), timeout=60):
            np.testing.assert_array_equal(got, want)


def test_ranges_cover_every_row_once_whatever_the_threads() -> None:
    for n in (0, 1, ROWS_PER_TASK, 5 * ROWS_PER_TASK + 3):
        for threads in (1, 2, 3):
            with thread_limit(threads):
                ranges = run_ranges(lambda start, stop: (start, stop), n)
            assert sum(stop - start for start, stop in ranges) == n
            assert ranges == sorted(ranges)


def test_n_jobs_counts_as_joblib_does() -> None:
    assert resolve_jobs(3) == 3
    assert resolve_jobs(-1) == resolve_jobs(None) >= 1
    assert resolve_jobs(-1000) == 1
    with pytest.raises(InvalidParameterError, match="n_jobs must be"):
        resolve_jobs(0)


def test_buffers_are_written_to_and_returned() -> None:
    y, score, weight = example(1000)
    out = np.full(1000, np.nan, np.float32), np.full(1000, np.nan, np.float32)
    grad, curv = FocalLoss().gradient_curvature(y, score, weight, out=out)
    assert grad is out[0]
    assert curv is out[1]
    np.testing.assert_array_equal(out, FocalLoss().gradient_curvature(y, score, weight))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", FEW_LOSSES, ids=str)
def test_a_round_with_buffers_allocates_no_array(loss: MarginLoss, dtype: type) -> None:
    n = 300_000
    y, score, weight = example(n, dtype)
    out = np.empty(n, np.float32), np.empty(n, np.float32)
    with thread_limit(1):
        loss.gradient_curvature(y, score, weight, out=out)  # compiles
        peak = least_peak(lambda: loss.gradient_curvature(y, score, weight, out=out))
    assert peak < n / 2  # the smallest array of rows, of booleans, has n bytes


@pytest.mark.parametrize("loss", FEW_LOSSES, ids=str)
def test_weights_in_float32_add_up_in_float64(loss: MarginLoss) -> None:
    n = 3_000_000
    y = np.zeros(n, np.float32)
    y[: n // 3] = 1
    weight = np.full(n, 0.1, np.float32)
    assert loss.init_score(y, weight) == pytest.approx(loss.init_score([1, 0, 0]), abs=1e-12)


def test_one_class_is_seen_whatever_the_rounding_of_its_weights() -> None:
    weight = np.full(1_000_003, 0.1, np.float32)
    with pytest.raises(InvalidDataError, match="must hold both classes"):
        FocalLoss().init_score(np.ones(weight.size, np.float32), weight)


def test_a_class_of_very_little_weight_has_a_finite_start() -> None:
    start = LogisticLoss().init_score([1, 0], [1.0, 1e-30])
    assert start == pytest.approx(30 * np.log(10))
