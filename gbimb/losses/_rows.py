"""Rows as losses take them, for two classes and for many, and what is wrong with bad ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import numpy as np

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.validation import (
    as_float,
    as_float32,
    check_binary_labels,
    check_class_codes,
    check_raw_score,
    check_weight,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array, IntArray

NOT_FINITE: Final = (
    "raw_score must be finite, got NaN or infinity. If this came up while trees were "
    "trained, the scores diverged: lower learning_rate or raise the L2 penalty."
)


class LossRows(NamedTuple):
    """Rows for a compiled loop, which checks their values.

    Attributes
    ----------
    y : float32 array of shape (n,)
    score : float array of shape (n,), or (n, K) for K > 2 classes
    weight : float32 array of shape (n,), or (0,) if there are no weights
    """

    y: Float32Array
    score: NDArray[Any]
    weight: Float32Array


class ExactRows(NamedTuple):
    """Rows for the float64 formulas, checked; ``weight`` is None if there are no weights."""

    y: IntArray
    score: NDArray[Any]
    weight: NDArray[Any] | None


def read_rows(
    y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None, n_outputs: int = 1
) -> LossRows:
    """Return the arrays, without a copy where they are float32 already, or raise by their shape."""
    y = np.asarray(y_true)
    if y.ndim != 1 or y.dtype.kind not in "biuf":
        y = _check_labels(y, n_outputs)  # raises, in the usual words
    score = as_float(raw_score, "raw_score")
    check_score_shape(score, y.size, n_outputs)
    if score.ndim > 1 and not (score.flags.c_contiguous or score.flags.f_contiguous):
        score = np.ascontiguousarray(score)
    if sample_weight is None:
        return LossRows(as_float32(y), score, np.empty(0, np.float32))
    weight = as_float(sample_weight, "sample_weight")
    if weight.shape != y.shape:
        msg = f"sample_weight must have one value a row, shape {y.shape}, got shape {weight.shape}."
        raise InvalidDataError(msg)
    with np.errstate(over="ignore"):  # a weight beyond float32 is refused by the loops
        return LossRows(as_float32(y), score, as_float32(weight))


def read_exact_rows(
    y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None, n_outputs: int = 1
) -> ExactRows:
    """Return the rows with all of their values checked, or raise."""
    y = _check_labels(y_true, n_outputs)
    score = as_float(raw_score, "raw_score")
    check_score_shape(score, y.size, n_outputs)
    if not np.isfinite(score).all():
        raise InvalidDataError(NOT_FINITE)
    return ExactRows(y, score, check_weight(sample_weight, y.size))


def check_score_shape(score: NDArray[Any], n: int, n_outputs: int) -> None:
    """Raise unless there is a raw score a row, or one for each row and class."""
    if n_outputs == 1 and score.shape != (n,):
        check_raw_score(score, n)  # raises
    if n_outputs > 1 and score.shape != (n, n_outputs):
        msg = (
            f"raw_score must have a row a label and a column a class, "
            f"shape ({n}, {n_outputs}), got shape {score.shape}."
        )
        raise InvalidDataError(msg)


def read_buffers(
    out: tuple[Float32Array, Float32Array] | None, score: NDArray[Any]
) -> tuple[Float32Array, Float32Array]:
    """Return the pair of float32 arrays to write into, new ones laid out as ``score``."""
    if out is None:
        return np.empty_like(score, np.float32), np.empty_like(score, np.float32)
    if len(out) != 2:
        msg = f"out must be a pair of arrays, gradient and curvature, got {len(out)}."
        raise InvalidDataError(msg)
    for i, buffer in enumerate(out):
        rule = f"out[{i}] must be a writeable float32 array of shape {score.shape}"
        if not isinstance(buffer, np.ndarray):
            msg = f"{rule}, got {type(buffer).__name__}."
            raise InvalidTypeError(msg)
        if buffer.shape != score.shape or buffer.dtype != np.float32 or not buffer.flags.writeable:
            state = "" if buffer.flags.writeable else "read-only "
            msg = f"{rule}, got {state}{buffer.dtype} of shape {buffer.shape}."
            raise InvalidDataError(msg)
    return out[0], out[1]


def raise_reason(rows: LossRows, n_outputs: int = 1) -> NoReturn:
    """Raise for what made a loop stop: it only counts bad rows, so that good ones cost nothing."""
    y, score, weight = rows
    if not np.isfinite(score).all():
        raise InvalidDataError(NOT_FINITE)
    _check_labels(y, n_outputs)
    if weight.size and weight.any():
        check_weight(weight, y.size)
    remedy = "scale_pos_weight" if n_outputs == 1 else "class_weight"
    msg = (
        "The gradient must fit into float32 (3.4e38), got a larger one. "
        f"Lower {remedy} or sample_weight."
    )
    raise InvalidDataError(msg)


def _check_labels(y: ArrayLike, n_outputs: int) -> IntArray:
    if n_outputs > 1:
        return check_class_codes(y, n_outputs)
    return check_binary_labels(y)
