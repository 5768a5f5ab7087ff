"""Train the boosters of a fit and make one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.estimators._boosting import Boosted, Watch, boost
from gbimb.estimators._rows import Fold, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from gbimb._typing import FloatArray
    from gbimb.estimators._tasks import Task

UNWATCHED_ROUNDS = 100
SMALLEST_TABLE = 100


@dataclass(frozen=True)
class Settings:
    """How to train: limits, patience, threads, the seed, and whether to correct raw scores."""

    n_rounds: int
    patience: int | None
    threads: int
    seed: int
    verbose: int
    correct: bool = True


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
            task.loss,
            start,
            fold.train,
            bins.external(fold.held_out.matrix, fold.held_out.y, fold.held_out.weight)
            if isinstance(fold.held_out, Table)
            else fold.held_out,
            engine_params or {},
        )
        for fold in folds
    ]
    y, weight = _labels(data, folds)
    watch = None
    rounds = settings.n_rounds
    if y is None:
        rounds = min(rounds, UNWATCHED_ROUNDS)
    else:
        patience = settings.patience
        fewest = max(1, (patience or 0) // 10) if data.y.size >= SMALLEST_TABLE else 1
        watch = Watch(task.metrics, lambda raw: task.evaluate(y, raw, weight), patience, fewest)
    boosted = boost(
        members,
        rounds,
        watch,
        threads=settings.threads,
        prepare_thread=engine.prepare_thread,
        verbose=settings.verbose,
    )
    models = [member.model(boosted.rounds) for member in members]
    del members
    if y is None:
        return Trained(engine.merge(models, 1.0, start), boosted, None, None, None)
    singles = [engine.merge([model], 1.0, start) for model in models]
    raw = _held_out_scores(engine, singles, data, folds, settings.threads)
    shift = np.zeros_like(start)
    if len(singles) > 1:
        some = data.sample(settings.seed)
        shift = task.averaging_shift(
            [engine.raw_score(single, some.matrix, settings.threads) for single in singles],
            some.weight,
        )
    correction = task.correct(y, raw, weight) if settings.correct else task.no_correction()
    corrected = correction.slope * (start + shift) + correction.intercept
    proba = task.link.probability(correction.slope * raw + correction.intercept)
    booster = engine.merge(models, correction.slope, corrected)
    return Trained(booster, boosted, y, proba, weight)


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
            engine.raw_score(single, fold.matrix(data), threads)
            for single, fold in zip(singles, folds, strict=True)
        ]
    )
