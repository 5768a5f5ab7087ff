"""What is kept of bags beside their models: to judge them, and to add further ones."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.model.model import BoosterModel, ForeignMember

OUT_OF_BAGS: Final = "rows out of the bags"
"""What judges bags, in words, where neither groups nor times are given."""


@dataclass(frozen=True, eq=False)
class OutOfBag:
    """Sums of probabilities from bags that did not train on a row, true in the data.

    Two means are kept. Rows of the rare classes are out of every fifth bag, the others out of
    most, and a mean over more bags is steadier: rows are alike only in the mean over the bags
    whose turn it was. The mean over all is that of the whole ensemble.

    Attributes
    ----------
    sums, in_turn_sums : float64 arrays of shape (m, K)
    count, in_turn_count : float64 arrays of shape (m,)
    """

    sums: FloatArray
    in_turn_sums: FloatArray
    count: FloatArray
    in_turn_count: FloatArray

    @classmethod
    def empty(cls, n_rows: int, n_classes: int) -> OutOfBag:
        """Return sums of nothing."""
        shape = (n_rows, n_classes)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(n_rows), np.zeros(n_rows))

    def add(self, at: IntArray, in_turn: BoolArray, proba: FloatArray) -> None:
        """Add the probabilities of the rows ``at``, some of them in their turn."""
        self.sums[at] += proba
        self.count[at] += 1
        self.in_turn_sums[at[in_turn]] += proba[in_turn]
        self.in_turn_count[at[in_turn]] += 1

    def mean(self) -> FloatArray:
        """Return the mean over all bags, of the rows that have one."""
        there = self.count > 0
        return self.sums[there] / self.count[there, None]

    def in_turn(self) -> FloatArray:
        """Return the mean over the bags whose turn it was, of the rows that have one."""
        there = self.in_turn_count > 0
        return self.in_turn_sums[there] / self.in_turn_count[there, None]


@dataclass(frozen=True, eq=False)
class Bags:
    """The bags trained so far, and what further ones are added to.

    Attributes
    ----------
    seed : int
    digest : int
        Of the rows that bags are drawn from.
    members : list of BoosterModel or ForeignMember
    samples : list of intp arrays
        Row numbers of each bag.
    shares : list of float64 arrays of shape (K,)
        Of the classes in each bag.
    oob : OutOfBag or None
        Sums over the rows that judge the bags; None before the first.
    """

    seed: int
    digest: int = 0
    members: list[BoosterModel | ForeignMember] = field(default_factory=list)
    samples: list[IntArray] = field(default_factory=list)
    shares: list[FloatArray] = field(default_factory=list)
    oob: OutOfBag | None = None

    def copy(self) -> Bags:
        """Return bags that can grow while these stay as they are."""
        return replace(
            self,
            members=[*self.members],
            samples=[*self.samples],
            shares=[*self.shares],
            oob=deepcopy(self.oob),
        )
