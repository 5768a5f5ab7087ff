"""Weights of whole groups, drawn again and again: what other groups might have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

DRAWN_AT_ONCE: Final = 1 << 23


@dataclass(frozen=True, eq=False)
class Clusters:
    """The weight of the rows of each group in each cell of a table of counts.

    Attributes
    ----------
    cells : CSR matrix of shape (number of groups, number of cells)
    """

    cells: sparse.csr_matrix

    @classmethod
    def of(
        cls, groups: IntArray, cells: IntArray, weight: NDArray[Any] | None, n_cells: int
    ) -> Clusters:
        """Return the sums of rows by group (from 0 on) and by cell."""
        rows = np.ones(groups.size) if weight is None else weight.astype(np.float64)
        shape = (int(groups.max()) + 1, n_cells)
        return cls(sparse.coo_matrix((rows, (groups, cells)), shape=shape).tocsr())

    def draw(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Return ``n`` draws of the sums of all cells, shape (n, number of cells).

        The Bayesian bootstrap of groups: each group counts with a standard exponential number, so
        that the mean is the sum and the variance that of sums over independent groups.

        References
        ----------
        D. B. Rubin. The Bayesian bootstrap. 1981. doi:10.1214/aos/1176345338.
        C. A. Field, A. H. Welsh. Bootstrapping clustered data. 2007.
        doi:10.1111/j.1467-9868.2007.00593.x.
        """
        groups, n_cells = self.cells.shape
        drawn = np.empty((n, n_cells))
        step = max(1, DRAWN_AT_ONCE // groups)
        for first in range(0, n, step):
            part = drawn[first : first + step]
            part[:] = (self.cells.T @ rng.standard_exponential((groups, len(part)))).T
        return drawn


def sum_of_groups_error(groups: IntArray, values: FloatArray) -> float:
    """Return the standard error of a sum whose mean is 0, of rows that come in whole groups.

    >>> sum_of_groups_error(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, -1.0, -1.0]))
    2.8284271247461903
    """
    return float(np.linalg.norm(np.bincount(groups, weights=values)))
