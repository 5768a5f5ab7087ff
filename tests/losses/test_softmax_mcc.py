"""The soft R_K of many classes: derivatives, sums over partitions, extremes, kernels."""

from __future__ import annotations

import pickle

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from sklearn.metrics import matthews_corrcoef

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.losses import SoftmaxLoss, SoftMCCLoss
from gbimb.losses.experimental import SoftmaxMCCLoss
from gbimb.parallel import ROWS_PER_TASK, thread_limit

TINY = np.finfo(np.float32).tiny
DIGITS = 60
Y = np.array([0, 1, 2, 0, 0, 1])
SCORE = np.array(
    [[1.5, 0, -1], [0.2, 0.1, 2], [-3, 0.5, 1], [-2, 4, 0], [9, 0, -9], [0, 30.0, 0.5]]
)
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0, 0.0, 1.5])
LOSSES = [SoftmaxMCCLoss(3), SoftmaxMCCLoss(3, class_weight=(1.0, 4.0, 0.5))]
all_losses = pytest.mark.parametrize("loss", LOSSES, ids=str)


def example(n: int, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    y = rng.choice(n_classes, n, p=[0.9, 0.06, 0.03, 0.01]).astype(np.float32)
    score = rng.normal(0, 3, (n, n_classes)).astype(np.float32)
    return y, score, rng.exponential(size=n).astype(np.float32)


def total(loss: SoftmaxMCCLoss, score: np.ndarray, weight: np.ndarray) -> mpf:
    """(n^2 - sum t^2) / n (1 - R_K), from the soft confusion matrix (Gorodkin 2004)."""
    k_classes = range(loss.n_classes)
    matrix = [[mpf(0)] * loss.n_classes for _ in k_classes]
    for label, row, w in zip(Y, score, weight, strict=True):
        parts = [mpmath.exp(s if isinstance(s, mpf) else mpf(float(s))) for s in row]
        for k in k_classes:
            matrix[label][k] += float(w) * loss.class_constants[label] * parts[k] / sum(parts)
    truth = [sum(matrix[k]) for k in k_classes]
    predicted = [sum(matrix[i][k] for i in k_classes) for k in k_classes]
    n, trace = sum(truth), sum(matrix[k][k] for k in k_classes)
    spreads = [n**2 - sum(t**2 for t in totals) for totals in (truth, predicted)]
    cover = n * trace - sum(a * b for a, b in zip(truth, predicted, strict=True))
    return spreads[0] / n * (1 - cover / mpmath.sqrt(spreads[0] * spreads[1]))


def derivatives(loss: SoftmaxMCCLoss, weight: np.ndarray, order: int) -> np.ndarray:
    found = np.empty(SCORE.shape)
    with mp.workdps(DIGITS):
        for place in np.ndindex(*SCORE.shape):

            def along(s: mpf, place: tuple[int, ...] = place) -> mpf:
                moved = SCORE.astype(object)
                moved[place] = s
                return total(loss, moved, weight)

            found[place] = float(mpmath.diff(along, mpf(SCORE[place]), order))
    return found


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@all_losses
def test_value_gradient_and_hessian_equal_sixty_digit_arithmetic(
    loss: SoftmaxMCCLoss, weight: np.ndarray | None
) -> None:
    w = np.ones(Y.size) if weight is None else weight
    with mp.workdps(DIGITS):
        value = float(total(loss, SCORE, w))
    assert loss.loss(Y, SCORE, weight).sum() == pytest.approx(value, rel=1e-12)
    slope, bend = derivatives(loss, w, 1), derivatives(loss, w, 2)
    np.testing.assert_allclose(loss.gradient(Y, SCORE, weight), slope, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(loss.hessian(Y, SCORE, weight), bend, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(
        loss.gradient_curvature(Y, SCORE, weight)[0], slope, rtol=1e-6, atol=1e-14
    )


def test_two_classes_are_the_soft_mcc() -> None:
    rng = np.random.default_rng(1)
    y, s = rng.integers(0, 2, 30), rng.normal(size=30)
    pair, many, two = np.column_stack([np.zeros(30), s]), SoftmaxMCCLoss(2), SoftMCCLoss()
    for name in ("gradient", "hessian"):
        got, want = getattr(many, name)(y, pair)[:, 1], getattr(two, name)(y, s)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(many.loss(y, pair), two.loss(y, s), rtol=1e-12)


def test_certain_scores_give_the_r_k_of_decisions() -> None:
    rng = np.random.default_rng(1)
    y, predicted, w = rng.integers(0, 4, 300), rng.integers(0, 4, 300), rng.exponential(size=300)
    predicted[:150] = y[:150]
    loss = SoftmaxMCCLoss(4)
    got = loss.score(loss.sums(y, 750.0 * np.eye(4)[predicted], w))
    assert got == pytest.approx(matthews_corrcoef(y, predicted, sample_weight=w), rel=1e-6)


@all_losses
def test_the_gradient_of_a_row_sums_to_zero(loss: SoftmaxMCCLoss) -> None:
    assert np.abs(loss.gradient(Y, SCORE).sum(axis=1)).max() < 1e-15


@all_losses
def test_sums_of_partitions_add_up_to_the_gradient_of_the_whole(loss: SoftmaxMCCLoss) -> None:
    parts = [slice(0, 2), slice(2, 6)]
    sums = loss.sums(Y[:2], SCORE[:2], WEIGHT[:2]) + loss.sums(Y[2:], SCORE[2:], WEIGHT[2:])
    for name in ("gradient_curvature", "loss", "gradient", "hessian", "curvature"):
        call = getattr(loss, name)
        pieces = [call(Y[p], SCORE[p], WEIGHT[p], sums=sums) for p in parts]
        axis = 1 if name == "gradient_curvature" else 0
        whole = call(Y, SCORE, WEIGHT)
        got = np.concatenate([np.asarray(piece) for piece in pieces], axis=axis)
        np.testing.assert_allclose(got, np.asarray(whole), rtol=1e-5, atol=1e-20)


def test_a_weight_of_k_is_k_copies() -> None:
    copies = np.array([1, 2, 3, 1, 4, 2])
    y, score = np.repeat(Y, copies), np.repeat(SCORE, copies, axis=0)
    first = np.concatenate([[0], np.cumsum(copies)[:-1]])
    want = copies[:, None] * SoftmaxMCCLoss(3).gradient(y, score)[first]
    got = SoftmaxMCCLoss(3).gradient(Y, SCORE, copies)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-18)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_equals_the_numpy_oracle(weighted: bool, dtype: type, order: str) -> None:
    y, score, weight = example(3000)
    score = np.asarray(score, dtype=dtype, order=order)  # type: ignore[call-overload]
    loss = SoftmaxMCCLoss(4, class_weight=(1.0, 2.0, 3.0, 4.0))
    w = weight if weighted else None
    grad, curv = loss.gradient_curvature(y, score, w)
    want = loss.gradient(y, score, w)
    np.testing.assert_allclose(grad, want, rtol=3e-7, atol=1e-15)
    np.testing.assert_allclose(curv, loss.curvature(y, score, w), rtol=3e-7, atol=1e-15)
    assert (curv >= TINY).all()


def test_one_and_two_threads_give_the_same_bits() -> None:
    arrays = example(2 * ROWS_PER_TASK + 17)
    with thread_limit(1):
        one = SoftmaxMCCLoss(4).gradient_curvature(*arrays)
    with thread_limit(2):
        two = SoftmaxMCCLoss(4).gradient_curvature(*arrays)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("y", "score"),
    [
        ([0, 1, 2], np.zeros((3, 3))),
        ([0, 1, 2], 750.0 * np.eye(3)),
        ([0, 1, 2], np.tile([750.0, -750.0, -750.0], (3, 1))),
        ([0, 1, 2], np.tile([1e308, -1e308, 0.0], (3, 1))),
        ([1, 1, 1], np.eye(3)),
        ([], np.zeros((0, 3))),
    ],
    ids=["constant", "right", "one predicted", "largest", "one class", "empty"],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in subtract")  # SciPy's softmax, harmless
def test_degenerate_sets_have_finite_numbers(y: list[int], score: np.ndarray) -> None:
    loss = SoftmaxMCCLoss(3)
    for name in ("loss", "gradient", "hessian", "curvature"):
        assert np.isfinite(getattr(loss, name)(y, score)).all(), name
    for part in loss.gradient_curvature(y, score):
        assert np.isfinite(part).all()
    assert np.isfinite(loss.score(loss.sums(y, score)))


def test_bad_rows_and_sums_are_refused() -> None:
    loss = SoftmaxMCCLoss(4)
    for place, bad, words in ((1, np.nan, "finite"), (0, 7.0, "from 0 to 3"), (2, -1.0, ">= 0")):
        arrays = list(example(50))
        arrays[place][9] = bad
        for call in (loss.sums, loss.gradient_curvature):
            with pytest.raises(InvalidDataError, match=words):
                call(*arrays)
    with pytest.raises(InvalidTypeError, match="sums must be what"):
        loss.gradient_curvature(*example(5), sums=3)  # type: ignore[arg-type]


@all_losses
def test_the_link_the_start_and_the_value(loss: SoftmaxMCCLoss) -> None:
    log = SoftmaxLoss(3, loss.class_weight)
    assert loss.warm_up == log
    assert log.warm_up is None
    np.testing.assert_array_equal(loss.init_score(Y), log.init_score(Y))
    np.testing.assert_array_equal(loss.probability(SCORE), log.probability(SCORE))
    assert pickle.loads(pickle.dumps(loss)) == loss
