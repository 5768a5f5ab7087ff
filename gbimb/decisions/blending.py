"""Weights with which the probabilities of several models are averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray

MOST_MEMBERS: Final = 12
SMALLEST_SHARE: Final = 0.02
SMALLEST_PROBABILITY: Final = 1e-9
LARGEST_STEPS: Final = 500


def blend_weights(
    likelihood: FloatArray, weight: NDArray[Any] | None, prior: float | FloatArray
) -> FloatArray:
    """Return the weights of the average with the least log loss, drawn towards those of a prior.

    The mode under a Dirichlet prior, found by expectation maximisation.

    Parameters
    ----------
    likelihood : float64 array of shape (n, k)
        Probability that model j gives to the class of row i, a row that did not train it.
    weight : array of shape (n,) or None
        A whole-number weight counts as that many rows.
    prior : float or float64 array of shape (k,)
        Rows that speak for each model; a number is that of all, for equal weights.

    Returns
    -------
    float64 array of shape (k,)
        Sum 1; at most 12 are not 0.

    References
    ----------
    A. P. Dempster, N. M. Laird, D. B. Rubin. Maximum likelihood from incomplete data via the EM
    algorithm. 1977.
    """
    k = likelihood.shape[1]
    rows = np.full(k, prior / k) if np.ndim(prior) == 0 else np.asarray(prior)
    shares = _fit(np.maximum(likelihood, SMALLEST_PROBABILITY), weight, rows)
    kept = np.argsort(-shares, kind="stable")[:MOST_MEMBERS]
    kept = kept[shares[kept] >= min(SMALLEST_SHARE, float(shares.max()))]
    result = np.zeros(shares.size)
    some = np.maximum(likelihood[:, kept], SMALLEST_PROBABILITY)
    result[kept] = _fit(some, weight, rows[kept])
    return result


def _fit(likelihood: FloatArray, weight: NDArray[Any] | None, prior: FloatArray) -> FloatArray:
    n, k = likelihood.shape
    rows = np.ones(n) if weight is None else weight
    shares: FloatArray = np.full(k, 1.0 / k)
    for _ in range(LARGEST_STEPS):
        mixed = likelihood @ shares
        counts = shares * ((rows / mixed) @ likelihood) + prior
        after = counts / counts.sum()
        moved = np.abs(after - shares).max()
        shares = after
        if moved < 1e-6:
            break
    return shares
