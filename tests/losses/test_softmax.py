"""Softmax losses against 60-digit arithmetic, differences, the binary losses and themselves."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.optimize import minimize
from scipy.special import softmax

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import FocalLoss
from gbimb.losses._softmax import SoftmaxFocalLoss, SoftmaxLoss
from gbimb.parallel import ROWS_PER_TASK, thread_limit
from tests.helpers.derivatives import DIGITS, central_difference

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
SIZES = (3, 14)
TINY = np.finfo(np.float32).tiny
NORMAL = np.finfo(np.float64).tiny / np.finfo(np.float64).eps


def make(gamma: float, n_classes: int, *, weighted: bool) -> SoftmaxFocalLoss:
    weights = tuple(0.5 + 0.75 * k for k in range(n_classes)) if weighted else None
    return SoftmaxFocalLoss(n_classes, gamma, weights)


def example(n: int, n_classes: int, scale: float = 3.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(3)
    y = rng.integers(0, n_classes, n)
    return y, rng.normal(0, scale, (n, n_classes)), rng.uniform(0.1, 3, n)


def spread(n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows from even to certain, right and wrong."""
    rng = np.random.default_rng(5)
    scales = np.repeat([0.0, 0.3, 2.0, 8.0, 30.0, 200.0], 4)
    raw = rng.normal(0, 1, (scales.size, n_classes)) * scales[:, None]
    y = np.where(np.arange(scales.size) % 2 == 0, raw.argmax(axis=1), raw.argmin(axis=1))
    return y, raw, np.linspace(0, 3, scales.size)


def exact_gradient(loss: SoftmaxFocalLoss, y: int, z: list[Any]) -> list[mpf]:
    """The chain rule from l(p) = -(1 - p)^gamma log p, term by term."""
    top = max(z)
    shares = [mpmath.exp(v - top) for v in z]
    total = sum(shares)
    p = [s / total for s in shares]
    other = sum(s for k, s in enumerate(shares) if k != y) / total
    g = mpf(loss.gamma)
    slope = -(other**g) / p[y]
    if g:
        slope += g * other ** (g - 1) * mpmath.log(p[y])
    c = mpf(float(loss.class_constants[y]))
    return [c * slope * p[y] * ((k == y) - p[k]) for k in range(len(z))]


def exact_value(loss: SoftmaxFocalLoss, y: int, z: list[Any]) -> mpf:
    top = max(z)
    total = sum(mpmath.exp(v - top) for v in z)
    other = sum(mpmath.exp(v - top) for k, v in enumerate(z) if k != y) / total
    c = mpf(float(loss.class_constants[y]))
    return c * other ** mpf(loss.gamma) * (mpmath.log(total) - (z[y] - top))


def assert_close(got: np.ndarray, want: np.ndarray, size: np.ndarray | None = None) -> None:
    size = np.abs(want) if size is None else size
    assert got.dtype == np.float64
    assert (np.abs(got - want) <= 1e-10 * size + NORMAL).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", SIZES)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_value_and_gradient_equal_sixty_digit_arithmetic(
    gamma: float, n_classes: int, weighted: bool
) -> None:
    loss = make(gamma, n_classes, weighted=weighted)
    y, raw, weight = spread(n_classes)
    w = weight if weighted else np.ones(y.size)
    with mp.workdps(DIGITS + 600):  # the shares of a certain row need digits too
        rows = [[mpf(float(v)) for v in row] for row in raw]
        value = [float(exact_value(loss, int(a), z)) for a, z in zip(y, rows, strict=True)]
        slope = [
            [float(v) for v in exact_gradient(loss, int(a), z)]
            for a, z in zip(y, rows, strict=True)
        ]
    given = weight if weighted else None
    assert_close(loss.loss(y, raw, given), w * np.array(value))
    assert_close(loss.gradient(y, raw, given), w[:, None] * np.array(slope))


@pytest.mark.parametrize("gamma", [*GAMMAS, 0.1])
def test_hessian_equals_sixty_digit_arithmetic(gamma: float) -> None:
    loss = make(gamma, 3, weighted=True)
    y, raw, _ = spread(3)
    want = np.empty(raw.shape)
    with mp.workdps(DIGITS + 600):
        step = mpf(10) ** -200
        for i, (label, row) in enumerate(zip(y, raw, strict=True)):
            for k in range(3):
                up, down = ([mpf(float(v)) for v in row] for _ in range(2))
                up[k] += step
                down[k] -= step
                above, below = (exact_gradient(loss, int(label), z)[k] for z in (up, down))
                want[i, k] = float((above - below) / (2 * step))
    size = (3 + gamma) * np.abs(loss.gradient(y, raw)) + np.abs(want)
    assert_close(loss.hessian(y, raw), want, size)


@pytest.mark.parametrize("n_classes", SIZES)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_derivatives_are_difference_quotients(gamma: float, n_classes: int) -> None:
    loss = make(gamma, n_classes, weighted=True)
    y, raw, weight = example(20, n_classes)
    gradient, hessian = loss.gradient(y, raw, weight), loss.hessian(y, raw, weight)
    size = 1 + loss.loss(y, raw, weight)
    for k in range(n_classes):

        def moved(x: np.ndarray, k: int = k) -> np.ndarray:
            z = raw.copy()
            z[:, k] = x
            return z

        first = central_difference(lambda x: loss.loss(y, moved(x), weight), raw[:, k])
        second = central_difference(
            lambda x, k=k: loss.gradient(y, moved(x), weight)[:, k], raw[:, k]
        )
        assert (np.abs(gradient[:, k] - first) <= 1e-10 * size).all()
        assert (np.abs(hessian[:, k] - second) <= 1e-10 * size).all()


@pytest.mark.parametrize("n_classes", [2, *SIZES])
@pytest.mark.parametrize("gamma", [*GAMMAS, 0.01, 100.0])
def test_gradients_of_a_row_sum_to_zero(gamma: float, n_classes: int) -> None:
    y, raw, weight = example(100, n_classes)
    gradient = make(gamma, n_classes, weighted=True).gradient(y, raw, weight)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-14 * np.abs(gradient).max())


@pytest.mark.parametrize("gamma", GAMMAS)
def test_two_classes_are_the_binary_focal_loss_of_the_difference(gamma: float) -> None:
    y, raw, weight = example(200, 2, 6.0)
    binary = FocalLoss(gamma, scale_pos_weight=7.0)
    loss, margin = SoftmaxFocalLoss(2, gamma, (1.0, 7.0)), raw[:, 1] - raw[:, 0]
    for name in ("loss", "gradient", "hessian"):
        got = getattr(loss, name)(y, raw, weight)
        got = got if got.ndim == 1 else got[:, 1]
        np.testing.assert_allclose(got, getattr(binary, name)(y, margin, weight), rtol=1e-9)
    np.testing.assert_allclose(
        loss.curvature(y, raw)[:, 1], 2 * binary.curvature(y, margin), rtol=1e-12
    )
    np.testing.assert_allclose(loss.probability(raw)[:, 1], binary.probability(margin), rtol=1e-12)
    low, high = loss.init_score(y, weight)
    assert high - low == pytest.approx(binary.init_score(y, weight), abs=1e-10)


@pytest.mark.parametrize("n_classes", SIZES)
def test_gamma_zero_is_the_log_loss_with_an_exact_curvature(n_classes: int) -> None:
    y, raw, weight = example(50, n_classes)
    focal, plain = SoftmaxFocalLoss(n_classes, 0.0), SoftmaxLoss(n_classes)
    for name in ("loss", "gradient", "hessian"):
        np.testing.assert_array_equal(
            getattr(focal, name)(y, raw, weight), getattr(plain, name)(y, raw, weight)
        )
    np.testing.assert_allclose(2 * plain.hessian(y, raw), plain.curvature(y, raw), rtol=1e-12)
    np.testing.assert_allclose(plain.probability(raw), softmax(raw, axis=1), rtol=1e-12)
    counts = np.bincount(y, minlength=n_classes)
    start = plain.init_score(y)
    np.testing.assert_allclose(start, np.log(counts) - np.log(counts).mean(), atol=1e-11)


def test_doubled_curvature_bounds_the_whole_matrix() -> None:
    p = softmax(np.random.default_rng(0).normal(0, 3, (200, 6)), axis=1)
    bound = [np.linalg.eigvalsh(2 * np.diag(v * (1 - v)) - np.diag(v) + np.outer(v, v)) for v in p]
    assert np.min(bound) > -1e-15
    without = [
        np.linalg.eigvalsh(1.2 * np.diag(v * (1 - v)) - np.diag(v) + np.outer(v, v)) for v in p
    ]
    assert np.min(without) < -0.1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [*GAMMAS, 0.01, 100.0])
def test_kernel_equals_the_numpy_oracle_in_both_orders(
    gamma: float, dtype: type, order: str, weighted: bool
) -> None:
    y, raw, weight = spread(5)
    loss = make(gamma, 5, weighted=weighted)
    raw = np.asarray(raw, dtype=dtype, order=order)
    w = np.float32(weight) if weighted else None
    want = loss.gradient(y, raw, w), np.maximum(loss.curvature(y, raw, w), TINY)
    for got, oracle in zip(loss.gradient_curvature(y, raw, w), want, strict=True):
        assert got.dtype == np.float32
        assert got.flags[f"{order}_CONTIGUOUS"]
        np.testing.assert_allclose(got, oracle, rtol=2e-7, atol=1e-44)
    buffers = [np.full(raw.shape, np.nan, np.float32, order=order) for _ in range(2)]
    out = loss.gradient_curvature(y, raw, w, out=(buffers[0], buffers[1]))
    assert out[0] is buffers[0]
    assert out[1] is buffers[1]
    np.testing.assert_array_equal(out, loss.gradient_curvature(y, raw, w))
    np.testing.assert_array_equal(loss.probability(raw), loss.probability(np.array(raw, order="C")))


def test_buffers_may_have_the_other_order_and_scores_may_be_strided() -> None:
    y, raw, weight = example(60, 4)
    loss = SoftmaxFocalLoss(4)
    want = loss.gradient_curvature(y, raw, weight)
    out = tuple(np.empty(raw.shape, np.float32, order="F") for _ in range(2))
    loss.gradient_curvature(y, raw, weight, out=out)
    np.testing.assert_array_equal(out, want)
    wide = np.repeat(np.repeat(raw, 2, axis=0), 2, axis=1)[::2, ::2]
    wide.flags.writeable = False
    np.testing.assert_array_equal(loss.gradient_curvature(y, wide, weight), want)
    np.testing.assert_array_equal(loss.probability(wide), loss.probability(raw))


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_change_nothing(n_threads: int) -> None:
    n = 2 * ROWS_PER_TASK + 11
    rng = np.random.default_rng(0)
    y, raw = rng.integers(0, 3, n), rng.normal(size=(n, 3)).astype(np.float32)
    loss = SoftmaxFocalLoss(3)
    with thread_limit(n_threads):
        grad, curv = loss.gradient_curvature(y, raw)
        proba = loss.probability(raw)
    last = slice(-50, None)
    np.testing.assert_array_equal(grad[last], loss.gradient_curvature(y[last], raw[last])[0])
    np.testing.assert_array_equal(curv[last], loss.gradient_curvature(y[last], raw[last])[1])
    np.testing.assert_array_equal(proba[last], loss.probability(raw[last]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, *SIZES])
@pytest.mark.parametrize("gamma", [*GAMMAS, 0.01, 100.0])
def test_everything_is_finite_up_to_750_without_a_warning(
    gamma: float, n_classes: int, dtype: type
) -> None:
    rng = np.random.default_rng(1)
    raw = rng.choice([-750.0, -40.0, -1e-300, 0.0, 1.0, 88.8, 400.0, 750.0], (300, n_classes))
    raw, y = raw.astype(dtype), rng.integers(0, n_classes, 300)
    loss = make(gamma, n_classes, weighted=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (loss.loss, loss.gradient, loss.hessian, loss.curvature):
            assert np.isfinite(function(y, raw)).all()
        grad, curv = loss.gradient_curvature(y, raw)
        proba = loss.probability(raw)
    assert np.isfinite(grad).all()
    assert (curv >= TINY).all()
    assert np.isfinite(curv).all()
    assert ((proba >= 0) & (proba <= 1)).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)


def test_infinite_and_the_largest_scores_are_certain() -> None:
    loss = SoftmaxFocalLoss(3, 0.5)
    for large in (np.inf, 1e308):
        np.testing.assert_array_equal(loss.probability([[-large, large, 0.0]]), [[0, 1, 0]])
    raw = np.array([[-1e308, 1e308, 0.0]])
    np.testing.assert_array_equal(loss.gradient([1], raw), 0)
    np.testing.assert_array_equal(loss.gradient_curvature([1], raw)[0], 0)
    np.testing.assert_allclose(loss.gradient([0], raw), [[-1, 1, 0]])
    np.testing.assert_allclose(loss.gradient_curvature([0], raw)[0], [[-1, 1, 0]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma", [*GAMMAS, 0.01, 100.0])
@pytest.mark.parametrize("counts", [(900, 90, 9, 1), (5, 5, 5), (3, 10**5, 1), (1, 1)], ids=str)
def test_start_minimises_the_loss_and_its_probability_is_the_prevalence(
    counts: tuple[int, ...], gamma: float, weighted: bool
) -> None:
    loss, n_classes = make(gamma, len(counts), weighted=weighted), len(counts)
    y, weight = np.arange(n_classes), np.array(counts, float)
    start = loss.init_score(y, weight)
    assert start.shape == (n_classes,)
    assert start.mean() == pytest.approx(0, abs=1e-12)
    share = weight / weight.sum()
    np.testing.assert_allclose(loss.probability([start])[0], share, rtol=1e-8)
    raw = np.tile(start, (n_classes, 1))
    slope = loss.gradient(y, raw, weight)
    np.testing.assert_allclose(slope.sum(axis=0), 0, atol=1e-9 * np.abs(slope).max())
    lowest = loss.loss(y, raw, weight).sum()
    rng = np.random.default_rng(0)
    for step in (1e-3, 0.1, 1.0):
        moved = start + step * rng.normal(size=n_classes)
        assert loss.loss(y, np.tile(moved, (n_classes, 1)), weight).sum() >= lowest * (1 - 1e-13)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_link_undoes_what_minimising_the_expected_loss_does(gamma: float) -> None:
    loss = SoftmaxFocalLoss(4, gamma, (1.0, 3.0, 0.5, 20.0))
    eta = np.array([0.7, 0.2, 0.08, 0.02])
    y = np.arange(4)

    def expected(raw: np.ndarray) -> tuple[float, np.ndarray]:
        rows = np.tile(raw, (4, 1))
        return float(loss.loss(y, rows, eta).sum()), loss.gradient(y, rows, eta).sum(axis=0)

    raw = minimize(lambda z: expected(z)[0], np.zeros(4), jac=lambda z: expected(z)[1], tol=1e-13).x
    np.testing.assert_allclose(loss.probability([raw])[0], eta, atol=1e-5)

    p, c, g = softmax(raw), loss.class_constants, gamma
    slope = (1 - p) ** g / p - (g * (1 - p) ** (g - 1) * np.log(p) if g else 0)
    wrong = {
        "softmax": p,
        "softmax over the class weights": p / c,
        "the link without the class weights": 1 / slope,
        "class weights the wrong way round": c / slope,
        "without the (1 - p)^(g - 1) term": p / (c * (1 - p) ** g),
    }
    if gamma == 0:  # then these are the right one
        del wrong["softmax over the class weights"], wrong["without the (1 - p)^(g - 1) term"]
    for name, value in wrong.items():
        assert np.abs(value / value.sum() - eta).max() > 2e-3, name


def test_peers_per_class_sigmoid_formula_is_another_gradient() -> None:
    y, raw, _ = example(50, 3)
    p = softmax(raw, axis=1)
    t = np.eye(3)[y]
    pt = np.where(t == 1, p, 1 - p)
    peer = (1 - 2 * t) * -((1 - pt) ** 2) * (2 * pt * np.log(pt) + pt - 1)
    assert np.abs(peer - SoftmaxFocalLoss(3).gradient(y, raw)).max() > 0.1
    assert np.abs(peer.sum(axis=1)).max() > 0.1


def test_losses_are_values() -> None:
    loss = SoftmaxFocalLoss(3, 2.0, (1, 2, 3))
    assert loss == SoftmaxFocalLoss(3, 2.0, np.array([1.0, 2.0, 3.0]))  # type: ignore[arg-type]
    assert hash(loss) == hash(pickle.loads(pickle.dumps(loss)))
    assert loss.class_weight == (1.0, 2.0, 3.0)
    assert (loss.n_outputs, SoftmaxLoss(14).n_outputs) == (3, 14)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((1,), InvalidParameterError, "n_classes must be an integer"),
        ((2.5,), InvalidTypeError, "n_classes must be an integer"),
        ((3, -1.0), InvalidParameterError, "gamma must be a number"),
        ((3, 2.0, (1.0, 2.0)), InvalidParameterError, "3 numbers, one a class, got 2"),
        ((3, 2.0, (1.0, 2.0, 0.0)), InvalidParameterError, r"class_weight\[2\]"),
        ((3, 2.0, "balanced"), InvalidTypeError, "got 'balanced'"),
    ],
)
def test_wrong_parameters_are_refused(
    arguments: tuple[Any, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        SoftmaxFocalLoss(*arguments)


def test_wrong_data_are_refused_by_kernel_and_formulas_alike() -> None:
    loss = SoftmaxFocalLoss(3, 2.0, (10.0, 10.0, 10.0))
    y, raw, weight = example(5, 3)
    nan, below = raw.copy(), weight.copy()
    nan[2, 1], below[1] = np.nan, -1.0
    for method in (loss.gradient, loss.gradient_curvature):
        with pytest.raises(InvalidDataError, match="finite"):
            method(y, nan)
        with pytest.raises(InvalidDataError, match="whole numbers from 0 to 2"):
            method([0, 1, 2, 3, 0], raw)
        with pytest.raises(InvalidDataError, match="whole numbers from 0 to 2"):
            method([0, 1, 2, 0.5, 0], raw)
        with pytest.raises(InvalidDataError, match=r"shape \(5, 3\)"):
            method(y, raw[:, :2])
        with pytest.raises(InvalidDataError, match=">= 0"):
            method(y, raw, below)
        with pytest.raises(InvalidDataError, match="one value a row"):
            method(y, raw, weight[:3])
        with pytest.raises(InvalidTypeError, match="class codes"):
            method(list("abcab"), raw)
    with pytest.raises(InvalidDataError, match="float32"):
        loss.gradient_curvature(y, raw, np.full(5, 3e38))
    with pytest.raises(InvalidDataError, match="NaN"):
        loss.probability(nan)
    with pytest.raises(InvalidDataError, match=r"no row with weight of \[1\]"):
        loss.init_score([0, 1, 2], [1, 0, 1])
    with pytest.raises(InvalidDataError, match="writeable float32 array of shape"):
        loss.gradient_curvature(y, raw, out=(np.empty((5, 3)), np.empty((5, 3))))  # type: ignore[arg-type]


def test_no_rows_give_no_rows() -> None:
    loss = SoftmaxLoss(3)
    assert loss.probability(np.empty((0, 3))).shape == (0, 3)
    assert loss.gradient_curvature([], np.empty((0, 3)))[0].shape == (0, 3)
