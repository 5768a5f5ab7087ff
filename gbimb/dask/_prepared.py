"""A table on its workers made ready: what it holds, which rows are held out, encoded pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.dask._cluster import gather
from gbimb.dask._dependence import choose_groups, choose_time
from gbimb.dask._pieces import weigh
from gbimb.dask._rows import (
    HoldOutRule,
    draw_sample,
    encode,
    n_held_out,
    observe,
    some_hashes,
    totals_of,
)
from gbimb.dask._summary import merge_columns, summarise
from gbimb.exceptions import InvalidDataError
from gbimb.tables.labels import scale_of
from gbimb.tables.schema import Schema
from gbimb.training.copies import copies_among
from gbimb.training.held_out.plan import HOLD_OUT, SMALLEST_CLASS, SMALLEST_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed
    from distributed import Client, Future

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._summary import Labels, Summary
    from gbimb.training.recipe import Recipe

LARGEST_SAMPLE = 1 << 25  # values, of all features
HASHED_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class ClusterTable:
    """Pieces on the cluster.

    Attributes
    ----------
    futures : list of Future
    summaries : list of Summary
    """

    futures: list[Future]
    summaries: list[Summary]

    @classmethod
    def load(cls, client: Client, pieces: Sequence[Delayed], name: str) -> ClusterTable:
        """Compute pieces where they are, and what they say of themselves.

        Weights with a mean below 1 get one of 1, as in the local estimators.
        """
        futures = client.compute(list(pieces))
        computed = client.map(partial(summarise, name=name), futures, pure=False)
        summaries = gather(client, computed)
        rows = sum(int(s.kept.sum()) for s in summaries)
        factor = scale_of(rows, sum(float(s.totals.sum()) for s in summaries))
        if factor != 1.0:
            futures = client.map(partial(weigh, factor=factor), futures, pure=False)
            summaries = [replace(s, totals=s.totals * factor) for s in summaries]
        return cls(futures, summaries)

    @property
    def is_sparse(self) -> bool:
        """Whether some piece is a sparse matrix."""
        return any(s.is_sparse for s in self.summaries)

    def schema(self, estimator: Any) -> Schema:
        """Return the columns of all pieces for an estimator that knows their names."""
        names = getattr(estimator, "feature_names_in_", None)
        return Schema.of(estimator, merge_columns(self.summaries, names))


@dataclass(frozen=True, eq=False)
class Split:
    """EncodedPiece pieces with training rows, and those that are only watched.

    Attributes
    ----------
    train, watched : list of Future
        Of ``EncodedPiece``.
    rows : list of int
        Training rows of each of ``train``.
    totals : float64 array of shape (K,)
        Weight of each target in training.
    held_out : int64 array of shape (K,) or None
        Held-out rows of each target.
    samples : sequence of Future
        Rows to cut bins from; their number depends on the engine.
    """

    train: list[Future]
    watched: list[Future]
    rows: list[int]
    totals: FloatArray
    held_out: Any
    samples: Sequence[Future] = ()


def encode_all(
    client: Client,
    recipe: Recipe,
    table: ClusterTable,
    labels: Labels,
    validation: ClusterTable | None,
    *,
    seed: int,
    rules: Sequence[HoldOutRule],
    held: IntArray | None,
) -> tuple[Split, Recipe]:
    """Encode all pieces where they are, some rows held out; return the recipe that saw them.

    ``held`` are the rows of each class that ``rules`` hold out of each piece, None for none.
    """
    hold_out = held is not None
    held = np.zeros_like(labels.kept) if held is None else held
    shared = client.scatter(recipe, broadcast=True, hash=False)
    encoded = [
        client.submit(encode, piece, shared, rule, pure=False)
        for piece, rule in zip(table.futures, rules, strict=True)
    ]
    recipe = see_all(client, recipe, encoded)
    k = labels.classes.size
    totals = gather(client, client.map(totals_of, encoded, n_classes=k, pure=False))
    rows = (labels.kept - held).sum(axis=1)
    of_held, watched = held.sum(axis=0), []
    if validation is not None:
        shared = client.scatter(recipe, broadcast=True, hash=False)
        watched = [
            client.submit(encode, piece, shared, HoldOutRule(seed, i, None), "y_val", pure=False)
            for i, piece in enumerate(validation.futures)
        ]
        counts = gather(client, client.map(_rows_of, watched, n_classes=k, pure=False))
        of_held = np.sum(counts, axis=0)
        _check_validation(of_held, labels)
    elif k == 2:
        of_held = labels.classes.in_other_order(of_held)
    split = Split(
        encoded,
        watched,
        rows.tolist(),
        np.sum(totals, axis=0),
        of_held.astype(np.int64) if hold_out or validation is not None else None,
    )
    return split, recipe


def holds_out(labels: Labels, cv: str | None, by: str | None) -> tuple[bool, str]:
    """Return whether rows are held out, and which are; ``cv`` is "auto", "holdout" or None.

    Raises
    ------
    InvalidDataError
        If "holdout" is asked for, and there are too few rows.
    """
    counts = np.sort(labels.kept.sum(axis=0))[::-1]
    size = f"{counts.sum():,} rows, {counts[-1]:,} of the rarest class"
    few = counts.sum() < SMALLEST_TABLE or counts[1] < SMALLEST_CLASS
    if cv is None or (cv == "auto" and few):
        return False, f"no rows held out ({size})"
    if counts[1] < HOLD_OUT:
        msg = (
            f"cv={cv!r} needs at least {HOLD_OUT} rows of two classes, got {counts[1]} of "
            "the second. Use cv=None, or X_val and y_val."
        )
        raise InvalidDataError(msg)
    kind = {None: "one row in five", "groups": "one group in five", "time": "the newest fifth"}
    return True, f"{kind[by]} held out ({size})"


def hold_out_rules(
    client: Client,
    table: ClusterTable,
    labels: Labels,
    *,
    seed: int,
    hold_out: bool,
    by: str | None,
) -> tuple[list[HoldOutRule], IntArray | None]:
    """Return the rule for each piece and the rows of each class that it holds out.

    ``by`` is "groups", "time" or None.
    """
    pieces = range(len(table.futures))
    if not hold_out:
        return [HoldOutRule(seed, i, None) for i in pieces], None
    if by == "groups":
        salt, held = choose_groups(client, table.futures, labels.classes, seed)
        return [HoldOutRule(seed, i, None, salt=salt) for i in pieces], held
    if by == "time":
        since, held = choose_time(client, table.futures, labels.classes)
        return [HoldOutRule(seed, i, None, since=since) for i in pieces], held
    before = np.cumsum(labels.kept, axis=0) - labels.kept
    rules = [HoldOutRule(seed, i, tuple(b.tolist())) for i, b in enumerate(before)]
    return rules, n_held_out(before, labels.kept)


def warn_of_copies(client: Client, encoded: Sequence[Future], labels: Labels) -> None:
    """Warn of an oversampled class; its copies lie on many workers, and stay where they are."""
    one_in = max(1, int(labels.kept.sum()) // HASHED_ROWS)
    found = gather(client, client.map(some_hashes, encoded, one_in=one_in, pure=False))
    codes = labels.classes.codes(np.concatenate([y for _, y in found]))
    copies = copies_among(np.concatenate([hashes for hashes, _ in found]), codes)
    if copies is not None:
        copies.warn(labels.classes.labels, apart=False)


def see_all(client: Client, recipe: Recipe, encoded: Sequence[Future]) -> Recipe:
    """Return the recipe whose encoder knows what all rows hold."""
    seen = gather(client, client.map(observe, encoded, pieces=len(encoded), pure=False))
    return recipe.having_observed([part for part in seen if part is not None])


def _check_validation(rows: IntArray, labels: Labels) -> None:
    """Raise unless the validation rows, counted by target, have two classes."""
    if not rows.any():
        msg = "X_val must have a row with weight, got none in any partition."
        raise InvalidDataError(msg)
    codes = labels.codes
    of_codes = rows[codes.targets.astype(np.intp)]
    codes.require_two_classes(of_codes)


def _rows_of(encoded: Any, n_classes: int) -> IntArray:
    y = np.zeros(0) if encoded is None else encoded.train.y
    return np.bincount(y.astype(np.intp), minlength=n_classes)


def sample_size(recipe: Recipe, rows: int) -> int:
    """Return how many of so many rows to cut bins from."""
    most = LARGEST_SAMPLE // recipe.schema.n_features
    return int(min(rows, recipe.engine.SAMPLE_ROWS, most))


def draw_samples(
    client: Client,
    recipe: Recipe,
    encoded: Sequence[Future],
    rows: IntArray,
    seed: int,
) -> list[Future]:
    """Draw rows to cut bins from, in proportion from all pieces, which have so many."""
    size = sample_size(recipe, int(rows.sum()))
    ends = np.cumsum(rows) * size // int(rows.sum())
    sizes = np.diff(ends, prepend=0)
    return [
        client.submit(draw_sample, part, seed, i, int(n), pure=False)
        for i, (part, n) in enumerate(zip(encoded, sizes, strict=True))
        if n
    ]
