"""Where a bag is trained: on one worker if it fits there, otherwise on all of them together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gbimb.dask._cluster import cluster_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client

    from gbimb.dask._summary import Summary
    from gbimb.training.recipe import Recipe

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
