"""Rows as an engine takes them, encoded where they are, and dealt to training and hold-out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gbimb.dask._dependence import groups_held_out
from gbimb.tables.labels import read_labels
from gbimb.tables.read import as_frame, read_table, take
from gbimb.tables.typical import Observed
from gbimb.training.copies import row_hashes
from gbimb.training.held_out.plan import HOLD_OUT
from gbimb.training.rows import EngineTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._pieces import Piece
    from gbimb.training.recipe import Recipe


@dataclass(frozen=True)
class HoldOutRule:
    """Which rows of one piece are held out.

    Attributes
    ----------
    seed : int
    piece : int
    before : tuple of int, or None to hold out none
        Rows of each class in the pieces before. One row of a class in five is held out, counted
        over all pieces, each piece in an order of its own.
    salt : int or None
        Which groups are held out instead.
    since : float or None
        From which time on rows are held out instead.
    """

    seed: int
    piece: int
    before: tuple[int, ...] | None
    salt: int | None = None
    since: float | None = None

    def held_out(self, codes: IntArray, piece: Piece, kept: IntArray | None) -> NDArray[np.bool_]:
        """Return the mask of the rows held out of the rows ``kept`` of a piece, None for all."""
        rows_of = slice(None) if kept is None else kept
        if self.salt is not None:
            assert piece.groups is not None
            return groups_held_out(piece.groups[rows_of], self.seed, self.salt, self.piece)
        if self.since is not None:
            assert piece.time is not None
            return piece.time[rows_of].astype(np.float64) >= self.since
        mask = np.zeros(codes.size, bool)
        for k, before in enumerate(self.before or ()):
            rows = np.flatnonzero(codes == k)
            turn = np.random.default_rng([self.seed, self.piece, k]).permutation(rows.size)
            mask[rows] = (before + turn) % HOLD_OUT == HOLD_OUT - 1
        return mask


def n_held_out(before: IntArray, rows: IntArray) -> IntArray:
    """Return how many of ``rows`` rows after ``before`` others a rule holds out."""
    return (before + rows) // HOLD_OUT - before // HOLD_OUT


@dataclass(frozen=True, eq=False)
class EncodedPiece:
    """One piece as the engine takes it: rows to train on, and rows held out.

    Attributes
    ----------
    train, held_out : EngineTable
    costs : float64 array of shape (m, 2) or None
        Of the held-out rows.
    groups : uint64 array of shape (m,) or None
        Keys of the groups of the held-out rows, 0 for none.
    """

    train: EngineTable
    held_out: EngineTable
    costs: FloatArray | None = None
    groups: NDArray[np.uint64] | None = None


def encode(piece: Piece, recipe: Recipe, rule: HoldOutRule, name: str = "y") -> EncodedPiece | None:
    """Return the rows of a piece; None if none has weight."""
    if piece.y.size == 0:
        return None
    table = as_frame(piece.table)
    classes = recipe.classes
    labels = read_labels(piece.y, table, classes.positive, classes=classes.labels, name=name)
    weight, kept = piece.weight, None
    if weight is not None:
        if not weight.any():
            return None
        kept = np.flatnonzero(weight)
        table, labels, weight = take(table, kept), labels.take(kept), weight[kept].astype(float)
    table = read_table(recipe.parameters, table, reset=False)
    matrix = recipe.layout(recipe.schema.encoder.transform(table))
    rows = EngineTable(matrix, labels.targets, weight)
    held_out = rule.held_out(labels.codes, piece, kept)
    if not held_out.any():
        return EncodedPiece(rows, rows.part(np.zeros(0, np.intp)))
    own = slice(None) if kept is None else kept
    return EncodedPiece(
        rows.part(np.flatnonzero(~held_out)),
        rows.part(np.flatnonzero(held_out)),
        None if piece.costs is None else piece.costs[own][held_out],
        None if piece.groups is None else piece.groups[own][held_out],
    )


def observe(encoded: EncodedPiece | None, pieces: int) -> Observed | None:
    """Return what the rows of one of some pieces say of the columns."""
    if encoded is None:
        return None
    tables = [table for table in (encoded.train, encoded.held_out) if table.y.size]
    weighted = encoded.train.weight is not None
    weight = np.concatenate([table.weight for table in tables]) if weighted else None
    y = np.concatenate([table.y for table in tables])
    return Observed.of((table.matrix for table in tables), y, weight, pieces)


def totals_of(encoded: EncodedPiece | None, n_classes: int) -> FloatArray:
    """Return the weights of the classes in training, by target, shape (K,)."""
    if encoded is None:
        return np.zeros(n_classes)
    y, weight = encoded.train.y.astype(np.intp), encoded.train.weight
    return np.bincount(y, weights=weight, minlength=n_classes).astype(np.float64)


def some_hashes(encoded: EncodedPiece | None, one_in: int) -> tuple[NDArray[np.uint64], IntArray]:
    """Return the numbers of about one row in so many, copies of a row with it, and the targets."""
    if encoded is None:
        return np.zeros(0, np.uint64), np.zeros(0, np.intp)
    parts = [part for part in (encoded.train, encoded.held_out) if part.y.size]
    hashes = np.concatenate([row_hashes(part.matrix) for part in parts])
    some = (hashes >> np.uint64(32)) % np.uint64(one_in) == 0
    return hashes[some], np.concatenate([part.y for part in parts])[some].astype(np.intp)


def draw_sample(encoded: EncodedPiece | None, seed: int, piece: int, size: int) -> Any:
    """Return ``size`` rows to cut bins from, in their order; None for none."""
    if encoded is None or size == 0:
        return None
    parts = [part.matrix for part in (encoded.train, encoded.held_out) if part.y.size]
    matrix = stack(parts)
    if size >= matrix.shape[0]:
        return matrix
    rng = np.random.default_rng([seed, piece])
    return matrix[np.sort(rng.choice(matrix.shape[0], size, replace=False))]


def stack(parts: Sequence[Any]) -> Any:  # an ndarray or a CSR matrix
    """Return matrices one below the other."""
    if len(parts) == 1:
        return parts[0]
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack(parts, format="csr")
    return np.concatenate(parts)


def join(tables: Sequence[EngineTable]) -> EngineTable:
    """Return tables as one; a matrix of many parts is read piece by piece."""
    if len(tables) == 1:
        return tables[0]
    matrices = [table.matrix for table in tables]
    if any(sparse.issparse(part) for part in matrices):
        matrix: Any = stack(matrices)
    else:
        matrix = Stacked(tuple(matrices))
    weights = [table.weight for table in tables if table.weight is not None]
    return EngineTable(
        matrix,
        np.concatenate([table.y for table in tables]),
        np.concatenate(weights) if weights else None,
    )


@dataclass(frozen=True, eq=False)
class Stacked:
    """Arrays one below the other, without a copy of all: the engines read batches."""

    parts: tuple[NDArray[Any], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return sum(len(part) for part in self.parts), self.parts[0].shape[1]

    def __getitem__(self, rows: IntArray) -> Stacked:
        """Return some rows."""
        return replace(self, parts=(np.concatenate(self.parts)[rows],))

    def batches(self, size: int = 1 << 16) -> Iterator[NDArray[Any]]:
        """Yield arrays of ``size`` rows, the last one smaller."""
        rest: list[NDArray[Any]] = []
        waiting = 0
        for part in self.parts:
            start = 0
            while start < len(part):
                step = min(size - waiting, len(part) - start)
                rest.append(part[start : start + step])
                waiting, start = waiting + step, start + step
                if waiting == size:
                    yield stack(rest)
                    rest, waiting = [], 0
        if rest:
            yield stack(rest)

    def sample(self) -> NDArray[Any]:
        """Return all rows."""
        return np.concatenate(self.parts)
