"""Confusion counts: the only thing that has to travel between partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.parallel import run_ranges
from gbimb.validation import as_float, check_binary_labels, check_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray

# A float64 times 2^-k is exact, and 2^k itself finite, up to here.
LARGEST_EXPONENT: Final = 1000
WEIGHT_BITS: Final = 62


def check_counts(values: NDArray[np.float64], name: str) -> None:
    """Raise unless all are finite and >= 0."""
    if not (values >= 0).all():
        msg = f"{name} must be >= 0, got {values.min():g}."
        raise InvalidDataError(msg)
    if np.isinf(values).any():
        msg = f"{name} must be finite, got infinity."
        raise InvalidDataError(msg)


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    """Weighted numbers of true and false positives and negatives.

    Each field is a float, or an array with one entry for each of many thresholds. Counts of
    disjoint sets of rows add up to the counts of their union, which averages of metrics do not.

    Parameters
    ----------
    tp, fp, fn, tn : float or float64 array, >= 0 and finite
        True positives, false positives, false negatives, true negatives.

    Examples
    --------
    >>> left = ConfusionCounts.from_labels([1, 0, 0], [1, 1, 0])
    >>> right = ConfusionCounts.from_labels([1, 0], [0, 0])
    >>> left + right
    ConfusionCounts(tp=1.0, fp=1.0, fn=1.0, tn=2.0)
    """

    tp: Any
    fp: Any
    fn: Any
    tn: Any

    def __post_init__(self) -> None:
        """Turn the counts into floats: products of four whole numbers overflow int64."""
        for name in ("tp", "fp", "fn", "tn"):
            value = np.asarray(as_float(getattr(self, name), name), np.float64)
            check_counts(value, name)
            object.__setattr__(self, name, float(value) if value.ndim == 0 else value)
        shapes = [np.shape(value) for value in self.as_tuple()]
        if len(set(shapes) - {()}) > 1:
            msg = f"tp, fp, fn and tn must be of one shape, got {shapes}."
            raise InvalidDataError(msg)

    @classmethod
    def from_labels(
        cls, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> ConfusionCounts:
        """Count labels in {0, 1} against predictions in {0, 1}, each of shape (n,).

        Raises
        ------
        InvalidDataError
            If shapes differ or other values than 0 and 1 come up.
        """
        y = check_binary_labels(y_true).astype(bool)
        pred = check_binary_labels(y_pred, "y_pred").astype(bool)
        if pred.shape != y.shape:
            msg = f"y_pred must have the shape of y_true, {y.shape}, got {pred.shape}."
            raise InvalidDataError(msg)
        weight = check_weight(sample_weight, y.size)
        code = (2 * y.view(np.uint8) + pred.view(np.uint8)).astype(np.intp)
        tn, fp, fn, tp = (float(v) for v in np.bincount(code, weights=weight, minlength=4))
        return cls(tp, fp, fn, tn)

    @classmethod
    def from_steps(cls, positives: ArrayLike, negatives: ArrayLike) -> ConfusionCounts:
        """Return the counts at falling thresholds, from the weight that each one adds.

        >>> ConfusionCounts.from_steps([1, 0, 2], [0, 5, 1]).fp
        array([0., 5., 6.])
        """
        tp, fp = np.cumsum(positives), np.cumsum(negatives)
        return cls(tp, fp, tp[-1] - tp, fp[-1] - fp)

    def at(self, index: Any) -> ConfusionCounts:  # what an array takes
        """Return the counts at some of many thresholds."""
        return ConfusionCounts(*(count[index] for count in self.as_tuple()))

    def __add__(self, other: ConfusionCounts) -> ConfusionCounts:
        """Add the counts of other rows."""
        if not isinstance(other, ConfusionCounts):
            return NotImplemented
        return ConfusionCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    def __radd__(self, other: object) -> ConfusionCounts:
        """Let ``sum`` start at 0."""
        return self if other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        """Compare field by field."""
        if not isinstance(other, ConfusionCounts):
            return NotImplemented
        return all(
            np.array_equal(a, b) for a, b in zip(self.as_tuple(), other.as_tuple(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # may hold arrays

    def as_tuple(self) -> tuple[Any, Any, Any, Any]:
        """Return ``(tp, fp, fn, tn)``."""
        return self.tp, self.fp, self.fn, self.tn

    def matrix(self) -> NDArray[np.float64]:
        """Return ``[[tn, fp], [fn, tp]]``, scikit-learn's layout: a row for each true class."""
        return np.array([[self.tn, self.fp], [self.fn, self.tp]], dtype=np.float64)

    def _repr_html_(self) -> str | None:
        """Draw one threshold's counts as a table; a notebook shows those of many as text."""
        if not isinstance(self.tp, float):
            return None
        rows = [("predicted negative", self.tn, self.fn), ("predicted positive", self.fp, self.tp)]
        body = "".join(f"<tr><th>{a}</th><td>{n:,g}</td><td>{p:,g}</td></tr>" for a, n, p in rows)
        return f"<table><tr><th></th><th>negative</th><th>positive</th></tr>{body}</table>"


class HasCounts(Protocol):
    """What has the counts at every threshold, as a :class:`~gbimb.metrics.ThresholdCurve`."""

    @property
    def counts(self) -> ConfusionCounts:
        """Of falling thresholds, arrays of shape (k,)."""


class WeightScale(NamedTuple):
    """Weights as whole multiples of ``2**exponent``, an exponent for each class.

    Each is about 2^-62 of the total of the class: sums depend on no order, and so on no number of
    threads.

    Attributes
    ----------
    negative, positive : int
    """

    negative: int
    positive: int

    @classmethod
    def of(cls, positive: NDArray[np.uint8], weight: NDArray[Any]) -> WeightScale:
        """Return the finest scale at which the sums stay below 2^63."""
        largest = float(weight.max())
        return cls.from_totals(largest, class_totals(positive, weight, largest))

    @classmethod
    def from_totals(cls, largest: float, totals: FloatArray) -> WeightScale:
        """Return the scale for weights up to ``largest`` with these ``class_totals``."""
        top = np.frexp(largest)[1]
        return cls(*(int(np.frexp(total)[1] + top) - WEIGHT_BITS for total in totals))

    def whole(self, positive: NDArray[np.uint8], weight: NDArray[Any]) -> NDArray[np.int64]:
        """Return weights as whole numbers."""
        exponents = -np.array(self)
        if np.abs(exponents).max() < LARGEST_EXPONENT:
            scaled = weight * np.ldexp(1.0, exponents)[positive]
        else:
            scaled = np.ldexp(weight.astype(np.float64), exponents[positive])
        scaled += 0.5
        whole: NDArray[np.int64] = scaled.astype(np.int64)
        return whole

    def counts(
        self, tp: Any, fp: Any, positives: int, negatives: int
    ) -> ConfusionCounts:  # int64, or an array of them
        """Return confusion counts from sums of whole weights."""
        with np.errstate(over="ignore", under="ignore"):
            return ConfusionCounts(
                np.ldexp(np.asarray(tp, np.float64), self.positive),
                np.ldexp(np.asarray(fp, np.float64), self.negative),
                np.ldexp(np.asarray(positives - tp, np.float64), self.positive),
                np.ldexp(np.asarray(negatives - fp, np.float64), self.negative),
            )


def class_totals(positive: NDArray[np.uint8], weight: NDArray[Any], largest: float) -> FloatArray:
    """Return the weight of both classes in units of ``largest``, shape (2,), negatives first."""

    def task(start: int, stop: int) -> NDArray[np.float64]:
        part = weight[start:stop].astype(np.float64) / largest
        sums = np.bincount(positive[start:stop], weights=part, minlength=2)
        return sums.astype(np.float64, copy=False)

    return sum(run_ranges(task, weight.size), np.zeros(2))


ROWS = WeightScale(0, 0)
"""Without weights each row counts 1."""
