"""Soft MCC and soft F-beta: derivatives, sums over partitions, extremes, kernels."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from scipy.special import expit
from sklearn.metrics import fbeta_score, matthews_corrcoef

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import LogisticLoss, SoftCounts, SoftFBetaLoss, SoftLoss, SoftMCCLoss
from gbimb.parallel import ROWS_PER_TASK, thread_limit
from tests.helpers.derivatives import central_difference
from tests.helpers.memory import least_peak
from tests.helpers.soft import DIGITS, SOFT_LOSSES, derivatives, total
from tests.helpers.strategies import QUICK, Table, tables

TINY = np.finfo(np.float32).tiny
Y = np.array([1, 0, 0, 1, 0, 0, 1, 0])
SCORE = np.array([1.5, -2.0, 0.3, -3.0, -30.0, 1.0, 25.0, -1.0])
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 0.0, 0.25, 1.5])

all_losses = pytest.mark.parametrize("loss", SOFT_LOSSES, ids=str)


def example(n: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    y = (rng.random(n) < 0.05).astype(np.float32)
    return y, rng.normal(-2, 3, n).astype(dtype), rng.exponential(size=n).astype(np.float32)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@all_losses
def test_value_gradient_and_hessian_equal_sixty_digit_arithmetic(
    loss: SoftLoss, weight: np.ndarray | None
) -> None:
    w = np.ones(Y.size) if weight is None else weight
    with mp.workdps(DIGITS):
        value = float(total(loss, Y, SCORE, w))
    assert loss.loss(Y, SCORE, weight).sum() == pytest.approx(value, rel=1e-12)
    slope = derivatives(loss, Y, SCORE, w, 1)
    np.testing.assert_allclose(loss.gradient(Y, SCORE, weight), slope, rtol=1e-11)
    bend = derivatives(loss, Y, SCORE, w, 2)
    size = np.abs(slope)  # the Hessian changes sign: its error is that of its terms
    assert (np.abs(loss.hessian(Y, SCORE, weight) - bend) <= 1e-11 * size).all()


@pytest.mark.parametrize("score", [-750.0, -300.0, -40.0, 40.0, 300.0, 750.0])
@pytest.mark.parametrize("label", [0, 1])
@all_losses
def test_sixty_digit_arithmetic_agrees_for_a_row_far_out(
    loss: SoftLoss, label: int, score: float
) -> None:
    y, s = np.append(Y, label), np.append(SCORE, score)
    slope = derivatives(loss, y, s, np.ones(y.size), 1)
    np.testing.assert_allclose(loss.gradient(y, s), slope, rtol=1e-11, atol=1e-60)


@all_losses
def test_rows_are_coupled_as_the_class_says(loss: SoftLoss) -> None:
    m, counts = loss._slopes(loss.sums(Y, SCORE, WEIGHT)), loss.sums(Y, SCORE, WEIGHT)
    u = WEIGHT * np.where(Y > 0, loss.scale_pos_weight, 1) * expit(SCORE) * expit(-SCORE)
    both = np.add.outer(Y, Y)
    want = -counts.scale * np.outer(u, u) * (m.aa * np.outer(Y, Y) + m.ab * both + m.bb)
    for i in range(Y.size):

        def moved(step: np.ndarray, i: int = i) -> np.ndarray:
            score = SCORE.copy()
            score[i] += step[0]
            return loss.gradient(Y, score, WEIGHT)

        column = central_difference(moved, np.zeros(1))
        others = np.arange(Y.size) != i
        np.testing.assert_allclose(column[others], want[i, others], rtol=1e-7, atol=1e-11)


def test_the_normaliser_moves_too() -> None:
    sums = SoftMCCLoss().sums(Y, SCORE)
    root = np.sqrt(sums.positives * sums.negatives * (sums.tp + sums.fp) * (sums.fn + sums.tn))
    fixed = -sums.scale * (sums.total * Y - sums.positives) / root * expit(SCORE) * expit(-SCORE)
    got = SoftMCCLoss().gradient(Y, SCORE)
    assert (np.abs(got - fixed)[:4] > 1e-3 * np.abs(got[:4])).all()
    f = SoftFBetaLoss().sums(Y, SCORE)
    width = f.tp + f.fp + f.positives
    fixed = -f.scale * 2 * Y / width * expit(SCORE) * expit(-SCORE)
    got = SoftFBetaLoss().gradient(Y, SCORE)
    assert (got[Y == 0] > 0).all()
    assert (fixed[Y == 0] == 0).all()


@QUICK
@given(st.sampled_from(SOFT_LOSSES), tables(both_classes=True))
def test_shares_add_up_to_one_minus_the_metric(loss: SoftLoss, t: Table) -> None:
    counts = loss.sums(*t)
    want = counts.scale * (1 - loss.score(counts))
    assert loss.loss(*t).sum() == pytest.approx(want, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_certain_scores_give_the_metrics_of_decisions(beta: float) -> None:
    rng = np.random.default_rng(1)
    y, flagged, w = rng.random(300) < 0.2, rng.random(300) < 0.3, rng.exponential(size=300)
    score = np.where(flagged, 750.0, -750.0)
    mcc, f_beta = SoftMCCLoss(), SoftFBetaLoss(beta)
    want = matthews_corrcoef(y, flagged, sample_weight=w)
    assert mcc.score(mcc.sums(y, score, w)) == pytest.approx(want, rel=1e-6)
    want = fbeta_score(y, flagged, beta=beta, sample_weight=w)
    assert f_beta.score(f_beta.sums(y, score, w)) == pytest.approx(want, rel=1e-6)


@all_losses
def test_a_weight_of_k_is_k_copies(loss: SoftLoss) -> None:
    copies = np.array([1, 2, 3, 1, 4, 1, 2, 5])
    y, score = np.repeat(Y, copies), np.repeat(SCORE, copies)
    for name in ("loss", "gradient"):
        rows = getattr(loss, name)(y, score)
        want = np.add.reduceat(rows, np.concatenate([[0], np.cumsum(copies)[:-1]]))
        np.testing.assert_allclose(getattr(loss, name)(Y, SCORE, copies), want, rtol=1e-12)
    merged = loss.gradient_curvature(Y, SCORE, copies)
    single = loss.gradient_curvature(y, score)
    first = np.concatenate([[0], np.cumsum(copies)[:-1]])
    np.testing.assert_allclose(merged[0], copies * single[0][first], rtol=1e-6)


@all_losses
def test_scale_pos_weight_is_a_weight_of_the_positives(loss: SoftLoss) -> None:
    plain = type(loss)(**{"beta": loss.beta} if isinstance(loss, SoftFBetaLoss) else {})
    weight = np.where(Y > 0, loss.scale_pos_weight, 1.0) * WEIGHT
    for name in ("loss", "gradient", "hessian", "curvature"):
        want = getattr(plain, name)(Y, SCORE, weight)
        got = getattr(loss, name)(Y, SCORE, WEIGHT)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)
    got, want = (
        loss.gradient_curvature(Y, SCORE, WEIGHT),
        plain.gradient_curvature(Y, SCORE, weight),
    )
    np.testing.assert_allclose(got, want, rtol=1e-6)


@QUICK
@given(st.sampled_from(SOFT_LOSSES), tables(min_size=4), st.integers(0, 25), st.integers(0, 25))
def test_sums_of_partitions_add_up_to_the_gradient_of_the_whole(
    loss: SoftLoss, t: Table, first: int, second: int
) -> None:
    cuts = np.split(np.arange(t.y.size), np.sort([first % t.y.size, second % t.y.size]))
    parts = [tuple(None if a is None else a[rows] for a in t) for rows in cuts]
    sums = sum((loss.sums(*part) for part in parts), SoftCounts(0.0, 0.0, 0.0, 0.0))
    whole = loss.gradient_curvature(*t)
    pieces = [loss.gradient_curvature(*part, sums=sums) for part in parts]
    together = [np.concatenate(arrays) for arrays in zip(*pieces, strict=True)]
    np.testing.assert_allclose(together, whole, rtol=1e-5, atol=1e-30)


@all_losses
def test_float64_methods_take_the_sums_of_all_rows_too(loss: SoftLoss) -> None:
    sums = loss.sums(Y[:3], SCORE[:3], WEIGHT[:3]) + loss.sums(Y[3:], SCORE[3:], WEIGHT[3:])
    for name in ("loss", "gradient", "hessian", "curvature"):
        whole = getattr(loss, name)(Y, SCORE, WEIGHT)
        part = getattr(loss, name)(Y[3:], SCORE[3:], WEIGHT[3:], sums=sums)
        np.testing.assert_allclose(part, whole[3:], rtol=1e-12)


@all_losses
def test_the_order_of_the_rows_does_not_matter(loss: SoftLoss) -> None:
    y, score, weight = example(5000)
    order = np.random.default_rng(2).permutation(y.size)
    got = loss.gradient_curvature(y[order], score[order], weight[order])
    want = loss.gradient_curvature(y, score, weight)
    np.testing.assert_allclose(got, np.stack(want)[:, order], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@all_losses
def test_kernel_equals_the_numpy_oracle(loss: SoftLoss, weighted: bool, dtype: type) -> None:
    y, score, weight = example(3000, dtype)
    w = weight if weighted else None
    grad, curv = loss.gradient_curvature(y, score, w)
    np.testing.assert_allclose(grad, loss.gradient(y, score, w), rtol=2e-7)
    want = np.maximum(loss.curvature(y, score, w), TINY)
    np.testing.assert_allclose(curv, want, rtol=2e-7)
    oracle = loss._terms(y, score, w, None)[-1]
    got = loss.sums(y, score, w)
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(got, name) == pytest.approx(getattr(oracle, name), rel=1e-13)


@all_losses
def test_one_and_two_threads_give_the_same_bits(loss: SoftLoss) -> None:
    arrays = example(3 * ROWS_PER_TASK + 17)
    with thread_limit(1):
        one, alone = loss.gradient_curvature(*arrays), loss.sums(*arrays)
    with thread_limit(2):
        two, together = loss.gradient_curvature(*arrays), loss.sums(*arrays)
    np.testing.assert_array_equal(one, two)
    assert alone == together


@QUICK
@given(st.sampled_from(SOFT_LOSSES), tables())
def test_positives_go_up_negatives_down_and_the_curvature_is_positive(
    loss: SoftLoss, t: Table
) -> None:
    grad, curv = loss.gradient_curvature(*t)
    assert (grad[t.y == 1] <= 0).all()
    assert (grad[t.y == 0] >= 0).all()
    assert (curv >= TINY).all()
    assert np.isfinite(curv).all()


@pytest.mark.parametrize(
    ("y", "score"),
    [
        ([1, 0, 0], [0.7, 0.7, 0.7]),
        ([1, 0, 0], [-750.0] * 3),
        ([1, 0, 0], [750.0] * 3),
        ([1, 0, 0], [-1e308, 1e308, 0.0]),
        ([1, 0, 0], [-400.0] * 3),
        ([1, 1, 1], [0.0, 1.0, -1.0]),
        ([0, 0, 0], [0.0, 1.0, -1.0]),
        ([], []),
    ],
    ids=[
        "constant",
        "none flagged",
        "all flagged",
        "largest",
        "far",
        "positive",
        "negative",
        "empty",
    ],
)
@all_losses
def test_degenerate_sets_have_finite_numbers(
    loss: SoftLoss, y: list[int], score: list[float]
) -> None:
    for name in ("loss", "gradient", "hessian", "curvature"):
        assert np.isfinite(getattr(loss, name)(y, score)).all()
    for part in loss.gradient_curvature(y, score):
        assert np.isfinite(part).all()
    assert np.isfinite(loss.score(loss.sums(y, score)))


def test_constant_scores_have_no_correlation_but_a_gradient() -> None:
    y, score = np.array([1, 0, 0, 0]), np.full(4, -1.1)
    assert SoftMCCLoss().score(SoftMCCLoss().sums(y, score)) == pytest.approx(0, abs=1e-15)
    grad = SoftMCCLoss().gradient(y, score)
    assert grad[0] < 0 < grad[1]
    assert grad.sum() == pytest.approx(0, abs=1e-15)


@all_losses
def test_one_class_has_a_score_of_0_or_of_f_beta_and_no_gradient_where_that_is_0_0(
    loss: SoftLoss,
) -> None:
    assert loss.score(loss.sums([0, 0], [1.0, 2.0])) == 0
    np.testing.assert_array_equal(loss.gradient([0, 0], [1.0, 2.0]), 0)
    assert loss.loss([0, 0], [1.0, 2.0]).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_round_with_buffers_allocates_no_array(dtype: type) -> None:
    n = 300_000
    y, score, weight = example(n, dtype)
    out = np.empty(n, np.float32), np.empty(n, np.float32)
    loss = SoftMCCLoss()
    with thread_limit(1):
        assert loss.gradient_curvature(y, score, weight, out=out)[0] is out[0]  # compiles
        peak = least_peak(lambda: loss.gradient_curvature(y, score, weight, out=out))
    assert peak < n / 2  # the smallest array of rows, of booleans, has n bytes


def test_buffers_that_are_not_contiguous_and_strided_arrays() -> None:
    y, score, weight = example(100)
    want = SoftMCCLoss().gradient_curvature(y, score, weight)
    out = np.full((100, 2), np.nan, np.float32)
    wide = np.repeat(score, 2)
    SoftMCCLoss().gradient_curvature(y, wide[::2], weight, out=(out[:, 0], out[:, 1]))
    np.testing.assert_array_equal(out.T, want)


def test_the_link_and_the_start_are_those_of_the_log_loss() -> None:
    soft, log = SoftMCCLoss(7.0), LogisticLoss(7.0)
    assert soft.warm_up == log
    assert log.warm_up is None
    assert soft.init_score(Y) == log.init_score(Y)
    assert soft.raw_score_at(0.2) == log.raw_score_at(0.2)
    np.testing.assert_array_equal(soft.probability(SCORE), log.probability(SCORE))
    np.testing.assert_array_equal(soft.log_odds(SCORE), log.log_odds(SCORE))


@pytest.mark.parametrize("row", [0, ROWS_PER_TASK, ROWS_PER_TASK + 16])
def test_a_bad_row_is_refused_wherever_it_is(row: int) -> None:
    for place, bad, words in ((1, np.nan, "finite"), (0, 2.0, "only 0 and 1"), (2, -1.0, ">= 0")):
        arrays = list(example(ROWS_PER_TASK + 17))
        arrays[place][row] = bad
        for call in (SoftMCCLoss().sums, SoftMCCLoss().gradient_curvature):
            with thread_limit(2), pytest.raises(InvalidDataError, match=words):
                call(*arrays)
        counts = SoftCounts(1.0, 1.0, 1.0, 1.0)
        with pytest.raises(InvalidDataError, match=words):
            SoftMCCLoss().gradient_curvature(*arrays, sums=counts)


def test_sums_and_parameters_are_checked() -> None:
    with pytest.raises(InvalidTypeError, match=r"sums must be what loss\.sums"):
        SoftMCCLoss().gradient_curvature([1, 0], [0.0, 1.0], sums=(1, 1, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(InvalidParameterError, match=r"tp must be a number in \[0, inf\)"):
        SoftCounts(-1.0, 0.0, 0.0, 0.0)
    with pytest.raises(InvalidParameterError, match="beta must be"):
        SoftFBetaLoss(beta=0.0)
    with pytest.raises(InvalidParameterError, match="scale_pos_weight must be"):
        SoftMCCLoss(scale_pos_weight=0.0)
    with pytest.raises(TypeError):
        SoftCounts(1.0, 1.0, 1.0, 1.0) + 1  # type: ignore[operator]


@all_losses
def test_a_loss_is_a_value(loss: SoftLoss) -> None:
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert len({loss, pickle.loads(pickle.dumps(loss))}) == 1
