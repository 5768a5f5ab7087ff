"""Sums of weights that depend on no order, and so on no number of threads.

Weights are added up as whole multiples of a power of two, about 2^-62 of the total of their class:
every way to count gives the same number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gbimb.metrics._counts import ConfusionCounts
from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray

# A float64 times 2^-k is exact, and 2^k itself finite, up to here.
LARGEST_EXPONENT: Final = 1000
WEIGHT_BITS: Final = 62


class WeightScale(NamedTuple):
    """Weights as whole multiples of ``2**exponent``, an exponent for each class.

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
