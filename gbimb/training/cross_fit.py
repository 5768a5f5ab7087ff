"""Train the boosters of a fit and make one of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.blending import blend_weights
from gbimb.log import logger
from gbimb.tables.parquet.stream import StreamedMatrix
from gbimb.training.boosting import Watch, warn_of_interrupt
from gbimb.training.checkpoint import WHOLE, CheckpointFile
from gbimb.training.rows import Fold, mean_by_place
from gbimb.training.stages import Settings, boost_folds
from gbimb.training.trained import (
    ONE_MEMBER,
    HeldOut,
    MemberSpec,
    Newest,
    Trained,
    TrainedMember,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.decisions.calibration import Correction
    from gbimb.engines.interface import Engine
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.rows import EngineTable
    from gbimb.training.tasks import Task

SMALLEST_TABLE = 100
LARGEST_JUDGE = 50_000
EQUAL_ROWS = 10.0  # rows that speak for equal shares of the members, or of uneven folds


def train(
    *,
    engine: Engine,
    bins: Any,  # the adapter's own
    task: Task,
    data: EngineTable,
    folds: Sequence[Fold],
    settings: Settings,
    engine_params: dict[str, Any] | None = None,
    members: Sequence[MemberSpec] = ONE_MEMBER,
    uneven: bool = False,
) -> Trained:
    """Train boosters of each member for each fold, and merge all into one with a corrected score.

    Where no row is held out, nothing says how to mix members: there is one booster. Of ``uneven``
    folds the boosters have shares of their own, and so do the rows that they hold out.
    """
    start = task.start(data, folds)
    y, weight = labels_of(data, folds)
    grow = partial(boost_folds, engine, bins, task.loss, folds=folds, start=start)
    if not y.size:
        params = engine_params or {}
        boosted, models = grow(watch=None, settings=settings, engine_params=params)
        part = TrainedMember(*ONE_MEMBER, boosted, models, np.empty(0))
        return Trained(engine.merge(models, 1.0, start), (part,))
    watch = watch_rows(task, settings.patience, data.y.size, y, weight)
    some = data.sample(settings.seed)
    judge = _unseen(data, folds, settings.seed) if uneven else None
    trained: list[TrainedMember] = []
    for i, spec in enumerate(members):
        params = {**(engine_params or {}), **spec.params}
        if len(members) > 1:
            logger.info("member %d of %d: %s", i + 1, len(members), spec.name)
        own = replace(settings, checkpoint=member_file(engine, settings.checkpoint, i, params))
        try:
            boosted, models = grow(watch=watch, settings=own, engine_params=params)
        except KeyboardInterrupt:
            if not (settings.keep_on_interrupt and trained):
                raise
            warn_of_interrupt(trained[-1].boosted.rounds)
            break
        matrices = (fold.matrix(data) for fold in folds)
        beside = (some.matrix, None if judge is None else judge.matrix)
        scores = _score_folds(engine, models, matrices, beside, start, settings.threads)
        trained.append(TrainedMember(spec, boosted, models, *scores))
        if boosted.interrupted:
            break
    end = partial(
        finish, engine, task, start=start, sample_weight=some.weight, correct=settings.correct
    )
    if not uneven:
        return end(trained, held_out=HeldOut(y, weight))
    shares = _shares_of_folds(task, trained, folds, judge)
    kept = np.flatnonzero(shares)
    sizes = [f.held_out.size for f in folds if isinstance(f.held_out, np.ndarray)]
    there = np.repeat(shares > 0, sizes)
    counts_as: NDArray[Any] = np.repeat(shares * kept.size, sizes)[there]
    held_out = HeldOut(y[there], counts_as if weight is None else counts_as * weight[there])
    trained = [_of_folds(part, kept, there) for part in trained]
    return replace(end(trained, held_out=held_out, shares=shares[kept]), folds=kept)


def promised_at_random(
    *,
    engine: Engine,
    bins: Any,  # the adapter's own
    task: Task,
    data: EngineTable,
    splits: Splits,
    settings: Settings,
    member: TrainedMember,
) -> float:
    """Return the first metric as rows held out at random would have promised it of a member.

    It is trained again, as many rounds, on ``splits`` that heed neither groups nor times.
    """
    folds = [Fold(train_rows, held_out) for train_rows, held_out in splits]
    file = settings.checkpoint
    again = replace(
        settings,
        n_rounds=member.boosted.rounds,
        rounds_known=True,
        checkpoint=file and file.beside("random"),
    )
    start = task.start(data, folds)
    _, models = boost_folds(
        engine,
        bins,
        task.loss,
        folds=[Fold(fold.train, None) for fold in folds],
        start=start,
        watch=None,
        settings=again,
        engine_params=dict(member.spec.params),
    )
    matrices = (fold.matrix(data) for fold in folds)
    raw, *_ = _score_folds(engine, models, matrices, (None, None), start, settings.threads)
    y, weight = labels_of(data, folds)
    return task.evaluate(y, raw, weight)[task.metrics[0].name]


def _unseen(data: EngineTable, folds: Sequence[Fold], seed: int) -> EngineTable | None:
    """Return rows of two classes that no booster trained on; None if there are none."""
    unseen = np.ones(data.y.size, bool)
    for fold in folds:
        unseen[fold.train] = False
    rows = np.flatnonzero(unseen)
    if np.unique(data.y[rows]).size < 2:
        return None
    rng = np.random.default_rng(seed)
    return data.part(np.sort(rng.permutation(rows)[:LARGEST_JUDGE]))


def _shares_of_folds(
    task: Task, members: Sequence[TrainedMember], folds: Sequence[Fold], judge: EngineTable | None
) -> FloatArray:
    """Return the share of each fold: as its boosters predict rows that none trained on.

    Without such rows, as many as it trained on.
    """
    if judge is None:
        sizes = np.array([fold.train.size for fold in folds if fold.train is not None])
        by_size: FloatArray = sizes / sizes.sum()
        return by_size
    scores = [
        np.mean(of_fold, axis=0) for of_fold in zip(*(p.unseen for p in members), strict=True)
    ]
    likelihood = np.column_stack([task.likelihood(judge.y, raw) for raw in scores])
    return blend_weights(likelihood, judge.weight, EQUAL_ROWS)


def _of_folds(part: TrainedMember, kept: IntArray, rows: BoolArray) -> TrainedMember:
    """Return the boosters of some folds, with the held-out rows that are theirs."""
    return replace(
        part,
        models=[part.models[i] for i in kept],
        sample=[part.sample[i] for i in kept],
        raw=part.raw[rows],
    )


def member_file(
    engine: Engine, checkpoint: CheckpointFile | None, place: int, params: Mapping[str, Any]
) -> CheckpointFile | None:
    """Return the file of a member; one that cannot go on in the middle is kept when done."""
    if checkpoint is None:
        return None
    own = checkpoint if place == 0 else checkpoint.beside(str(place))
    return replace(own, every=WHOLE) if engine.RANDOM_BY_TREE & params.keys() else own


def finish(
    engine: Engine,
    task: Task,
    members: Sequence[TrainedMember],
    start: FloatArray,
    *,
    held_out: HeldOut,
    sample_weight: NDArray[Any] | None,
    correct: bool,
    shares: FloatArray | None = None,
    newest: Newest | None = None,
) -> Trained:
    """Return one booster of all members, with the correction that held-out rows ask for.

    ``shares`` are those of the folds in the mean; None is equal ones. ``newest`` are rows whose
    classes the booster is to expect, where it was trained later than what held-out rows judged.
    """
    y, weight, test = held_out.y, held_out.weight, held_out.backtest
    of_all = np.stack([part.raw for part in members])
    of_members, line = _mix(task, y, of_all, weight, correct=correct)
    as_of = []
    for step in test.steps if test else ():
        then = _mix(task, y[step.past], of_all[:, step.past], step.weight, correct=correct)
        as_of.append(then[1].apply(_mean(then[0], of_all)))
    members = [
        replace(part, share=w) for part, w in zip(members, of_members.tolist(), strict=True) if w
    ]
    raw = _mean(of_members, of_all)
    shift = line.intercept
    if newest is not None:
        parts = [part.share * newest.raw[part.spec.name] for part in members]
        mixed = line.slope * np.sum(parts, axis=0)
        shift = task.recentre(mixed, newest.share, newest.weight)
    corrected = line.slope * start + shift
    # After the slope: a steeper or flatter line changes what averaging over folds does.
    of_folds = zip(*(part.sample for part in members), strict=True)
    kept = [part.share for part in members]
    by_fold = [np.tensordot(kept, scores, axes=1) for scores in of_folds]
    each = [line.slope * scores + shift for scores in by_fold]
    if each:
        corrected = corrected + task.averaging_shift(each, sample_weight, shares)
    weights = [
        part.share / len(part.models) if shares is None else part.share * float(shares[i])
        for part in members
        for i in range(len(part.models))
    ]
    raw = line.slope * raw + line.intercept
    models = [model for part in members for model in part.models]
    booster = engine.merge(models, line.slope, corrected, weights)
    proba = task.link.probability(raw)
    return Trained(booster, members, y, raw, proba, weight, backtest=test, as_of=tuple(as_of))


def _mix(
    task: Task, y: NDArray[Any], raws: FloatArray, weight: NDArray[Any] | None, *, correct: bool
) -> tuple[FloatArray, Correction]:
    """Return the shares of members with these raw scores, and the correction of their mean."""
    shares = np.ones(1)
    if len(raws) > 1:
        likelihood = np.column_stack([task.likelihood(y, raw) for raw in raws])
        shares = blend_weights(likelihood, weight, EQUAL_ROWS)
    if not correct:
        return shares, task.no_correction()
    return shares, task.correct(y, _mean(shares, raws), weight)


def _mean(shares: FloatArray, raws: FloatArray) -> FloatArray:
    mean: FloatArray = np.sum([w * raw for w, raw in zip(shares, raws, strict=True) if w], axis=0)
    return mean


def average_repeats(trained: Trained, splits: Splits) -> Trained:
    """Return the same with each held-out row once, and the mean of what it got.

    Ten copies of a positive say no more than one of what the threshold should be.
    """
    folds = range(len(splits)) if trained.folds is None else trained.folds
    rows = np.concatenate([splits[i][1] for i in folds])
    there, first, at = np.unique(rows, return_index=True, return_inverse=True)
    if there.size == rows.size or trained.y is None:
        return trained
    assert trained.raw is not None
    assert trained.proba is not None
    return replace(
        trained,
        y=trained.y[first],
        raw=mean_by_place(at, trained.raw),
        proba=mean_by_place(at, trained.proba),
        weight=None if trained.weight is None else trained.weight[first],
    )


def make_watch(
    task: Task,
    evaluate: Callable[[NDArray[Any]], dict[str, float]],
    patience: int | None,
    rows: int,
    held_out: NDArray[Any],
) -> Watch:
    """Return what is watched in a fit on so many rows, with so many of each class held out."""
    fewest = max(1, (patience or 0) // 10) if rows >= SMALLEST_TABLE else 1
    rare = float(held_out.sum() - held_out.max())
    return Watch(task.watched, evaluate, patience, fewest, rare)


def watch_rows(
    task: Task, patience: int | None, rows: int, y: NDArray[Any], weight: NDArray[Any] | None
) -> Watch:
    """Return what is watched on held-out rows with these labels."""
    counts = np.bincount(y.astype(np.intp), weights=weight)
    return make_watch(task, lambda raw: task.evaluate(y, raw, weight), patience, rows, counts)


def labels_of(data: EngineTable, folds: Sequence[Fold]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return labels and weights of the rows that the folds hold out, fold by fold."""
    parts = [labels for fold in folds if (labels := fold.labels(data)) is not None]
    weights = [weight for _, weight in parts if weight is not None]
    y = np.concatenate([y for y, _ in parts]) if parts else data.y[:0]
    return y, np.concatenate(weights) if weights else None


def _score_folds(  # noqa: PLR0917  as its one caller has them
    engine: Engine,
    models: Sequence[Any],
    held_out: Iterable[Any],
    beside: tuple[Any, Any],
    start: FloatArray,
    threads: int,
) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
    """Return the raw scores of the held-out rows, and of two other matrices by each of several.

    The second of the matrices may be None.
    """
    of_folds: list[FloatArray] = []
    others: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    for model, matrix in zip(models, held_out, strict=True):
        # One at a time: of many classes each has thousands of trees.
        booster = engine.merge([model], 1.0, start)
        of_folds.append(raw_scores(engine, booster, matrix, threads))
        for other, scores in zip(beside, others, strict=True):
            if len(models) > 1 and other is not None:
                scores.append(raw_scores(engine, booster, other, threads))
    return np.concatenate(of_folds), *others


def raw_scores(engine: Engine, booster: Any, matrix: Any, threads: int) -> FloatArray:
    """Return the raw scores of a matrix, read piece by piece where it is a stream."""
    parts = matrix.batches() if isinstance(matrix, StreamedMatrix) else [matrix]
    return np.concatenate([engine.raw_score(booster, part, threads) for part in parts])
