"""A fit on a cluster: training on all workers, and what comes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import distributed
import numpy as np

from gbimb.dask._cluster import gather, one_fit_at_a_time
from gbimb.dask._prepared import draw_samples
from gbimb.dask._process import break_off, end_fit, free_port, start_tracker, topic_of
from gbimb.dask._worker import Job, score_held_out, train_part
from gbimb.engines.lightgbm import ports_of
from gbimb.log import logger
from gbimb.tables.keys import codes_of
from gbimb.training.cross_fit import finish
from gbimb.training.recipe import judged_by_groups
from gbimb.training.trained import ONE_MEMBER, HeldOut, Trained, TrainedMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._prepared import Split
    from gbimb.dask._worker import Outcome
    from gbimb.model.model import BoosterModel
    from gbimb.training.recipe import Recipe
    from gbimb.training.rows import EngineTable
    from gbimb.training.tasks import Task


def assign(
    client: distributed.Client, split: Split
) -> dict[str, tuple[list[distributed.Future], list[distributed.Future]]]:
    """Give each piece to a worker that has it; return training and watched pieces by address.

    A worker without training rows takes no part.
    """
    distributed.wait([*split.train, *split.watched])
    where = client.who_has([*split.train, *split.watched])
    load: dict[str, int] = {}
    train: dict[str, list[distributed.Future]] = {}
    for future, rows in zip(split.train, split.rows, strict=True):
        if rows:
            holders = where[future.key]
            worker = min(holders, key=lambda address: (load.get(address, 0), address))
            load[worker] = load.get(worker, 0) + rows
            train.setdefault(worker, []).append(future)
    workers = sorted(train)
    watched: dict[str, list[distributed.Future]] = {worker: [] for worker in workers}
    for i, future in enumerate(split.watched):
        near = [address for address in where[future.key] if address in train]
        watched[near[0] if near else workers[i % len(workers)]].append(future)
    # Pieces of which every row is held out.
    for i, (future, rows) in enumerate(zip(split.train, split.rows, strict=True)):
        if not rows:
            near = [address for address in where[future.key] if address in train]
            train[near[0] if near else workers[i % len(workers)]].append(future)
    return {worker: (train[worker], watched[worker]) for worker in workers}


def start_of(loss: Any, totals: FloatArray) -> FloatArray:
    """Return the raw score to start from, from the weight of each target in training."""
    codes = np.arange(totals.size, dtype=np.float64)
    return np.atleast_1d(np.asarray(loss.init_score(codes, totals), np.float64))


def train_on_cluster(client: distributed.Client, job: Job, split: Split) -> list[Outcome]:
    """Train on all workers that have rows, and return what each of them says."""
    recipe, fit = job.recipe, uuid.uuid4().hex
    with one_fit_at_a_time(client):
        parts = assign(client, split)
        workers = list(parts)
        machines: tuple[str, ...] = ()
        listens = recipe.engine.LISTENS and len(workers) > 1
        while listens and len(set(machines)) < len(workers):  # two on one host may find the same
            ports = client.run(free_port, workers=workers)
            machines = tuple(ports[worker] for worker in workers)
        tracker = client.run(start_tracker, fit, len(workers), workers=workers[:1])[workers[0]]
        job = replace(job, tracker=tracker, machines=machines, fit=fit)
        with _progress(client, topic_of(fit), recipe.parameters.verbose):
            tasks = [
                client.submit(
                    train_part,
                    job,
                    rank,
                    *parts[worker],
                    split.samples,
                    workers=[worker],
                    allow_other_workers=False,
                    retries=0,
                    pure=False,
                    priority=10,
                    key=f"gbimb-train-{fit}-{rank}",
                )
                for rank, worker in enumerate(workers)
            ]
            stop = partial(_break_off, client, fit, machines, workers)
            outcomes = gather(client, tasks, workers=workers, on_failure=stop)
        client.run(end_fit, fit, workers=workers[:1])
        return outcomes


def _break_off(
    client: distributed.Client, fit: str, machines: Sequence[str], workers: Sequence[str]
) -> None:
    left = list(client.nthreads(list(workers)))
    if left:
        options = {"workers": left, "wait": False, "on_error": "ignore"}
        client.run(break_off, fit, ports_of(machines), **options)


class _progress:  # noqa: N801  a context manager
    """Log rounds as the first worker reports them, as a local fit does."""

    def __init__(self, client: distributed.Client, topic: str, verbose: int) -> None:
        self._client, self._topic, self._verbose = client, topic, verbose

    def __enter__(self) -> None:
        if self._verbose:
            self._client.subscribe_topic(self._topic, self._show)

    def _show(self, event: tuple[Any, dict[str, Any]]) -> None:
        _, news = event
        if news["round"] % self._verbose < 5:
            values = "  ".join(f"{name} {value:.5f}" for name, value in news["values"].items())
            logger.info("round %d  %s", news["round"], values, extra={"round": news["round"]})

    def __exit__(self, *_: object) -> None:
        if self._verbose and self._client.status == "running":
            self._client.unsubscribe_topic(self._topic)


@dataclass(frozen=True, eq=False)
class ClusterFit:
    """One model that all workers trained.

    Attributes
    ----------
    model : BoosterModel
    judge : BoosterModel
        The same before held-out rows were trained on, too; it may predict them.
    n_workers : int
        Workers that took part.
    bytes_per_round : float
        Of the worker that sent most.
    """

    model: BoosterModel
    judge: BoosterModel
    n_workers: int
    bytes_per_round: float


def fit_model(
    client: distributed.Client,
    recipe: Recipe,
    task: Task,
    split: Split,
    rows: IntArray,
    *,
    seed: int,
    n_jobs: int | None,
    reason: str,
    again: bool,
    grouped: bool = False,
) -> ClusterFit:
    """Train one model on the pieces of ``split``, which have so many rows.

    ``reason`` says which rows are held out; with ``again`` they are trained on in the end, too,
    for as many rounds. With ``grouped`` these are whole groups, and the promise is for new ones.
    """
    split = replace(split, samples=draw_samples(client, recipe, split.train, rows, seed))
    start = start_of(task.loss, split.totals)
    job = Job(recipe, task, start, int(rows.sum()), split.held_out, seed, n_jobs)
    outcomes = train_on_cluster(client, job, split)
    correct = recipe.parameters.calibration is not None
    trained = combine(job, outcomes, correct=correct)
    judge = model = recipe.model(trained, task, seed, reason)
    if again:
        known = replace(job, held_out=None, rounds=outcomes[0].boosted.rounds)
        longer = train_on_cluster(client, known, split)[0].model
        trained = combine(job, outcomes, correct=correct, model=longer)
        model = recipe.model(trained, task, seed, reason)
    if grouped:
        held_out, proba, _, groups = score_all(client, split, judge, seed, n_jobs)
        assert groups is not None
        judge = model = judged_by_groups(model, task, held_out, proba, groups, seed=seed)
    sent = max(outcome.bytes_per_round for outcome in outcomes)
    return ClusterFit(model, judge, len(outcomes), sent)


def score_all(
    client: distributed.Client, split: Split, model: BoosterModel, seed: int, n_jobs: int | None
) -> tuple[HeldOut, FloatArray, FloatArray | None, IntArray | None]:
    """Return held-out rows, their probabilities, costs and groups, in the order of the pieces.

    More than 500,000 of a class are drawn at random, the same for all models.
    """
    if split.held_out is None:
        return HeldOut(np.empty(0, np.float32), None), np.empty(0), None, None
    shared = client.scatter(model, broadcast=True, hash=False)
    tasks = [
        client.submit(
            score_held_out, part, shared, split.held_out, seed, i, n_jobs=n_jobs, pure=False
        )
        for i, part in enumerate(split.train)
    ]
    parts = [part for part in gather(client, tasks) if part is not None]
    rows, proba = _together([scored for scored, _, _ in parts])
    costs = [cost for _, cost, _ in parts if cost is not None]
    groups = [keys for _, _, keys in parts if keys is not None]
    return (
        rows,
        proba,
        np.concatenate(costs) if costs else None,
        codes_of(np.concatenate(groups)) if groups else None,
    )


def _together(parts: Sequence[EngineTable]) -> tuple[HeldOut, FloatArray]:
    """Return labels and weights of scored rows, and their scores."""
    weighted = any(part.weight is not None for part in parts)
    weights = [np.ones(p.y.size) if p.weight is None else p.weight for p in parts]
    rows = HeldOut(
        np.concatenate([part.y for part in parts]), np.concatenate(weights) if weighted else None
    )
    return rows, np.concatenate([part.matrix for part in parts])


def combine(job: Job, outcomes: Sequence[Outcome], *, correct: bool, model: Any = None) -> Trained:
    """Return the booster; to ``correct`` is to do so on the held-out rows of all workers.

    ``model`` stands for the one that predicted these rows, trained as long on more rows.
    """
    engine, start = job.recipe.engine, job.start
    first = outcomes[0]
    if job.held_out is None:
        booster = engine.merge([first.model], 1.0, start)
        member = TrainedMember(*ONE_MEMBER, first.boosted, [first.model], np.empty(0))
        return Trained(booster, (member,))
    held_out, raw = _together([o.held_out for o in outcomes if o.held_out.y.size])
    return finish(
        engine,
        job.task,
        (TrainedMember(*ONE_MEMBER, first.boosted, [model or first.model], raw),),
        start,
        held_out=held_out,
        sample_weight=None,
        correct=correct,
    )
