"""Rows that were copied before they came, as random oversampling does.

A booster that is judged on copies of rows that it trained on looks too good. So equal rows of one
label are held out together where they look oversampled. Copies are also natural, where there are
few columns: then they tell what new rows are like, and stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import sparse

from gbimb.exceptions import GbimbError, warn
from gbimb.tables.encoder import TableEncoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, IntArray

MOSTLY: Final = 0.5
"""Share of copies in a class from which on it may have been oversampled."""

EVEN: Final = 3.0
"""Mean square of the copies of each row, over the square of their mean.

A random oversampler stays below 1.3; natural copies are those of a few rows, and mostly above 4.
"""

VALUES_AT_ONCE: Final = 1 << 16
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Copies:
    """Copied rows of a table in which a class was oversampled.

    Attributes
    ----------
    codes : array of shape (n,)
        Class of each row.
    groups : int array of shape (n,)
        Equal for rows to hold out together.
    oversampled : bool array of shape (K,)
        Classes that are mostly copies where another is not.
    """

    codes: IntArray
    groups: IntArray
    oversampled: BoolArray

    def warn(self, classes: NDArray[Any], *, apart: bool) -> None:
        """Say what was found; ``apart`` is whether copies were held out together."""
        counts = np.bincount(self.codes)
        k = int(np.argmax(np.where(self.oversampled, counts, 0)))
        times = counts[k] / np.unique(self.groups[self.codes == k]).size
        held_out = (
            "were held out together, but the score, the threshold and the probabilities are those "
            "of the resampled classes"
            if apart
            else "are held out from boosters that trained on the same rows: the score and the "
            "threshold are too good, and the probabilities are those of the resampled classes"
        )
        warn(
            f"Most rows of class {classes[k]} are exact copies of others (each row is there "
            f"{times:.1f} times on average), as oversampling makes them. Copies {held_out}; give "
            "X_val and y_val with rows as they are, use gbimb.correct_prior, or leave the "
            "sampling to scale_pos_weight or UnderBaggingClassifier."
        )

    def warn_of_folds(
        self,
        classes: NDArray[Any],
        splits: Sequence[tuple[IntArray, IntArray]],
        validation: Sequence[Any],
        matrix: Any,
    ) -> None:
        """Warn where rows are held out, or the ``validation`` table was split off copied rows."""
        if splits:
            self.warn(classes, apart=self.are_apart(splits))
        elif validation and self.are_among(validation[0], matrix):
            self.warn(classes, apart=False)

    def are_apart(self, splits: Iterable[tuple[IntArray, IntArray]]) -> bool:
        """Whether no split holds out a copy of an oversampled row that it trains on."""
        chosen = self.oversampled[self.codes]
        for train, held_out in splits:
            trained = np.zeros(int(self.groups.max()) + 1, bool)
            trained[self.groups[train]] = True
            if trained[self.groups[held_out[chosen[held_out]]]].any():
                return False
        return True

    def are_among(self, rows: Any, matrix: Any) -> bool:  # two matrices
        """Whether validation rows were split off after the rows of ``matrix`` were oversampled.

        Then about as many of them equal an oversampled row as there are such rows.
        """
        if not isinstance(rows, np.ndarray) and not sparse.issparse(rows):
            return False
        chosen = self.oversampled[self.codes]
        copied = np.isin(row_hashes(rows), row_hashes(matrix)[chosen])
        return bool(copied.mean() > 0.5 * chosen.mean())


def find_copies(matrix: Any, codes: IntArray) -> Copies | None:
    """Return the copied rows of a table, or None if none of its classes looks oversampled.

    A class does if it is mostly copies, of all its rows about equally many, and another class has
    less than half of the share of copies that it would have with as few rows.

    Parameters
    ----------
    matrix : array or CSR matrix of shape (n, n_features)
        Missing values are equal, and so are 0.0 and -0.0. A stream is not looked at: that would
        be to read it once more.
    codes : array of shape (n,)
        Class codes.
    """
    if not isinstance(matrix, np.ndarray) and not sparse.issparse(matrix):
        return None
    return copies_among(row_hashes(matrix), codes)


def copies_among(rows: NDArray[np.uint64], codes: IntArray) -> Copies | None:
    """Return the same from the numbers that stand for rows."""
    counts = np.bincount(codes)
    hashes = rows + codes.astype(np.uint64) * MULTIPLIER
    ordered = np.sort(hashes)
    if 2 * np.count_nonzero(ordered[1:] == ordered[:-1]) < MOSTLY * counts[counts > 0].min():
        return None
    copied = pd.Series(hashes).duplicated(keep=False).to_numpy()
    shares = np.bincount(codes, copied) / np.maximum(counts, 1)
    if shares.max() < MOSTLY or shares.min() > MOSTLY:
        return None
    _, groups, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    others = sizes[groups] - 1
    oversampled = np.zeros(counts.size, bool)
    alone = np.zeros(codes.size, bool)
    for k in np.flatnonzero(counts):
        of_class = others[codes == k]
        # Mean over rows is the mean square over the mean of different ones.
        if np.mean(of_class + 1.0) * np.mean(1.0 / (of_class + 1.0)) > EVEN:
            alone |= codes == k
        elif shares[k] >= MOSTLY:
            kept = np.minimum(1.0, counts / counts[k])
            as_few = np.array([np.mean(1.0 - (1.0 - rate) ** of_class) for rate in kept])
            oversampled[k] = np.any((as_few >= MOSTLY) & (shares <= as_few / 2))
    if not oversampled.any():
        return None
    groups[alone] = sizes.size + np.arange(np.count_nonzero(alone))
    return Copies(codes, groups, oversampled)


def find_in_table(table: Any, codes: IntArray) -> Copies | None:
    """Return the same of a table before it is encoded; None where an estimator must read it."""
    if isinstance(table, pd.DataFrame):
        try:
            table = TableEncoder.fit(table).transform(table)
        except GbimbError:
            return None
    return find_copies(table, codes)


def assign_folds(groups: IntArray, folds: int, rng: np.random.Generator) -> IntArray:
    """Return the fold of each row of a class: one for rows of a group, all folds about as large.

    If one group is larger than a fold, every row is assigned alone.
    """
    _, at, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if sizes.max() * folds > groups.size:
        at, sizes = np.arange(groups.size), np.ones(groups.size, np.intp)
    order = rng.permutation(sizes.size)
    ends = np.cumsum(sizes[order])
    fold = np.empty(sizes.size, np.intp)
    fold[order] = ((ends - sizes[order] / 2) * folds / ends[-1]).astype(np.intp)
    return (fold[at] + rng.integers(folds)) % folds


def row_hashes(matrix: Any) -> NDArray[np.uint64]:  # an ndarray or a CSR matrix
    """Return a number of each row, equal for equal rows, shape (n,), uint64."""
    n, width = matrix.shape
    factors = np.random.default_rng(0).integers(1 << 63, size=width, dtype=np.uint64) * 2 + 1
    hashes = np.empty(n, np.uint64)
    step = max(1, VALUES_AT_ONCE // max(1, width))
    if sparse.issparse(matrix):
        step = max(1, int(VALUES_AT_ONCE * n // max(1, matrix.nnz)))
    for i in range(0, n, step):
        rows = matrix[i : i + step]
        if sparse.issparse(rows):
            sums = np.cumsum(_bits(rows.data) * factors[rows.indices], dtype=np.uint64)
            hashes[i : i + step] = np.diff(np.append(np.uint64(0), sums)[rows.indptr])
        else:
            hashes[i : i + step] = _bits(rows) @ factors
    return hashes


def _bits(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return floats as whole numbers, equal where they are: those of zero are 0."""
    plain = values + np.float32(0.0)  # no -0.0
    if np.isnan(plain.sum()):
        plain[np.isnan(plain)] = np.nan  # of NaN there are many
    bits = plain.view(f"u{plain.itemsize}").astype(np.uint64, copy=False)
    if plain.itemsize == 8:
        bits ^= bits >> np.uint64(32)  # the last bits of short numbers are 0
    return bits
