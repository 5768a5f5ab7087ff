"""Boost the members of a fit, stage by stage, from where a checkpoint is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gbimb.log import logger
from gbimb.training.boosting import Boosted, Watch, as_text, boost, replay_history
from gbimb.training.checkpoint import CheckpointFile, State
from gbimb.training.rows import EngineTable, Fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gbimb.array_types import FloatArray
    from gbimb.engines.interface import BoosterInTraining, Engine
    from gbimb.losses import Loss
    from gbimb.training.boosting import Stop

UNWATCHED_ROUNDS = 100


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
    checkpoint: CheckpointFile | None = None
    keep_on_interrupt: bool = False
    rounds_known: bool = False
    """Whether ``n_rounds`` were found before: without held-out rows, as many are trained."""


def boost_folds(
    engine: Engine,
    bins: Any,  # the adapter's own
    loss: Loss,
    *,
    watch: Watch | None,
    folds: Sequence[Fold],
    start: FloatArray,
    settings: Settings,
    engine_params: dict[str, Any],
) -> tuple[Boosted, list[Any]]:
    """Train the members, from where a checkpoint is; return their rounds as text or bytes."""
    make = partial(_members, bins, folds=folds, start=start, engine_params=engine_params)
    boosted, texts = _boost_and_keep(engine, make, loss, watch, settings)
    form = partial(bytes, encoding="utf-8") if engine.MODELS_ARE_BYTES else str
    return boosted, [form(text) for text in texts]


def _members(
    bins: Any,  # the adapter's own
    loss: Loss,
    state: State | None,
    *,
    folds: Sequence[Fold],
    start: FloatArray,
    engine_params: dict[str, Any],
) -> list[BoosterInTraining]:
    """Return a member for each fold, new or as it was in ``state``."""
    members = []
    for i, fold in enumerate(folds):
        held_out = _watched(bins, fold)
        if state is None:
            members.append(bins.member(loss, start, fold.train, held_out, engine_params))
            continue
        matrix = fold.held_out.matrix if isinstance(fold.held_out, EngineTable) else None
        members.append(
            bins.restored(
                loss,
                start,
                fold.train,
                held_out,
                engine_params,
                model=state.models[i],
                rounds=state.done,
                held_out_matrix=matrix,
            )
        )
    return members


def _boost_and_keep(
    engine: Engine,
    make: Callable[[Loss, State | None], list[BoosterInTraining]],
    loss: Loss,
    watch: Watch | None,
    settings: Settings,
) -> tuple[Boosted, list[str]]:
    """Boost from where the checkpoint is, and keep the rounds there; return them as text.

    The rounds of the loss that warms up have a file of their own.
    """
    go = _booster_of(engine, watch, settings)

    def stage(
        checkpoint: CheckpointFile | None, loss: Loss, n_rounds: int, state: State | None
    ) -> tuple[Boosted, list[str]]:
        if state is not None and state.kept is not None:
            return Boosted(state.history, state.kept), state.models
        members = make(loss, state)
        boosted = go(members, n_rounds, checkpoint=checkpoint, resumed=state)
        models = []
        while members:  # one booster less for each text
            models.append(as_text(members.pop(0).model(boosted.rounds)))
        if checkpoint is not None and boosted.complete:
            done = max(boosted.rounds, *(len(series) for series in boosted.history.values()), 0)
            checkpoint.save(State(done, boosted.history, models, boosted.rounds))
        return boosted, models

    def loaded(checkpoint: CheckpointFile | None) -> State | None:
        state = None if checkpoint is None else checkpoint.load()
        if state is not None:
            replay_history(settings.stop, state.history, state.done)
        return state

    most, state = _most_rounds(watch, settings), loaded(settings.checkpoint)
    if loss.warm_up is not None and most == 1:
        loss = loss.warm_up
    elif loss.warm_up is not None and state is None:
        checkpoint = settings.checkpoint and settings.checkpoint.beside("warm-up")
        first, models = stage(checkpoint, loss.warm_up, most // 2, loaded(checkpoint))
        if first.interrupted:
            return first, models
        logger.info("%d rounds of %r, now %r", first.rounds, loss.warm_up, loss)
        past = {name: series[: first.rounds] for name, series in first.history.items()}
        state = State(first.rounds, past, models)
    return stage(settings.checkpoint, loss, most, state)


def boost_warm(
    engine: Engine,
    members: Sequence[BoosterInTraining],
    loss: Loss,
    watch: Watch | None,
    settings: Settings,
) -> Boosted:
    """Boost with the loss that warms up, if there is one, and go on from its best round.

    For members that cannot be made anew, as those of a network.
    """
    most = _most_rounds(watch, settings)
    go = _booster_of(engine, watch, settings)
    if loss.warm_up is None or most == 1:
        return go(members, most)
    first = go(members, most // 2)
    if first.interrupted:
        return first
    for member in members:
        member.go_on(loss, first.rounds)
    logger.info("%d rounds of %r, now %r", first.rounds, loss.warm_up, loss)
    return go(members, most, before=first)


def _most_rounds(watch: Watch | None, settings: Settings) -> int:
    if watch is not None or settings.rounds_known:
        return settings.n_rounds
    return min(settings.n_rounds, UNWATCHED_ROUNDS)


def _booster_of(engine: Engine, watch: Watch | None, settings: Settings) -> Callable[..., Boosted]:
    return partial(
        boost,
        watch=watch,
        threads=settings.threads,
        prepare_thread=engine.prepare_thread,
        verbose=settings.verbose,
        stop=settings.stop,
        keep_on_interrupt=settings.keep_on_interrupt,
    )


def _watched(bins: Any, fold: Fold) -> Any:  # the adapter's own
    """Return the held-out rows as the adapter takes them."""
    held_out = fold.held_out
    if isinstance(held_out, EngineTable):
        return bins.external(held_out.matrix, held_out.y, held_out.weight)
    return held_out
