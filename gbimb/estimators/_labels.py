"""Labels of any kind to class codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from gbimb._validation import check_weight
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.sources import CodedLabels, ParquetSource, read_target
from gbimb.sources import read_weight as read_source_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb._typing import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class LabelCodes:
    """Labels as positions in the sorted array of classes.

    Attributes
    ----------
    classes : array of shape (K,)
    codes : integer array of shape (n,)
    positive : object
        For two classes the label called positive, None for more.
    """

    classes: NDArray[Any]
    codes: IntArray
    positive: Any

    @property
    def is_positive(self) -> BoolArray:
        """True where the label is the positive one, shape (n,)."""
        out: BoolArray = self.codes == int(np.flatnonzero(self.classes == self.positive)[0])
        return out

    def take(self, rows: IntArray) -> LabelCodes:
        """Return the labels of some rows."""
        return LabelCodes(self.classes, self.codes[rows], self.positive)

    @property
    def targets(self) -> NDArray[np.float32]:
        """What an engine learns: 1 for the positive of two classes, else class codes."""
        values = self.codes if self.classes.size > 2 else self.is_positive
        return values.astype(np.float32)

    def require_all_classes(self) -> None:
        """Raise unless there are two classes or more, each with a row."""
        counts = np.bincount(self.codes, minlength=self.classes.size)
        present = [str(c) for c, n in zip(self.classes, counts, strict=True) if n]
        if len(present) < max(2, self.classes.size):
            shown = ", ".join(present[:5]) + (", ..." if len(present) > 5 else "")
            msg = (
                "y must have two classes or more, each among the rows with weight, got "
                f"{len(present)} class(es) of {self.classes.size}: {shown}."
            )
            raise InvalidDataError(msg)


def unpack(
    X: object,
    y: Any,  # noqa: ANN401
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
    table: Any,  # noqa: ANN401  anything with a shape
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
        msg = f"This classifier requires {name} to be passed, but the target {name} is None."
        raise InvalidDataError(msg)
    if isinstance(y, CodedLabels):
        _check_present(y.found, name)
        check_classification_targets(y.found)
        return _coded(y.found, y.codes, pos_label, classes, name)
    values = column_or_1d(np.asarray(y), warn=True)
    if values.dtype == object:
        values = pd.Series(values).infer_objects().to_numpy()  # booleans and numbers are objects
    _check_present(values, name)
    if values.size != table.shape[0]:
        msg = (
            f"X and {name} must have the same number of rows: "
            f"Found input variables with inconsistent numbers of samples: "
            f"{[table.shape[0], values.size]}."
        )
        raise InvalidDataError(msg)
    try:
        found, codes = np.unique(values, return_inverse=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in values})
        msg = f"{name} must hold labels of one kind, got types {kinds}. Convert them to strings."
        raise InvalidTypeError(msg) from None
    check_classification_targets(values)
    return _coded(found, codes, pos_label, classes, name)


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
    return LabelCodes(found, codes, choose_positive(found, counts, pos_label))


def read_weight(
    sample_weight: ArrayLike | None, n: int, name: str = "sample_weight"
) -> NDArray[Any] | None:
    """Return checked weights, float32 or float64."""
    weight = check_weight(sample_weight, n, name)
    return None if weight is None else weight


def _check_present(values: NDArray[Any], name: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        msg = f"{name} must not contain missing labels: Input {name} contains NaN or infinity."
        raise InvalidDataError(msg)
    if values.dtype == object and pd.isna(values).any():
        msg = f"{name} must not contain missing labels: Input {name} contains NaN or None."
        raise InvalidDataError(msg)


def choose_positive(classes: NDArray[Any], counts: IntArray, pos_label: object) -> Any:  # noqa: ANN401
    """Return the positive one of two labels: ``pos_label``, or the rarer one; None for more."""
    if classes.size > 2:
        if pos_label is not None:
            msg = f"pos_label must be None for more than two classes, got {pos_label!r}."
            raise InvalidParameterError(msg)
        return None
    if pos_label is not None:
        if pos_label not in list(classes):
            msg = f"pos_label must be one of {classes.tolist()}, got {pos_label!r}."
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
    return LabelCodes(classes, order[codes], pos_label)
