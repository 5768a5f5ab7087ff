"""Rows that lie in several processes, for metrics of all of them: only counts travel.

Every process calls the same functions with its own rows and a ``reduce`` that combines small
arrays of all of them, and gets the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from gbimb.metrics._counts import ROWS, WeightScale, class_totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LARGEST_INT32: Final = 2**31

Reduce: TypeAlias = "Callable[[NDArray[Any], str], NDArray[Any]]"
"""From an array and "sum", "min" or "max" to that of all processes, element by element."""


@dataclass(frozen=True, eq=False)
class SharedRows:
    """The labels and weights of the rows that this process has, and what all have together.

    Attributes
    ----------
    y : array of shape (n,), 0 and 1; n may be 0
    weight : array of shape (n,), > 0, or None
    positive : uint8 array of shape (n,)
    scale : WeightScale
        The same in every process.
    totals : int64 array of shape (2,)
        Whole weight of the negatives and the positives of all processes.
    reduce : Reduce
    unit : int
        Counts are in units of ``2**unit``, about the largest weight: products of four counts do
        not overflow, and scores do not depend on it.
    """

    y: NDArray[Any]
    weight: NDArray[Any] | None
    positive: NDArray[np.uint8]
    scale: WeightScale
    totals: NDArray[np.int64]
    reduce: Reduce
    unit: int = 0

    @classmethod
    def make(cls, y: NDArray[Any], weight: NDArray[Any] | None, reduce: Reduce) -> SharedRows:
        """Agree on the scale of the weights; ``weight`` is None in all processes or in none."""
        positive = (y == 1).astype(np.uint8)
        if weight is None:
            totals = np.bincount(positive, minlength=2).astype(np.int64)
            return cls(y, None, positive, ROWS, reduce(totals, "sum"), reduce)
        largest = float(reduce(np.array([weight.max(initial=0.0)], np.float64), "max")[0])
        shares = reduce(class_totals(positive, weight, largest), "sum")
        scale = WeightScale.from_totals(largest, shares)
        whole = scale.whole(positive, weight)
        totals = np.array([whole[positive == k].sum() for k in (0, 1)], np.int64)
        unit = int(np.frexp(largest)[1])
        return cls(y, weight, positive, scale, reduce(totals, "sum"), reduce, unit)

    @property
    def narrow(self) -> bool:
        """Whether all counts fit into 32 bits."""
        return self.weight is None and int(self.totals.sum()) < LARGEST_INT32

    def counts(self, tp: Any, fp: Any) -> Any:  # int64, or an array of them
        """Return the confusion counts of all processes from whole weights of the rows flagged."""
        scale = WeightScale(*(exponent - self.unit for exponent in self.scale))
        return scale.counts(tp, fp, self.totals[1], self.totals[0])

    def add(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add up whole weights of all processes."""
        if not self.narrow:
            return self.reduce(counts, "sum")
        return self.reduce(counts.astype(np.int32), "sum").astype(np.int64)
