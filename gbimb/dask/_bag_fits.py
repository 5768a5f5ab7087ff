"""How a bag is drawn and trained on a cluster.

On one worker that gathers it if it fits there, otherwise on all of them together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from distributed import get_worker

from gbimb.dask._cluster import cluster_sentences, gather
from gbimb.dask._fit import combine, start_of, train_on_cluster
from gbimb.dask._prepared import Split, sample_size
from gbimb.dask._rows import EncodedPiece, join, stack
from gbimb.dask._worker import Job
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.dependence import Dependence
from gbimb.tables.keys import codes_of, ranks_of
from gbimb.tables.labels import LabelCodes
from gbimb.training.bagging.fitting import fit_and_judge
from gbimb.training.bagging.one_bag import bag_model, begin_bag, probability_of_rows, seed_of
from gbimb.training.bagging.population import Bag
from gbimb.training.bagging.trainers import SharedBinsTrainer
from gbimb.training.rows import EngineTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Client, Future
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._pieces import Piece
    from gbimb.dask._summary import Summary
    from gbimb.training.bagging.population import Population
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
    return np.sort(np.concatenate(parts))


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


@dataclass(frozen=True, eq=False)
class Drawn:
    """The rows that bags are drawn from, where they lie, numbered one table after the other.

    Attributes
    ----------
    tables : list of Future
        Of ``EngineTable``.
    starts : intp array of shape (number of tables + 1,)
        Number of the first row of each, and of all rows.
    """

    tables: list[Future]
    starts: IntArray

    def within(self, rows: IntArray) -> Iterator[NDArray[Any]]:
        """Yield, for each table, where these rising rows are in it, int32: they travel."""
        bounds = np.searchsorted(rows, self.starts)
        for start, (low, high) in zip(self.starts[:-1], pairwise(bounds), strict=True):
            yield (rows[low:high] - start).astype(np.int32)

    def pick(self, rows: IntArray) -> Iterator[tuple[Future, NDArray[Any]]]:
        """Yield the tables that have some of these rising rows, and where."""
        pairs = zip(self.tables, self.within(rows), strict=True)
        return ((table, at) for table, at in pairs if at.size)


@dataclass(frozen=True, eq=False)
class BagFits:
    """Trains the bags of a population.

    Attributes
    ----------
    client : Client
    recipe : Recipe
    drawn : Drawn
        The rows of the population.
    population : Population
    seed : int
    n_jobs : int or None
    """

    client: Client
    recipe: Recipe
    drawn: Drawn
    population: Population
    seed: int
    n_jobs: int | None

    def on_one_worker(self, bag: Bag) -> Future:
        """Gather a bag, and the rows to judge it on, for one worker to train on.

        The result are a classifier and the probabilities of the rows that the bag did not see.
        """
        population = self.population
        rows = np.union1d(bag.train if bag.again is None else bag.again, bag.unseen)
        parts = [
            self.client.submit(EngineTable.part, table, at, pure=False)
            for table, at in self.drawn.pick(rows)
        ]
        small = replace(
            population,
            codes=population.codes[rows],
            weight=population.weight[rows],
            fold=population.fold[rows],
            groups=None,
            judged=np.searchsorted(rows, bag.unseen),
        )
        own = Bag(
            bag.index,
            np.searchsorted(rows, bag.train),
            np.searchsorted(rows, bag.unseen),
            np.searchsorted(rows, bag.held_out),
            bag.weight,
            None if bag.again is None else np.searchsorted(rows, bag.again),
        )
        return self.client.submit(
            fit_bag,
            self.recipe,
            parts,
            self._labels(rows),
            own,
            small,
            self.seed,
            self.n_jobs,
            pure=False,
        )

    def on_all_workers(self, bag: Bag) -> tuple[Any, FloatArray]:
        """Train one model on the rows where they lie; return the same as the other way."""
        labels, weight = self._labels(bag.train), self.population.weight[bag.train]
        task = begin_bag(self.recipe, bag, self.population, labels, weight)
        totals = np.bincount(labels.targets.astype(np.intp), weight, labels.classes.size)
        split = self._split(bag, totals.astype(np.float64))
        job = Job(
            self.recipe,
            task,
            start_of(task.loss, split.totals),
            bag.train.size,
            split.held_out,
            seed_of(bag, self.seed),
            self.n_jobs,
        )
        trained = combine(job, train_on_cluster(self.client, job, split), correct=False)
        fitted = bag_model(self.recipe, trained, task, job.seed)
        return fitted, self._probability(fitted, bag.unseen)

    def _labels(self, rows: IntArray) -> LabelCodes:
        return LabelCodes(self.recipe.classes, self.population.codes[rows])

    def _split(self, bag: Bag, totals: FloatArray) -> Split:
        """Assign the rows of a bag to training and hold-out on the workers that have them."""
        train, held_out = (self.drawn.within(rows) for rows in (bag.train, bag.held_out))
        ends = np.searchsorted(bag.held_out, self.drawn.starts[1:-1])
        weights = np.split(bag.weight, ends)
        encoded, sizes = [], []
        for table, own, watched, weight in zip(
            self.drawn.tables, train, held_out, weights, strict=True
        ):
            if own.size or watched.size:
                parts = (own, watched, weight)
                encoded.append(self.client.submit(_hold_out, table, *parts, pure=False))
                sizes.append(own.size)
        counts = None
        if bag.held_out.size:
            targets = self._labels(bag.held_out).targets.astype(np.intp)
            counts = np.bincount(targets, minlength=totals.size)
        return Split(encoded, [], sizes, totals, counts, self._sample(bag))

    def _sample(self, bag: Bag) -> list[Future]:
        """Draw rows to cut bins from, of those that train and those that judge."""
        rows = np.union1d(bag.train, bag.unseen)
        size = sample_size(self.recipe, rows.size)
        if size < rows.size:
            rng = np.random.default_rng([self.seed, bag.index])
            rows = np.sort(rng.choice(rows, size, replace=False))
        return [
            self.client.submit(_matrix_of, table, at, pure=False)
            for table, at in self.drawn.pick(rows)
        ]

    def _probability(self, classifier: Any, rows: IntArray) -> FloatArray:
        """Return the probabilities of some rows, worked out where they lie."""
        if not rows.size:
            return np.empty(0)
        shared = self.client.scatter(classifier, broadcast=True, hash=False)
        tasks = [
            self.client.submit(_judge, table, at, shared, self.n_jobs, pure=False)
            for table, at in self.drawn.pick(rows)
        ]
        return np.concatenate(gather(self.client, tasks))


def fit_bag(  # noqa: PLR0917  as tasks are called
    recipe: Recipe,
    parts: Sequence[EngineTable],
    labels: LabelCodes,
    bag: Bag,
    population: Population,
    seed: int,
    n_jobs: int | None,
) -> tuple[Any, FloatArray]:
    """Return a classifier trained on a bag, and its probabilities of the rows it is judged on."""
    threads = _threads(n_jobs)
    whole = join(list(parts))
    data = EngineTable(stack([part.matrix for part in parts]), whole.y, whole.weight)
    with thread_limit(threads):
        trainer = SharedBinsTrainer(
            recipe,
            data,
            labels,
            seed=seed,
            threads=threads,
            rows=None,
            rows_in_bag=bag.train.size,
        )
        return fit_and_judge(trainer, bag, population, threads)


def _threads(n_jobs: int | None) -> int:
    return resolve_jobs(n_jobs or get_worker().state.nthreads)


def _matrix_of(drawn: EngineTable, rows: NDArray[Any]) -> Any:
    return drawn.matrix[rows]


def _hold_out(
    drawn: EngineTable, train: NDArray[Any], held_out: NDArray[Any], weight: FloatArray
) -> EncodedPiece:
    watched = EngineTable(drawn.matrix[held_out], drawn.y[held_out], weight)
    return EncodedPiece(drawn.part(train), watched)


def _judge(
    drawn: EngineTable,
    rows: NDArray[Any],
    classifier: Any,
    n_jobs: int | None,
) -> FloatArray:
    with thread_limit(_threads(n_jobs)):
        return probability_of_rows(classifier, drawn.matrix, rows)
