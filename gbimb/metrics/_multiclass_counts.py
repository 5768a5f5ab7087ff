"""Many classes: an addable K x K table, and scores from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.metrics._counts import check_counts
from gbimb.validation import as_float, as_labels, check_class_codes, check_number, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray

MOST_CLASSES: Final = 4096


@dataclass(frozen=True, eq=False)
class MulticlassCounts:
    """Weighted numbers of rows by true class (row) and predicted class (column).

    Tables of disjoint sets of rows add up to that of their union; averages of metrics do not.

    Parameters
    ----------
    matrix : float64 array of shape (K, K), >= 0

    Examples
    --------
    >>> left = MulticlassCounts.from_labels([0, 1, 2], [0, 2, 2], n_classes=3)
    >>> right = MulticlassCounts.from_labels([0, 2], [1, 2], n_classes=3)
    >>> (left + right).matrix
    array([[1., 1., 0.],
           [0., 0., 1.],
           [0., 0., 2.]])
    """

    matrix: FloatArray

    def __post_init__(self) -> None:
        """Check the table and keep a copy that cannot be written to."""
        matrix = np.array(as_float(self.matrix, "matrix"), np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
            msg = f"matrix must be square, one row and one column a class, got {matrix.shape}."
            raise InvalidDataError(msg)
        check_counts(matrix, "matrix")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_labels(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        n_classes: int,
        sample_weight: ArrayLike | None = None,
    ) -> MulticlassCounts:
        """Count class codes 0 to K-1 against predicted codes, each of shape (n,).

        Raises
        ------
        InvalidDataError
            If shapes differ or a value is no class code.
        """
        check_number("n_classes", n_classes, low=1, high=MOST_CLASSES, integer=True)
        y = check_class_codes(y_true, n_classes)
        pred = check_class_codes(y_pred, n_classes, "y_pred")
        if pred.shape != y.shape:
            msg = f"y_pred must have the shape of y_true, {y.shape}, got {pred.shape}."
            raise InvalidDataError(msg)
        weight = check_weight(sample_weight, y.size)
        if weight is not None:
            weight = weight.astype(np.float64)
        cells = np.bincount(n_classes * y + pred, weights=weight, minlength=n_classes**2)
        return cls(cells.reshape(n_classes, n_classes).astype(np.float64))

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.matrix)

    def __add__(self, other: MulticlassCounts) -> MulticlassCounts:
        """Add the counts of other rows."""
        if not isinstance(other, MulticlassCounts):
            return NotImplemented
        if other.n_classes != self.n_classes:
            k, j = self.n_classes, other.n_classes
            msg = f"Only tables of as many classes add up, got {k} and {j}."
            raise InvalidDataError(msg)
        return MulticlassCounts(self.matrix + other.matrix)

    def __radd__(self, other: object) -> MulticlassCounts:
        """Let ``sum`` start at 0."""
        return self if other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        """Compare cell by cell."""
        if not isinstance(other, MulticlassCounts):
            return NotImplemented
        return np.array_equal(self.matrix, other.matrix)

    __hash__ = None  # type: ignore[assignment]  # holds an array


def _table(
    y_true: ArrayLike | MulticlassCounts, y_pred: ArrayLike | None, sample_weight: ArrayLike | None
) -> FloatArray:
    if isinstance(y_true, MulticlassCounts):
        if y_pred is not None or sample_weight is not None:
            msg = "Give either counts alone or y_true and y_pred, got counts and further arrays."
            raise InvalidTypeError(msg)
        return y_true.matrix
    if y_pred is None:
        msg = "y_pred is missing: give y_true and y_pred, or a MulticlassCounts alone."
        raise InvalidTypeError(msg)
    y, pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    if y.shape != pred.shape or y.size == 0:
        msg = (
            "y_true and y_pred must be of the same length and not empty, got "
            f"{y.size} and {pred.size} rows."
        )
        raise InvalidDataError(msg)
    try:
        labels, codes = np.unique(np.concatenate([y, pred]), return_inverse=True)
        missing = labels.dtype.kind == "f" and np.isnan(labels[-1])
    except TypeError:
        missing = True
    if missing:
        msg = (
            "y_true and y_pred must hold labels of one kind, none missing, got dtypes "
            f"{y.dtype} and {pred.dtype}."
        )
        raise InvalidDataError(msg)
    if labels.size > MOST_CLASSES:
        msg = (
            f"y_true and y_pred must hold labels of at most {MOST_CLASSES:,} classes, got "
            f"{labels.size:,} different values. Round numbers to classes first."
        )
        raise InvalidDataError(msg)
    return MulticlassCounts.from_labels(
        codes[: y.size], codes[y.size :], labels.size, sample_weight
    ).matrix


def _in_range(matrix: FloatArray) -> FloatArray:
    """Return the table with a largest cell near 1: no product of scores overflows or underflows."""
    return np.ldexp(matrix, -int(np.frexp(matrix.max())[1]))


def rk_score(
    y_true: ArrayLike | MulticlassCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """R_K, the Matthews correlation of many classes; higher is better, 1 is perfect, 0 chance.

    The correlation of the indicator variables of true and predicted classes; for two classes it
    is ``mcc_score``. 0 where all rows are of one class or are predicted as one.

    Parameters
    ----------
    y_true : MulticlassCounts, or array of shape (n,) with labels of any kind
    y_pred : array of shape (n,), unless counts are given
    sample_weight : array of shape (n,), optional

    References
    ----------
    J. Gorodkin. Comparing two K-category assignments by a K-category correlation coefficient.
    2004. doi:10.1016/j.compbiolchem.2004.09.006.

    Examples
    --------
    >>> round(rk_score(["a", "b", "c", "c"], ["a", "c", "c", "c"]), 4)
    0.6455
    """
    matrix = _in_range(_table(y_true, y_pred, sample_weight))
    other = 1.0 - np.eye(len(matrix))
    hits, rows, columns = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    misses, alarms = (matrix * other).sum(axis=1), (matrix * other).sum(axis=0)
    rest = np.einsum("ki,ij,kj->k", other, matrix, other, optimize=True)
    # Sums over the other classes, not differences of totals: an empty margin is exactly 0.
    spread = np.sqrt((rows @ (other @ rows)) * (columns @ (other @ columns)))
    return float((hits @ rest - misses @ alarms) / spread) if spread > 0 else 0.0


def macro_f1_score(
    y_true: ArrayLike | MulticlassCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean F1 of the classes; higher is better, in [0, 1].

    0/0, a class in the counts that has no rows and is never predicted, is 0.

    Examples
    --------
    >>> round(macro_f1_score([0, 1, 2, 2], [0, 2, 2, 2]), 4)
    0.6
    """
    matrix = _in_range(_table(y_true, y_pred, sample_weight))
    sums = matrix.sum(axis=1) + matrix.sum(axis=0)
    f1 = np.divide(2.0 * np.diag(matrix), sums, out=np.zeros(len(sums)), where=sums > 0)
    return float(f1.mean())


def macro_recall_score(
    y_true: ArrayLike | MulticlassCounts,
    y_pred: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Balanced accuracy, the mean recall of the classes that have rows; higher is better.

    Examples
    --------
    >>> round(macro_recall_score([0, 1, 2, 2], [0, 2, 2, 2]), 4)
    0.6667
    """
    matrix = _in_range(_table(y_true, y_pred, sample_weight))
    rows = matrix.sum(axis=1)
    there = rows > 0
    return float((np.diag(matrix)[there] / rows[there]).mean()) if there.any() else 0.0
