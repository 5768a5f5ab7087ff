"""A fit on a cluster: pieces to workers, training on all of them, and what comes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import distributed
import numpy as np

from gbimb.dask._cluster import gather, one_fit_at_a_time
from gbimb.dask._dependence import choose_groups, choose_time
from gbimb.dask._pieces import weigh
from gbimb.dask._process import break_off, end_fit, free_port, start_tracker, topic_of
from gbimb.dask._rows import HoldOutRule, draw_sample, encode, n_held_out, observe, totals_of
from gbimb.dask._summary import summarise
from gbimb.dask._worker import train_part
from gbimb.engines.lightgbm import ports_of
from gbimb.exceptions import InvalidDataError
from gbimb.log import logger
from gbimb.tables.labels import scale_of
from gbimb.training.cross_fit import finish
from gbimb.training.trained import ONE_MEMBER, HeldOut, Trained, TrainedMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._summary import Labels, Summary
    from gbimb.dask._worker import Job, Outcome
    from gbimb.training.recipe import Recipe


LARGEST_SAMPLE = 1 << 25  # values, of all features


@dataclass(frozen=True, eq=False)
class ClusterTable:
    """Pieces on the cluster.

    Attributes
    ----------
    futures : list of Future
    summaries : list of Summary
    """

    futures: list[distributed.Future]
    summaries: list[Summary]

    @classmethod
    def load(cls, client: distributed.Client, pieces: Sequence[Delayed], name: str) -> ClusterTable:
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
    samples : list of Future
        Rows to cut bins from.
    """

    train: list[distributed.Future]
    watched: list[distributed.Future]
    rows: list[int]
    totals: FloatArray
    held_out: Any
    samples: list[distributed.Future]


def encode_all(
    client: distributed.Client,
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
        _sample(client, recipe, encoded, labels.kept.sum(axis=1), seed),
    )
    return split, recipe


def hold_out_rules(
    client: distributed.Client,
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


def see_all(
    client: distributed.Client, recipe: Recipe, encoded: Sequence[distributed.Future]
) -> Recipe:
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
    codes.require_two_classes(of_codes, "y_val", "nothing can be judged")


def _rows_of(encoded: Any, n_classes: int) -> IntArray:
    y = np.zeros(0) if encoded is None else encoded.train.y
    return np.bincount(y.astype(np.intp), minlength=n_classes)


def sample_size(recipe: Recipe, rows: int) -> int:
    """Return how many of so many rows to cut bins from."""
    most = LARGEST_SAMPLE // recipe.schema.n_features
    return int(min(rows, recipe.engine.SAMPLE_ROWS, most))


def _sample(
    client: distributed.Client,
    recipe: Recipe,
    encoded: Sequence[distributed.Future],
    rows: IntArray,
    seed: int,
) -> list[distributed.Future]:
    """Draw rows to cut bins from, in proportion from all pieces."""
    size = sample_size(recipe, int(rows.sum()))
    ends = np.cumsum(rows) * size // int(rows.sum())
    sizes = np.diff(ends, prepend=0)
    return [
        client.submit(draw_sample, part, seed, i, int(n), pure=False)
        for i, (part, n) in enumerate(zip(encoded, sizes, strict=True))
        if n
    ]


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
        if recipe.engine.LISTENS and len(workers) > 1:
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
        gone = [rank for rank, worker in enumerate(workers) if worker not in left]
        options = {"workers": left, "wait": False, "on_error": "ignore"}
        client.run(break_off, fit, ports_of(machines), gone, **options)


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
    parts = [outcome.held_out for outcome in outcomes if outcome.held_out.y.size]
    weighted = any(part.weight is not None for part in parts)
    weights = [np.ones(p.y.size) if p.weight is None else p.weight for p in parts]
    held_out = HeldOut(
        np.concatenate([part.y for part in parts]), np.concatenate(weights) if weighted else None
    )
    raw = np.concatenate([part.matrix for part in parts])
    return finish(
        engine,
        job.task,
        (TrainedMember(*ONE_MEMBER, first.boosted, [model or first.model], raw),),
        start,
        held_out=held_out,
        sample_weight=None,
        correct=correct,
    )
