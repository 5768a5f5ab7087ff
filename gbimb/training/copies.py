"""Rows that were copied before they came: held-out copies of what was learnt look too good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.exceptions import warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS: Final = 20_000
SUSPICIOUS: Final = 0.5


def warn_of_copies(matrix: Any, codes: NDArray[Any]) -> None:  # noqa: ANN401
    """Warn if most rows of the rarest class have an exact copy, as oversampling makes them.

    Natural copies are about as common in the other classes; then nothing is said.

    Parameters
    ----------
    matrix : array of shape (n, n_features)
        Anything else, such as a stream, is not looked at.
    codes : array of shape (n,), class codes
    """
    if not isinstance(matrix, np.ndarray):
        return
    counts = np.bincount(codes)
    rare, common = int(np.argmin(counts)), int(np.argmax(counts))
    share = _share_of_copies(matrix, codes == rare)
    if share < SUSPICIOUS or share < 2 * _share_of_copies(matrix, codes == common):
        return
    warn(
        f"{share:.0%} of the rows of the rarest class are exact copies of others. If they were "
        "oversampled, held-out rows are copies of rows that were learnt: the score and the "
        "threshold are too good, and the probabilities are those of the sample. Give X_val and "
        "y_val with rows as they are and use gbimb.correct_prior, or leave the sampling to "
        "scale_pos_weight or UnderBaggingClassifier."
    )


def _share_of_copies(matrix: NDArray[Any], chosen: NDArray[np.bool_]) -> float:
    rows = np.flatnonzero(chosen)[:ROWS]
    return float(pd.DataFrame(matrix[rows]).duplicated(keep=False).mean())
