"""Rows as the compiled loops take them, and what is wrong with rows that they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import numpy as np

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.validation import as_float, as_float32, check_binary_labels, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array

NOT_FINITE: Final = (
    "raw_score must be finite, got NaN or infinity. If this came up while trees were "
    "trained, the scores diverged: lower learning_rate or raise the L2 penalty."
)


class Rows(NamedTuple):
    """Labels, scores and weights of shape (n,); weights of shape (0,) if there are none."""

    y: Float32Array
    score: NDArray[Any]
    weight: Float32Array


def read_rows(y_true: ArrayLike, raw_score: ArrayLike, sample_weight: ArrayLike | None) -> Rows:
    """Return the arrays, without a copy where they are float32 already, or raise by their shape."""
    y = _labels_as_float32(y_true)
    score = as_float(raw_score, "raw_score")
    weight = (
        np.empty(0, np.float32)
        if sample_weight is None
        else as_float(sample_weight, "sample_weight")
    )
    _check_shapes(y, score, weight, weighted=sample_weight is not None)
    with np.errstate(over="ignore"):  # a weight beyond float32 is refused by the loops
        return Rows(y, score, as_float32(weight))


def _labels_as_float32(y_true: ArrayLike) -> Float32Array:
    y = np.asarray(y_true)
    if y.ndim != 1 or y.dtype.kind not in "biuf":
        y = check_binary_labels(y)  # raises, in the usual words
    return as_float32(y)


def read_buffers(
    out: tuple[Float32Array, Float32Array] | None, n: int
) -> tuple[Float32Array, Float32Array]:
    """Return the pair of float32 arrays of shape (n,) to write into, new ones by default."""
    if out is None:
        return np.empty(n, np.float32), np.empty(n, np.float32)
    if len(out) != 2:
        msg = f"out must be a pair of arrays, gradient and curvature, got {len(out)}."
        raise InvalidDataError(msg)
    for i, buffer in enumerate(out):
        rule = f"out[{i}] must be a writeable float32 array of shape ({n},)"
        if not isinstance(buffer, np.ndarray):
            msg = f"{rule}, got {type(buffer).__name__}."
            raise InvalidTypeError(msg)
        if buffer.shape != (n,) or buffer.dtype != np.float32 or not buffer.flags.writeable:
            state = "" if buffer.flags.writeable else "read-only "
            msg = f"{rule}, got {state}{buffer.dtype} of shape {buffer.shape}."
            raise InvalidDataError(msg)
    return out[0], out[1]


def _check_shapes(
    y: Float32Array, score: NDArray[Any], weight: NDArray[Any], *, weighted: bool
) -> None:
    n = y.size
    if score.shape != (n,):
        msg = f"raw_score must have one value a row, shape ({n},), got shape {score.shape}."
        raise InvalidDataError(msg)
    if weighted and weight.shape != (n,):
        msg = f"sample_weight must have one value a row, shape ({n},), got shape {weight.shape}."
        raise InvalidDataError(msg)


def explain(rows: Rows) -> NoReturn:
    """Say what made a loop refuse; a second look at the rows costs nothing when all is well."""
    y, score, weight = rows
    if not np.isfinite(score).all():
        raise InvalidDataError(NOT_FINITE)
    check_binary_labels(y)
    if weight.size and weight.any():
        check_weight(weight, y.size)
    msg = (
        "The gradient must fit into float32 (3.4e38), got a larger one. "
        "Lower scale_pos_weight or sample_weight."
    )
    raise InvalidDataError(msg)
