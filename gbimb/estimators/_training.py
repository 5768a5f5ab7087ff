"""Train the boosters of a fit and make one of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.estimators._boosting import Boosted, Member, Watch, boost
from gbimb.estimators._rows import Fold, Table
from gbimb.sources import StreamedMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from gbimb._typing import FloatArray
    from gbimb.estimators._boosting import Stop
    from gbimb.estimators._tasks import Task
    from gbimb.losses import Loss

logger = logging.getLogger("gbimb")

UNWATCHED_ROUNDS = 100
SMALLEST_TABLE = 100


@dataclass(frozen=True)
class Settings:
    """How to train: limits, patience, threads, seed, whether to correct raw scores."""

    n_rounds: int
    patience: int | None
    threads: int
    seed: int
    verbose: int
    correct: bool = True
    stop: Stop | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """One merged booster, and what was learnt about it on held-out rows.

    Attributes
    ----------
    booster : the engine's booster
        Its raw score is corrected.
    boosted : Boosted
        History and number of rounds.
    y, proba, weight : arrays of shape (m,), (m,) or (m, K), and (m,) or None
        Labels, probabilities and weights of the held-out rows, fold by fold; None if there are
        none.
    """

    booster: Any
    boosted: Boosted
    y: NDArray[Any] | None
    proba: FloatArray | None
    weight: NDArray[Any] | None


def train(
    *,
    engine: ModuleType,
    bins: Any,  # noqa: ANN401  the adapter's own
    task: Task,
    data: Table,
    folds: Sequence[Fold],
    settings: Settings,
    engine_params: dict[str, Any] | None = None,
) -> Trained:
    """Train a booster for each fold, and merge them into one with a corrected raw score."""
    start = task.start(data, folds)
    members = [
        bins.member(
            task.loss.warm_up or task.loss,
            start,
            fold.train,
            _watched(bins, fold),
            engine_params or {},
        )
        for fold in folds
    ]
    y, weight = _labels(data, folds)
    watch = None
    if y is not None:
        watch = make_watch(
            task, lambda raw: task.evaluate(y, raw, weight), settings.patience, data.y.size
        )
    boosted = boost_warm(engine, members, task.loss, watch, settings)
    models = [member.model(boosted.rounds) for member in members]
    del members
    if y is None:
        return Trained(engine.merge(models, 1.0, start), boosted, None, None, None)
    singles = [engine.merge([model], 1.0, start) for model in models]
    raw = _held_out_scores(engine, singles, data, folds, settings.threads)
    shift = _averaging_shift(engine, singles, task, data.sample(settings.seed), settings.threads)
    return finish(
        engine,
        task,
        models,
        start + shift,
        boosted=boosted,
        held_out=HeldOut(y, raw, weight),
        correct=settings.correct,
    )


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Labels, raw scores and weights of rows that trained none of the trees that score them."""

    y: NDArray[Any]
    raw: FloatArray
    weight: NDArray[Any] | None


def finish(
    engine: ModuleType,
    task: Task,
    models: Sequence[Any],
    start: FloatArray,
    *,
    boosted: Boosted,
    held_out: HeldOut,
    correct: bool,
) -> Trained:
    """Return one booster of ``models`` with the correction that the held-out rows ask for."""
    y, raw, weight = held_out.y, held_out.raw, held_out.weight
    correction = task.correct(y, raw, weight) if correct else task.no_correction()
    corrected = correction.slope * start + correction.intercept
    proba = task.link.probability(correction.slope * raw + correction.intercept)
    booster = engine.merge(models, correction.slope, corrected)
    return Trained(booster, boosted, y, proba, weight)


def boost_warm(
    engine: ModuleType,
    members: Sequence[Member],
    loss: Loss,
    watch: Watch | None,
    settings: Settings,
) -> Boosted:
    """Boost with the loss that warms up, if there is one, and go on from its best round."""
    most = settings.n_rounds if watch is not None else min(settings.n_rounds, UNWATCHED_ROUNDS)
    go = partial(
        boost,
        members,
        watch=watch,
        threads=settings.threads,
        prepare_thread=engine.prepare_thread,
        verbose=settings.verbose,
        stop=settings.stop,
    )
    if loss.warm_up is None or most == 1:
        return go(most)
    first = go(most // 2)
    for member in members:
        member.go_on(loss, first.rounds)
    logger.info("%d rounds of %r, now %r", first.rounds, loss.warm_up, loss)
    return go(most, before=first)


def _watched(bins: Any, fold: Fold) -> Any:  # noqa: ANN401  the adapter's own
    """Return the held-out rows as the adapter takes them."""
    held_out = fold.held_out
    if isinstance(held_out, Table):
        return bins.external(held_out.matrix, held_out.y, held_out.weight)
    return held_out


def make_watch(
    task: Task,
    evaluate: Callable[[NDArray[Any]], dict[str, float]],
    patience: int | None,
    rows: int,
) -> Watch:
    """Return what is watched in a fit on so many rows."""
    fewest = max(1, (patience or 0) // 10) if rows >= SMALLEST_TABLE else 1
    return Watch(task.metrics, evaluate, patience, fewest)


def _averaging_shift(
    engine: ModuleType, singles: Sequence[Any], task: Task, some: Table, threads: int
) -> FloatArray | float:
    if len(singles) == 1:
        return 0.0
    scores = [_raw_scores(engine, single, some.matrix, threads) for single in singles]
    return task.averaging_shift(scores, some.weight)


def _labels(data: Table, folds: Sequence[Fold]) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    parts = [labels for fold in folds if (labels := fold.labels(data)) is not None]
    if not parts:
        return None, None
    weights = [weight for _, weight in parts if weight is not None]
    return (
        np.concatenate([y for y, _ in parts]),
        np.concatenate(weights) if weights else None,
    )


def _held_out_scores(
    engine: ModuleType, singles: Sequence[Any], data: Table, folds: Sequence[Fold], threads: int
) -> FloatArray:
    return np.concatenate(
        [
            _raw_scores(engine, single, fold.matrix(data), threads)
            for single, fold in zip(singles, folds, strict=True)
        ]
    )


def _raw_scores(engine: ModuleType, booster: Any, matrix: Any, threads: int) -> FloatArray:  # noqa: ANN401
    parts = matrix.batches() if isinstance(matrix, StreamedMatrix) else [matrix]
    return np.concatenate([engine.raw_score(booster, part, threads) for part in parts])
