"""Rows that bags are drawn from, and where a bag is trained.

On one worker if it fits there, otherwise on all of them together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.dask._cluster import cluster_sentences
from gbimb.tables.dependence import Dependence
from gbimb.tables.keys import codes_of, ranks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client
    from numpy.typing import NDArray

    from gbimb.array_types import IntArray
    from gbimb.dask._pieces import Piece
    from gbimb.dask._rows import EncodedPiece
    from gbimb.dask._summary import Summary
    from gbimb.training.recipe import Recipe
    from gbimb.training.rows import EngineTable

WORKER_SHARE: Final = 0.5
"""Of the memory limit of a worker, what the bags that train there at once may take."""
COPIES: Final = 2  # the rows as they come from other workers, and in one piece
VALUE_BYTES: Final = 8
STORED_VALUE_BYTES: Final = 12  # of a sparse matrix, with the number of its column


def bag_bytes(recipe: Recipe, summaries: Sequence[Summary], rows: int) -> int:
    """Estimate what one worker needs to gather a bag and train on it, Python itself aside.

    Parameters
    ----------
    recipe : Recipe
        Of the bags.
    summaries : sequence of Summary
        Of the table.
    rows : int
        Of the bag, with those that judge it.
    """
    values = sum(s.n_values for s in summaries) / max(sum(s.rows for s in summaries), 1)
    each = STORED_VALUE_BYTES if any(s.is_sparse for s in summaries) else VALUE_BYTES
    shape = math.ceil(values), recipe.classes.n_outputs
    engine = recipe.engine
    training = engine.training_bytes(rows, *shape) - engine.training_bytes(0, *shape)
    return math.ceil(rows * COPIES * each * values) + int(training)


def room_for_a_bag(client: Client, n_bags: int) -> float:
    """Return the bytes that a bag may take on the worker with the least room.

    Bags train side by side, one on each thread that Dask has. Infinite where no worker has a limit.
    """
    with cluster_sentences():
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
    rooms = [
        WORKER_SHARE * worker["memory_limit"] / min(worker["nthreads"], n_bags)
        for worker in workers
        if worker["memory_limit"]
    ]
    return min(rooms, default=math.inf)


def draw_of_each(
    encoded: EncodedPiece | None, sizes: tuple[int, ...], seed: int, piece: int
) -> EngineTable | None:
    """Return ``sizes[k]`` rows of each target k, in their order."""
    if encoded is None:
        return None
    return encoded.train.part(_drawn_rows(encoded.train.y, sizes, seed, piece))


def _drawn_rows(y: NDArray[Any], sizes: tuple[int, ...], seed: int, piece: int) -> IntArray:
    rng = np.random.default_rng([seed, piece])
    parts = []
    for k, size in enumerate(sizes):
        rows = np.flatnonzero(y.astype(np.intp) == k)
        parts.append(rows if size >= rows.size else rng.choice(rows, size, replace=False))
    drawn: IntArray = np.sort(np.concatenate(parts))
    return drawn


def keys_of_drawn(
    encoded: EncodedPiece, rows: Piece, sizes: tuple[int, ...], seed: int, piece: int
) -> NDArray[Any]:
    """Return the keys of the groups or times of the rows that are drawn."""
    keys = rows.time if rows.groups is None else rows.groups
    assert keys is not None
    kept = keys if rows.weight is None else keys[rows.weight != 0]
    return kept[_drawn_rows(encoded.train.y, sizes, seed, piece)]


def dependence_of(by: str | None, keys: Sequence[NDArray[Any]]) -> Dependence | None:
    """Return what the keys of the drawn rows say; ``by`` is "groups", "time" or None."""
    if by is None:
        return None
    together = np.concatenate(keys)
    if by == "groups":
        return Dependence(groups=codes_of(together))
    return Dependence(time=ranks_of(together))
