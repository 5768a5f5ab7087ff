"""What stands in for values that no training row had.

Trees send such values where a default leads that no row has chosen: often to the riskiest leaf.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from gbimb.exceptions import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray

SAMPLED: Final = 4_000  # rows, of which each class has the same share
PARTS: Final = 24  # of the values of a column of numbers, by rank
FEWEST_SAMPLED: Final = 200
LARGEST_SAMPLE: Final = 1 << 22  # values, of all columns
LARGEST_BLOCK: Final = 1 << 13  # values looked at together
SHOWN: Final = 3


@dataclass(frozen=True, eq=False)
class Typical:
    """What each column held at ``fit``.

    Attributes
    ----------
    values : float64 array of shape (n_features,)
        One that was there, of which the share of each class is nearest to that of all rows: a
        number or a place among categories; NaN for a column without values.
    complete : boolean array of shape (n_features,)
        Whether no value was missing.
    """

    values: FloatArray
    complete: BoolArray

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Typical)
            and np.array_equal(self.values, other.values, equal_nan=True)
            and np.array_equal(self.complete, other.complete)
        )

    def __hash__(self) -> int:
        return hash(self.complete.tobytes())

    def missing_in(self, matrix: Any) -> IntArray:  # an ndarray or a CSR matrix
        """Return the columns that have their first missing values, of an array of numbers."""
        found = np.flatnonzero(_has_missing(matrix))
        return found[self.complete[found]]

    def fill(self, matrix: Any, columns: IntArray, tally: Tally, names: Sequence[str]) -> Any:
        """Return a copy of an array of numbers with the typical value for those missing."""
        matrix = matrix.copy()
        data = matrix.data if sparse.issparse(matrix) else None
        for j in columns:
            at = matrix[:, j] if data is None else data
            missing = np.isnan(at) if data is None else np.isnan(at) & (matrix.indices == j)
            at[missing] = self.values[j]
            tally.add(names[j], missing=int(missing.sum()))
        return matrix


@dataclass(eq=False)
class Tally:
    """How many values of a table training never saw the like of; says so when it is read.

    Attributes
    ----------
    total : int
        Rows of the table, which may come piece by piece.
    """

    total: int
    rows: int = 0
    found: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, name: str, *, missing: int = 0, unknown: int = 0, example: object = None) -> None:
        """Count values of a column."""
        if missing or unknown:
            there = self.found.setdefault(name, [0, 0, None])
            there[0] += missing
            there[1] += unknown
            there[2] = example if there[2] is None else there[2]

    def finish(self, rows: int) -> None:
        """Count the rows of a piece; give one warning after the last."""
        before, self.rows = self.rows, self.rows + rows
        if not self.found or not before < self.total <= self.rows:
            return
        worst = sorted(self.found, key=lambda name: -sum(self.found[name][:2]))
        parts = [self._words(name) for name in worst[:SHOWN]]
        more = len(worst) - SHOWN
        also = f", and so do {more:,} other columns" if more > 0 else ""
        warn(
            f"X holds values that no training row had: {'; '.join(parts)}{also}. Each is replaced "
            "by a typical value of its column, which moves the prediction towards the average. "
            "Correct them, or train on rows that have them."
        )

    def _words(self, name: str) -> str:
        missing, unknown, example = self.found[name]
        kinds = []
        if unknown:
            word = "category" if unknown == 1 else "categories"
            kinds.append(f"{unknown:,} unknown {word} such as {example!r:.60}")
        if missing:
            word = "value" if missing == 1 else "values"
            kinds.append(f"{missing:,} missing {word}, where it had none")
        share = 100 * (missing + unknown) / self.total
        return f"column {name!r} has {' and '.join(kinds)} ({share:.3g} % of the rows)"


_OPEN: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def one_warning(rows: int) -> Iterator[None]:
    """Give one warning for a table of so many rows that is predicted piece by piece."""
    token = _OPEN.set(Tally(rows))
    try:
        yield
    finally:
        _OPEN.reset(token)


def tally_of(rows: int) -> Tally:
    """Return what counts for a table of so many rows, or for the one that it is a piece of."""
    return _OPEN.get() or Tally(rows)


@dataclass(frozen=True, eq=False)
class Observed:
    """What some training rows say of the columns.

    Attributes
    ----------
    missing : boolean array of shape (n_features,)
        Whether a value is missing.
    sample : float array or CSR matrix of shape (m, n_features)
    codes : integer array of shape (m,)
        Classes of its rows.
    weight : float64 array of shape (m,)
        How many rows each stands for.
    """

    missing: BoolArray
    sample: Any
    codes: IntArray
    weight: FloatArray

    @classmethod
    def of(
        cls,
        parts: Iterable[Any],
        codes: NDArray[Any],
        weight: NDArray[Any] | None,
        pieces: int = 1,
    ) -> Observed:
        """Look at a matrix that comes in ``parts``, one below the other: one of some pieces."""
        parts = iter(parts)
        first = next(parts)
        most = np.clip(LARGEST_SAMPLE // first.shape[1], FEWEST_SAMPLED, SAMPLED)
        rows, counts = _rows_of_each(codes.astype(np.intp), -(-int(most) // pieces))
        missing: BoolArray | None = None
        drawn, start = [], 0
        for part in chain([first], parts):
            holes = _has_missing(part)
            missing = holes if missing is None else missing | holes
            low, high = np.searchsorted(rows, (start, start + part.shape[0]))
            whole = part.shape[0] == rows.size == codes.size  # which needs no copy
            drawn.append(part if whole else part[rows[low:high] - start])
            start += part.shape[0]
        own = counts if weight is None else counts * weight[rows]
        assert missing is not None
        return cls(missing, _stack(drawn), codes[rows].astype(np.intp), own)

    @classmethod
    def merge(cls, parts: Sequence[Observed]) -> Observed:
        """Return what parts of the rows say together."""
        return cls(
            np.any([part.missing for part in parts], axis=0),
            _stack([part.sample for part in parts]),
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.weight for part in parts]),
        )

    def typical(self, nominal: Sequence[int]) -> Typical:
        """Return the typical values; of the columns ``nominal`` numbers have no order."""
        d = self.missing.size
        values = np.full(d, np.nan)
        onehot = np.eye(self.codes.max() + 1)[self.codes] * self.weight[:, None]
        numbers = ~self.missing
        numbers[list(nominal)] = False
        if sparse.issparse(self.sample):
            columns = sparse.csc_matrix(self.sample)
            numbers &= np.diff(columns.indptr) * 2 > columns.shape[0]
            values[:] = 0.0  # of columns that are mostly empty
        else:
            columns = self.sample
        for j in nominal:
            values[j] = _typical_category(columns[:, j], onehot)
        places = np.flatnonzero(numbers)
        step = max(1, LARGEST_BLOCK // self.codes.size)
        for start in range(0, places.size, step):
            some = places[start : start + step]
            block = columns[:, some]
            dense = block.toarray() if sparse.issparse(block) else block
            values[some] = _typical_numbers(dense, onehot)
        return Typical(values, ~self.missing)


def _stack(parts: Sequence[Any]) -> Any:  # ndarrays or CSR matrices
    if len(parts) == 1:
        return parts[0]
    is_sparse = any(sparse.issparse(part) for part in parts)
    return (sparse.vstack if is_sparse else np.concatenate)(parts)


def _rows_of_each(codes: IntArray, most: int) -> tuple[IntArray, FloatArray]:
    """Return rows spread evenly over each class, rising, and how many each stands for."""
    counts = np.bincount(codes)
    wanted = max(1, most // max(1, int(np.count_nonzero(counts))))
    parts = []
    for k in np.flatnonzero(counts):
        own = np.flatnonzero(codes == k)
        spread = np.linspace(0, own.size - 1, min(wanted, own.size)).astype(np.intp)
        parts.append(own[spread])
    rows = np.sort(np.concatenate(parts))
    drawn = np.minimum(counts, wanted)
    return rows, (counts / np.maximum(drawn, 1))[codes[rows]]


def _has_missing(matrix: Any) -> BoolArray:  # an ndarray or a CSR matrix
    there = np.zeros(matrix.shape[1], bool)
    if not sparse.issparse(matrix):
        if np.isnan(matrix.min()):  # which takes a tenth of the time of one for each column
            there = np.isnan(matrix.min(axis=0))
        return there
    there[matrix.indices[np.isnan(matrix.data)]] = True
    return there


def _typical_category(places: NDArray[Any], onehot: FloatArray) -> float:
    known = ~np.isnan(places)
    if not known.any():
        return np.nan
    at, rows = places[known].astype(np.intp), onehot[known]
    totals = np.column_stack([np.bincount(at, weights=column) for column in rows.T])
    return float(_nearest(totals[None], len(onehot))[0])


def _typical_numbers(values: NDArray[Any], onehot: FloatArray) -> NDArray[Any]:
    """Return one value for each column: the median of the part whose classes are as in all."""
    m, d = values.shape
    by_column = np.ascontiguousarray(values.T)
    order = np.argsort(by_column, axis=1)
    ranked = np.take_along_axis(by_column, order, axis=1)
    weights = [column[order] for column in onehot.T]
    share = np.cumsum(sum(weights), axis=1)
    is_first = ranked[:, 1:] != ranked[:, :-1]
    # Equal values go together: to where the share of the rows before the first of them leads.
    before = np.zeros_like(share)
    np.maximum.accumulate(np.where(is_first, share[:, :-1], 0.0), axis=1, out=before[:, 1:])
    n_parts = min(PARTS, max(1, m // 40))
    part = np.minimum(before * (n_parts / share[0, -1]), n_parts - 1).astype(np.intp)
    flat = (part + n_parts * np.arange(d)[:, None]).ravel()
    sums = [np.bincount(flat, weight.ravel(), n_parts * d) for weight in weights]
    best = _nearest(_smooth(np.stack(sums, axis=-1).reshape(d, n_parts, -1)), m)
    inside = part == best[:, None]
    middle = inside.argmax(axis=1) + inside.sum(axis=1) // 2
    typical: NDArray[Any] = ranked[np.arange(d), middle]
    return typical


def _smooth(totals: NDArray[Any]) -> NDArray[Any]:
    """Add half of each neighbouring part, where there are rows: a rate of its own is noisy."""
    padded = np.pad(totals, ((0, 0), (1, 1), (0, 0)))
    smooth: NDArray[Any] = totals + 0.5 * (padded[:, :-2] + padded[:, 2:])
    return np.where(totals.sum(axis=2, keepdims=True) > 0, smooth, 0.0)


def _nearest(totals: NDArray[Any], sampled: int) -> IntArray:
    """Return which group of rows has shares of the classes that are nearest to those of all.

    ``totals`` are the weights of the classes, shape (columns, groups, K). A small group is taken
    to be as far off as its shares are uncertain; of equals the middle one wins.
    """
    size = totals.sum(axis=2)
    whole = totals.sum(axis=1, keepdims=True)
    base = whole / whole.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = totals / size[..., None]
        rows = sampled * size / size.sum(axis=1, keepdims=True)
        error = np.sqrt((base * (1.0 - base)).sum(axis=2) / rows)
    off_centre = np.abs(np.arange(size.shape[1]) - (size.shape[1] - 1) / 2)
    far = np.sqrt(((shares - base) ** 2).sum(axis=2)) + error + 1e-9 * off_centre
    nearest: IntArray = np.argmin(np.where(size > 0, far, np.inf), axis=1)
    return nearest
