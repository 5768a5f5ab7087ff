"""Draws of counts: what other rows, or other groups of rows, might have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

RESAMPLES: Final = 1000
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


def row_weight(total: FloatArray, squares: FloatArray) -> FloatArray:
    """Return what a row weighs where the weights have these sums and sums of squares."""
    return np.divide(squares, total, out=np.ones_like(total), where=total > 0)


def draw_weights(
    rng: np.random.Generator, total: FloatArray, squares: FloatArray, n: int
) -> FloatArray:
    """Return ``n`` draws of each sum of weights, an axis before the last."""
    # A sum of m weights of about the same size has the mean S and the variance Q = S^2 / m.
    row = row_weight(total, squares)[..., None, :]
    shape = total[..., None, :] / row
    size = (*total.shape[:-1], n, total.shape[-1])
    return row * rng.standard_gamma(np.broadcast_to(shape, size))


def draw_cells(
    rng: np.random.Generator,
    cells: IntArray,
    n_cells: int,
    weight: NDArray[Any] | None,
    groups: IntArray | None,
) -> FloatArray:
    """Return draws of the weight in each cell, shape (1000, number of cells).

    With ``groups``, from 0 on, whole groups are drawn.
    """
    if groups is None:
        return draw_weights(rng, *cell_sums(cells, n_cells, weight), RESAMPLES)
    return Clusters.of(groups, cells, weight, n_cells).draw(rng, RESAMPLES)


def cell_sums(
    cells: IntArray, n_cells: int, weight: NDArray[Any] | None
) -> tuple[FloatArray, FloatArray]:
    """Return the weight of the rows in each cell, and the sum of its squares."""
    squares = None if weight is None else np.square(weight, dtype=np.float64)
    total, of_squares = (
        np.bincount(cells, weights=w, minlength=n_cells).astype(np.float64)
        for w in (weight, squares)
    )
    return total, of_squares


def draw_matrices(
    codes: IntArray,
    predicted: IntArray,
    k: int,
    weight: NDArray[Any] | None,
    groups: IntArray | None = None,
) -> FloatArray:
    """Return posterior draws of the confusion matrix, shape (1000, K, K); see ``Sweep.resample``.

    The prior is one row predicted right and one predicted wrong, spread over the classes with
    rows: with two classes half a row in each of the four cells. With ``groups``, from 0 on, whole
    groups are drawn.
    """
    cells = codes * k + predicted
    total, squares = cell_sums(cells, k * k, weight)
    rng = np.random.default_rng(0)
    present = np.bincount(codes, weights=weight, minlength=k) > 0
    prior = np.where(np.eye(k, dtype=bool), 1.0, 1.0 / (k - 1)) * present[:, None] / present.sum()
    row = row_weight(total.sum(keepdims=True), squares.sum(keepdims=True))
    drawn = draw_cells(rng, cells, k * k, weight, groups)
    drawn += row * rng.standard_gamma(prior.ravel(), drawn.shape)
    return drawn.reshape(-1, k, k)
