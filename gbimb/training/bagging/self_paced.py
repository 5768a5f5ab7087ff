"""Bags drawn by hardness (Liu et al. 2020, arXiv:1909.03500)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbimb.decisions.sampling import by_frequency, self_paced_draw

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.bagging.population import Population


class SelfPacedDrawing:
    """Draws each bag by how wrong the bags so far are about the rows of the common classes.

    Attributes
    ----------
    rows : intp array
        Those of the common classes, of which some are drawn.
    """

    def __init__(self, population: Population, sizes: IntArray, n_bags: int, seed: int) -> None:
        counts = np.bincount(population.codes)
        order = by_frequency(counts)
        self._common = order[sizes[order] < counts[order]]
        self._is_common = np.isin(population.codes, self._common)
        self.rows = np.flatnonzero(self._is_common)
        self._right = np.zeros(self.rows.size)
        self._noted = 0
        self._population, self._sizes = population, sizes
        self._n_bags, self._seed = n_bags, seed

    def note(self, right: FloatArray) -> None:
        """Count in the probability that one more bag gives to the class of each of the rows."""
        self._right += right
        self._noted += 1

    def draw(self) -> IntArray:
        """Return the rows of the next bag."""
        bag = self._noted
        rng = np.random.default_rng([self._seed, bag])
        hardness = 1.0 - self._right / bag if bag else self._right
        offered = self._population.offered(bag, self.rows)
        parts = [np.flatnonzero(~self._is_common)]
        for k in self._common:
            at = offered & (self._population.codes[self.rows] == k)
            size = min(int(self._sizes[k]), int(at.sum()))
            parts.append(
                self_paced_draw(self.rows[at], hardness[at], size, bag / self._n_bags, rng)
            )
        return np.sort(np.concatenate(parts))
