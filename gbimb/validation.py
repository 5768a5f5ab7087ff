"""Checks of labels, weights and numbers, each with one wording."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.json_text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array

LARGEST_TOTAL = 1e15  # a weight is a number of rows
MOST_PRINTED = 100
LONGEST_SHOWN = 80  # characters of a value in a sentence


def check_number(
    name: str,
    value: object,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    low_open: bool = False,
    high_open: bool = False,
    integer: bool = False,
) -> float:
    """Return ``value`` as a float, or raise with the allowed interval.

    >>> check_number("gamma", 2, low=0)
    2.0
    """
    kind = Integral if integer else Real
    left, right = "(" if low_open else "[", ")" if high_open else "]"
    what = "an integer" if integer else "a number"
    rule = f"{name} must be {what} in {left}{low:g}, {high:g}{right}"
    if not isinstance(value, kind) or isinstance(value, bool | np.bool_):
        msg = f"{rule}, got {value!r} ({type(value).__name__})."
        raise InvalidTypeError(msg)
    try:
        number = float(value)
    except OverflowError:
        number = np.inf if value > 0 else -np.inf  # type: ignore[operator]  # a whole number
    except Exception as error:
        msg = f"{rule}, got a {type(value).__name__} that raises {error!r:.80}."
        raise InvalidTypeError(msg) from error
    above = number > low if low_open else number >= low
    below = number < high if high_open else number <= high
    if not (above and below):
        msg = f"{rule}, got {value!r}."
        raise InvalidParameterError(msg)
    return number


def check_printable(parameters: Mapping[str, object]) -> None:
    """Raise unless the values, and those in lists and dicts, can be shown in an error."""
    for name, value in parameters.items():
        within = [*value, *value.values()] if isinstance(value, dict) else value
        try:
            for part in (
                islice(within, MOST_PRINTED) if isinstance(within, list | tuple) else [value]
            ):
                repr(part)
        except Exception as error:
            msg = (
                f"{name} must be a value that can be printed, got a {type(value).__name__} whose "
                f"repr raises {type(error).__name__}."
            )
            raise InvalidTypeError(msg) from error


def plain_number(value: object) -> object:
    """Return a Fraction, a longdouble and the like as a float; anything else as it is."""
    if isinstance(value, Real) and not isinstance(value, Integral | float):
        try:
            return float(value)
        except OverflowError:
            return np.inf if value > 0 else -np.inf  # type: ignore[operator]
    return value


def store_plain_numbers(loss: object) -> None:
    """Replace a Fraction, a longdouble and the like in a frozen dataclass by a float."""
    for name, value in vars(loss).items():
        object.__setattr__(loss, name, plain_number(value))


def check_jobs(n_jobs: object) -> None:
    """Raise unless ``n_jobs`` is None or a whole number other than 0."""
    if n_jobs is not None:
        check_number("n_jobs", n_jobs, integer=True)
    if n_jobs == 0:
        msg = "n_jobs must be None or a whole number other than 0, got 0."
        raise InvalidParameterError(msg)


def check_flag(name: str, value: object) -> None:
    """Raise unless ``value`` is True or False."""
    if not isinstance(value, bool | np.bool_):
        msg = f"{name} must be True or False, got {value!r}."
        raise InvalidTypeError(msg)


def is_one_of(value: object, names: Iterable[str]) -> bool:
    """Whether ``value``, which may be an array, is one of the names."""
    return isinstance(value, str) and value in names


def check_names(argument: str, values: object, what: str = "names") -> list[str]:
    """Return a list of names, from anything that holds some, or raise.

    >>> check_names("features", np.array(["a", "b"]))
    ['a', 'b']
    """
    rule = f"{argument} must be a list of {what}"
    if isinstance(values, str):
        msg = f"{rule}, got the text {values!r}."
        raise InvalidTypeError(msg)
    try:
        names = list(values) if isinstance(values, Iterable) else None
    except TypeError:  # an array without dimensions
        names = None
    if names is None:
        msg = f"{rule}, got {values!r:.80} ({type(values).__name__})."
        raise InvalidTypeError(msg)
    if wrong := [name for name in names if not isinstance(name, str)]:
        msg = f"{rule}, got {wrong[0]!r:.80} among them."
        raise InvalidTypeError(msg)
    return [str(name) for name in names]


def refuse_masked(values: object, name: str) -> None:
    """Raise for a masked array, whose mask NumPy and the engines would drop."""
    if isinstance(values, np.ma.MaskedArray):
        msg = f"{name} must not be a masked array, got one: its mask would be ignored. Fill it."
        raise InvalidTypeError(msg)


def check_binary_labels(y_true: ArrayLike, name: str = "y_true") -> NDArray[Any]:
    """Return labels as a one-dimensional array of 0 and 1, or raise.

    Booleans, integers and floats pass without a copy.
    """
    y = as_labels(y_true, name)
    if y.dtype == np.bool_:
        return y.view(np.uint8)
    if y.dtype.kind not in "iuf":
        msg = (
            f"{name} must hold the numbers 0 and 1 (or booleans) here, got dtype {y.dtype}. "
            "Encode the labels first; the estimators do it themselves."
        )
        raise InvalidTypeError(msg)
    allowed = (y == 0) | (y == 1)
    if not allowed.all():
        bad = y[np.argmin(allowed)]
        msg = f"{name} must hold only 0 and 1 here, got {bad.item()!r}."
        raise InvalidDataError(msg)
    return y


def as_labels(y_true: ArrayLike, name: str) -> NDArray[Any]:
    """Return labels of any kind as a one-dimensional array, or raise."""
    y = as_array(y_true, name)
    if y.ndim != 1:
        what = f"an array of shape {y.shape}" if y.ndim else shown(y_true)
        msg = f"{name} must be one-dimensional, got {what}."
        raise InvalidDataError(msg)
    return y


def check_class_codes(y_true: ArrayLike, n_classes: int, name: str = "y_true") -> NDArray[Any]:
    """Return labels as a one-dimensional array of whole numbers in [0, n_classes), or raise."""
    y = as_labels(y_true, name)
    if y.dtype.kind not in "biuf":
        msg = f"{name} must hold class codes 0 to {n_classes - 1} here, got dtype {y.dtype}."
        raise InvalidTypeError(msg)
    with np.errstate(invalid="ignore"):  # NaN and infinity are refused below
        codes = y.astype(np.intp)
    if y.size and (codes.min() < 0 or codes.max() >= n_classes or (codes != y).any()):
        msg = (
            f"{name} must hold whole numbers from 0 to {n_classes - 1} here, "
            f"got values between {y.min().item()!r} and {y.max().item()!r}."
        )
        raise InvalidDataError(msg)
    return codes


def check_raw_score(raw_score: ArrayLike, n: int, name: str = "raw_score") -> NDArray[Any]:
    """Return scores as a one-dimensional float array of length ``n`` without NaN, or raise."""
    score = as_float(raw_score, name)
    if score.shape != (n,):
        msg = f"{name} must have one value a row, shape ({n},), got shape {score.shape}."
        raise InvalidDataError(msg)
    if np.isnan(score).any():
        msg = f"{name} must not contain NaN."
        raise InvalidDataError(msg)
    return score


def check_probabilities(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return numbers in [0, 1] as float64, of any shape, or raise."""
    proba = as_float(values, name).astype(np.float64, copy=False)
    inside = (proba >= 0) & (proba <= 1)
    if not inside.all():
        bad = proba.ravel()[np.argmin(inside)]
        msg = f"{name} must hold probabilities in [0, 1], got {bad.item()!r}."
        raise InvalidDataError(msg)
    return proba


def check_weight(
    sample_weight: ArrayLike | None, n: int, name: str = "sample_weight"
) -> NDArray[Any] | None:
    """Return weights as a float array of length ``n``, finite, >= 0 and not all zero, or raise.

    Their sum has to be finite as well.
    """
    if sample_weight is None:
        return None
    weight = as_float(sample_weight, name)
    if weight.ndim == 0:
        weight = np.full(n, float(weight))
    if weight.shape != (n,):
        msg = f"{name} must have one value a row, shape ({n},), got shape {weight.shape}."
        raise InvalidDataError(msg)
    with np.errstate(over="ignore", invalid="ignore"):
        total = weight.sum(dtype=np.float64)
    if not np.isfinite(total):
        if np.isfinite(weight).all():
            msg = (
                f"{name} must have a sum that is finite, got numbers up to {weight.max():g}. "
                "Divide all by the largest."
            )
        else:
            msg = f"{name} must be finite, got NaN or infinity."
        raise InvalidDataError(msg)
    if weight.size and weight.min() < 0:
        msg = f"{name} must be >= 0, got {weight.min():g}."
        raise InvalidDataError(msg)
    if weight.size and not weight.any():
        msg = f"{name} must not be all zero: at least one row needs weight."
        raise InvalidDataError(msg)
    return weight


def check_row_cost(cost: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """Return the cost of each row, float64 of shape (n,), finite and >= 0, from that or a number.

    >>> check_row_cost(5, 2, "cost_fp")
    array([5., 5.])
    """
    costs = as_float(cost, name).astype(np.float64, copy=False)
    if costs.ndim == 0:
        costs = np.full(n, float(costs))
    if costs.shape != (n,):
        msg = f"{name} must be a number or one a row, shape ({n},), got shape {costs.shape}."
        raise InvalidDataError(msg)
    if not np.isfinite(costs).all():
        bad = int(np.argmin(np.isfinite(costs)))
        msg = f"{name} must be finite, got {costs[bad]} in row {bad}. Fill it or leave the row out."
        raise InvalidDataError(msg)
    if n and costs.min() < 0:
        bad = int(np.argmin(costs))
        msg = (
            f"{name} must be >= 0, got {costs[bad]:g} in row {bad}. Right predictions cost 0 here: "
            "give what a wrong one costs more than the right one."
        )
        raise InvalidDataError(msg)
    return costs


def check_total_weight(total: float, name: str = "sample_weight") -> None:
    """Raise if weights have a sum that counts of rows cannot have."""
    if total > LARGEST_TOTAL:
        msg = (
            f"{name} must have a sum of at most {LARGEST_TOTAL:.0e}, for a weight counts as so "
            f"many rows, got {total:.3g}. Divide it by its mean."
        )
        raise InvalidDataError(msg)


def as_float(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return a float32 or float64 array, without a copy where it already is one, or raise."""
    array = as_array(values, name)
    if array.dtype in (np.float32, np.float64):
        return array
    if array.dtype.kind not in "cmM":  # dates would become counts of days
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            pass
    what = f"dtype {array.dtype}" if array.ndim else shown(values)
    msg = f"{name} must hold numbers, got {what}."
    raise InvalidTypeError(msg)


def as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return an array, without a copy where it already is one, or raise."""
    refuse_masked(values, name)
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        msg = f"{name} must be an array of shape (n,), got rows of unequal length."
        raise InvalidDataError(msg) from None
    except Exception as error:
        msg = f"{name} must be an array, got a {type(values).__name__} that raises {error!r:.80}."
        raise InvalidTypeError(msg) from error


def as_float32(values: NDArray[Any]) -> Float32Array:
    """Return a C-contiguous float32 array, without a copy where it already is one."""
    return np.ascontiguousarray(values, dtype=np.float32)


def check_page(path: Path, name: str = "path") -> None:
    """Raise unless a page of HTML can be written to ``path``."""
    if path.suffix.lower() not in (".html", ".htm"):
        msg = f"{name} must name a file that ends in .html, got {path.name!r}."
        raise InvalidParameterError(msg)
    if path.is_dir() or not path.absolute().parent.is_dir():
        msg = f"{name} must name a file in a folder that exists, got {str(path)!r}."
        raise InvalidParameterError(msg)
