"""The sums that a smooth metric depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.validation import check_number, store_plain_numbers

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

# A class or a decision with a smaller share than this is as good as absent.
NEGLIGIBLE: Final = 1e-150


@dataclass(frozen=True)
class SoftCounts:
    """Confusion counts in which a row counts as positive with the probability ``sigmoid(s)``.

    All that a smooth metric depends on. The counts of partitions add up, so that a gradient over
    rows on several machines is exact: ``sums = loss.sums(part 1) + loss.sums(part 2)``, then
    ``loss.gradient_curvature(part, sums=sums)`` for each part.

    Parameters
    ----------
    tp, fp, fn, tn : float, >= 0
        Sums of ``w p`` over positives and over negatives, and of ``w (1 - p)`` over positives and
        over negatives, ``scale_pos_weight`` included.

    Examples
    --------
    >>> from gbimb import SoftMCCLoss
    >>> SoftMCCLoss().sums([1, 0], [0.0, 0.0]) + SoftMCCLoss().sums([0], [0.0])
    SoftCounts(tp=0.5, fp=1.0, fn=0.5, tn=1.0)
    """

    tp: float
    fp: float
    fn: float
    tn: float

    def __post_init__(self) -> None:
        """Check the counts."""
        for name in ("tp", "fp", "fn", "tn"):
            check_number(name, getattr(self, name), low=0, high_open=True)
        store_plain_numbers(self)

    def __add__(self, other: object) -> SoftCounts:
        """Return the counts of both sets of rows together."""
        if not isinstance(other, SoftCounts):
            return NotImplemented
        return SoftCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    def as_array(self) -> FloatArray:
        """Return ``[tp, fp, fn, tn]``."""
        return np.array([self.tp, self.fp, self.fn, self.tn])

    @classmethod
    def from_array(cls, values: FloatArray) -> SoftCounts:
        """Return the counts that ``as_array`` made ``values`` of."""
        return cls(*values.tolist())

    @property
    def positives(self) -> float:
        """Weight of the positive rows."""
        return self.tp + self.fn

    @property
    def negatives(self) -> float:
        """Weight of the negative rows."""
        return self.fp + self.tn

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return self.positives + self.negatives

    @property
    def scale(self) -> float:
        """``2 P N / n``, what the loss of all rows is 1 - metric times."""
        return 2.0 * self.positives * (self.negatives / self.total) if self.total > 0 else 0.0
