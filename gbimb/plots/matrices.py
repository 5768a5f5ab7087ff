"""Draws of a confusion matrix: what other rows, or other groups of rows, might have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.plots.clusters import Clusters
from gbimb.plots.statistics import RESAMPLES, draw_weights, row_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray


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
    squares = None if weight is None else np.square(weight, dtype=np.float64)
    total, of_squares = (
        np.bincount(cells, weights=w, minlength=k * k).astype(np.float64) for w in (weight, squares)
    )
    rng = np.random.default_rng(0)
    present = np.bincount(codes, weights=weight, minlength=k) > 0
    prior = np.where(np.eye(k, dtype=bool), 1.0, 1.0 / (k - 1)) * present[:, None] / present.sum()
    row = row_weight(total.sum(keepdims=True), of_squares.sum(keepdims=True))
    if groups is None:
        drawn = draw_weights(rng, total, of_squares, RESAMPLES)
    else:
        drawn = Clusters.of(groups, cells, weight, k * k).draw(rng, RESAMPLES)
    drawn += row * rng.standard_gamma(prior.ravel(), drawn.shape)
    return drawn.reshape(-1, k, k)
