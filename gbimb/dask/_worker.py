"""The part of a fit that runs on a worker, the same on each of them."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from distributed import get_worker

from gbimb.dask._process import GlobalLoss, Group, check_going, linked, topic_of
from gbimb.dask._rows import EncodedPiece, join, stack
from gbimb.engines.lightgbm import forget_network, network_params, ports_of
from gbimb.engines.xgboost import all_reduce, joined
from gbimb.losses import MulticlassLoss
from gbimb.metrics import SharedRows, evaluate_multiclass, evaluate_shared
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.training.cross_fit import make_watch
from gbimb.training.rows import EngineTable
from gbimb.training.stages import Settings, boost_warm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.model.model import BoosterModel
    from gbimb.training.boosting import Boosted
    from gbimb.training.recipe import Recipe
    from gbimb.training.tasks import Task

KEPT_OF_A_CLASS: Final = 500_000
"""Held-out rows of a class, over all workers, that go to the client at the end."""
ROWS_AT_ONCE: Final = 1 << 18


@dataclass(frozen=True)
class Job:
    """What all workers know of a fit.

    Attributes
    ----------
    recipe : Recipe
    task : Task
    start : float64 array of shape (number of raw scores,)
    rows : int
        Rows of all workers, by which defaults are chosen.
    held_out : int64 array of shape (K,) or None
        Held-out rows of each target, over all workers; None if none is watched.
    seed : int
    n_jobs : int or None
        Threads of each worker; None are those that Dask gives it.
    tracker : dict
        Where the processes meet.
    machines : tuple of "host:port"
        For LightGBM, otherwise empty.
    fit : str
        A name of its own; under "gbimb-<fit>" rounds are reported.
    """

    recipe: Recipe
    task: Task
    start: FloatArray
    rows: int
    held_out: NDArray[np.int64] | None
    seed: int
    n_jobs: int | None
    tracker: Mapping[str, Any] = field(default_factory=dict)
    machines: tuple[str, ...] = ()
    fit: str = ""
    rounds: int | None = None
    """Known before: then rows that were held out are trained on, too."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a worker returns.

    Attributes
    ----------
    model : bytes or str, of the first worker
        The trees up to the best round.
    boosted : Boosted
    held_out : EngineTable
        Labels and weights of rows held out; its matrix are their raw scores.
    bytes_per_round : float
        What this worker put into metrics and sums of the loss, on average.
    """

    model: Any
    boosted: Boosted
    held_out: EngineTable
    bytes_per_round: float


def train_part(
    job: Job,
    rank: int,
    encoded: Sequence[EncodedPiece | None],
    watched: Sequence[EncodedPiece | None],
    samples: Sequence[Any],
) -> Outcome:
    """Train on the rows of this worker beside the others."""
    with ExitStack() as stack:
        meeting = _Meeting(job, rank, stack)
        try:
            return _train_rows(job, meeting, encoded, watched, samples)
        except Exception:
            if not meeting.joined:
                meeting.join(failed=True)
            raise


class _Meeting:
    """Where the processes of a fit meet once each has its rows, or learn that one of them failed.

    A process that fails comes, too: those that are there could not be told from outside.
    """

    def __init__(self, job: Job, rank: int, stack: ExitStack) -> None:
        self.rank = rank
        self.stack = stack
        self.joined = False
        self._job = job

    def join(self, *, failed: bool = False) -> Mapping[str, Any]:
        """Wait for the others; return what LightGBM needs to find them."""
        job = self._job
        self.joined = True
        self.stack.enter_context(joined(dict(job.tracker), self.rank))
        one_failed = all_reduce(np.array([failed], np.float64), "max")[0]
        while one_failed and not failed:  # until the client has heard why, and breaks the fit off
            check_going(job.fit)
            time.sleep(0.1)
        return network_params(job.machines, self.rank) if job.machines else {}


def _train_rows(
    job: Job,
    meeting: _Meeting,
    encoded: Sequence[EncodedPiece | None],
    watched: Sequence[EncodedPiece | None],
    samples: Sequence[Any],
) -> Outcome:
    mine, seen = ([part for part in parts if part is not None] for parts in (encoded, watched))
    threads = resolve_jobs(job.n_jobs or get_worker().state.nthreads)
    tables = [part.train for part in mine]
    held = [part.held_out for part in mine] + [part.train for part in seen]
    if job.rounds is not None:
        tables += [rows for rows in held if rows.y.size]
        held = [held[0].part(np.zeros(0, np.intp))]
    train = join(tables)
    held_out = join([part for part in held if part.y.size] or held[:1])
    sample = stack([part for part in samples if part is not None])
    with thread_limit(threads):
        nothing = np.zeros(sample.shape[0], np.float32)
        table = EngineTable(sample, nothing, None)
        bins = job.recipe.bins(table, job.task.loss, job.seed, threads, job.rows)
        del sample
        return _train(job, meeting, bins, train, held_out, threads)


def _train(  # noqa: PLR0917  Dask passes them by position
    job: Job,
    meeting: _Meeting,
    bins: Any,  # the adapter's own
    train: EngineTable,
    held_out: EngineTable,
    threads: int,
) -> Outcome:
    parameters, engine, task = job.recipe.parameters, job.recipe.engine, job.task
    group = Group()
    loss: Any = GlobalLoss(task.loss, group)
    external = None
    if held_out.y.size:
        external = bins.external(held_out.matrix, held_out.y, held_out.weight)
    member = bins.member_on(
        loss.warm_up or loss,
        job.start,
        train.matrix,
        train.y,
        train.weight,
        external,
        meeting.join,
    )
    with ExitStack() as stack:
        if job.machines:
            ports = ports_of(job.machines)
            stack.enter_context(linked(job.fit, ports, member.booster.free_network))
        watch = None
        if job.held_out is not None:
            evaluate = _evaluation(task, held_out, group)
            codes, k = held_out.y.astype(np.intp), job.held_out.size
            own = np.bincount(codes, held_out.weight, k).astype(np.float64)
            watch = make_watch(
                task, evaluate, parameters.early_stopping_rounds, job.rows, group(own)
            )
        settings = Settings(
            job.rounds or job.recipe.most_rounds(),
            parameters.early_stopping_rounds,
            threads,
            job.seed,
            0,
            rounds_known=job.rounds is not None,
            stop=_report(job.fit) if meeting.rank == 0 else None,
        )
        trainee = _Watched(member, held_out, job.fit)
        boosted = boost_warm(engine, [trainee], loss, watch, settings)
        model = member.model(boosted.rounds)
    del bins, external
    if job.machines:
        model = forget_network(model)
    raw = _scores(engine, engine.merge([model], 1.0, job.start), held_out, threads)
    scored = EngineTable(raw, held_out.y, held_out.weight)
    if job.held_out is not None:
        scored = thin(scored, job.held_out, np.random.default_rng([job.seed, meeting.rank]))
    bytes_per_round = group.n_bytes / trainee.rounds
    return Outcome(model if meeting.rank == 0 else None, boosted, scored, bytes_per_round)


class _Watched:
    """A booster in training, with no scores where no row of this worker is held out."""

    def __init__(self, member: Any, held_out: EngineTable, fit: str) -> None:
        self._member = member
        self._fit = fit
        self._rows = held_out.y.size
        self.rounds = 0
        self.go_on = member.go_on
        self.model = member.model

    def update(self) -> None:
        """Add the trees of one round."""
        check_going(self._fit)
        self._member.update()
        self.rounds += 1

    def held_out(self) -> NDArray[Any]:
        """Return the raw scores of the held-out rows."""
        if self._rows == 0:
            return np.zeros(0)
        scores: NDArray[Any] = self._member.held_out()
        return scores


def _evaluation(
    task: Any,
    held_out: EngineTable,
    group: Group,
) -> Callable[[NDArray[Any]], dict[str, float]]:
    """Return what evaluates raw scores over the held-out rows of all workers."""
    y, weight = held_out.y, held_out.weight
    weighted = group(np.array([weight is not None], np.float64), "max")
    if weighted[0] and weight is None:  # no row is held out here: nothing says that they have some
        weight = np.ones(y.size)
    if isinstance(task.link, MulticlassLoss):
        shape = (y.size, task.link.n_outputs)
        return lambda raw: evaluate_multiclass(
            task.watched, task.link, y, raw.reshape(shape), weight, add=group
        )
    rows = SharedRows.make(y, weight, group)
    return lambda raw: evaluate_shared(task.watched, task.link, rows, raw)


def _report(fit: str) -> Callable[[Mapping[str, list[float]], int], bool]:
    worker = get_worker()

    def log_round(history: Mapping[str, list[float]], done: int) -> bool:
        values = {name: series[-1] for name, series in history.items()}
        worker.log_event(topic_of(fit), {"round": done, "values": values})
        return False

    return log_round


def _scores(engine: Any, booster: Any, rows: EngineTable, threads: int) -> FloatArray:
    matrix = rows.matrix
    parts = matrix.batches(ROWS_AT_ONCE) if hasattr(matrix, "batches") else [matrix]
    if rows.y.size == 0:
        return np.zeros(0)
    return np.concatenate([engine.raw_score(booster, part, threads) for part in parts])


def score_held_out(
    encoded: EncodedPiece | None,
    model: BoosterModel,
    totals: NDArray[np.int64],
    seed: int,
    piece: int,
    *,
    n_jobs: int | None,
) -> tuple[EngineTable, FloatArray | None, NDArray[np.uint64] | None] | None:
    """Return probabilities of the held-out rows that a client gets, their costs and groups.

    They are the same for all models. None where there are none; ``totals`` are the held-out rows
    of each target in all pieces.
    """
    if encoded is None:
        return None
    rows = encoded.held_out
    numbered = EngineTable(np.arange(rows.y.size), rows.y, rows.weight)
    some = thin(numbered, totals, np.random.default_rng([seed, piece]))
    if some.y.size == 0:
        return None
    threads = resolve_jobs(n_jobs or get_worker().state.nthreads)
    with thread_limit(threads):
        raw = model.raw_score_of(rows.matrix[some.matrix], threads)
        scored = EngineTable(model.calibrated(raw), some.y, some.weight)
    beside = (encoded.costs, encoded.groups)
    costs, groups = (None if each is None else each[some.matrix] for each in beside)
    return scored, costs, groups


def thin(rows: EngineTable, totals: NDArray[np.int64], rng: np.random.Generator) -> EngineTable:
    """Return the rows that a client gets: at most 500,000 of a class over all workers.

    What is left of a larger class has more weight, so that the shares stay.
    """
    share = np.minimum(1.0, KEPT_OF_A_CLASS / np.maximum(totals, 1))
    if (share == 1.0).all():
        return rows
    codes = rows.y.astype(np.intp)
    kept = np.flatnonzero(rng.random(codes.size) < share[codes])
    weight = np.ones(codes.size) if rows.weight is None else rows.weight
    return EngineTable(rows.matrix[kept], rows.y[kept], weight[kept] / share[codes[kept]])
