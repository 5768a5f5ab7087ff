"""How sure numbers of rows are, drawn one by one or in whole groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.plots.clusters import Clusters, sum_of_groups_error
from gbimb.plots.statistics import RESAMPLES, draw_weights, row_weight
from gbimb.report._verdict import ratio_error

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


def spread_of_found(
    hits: NDArray[Any], proba: FloatArray, weight: FloatArray, groups: IntArray | None
) -> float:
    """Return the standard deviation of the rows of a class that are found, if ``proba`` is true.

    Each row is a coin of variance p (1 - p), times its weight; rows of a group may miss together.
    """
    alone = float(np.sqrt((proba * (1 - proba)) @ weight**2))
    if groups is None:
        return alone
    return max(alone, sum_of_groups_error(groups, weight * (hits - proba)))


def relative_error(hits: NDArray[Any], weight: FloatArray, groups: IntArray | None) -> float:
    """Return the relative standard error of expected over found rows of a class."""
    found, squares, total = float(hits @ weight), float(hits @ weight**2), float(weight.sum())
    alone = float(ratio_error(np.array([found]), np.array([squares]), total)[0])
    if groups is None or found == 0:
        return alone
    return max(alone, sum_of_groups_error(groups, weight * (hits - found / total)) / found)
