"""Losses as values, and what they say about input that cannot be right."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import BINARY_LOSSES, FocalLoss, LogisticLoss, MarginLoss, SoftmaxLoss
from gbimb.losses._rows import LossRows
from tests.helpers.derivatives import ALL_LOSSES

METHODS = ("loss", "gradient", "hessian", "curvature", "gradient_curvature")
LOSSES = [LogisticLoss(), FocalLoss(), FocalLoss(0.5, 0.25, 10.0)]
each_method = pytest.mark.parametrize("method", METHODS)
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_a_loss_is_a_value(loss: MarginLoss) -> None:
    same = type(loss)(**{f.name: getattr(loss, f.name) for f in fields(loss)})
    for other in (same, copy.copy(loss), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert other == loss
        assert hash(other) == hash(loss)
    assert eval(repr(loss), {type(loss).__name__: type(loss)}) == loss
    assert loss.n_outputs == 1


def test_losses_differ_by_class_and_by_every_parameter() -> None:
    assert len(set(ALL_LOSSES)) == len(ALL_LOSSES)
    assert FocalLoss(gamma=0) != LogisticLoss()
    assert FocalLoss(gamma=2) == FocalLoss(gamma=2.0)


@each_loss
def test_a_loss_cannot_be_changed(loss: MarginLoss) -> None:
    with pytest.raises(FrozenInstanceError):
        loss.scale_pos_weight = 2.0  # type: ignore[attr-defined]


def test_repr_names_every_parameter() -> None:
    assert repr(FocalLoss()) == "FocalLoss(gamma=2.0, alpha=None, scale_pos_weight=1.0)"
    assert repr(LogisticLoss(3.0)) == "LogisticLoss(scale_pos_weight=3.0)"


@pytest.mark.parametrize(
    ("name", "allowed", "value"),
    [
        *(("gamma", "[0, 100]", v) for v in (-1e-9, 100.1, np.nan, np.inf, -np.inf, 10**400)),
        *(("alpha", "(0, 1)", v) for v in (0, 1, 0.0, 1.0, -0.1, 1.5, np.nan, np.inf)),
        *(("scale_pos_weight", "(0, inf)", v) for v in (0, -1.0, np.nan, np.inf, -(10**400))),
        ("gamma", "[0, 100]", np.float64("nan")),
        ("gamma", "[0, 100]", np.float32("nan")),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_name_its_value_and_the_range(
    name: str, allowed: str, value: float
) -> None:
    classes = [c for c in BINARY_LOSSES.values() if name in {f.name for f in fields(c)}]
    for loss_class in classes:
        with pytest.raises(InvalidParameterError) as caught:
            loss_class(**{name: value})
        assert str(caught.value) == f"{name} must be a number in {allowed}, got {value!r}."


@pytest.mark.parametrize("value", ["2", None, [2.0], np.array([2.0]), True, 2j, Decimal(2)])
@pytest.mark.parametrize("name", ["gamma", "scale_pos_weight"])
def test_a_parameter_that_is_no_number_is_refused_with_its_type(name: str, value: object) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        FocalLoss(**{name: value})
    want = f", got {value!r} ({type(value).__name__})."
    assert str(caught.value).startswith(f"{name} must be a number in ")
    assert str(caught.value).endswith(want)


def test_numbers_of_any_kind_are_accepted() -> None:
    for gamma in (2, np.float32(2), np.int64(2), Fraction(2)):
        loss = FocalLoss(gamma)  # type: ignore[arg-type]
        assert loss == FocalLoss(2.0)
        np.testing.assert_array_equal(
            loss.gradient_curvature([1, 0], [0.5, 0.5]),
            FocalLoss(2.0).gradient_curvature([1, 0], [0.5, 0.5]),
        )
        assert loss.probability(0.3) == FocalLoss(2.0).probability(0.3)


@each_method
@each_loss
def test_a_nan_or_infinite_score_is_refused(loss: MarginLoss, method: str) -> None:
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(InvalidDataError, match=r"raw_score must (be finite|not contain NaN)"):
            getattr(loss, method)([1, 0, 1], [0.0, bad, 1.0])


@each_method
@each_loss
@pytest.mark.parametrize("bad", [2, -1, 0.5, np.nan, np.inf])
def test_an_unknown_label_is_refused(loss: MarginLoss, method: str, bad: float) -> None:
    words = rf"y_true must hold only 0 and 1 here, got {bad}(\.0)?\.$"
    with pytest.raises(InvalidDataError, match=words):
        getattr(loss, method)([1, bad, 0], [0.0, 1.0, 2.0])


@each_method
@each_loss
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (-1.0, "sample_weight must be >= 0, got -1."),
        (np.nan, "sample_weight must be finite, got NaN or infinity."),
        (np.inf, "sample_weight must be finite, got NaN or infinity."),
        (-np.inf, "sample_weight must be finite, got NaN or infinity."),
    ],
)
def test_a_wrong_weight_is_refused(loss: MarginLoss, method: str, bad: float, words: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        getattr(loss, method)([1, 0, 1], [0.0, 1.0, 2.0], [1.0, bad, 1.0])
    assert str(caught.value) == words


@each_method
@each_loss
def test_shapes_that_differ_are_refused(loss: MarginLoss, method: str) -> None:
    call = getattr(loss, method)
    y, score = np.array([1, 0]), np.array([0.1, 0.2])
    for bad in (score[:1], score[:, None], score[None], np.float64(1)):
        with pytest.raises(InvalidDataError, match=r"raw_score must have one value a row.*\(2,\)"):
            call(y, bad)
    for bad in (y[:1], y[:0], y[:, None]):
        with pytest.raises(InvalidDataError, match="sample_weight must have one value a row"):
            call(y, score, bad)
    for bad in (y[:, None], y[None], np.int64(1)):
        with pytest.raises(InvalidDataError, match="y_true must be one-dimensional"):
            call(bad, score)


@each_method
@each_loss
def test_text_and_complex_numbers_are_refused(loss: MarginLoss, method: str) -> None:
    call = getattr(loss, method)
    with pytest.raises(InvalidTypeError, match="y_true must hold the numbers 0 and 1"):
        call(["no", "yes"], [0.0, 1.0])
    for bad in (["a", "b"], [1j, 0]):
        with pytest.raises(InvalidTypeError, match="raw_score must hold numbers, got dtype"):
            call([0, 1], bad)
        with pytest.raises(InvalidTypeError, match="sample_weight must hold numbers, got dtype"):
            call([0, 1], [0.0, 1.0], bad)


@each_loss
def test_weights_that_are_all_zero_are_refused(loss: MarginLoss) -> None:
    for call in (
        lambda: loss.loss([1, 0], [0.0, 0.0], [0, 0]),
        lambda: loss.init_score([1, 0], [0, 0]),
    ):
        with pytest.raises(InvalidDataError, match="sample_weight must not be all zero"):
            call()


@each_loss
def test_a_partition_without_weight_still_has_gradients(loss: MarginLoss) -> None:
    grad, curv = loss.gradient_curvature([1, 0], [0.0, 0.0], [0, 0])
    np.testing.assert_array_equal(grad, 0)
    assert (curv > 0).all()


def test_a_gradient_beyond_float32_is_refused() -> None:
    for loss in (FocalLoss(scale_pos_weight=1e300), LogisticLoss(1e300)):
        with pytest.raises(InvalidDataError, match="The gradient must fit into float32"):
            loss.gradient_curvature([1, 0], [-1.0, 1.0])
    with pytest.raises(InvalidDataError, match="The gradient must fit into float32"):
        SoftmaxLoss(3, class_weight=(1e39, 1.0, 1.0)).gradient_curvature([0], [[0.1, 0.2, 0.3]])
    with pytest.raises(InvalidDataError, match="sample_weight must be finite"):
        FocalLoss().gradient_curvature([1, 0], [-1.0, 1.0], [1e300, 1.0])


def test_the_numpy_form_without_a_kernel_refuses_bad_rows_too() -> None:
    loss, out = FocalLoss(), tuple(np.empty(2, np.float32) for _ in range(2))
    y, score = np.array([1, 0], np.float32), np.array([0.1, 0.2])
    nothing = np.empty(0, np.float32)

    def fill(y: np.ndarray, score: np.ndarray, weight: np.ndarray = nothing) -> bool:
        return MarginLoss._fill(loss, LossRows(y.astype(np.float32), score, weight), *out)

    assert fill(y, score)
    assert not fill(y, np.array([np.nan, 0.0]))
    assert not fill(np.array([2.0, 0.0]), score)
    assert not fill(np.array([np.nan, 0.0]), score)
    assert not fill(np.array([0.5, 0.0]), score)
    for bad in (-1.0, np.nan, np.inf):
        assert not fill(y, score, np.array([bad, 1.0], np.float32))


@each_loss
@pytest.mark.parametrize("present", [0, 1])
def test_one_class_has_no_start(loss: MarginLoss, present: int) -> None:
    words = "y_true must hold both classes, got"
    with pytest.raises(InvalidDataError, match=words):
        loss.init_score(np.full(5, present))
    with pytest.raises(InvalidDataError, match=words):
        loss.init_score([0, 1], [1 - present, present])
    with pytest.raises(InvalidDataError, match=words):
        loss.init_score([])


@each_loss
@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_raw_score_at_refuses_what_is_no_probability(loss: MarginLoss, bad: float) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        loss.raw_score_at(bad)
    assert str(caught.value) == f"probability must be a number in [0, 1], got {bad!r}."


@each_loss
def test_probability_of_nan_is_refused(loss: MarginLoss) -> None:
    with pytest.raises(InvalidDataError, match="raw_score must not contain NaN"):
        loss.probability([0.0, np.nan])


@each_loss
def test_buffers_that_do_not_fit_are_refused(loss: MarginLoss) -> None:
    good = np.empty(2, np.float32)
    locked = np.empty(2, np.float32)
    locked.flags.writeable = False
    rule = r"out\[1\] must be a writeable float32 array of shape \(2,\), got "
    for bad, got in (
        (np.empty(2), r"float64 of shape \(2,\)"),
        (np.empty(3, np.float32), r"float32 of shape \(3,\)"),
        (np.empty((2, 1), np.float32), r"float32 of shape \(2, 1\)"),
        (locked, r"read-only float32 of shape \(2,\)"),
    ):
        with pytest.raises(InvalidDataError, match=rule + got):
            loss.gradient_curvature([1, 0], [0.0, 0.0], out=(good, bad))
    with pytest.raises(InvalidTypeError, match=rule + "list"):
        loss.gradient_curvature([1, 0], [0.0, 0.0], out=(good, [0.0, 0.0]))  # type: ignore[arg-type]
    with pytest.raises(InvalidDataError, match="out must be a pair of arrays"):
        loss.gradient_curvature([1, 0], [0.0, 0.0], out=(good,))  # type: ignore[arg-type]


def test_every_refusal_is_a_gbimb_error_and_a_value_or_type_error() -> None:
    assert issubclass(InvalidDataError, ValueError)
    assert issubclass(InvalidParameterError, ValueError)
    assert issubclass(InvalidTypeError, TypeError)
    for error in (InvalidDataError, InvalidParameterError, InvalidTypeError):
        assert issubclass(error, GbimbError)
