"""Labels of any kind to class codes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.json_text import shown
from gbimb.tables.parquet.columns import CodedLabels, read_target
from gbimb.tables.parquet.columns import read_weight as read_source_weight
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.schema import Classes
from gbimb.validation import as_array, check_total_weight, check_weight, refuse_masked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import IntArray

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-30, 1e30


@dataclass(frozen=True, eq=False)
class LabelCodes:
    """Labels as positions in the rising array of classes.

    Attributes
    ----------
    classes : Classes
    codes : integer array of shape (n,)
    """

    classes: Classes
    codes: IntArray

    def take(self, rows: IntArray) -> LabelCodes:
        """Return the labels of some rows."""
        return LabelCodes(self.classes, self.codes[rows])

    def with_weight(self, rows: IntArray, pos_label: object) -> LabelCodes:
        """Return the labels of the rows with weight, which alone say what label is the rarer."""
        labels, codes = self.classes.labels, self.codes[rows]
        counts = np.bincount(codes, minlength=labels.size)
        return LabelCodes(Classes(labels, choose_positive(labels, counts, pos_label)), codes)

    @property
    def counts(self) -> IntArray:
        """Number of rows of each class, shape (K,)."""
        return np.bincount(self.codes, minlength=self.classes.size)

    @property
    def targets(self) -> NDArray[np.float32]:
        """What an engine trains on: 1 for the positive of two classes, else class codes."""
        return self.classes.targets(self.codes)

    def require_two_classes(self, weight: NDArray[Any] | None) -> None:
        """Raise unless two classes of the validation rows have weight."""
        totals = np.bincount(self.codes, weight, self.classes.size)
        if np.count_nonzero(totals) < 2:
            present = [str(c) for c in self.classes.labels[totals > 0]]
            msg = (
                "y_val must have two classes or more among the rows with weight, got 1 class: "
                f"{', '.join(present)}. With one of them nothing can be judged."
            )
            raise InvalidDataError(msg)

    def require_all_classes(self) -> None:
        """Raise unless there are two classes or more, each with a row."""
        check_counts(self.classes.labels, self.counts)


def check_counts(classes: NDArray[Any], counts: NDArray[Any]) -> None:
    """Raise unless two classes or more have rows, and of two each has two."""
    present = [str(c) for c, n in zip(classes, counts, strict=True) if n]
    if len(present) < max(2, classes.size):
        shown = ", ".join(present[:5]) + (", ..." if len(present) > 5 else "")
        msg = (
            "y must have two classes or more, each among the rows with weight, got "
            f"{len(present)} class(es) of {classes.size}: {shown}."
        )
        raise InvalidDataError(msg)
    if classes.size == 2 and counts.min() == 1:
        label = classes.tolist()[int(np.argmin(counts))]
        msg = (
            f"y must have two rows or more of each of two classes, got 1 row of {label!r}: "
            "nothing can be learned about a class from a single row."
        )
        raise InvalidDataError(msg)


def unpack(
    X: object,
    y: Any,
    sample_weight: ArrayLike | None,
    *,
    names: tuple[str, str] = ("y", "sample_weight"),
) -> tuple[Any, ArrayLike | None]:
    """Return labels and weights: of a ParquetSource, those in its columns.

    Raises
    ------
    InvalidParameterError
        If they are given beside a source.
    """
    if not isinstance(X, ParquetSource):
        return y, sample_weight
    for name, column, given in zip(names, ("target", "weight"), (y, sample_weight), strict=True):
        if given is not None:
            msg = (
                f"{name} must be None beside a ParquetSource, which has its own column: "
                f"ParquetSource(..., {column}=...)."
            )
            raise InvalidParameterError(msg)
    return read_target(X), read_source_weight(X)


def read_labels(
    y: ArrayLike | CodedLabels | None,
    table: Any,  # anything with a shape
    pos_label: object,
    *,
    classes: NDArray[Any] | None = None,
    name: str = "y",
) -> LabelCodes:
    """Return the codes of ``y``; with ``classes``, in their order.

    Raises
    ------
    InvalidDataError
        If labels are missing, of another length than the table, or not among ``classes``.
    InvalidParameterError
        If ``pos_label`` is not among the labels.
    """
    if y is None:
        msg = (
            f"This classifier requires {name} to be passed, but the target {name} is None. "
            "Give a label for each row."
        )
        raise InvalidDataError(msg)
    if isinstance(y, CodedLabels):
        _check_present(y.found, name)
        _check_kind(y.found, name)
        return _coded(y.found, y.codes, pos_label, classes, name)
    values = _column(y, name)
    _check_present(values, name)
    _check_kind(values, name)
    if values.size != table.shape[0]:
        msg = (
            f"X and {name} must have the same number of rows: "
            f"Found input variables with inconsistent numbers of samples: "
            f"{[table.shape[0], values.size]}."
        )
        raise InvalidDataError(msg)
    found, codes = np.unique(values, return_inverse=True)
    return _coded(found, codes, pos_label, classes, name)


def _column(y: Any, name: str) -> NDArray[Any]:
    """Return labels as an array of shape (n,)."""
    refuse_masked(y, name)
    if sparse.issparse(y):
        msg = f"{name} must be an array of shape (n,), got a sparse matrix. Use {name}.toarray()."
        raise InvalidTypeError(msg)
    # polars has whole numbers of 128 bits, which NumPy has not.
    wide = str(getattr(y, "dtype", "")).endswith("Int128")
    array = as_array(y.to_list() if wide else y, name)
    if array.ndim == 0:
        msg = f"{name} must be an array of shape (n,), got {type(y).__name__} {shown(y)}."
        raise InvalidTypeError(msg)
    if array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1):
        msg = f"{name} must be one label a row, an array of shape (n,), got shape {array.shape}."
        raise InvalidDataError(msg)
    if array.dtype.kind == "c":
        msg = f"{name} must hold labels, got complex numbers ({array.dtype})."
        raise InvalidTypeError(msg)
    values: NDArray[Any] = column_or_1d(array, warn=True)
    if values.dtype == object:
        try:  # booleans and numbers are objects
            values = pd.Series(values).infer_objects().to_numpy()
        except UnicodeEncodeError as error:
            msg = f"{name} must hold text that UTF-8 can hold, got {error.object!r:.60}."
            raise InvalidDataError(msg) from None
        if values.size and all(isinstance(value, Decimal) for value in values):
            values = values.astype(np.float64)  # as a ParquetSource takes them
    return values


def _check_kind(values: NDArray[Any], name: str) -> None:
    """Refuse measurements, and lists of labels."""
    if values.size == 0:
        msg = f"{name} must hold at least one label, got none: Found array with 0 sample(s)."
        raise InvalidDataError(msg)
    if values.dtype == object and pd.api.types.infer_dtype(values).startswith("mixed"):
        kinds = sorted({type(v).__name__ for v in values})
        msg = f"{name} must hold labels of one kind, got types {kinds}. Convert them to strings."
        raise InvalidTypeError(msg)
    if values.dtype.kind == "S" or (values.dtype == object and isinstance(values[0], bytes)):
        msg = f"{name} must hold text, numbers or booleans, got bytes. Use {name}.astype(str)."
        raise InvalidTypeError(msg)
    try:
        check_classification_targets(values)
    except ValueError as error:
        msg = f"{name} must hold labels: {str(error).rstrip('.')}. Use classes, not measurements."
        raise InvalidDataError(msg) from None


def _coded(
    found: NDArray[Any],
    codes: NDArray[Any],
    pos_label: object,
    classes: NDArray[Any] | None,
    name: str,
) -> LabelCodes:
    if classes is not None:
        return _in_order_of(classes, found, codes, pos_label, name)
    counts = np.bincount(codes, minlength=found.size)
    return LabelCodes(Classes(found, choose_positive(found, counts, pos_label)), codes)


def read_weight(
    sample_weight: ArrayLike | None, n: int, name: str = "sample_weight"
) -> NDArray[Any] | None:
    """Return checked weights, float32 or float64, with a mean of 1 where it was less.

    A whole weight is as many rows. Smaller ones are a scale, such as shares that sum to 1, of which
    penalties and the smallest leaf of trees would make nothing.
    """
    weight = checked_weight(sample_weight, n, name)
    if weight is None:
        return None
    factor = scale_of(int(np.count_nonzero(weight)), float(weight.sum(dtype=np.float64)))
    return weight if factor == 1.0 else weight * weight.dtype.type(factor)


def scale_of(rows: int, total: float) -> float:
    """Return by what weights with a sum of ``total`` grow to a mean of 1, at least 1."""
    return rows / total if 0 < total < rows * (1 - 1e-6) else 1.0


def checked_weight(
    sample_weight: ArrayLike | None, n: int, name: str = "sample_weight"
) -> NDArray[Any] | None:
    """Return weights as they are, float32 or float64.

    Raises
    ------
    InvalidDataError
        If one is negative, NaN or infinite, or all are beyond what float32 holds.
    """
    weight = check_weight(sample_weight, n, name)
    if weight is not None and not SMALLEST_WEIGHT <= weight.max(initial=1.0) <= LARGEST_WEIGHT:
        msg = (
            f"{name} must have its largest value between {SMALLEST_WEIGHT:.0e} and "
            f"{LARGEST_WEIGHT:.0e}, for the engines keep float32, got {weight.max():g}. Scale it."
        )
        raise InvalidDataError(msg)
    if weight is not None:
        check_total_weight(float(weight.sum(dtype=np.float64)), name)
    return weight


def _check_present(values: NDArray[Any], name: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        msg = f"{name} must not contain missing labels: Input {name} contains NaN or infinity."
        raise InvalidDataError(msg)
    if values.dtype.kind in "OmM" and pd.isna(values).any():
        msg = f"{name} must not contain missing labels: Input {name} contains NaN, NaT or None."
        raise InvalidDataError(msg)


def _is_same(label: object, value: object) -> bool:
    """Whether ``value``, which may be anything, equals a label."""
    if isinstance(value, np.ndarray):
        return False
    try:
        equal: Any = label == value
        return isinstance(equal, bool | np.bool_) and bool(equal)
    except Exception:  # noqa: BLE001  what another class's code raises
        return False


def choose_positive(classes: NDArray[Any], counts: IntArray, pos_label: object) -> Any:
    """Return the positive one of two labels: ``pos_label``, or the rarer one; None for more."""
    if classes.size > 2:
        if pos_label is not None:
            msg = f"pos_label must be None for more than two classes, got {pos_label!r}."
            raise InvalidParameterError(msg)
        return None
    if pos_label is not None:
        if not any(_is_same(label, pos_label) for label in classes):
            msg = f"pos_label must be one of {classes.tolist()}, got {pos_label!r}."
            if isinstance(pos_label, str) and classes.tolist() == [0, 1]:
                msg += (
                    " Where a meta-estimator numbers the labels before it fits, as voting, "
                    "stacking, bagging and one-vs-rest do, give the number."
                )
            raise InvalidParameterError(msg)
        return pos_label
    # The rarer class; the last one among equals, which is 1 of 0 and 1.
    return classes[counts.size - 1 - int(np.argmin(counts[::-1]))]


def _in_order_of(
    classes: NDArray[Any], found: NDArray[Any], codes: IntArray, pos_label: object, name: str
) -> LabelCodes:
    position = {label: i for i, label in enumerate(classes.tolist())}
    unknown = [label for label in found.tolist() if label not in position]
    if unknown:
        msg = f"{name} must hold labels seen in y, {list(position)}, got {unknown[0]!r}."
        raise InvalidDataError(msg)
    order = np.array([position[label] for label in found.tolist()], dtype=np.intp)
    return LabelCodes(Classes(classes, pos_label), order[codes])
