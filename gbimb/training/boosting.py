"""Boost several members round by round, watching all their held-out rows together.

One metric over the held-out rows of all folds sees every positive of the table; a metric of
each fold sees a fifth of them, and stopping on it keeps too few trees.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gbimb.exceptions import warn
from gbimb.log import logger
from gbimb.parallel import thread_limit
from gbimb.training.checkpoint import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.engines.interface import BoosterInTraining
    from gbimb.metrics import Metric
    from gbimb.training.checkpoint import CheckpointFile

    Stop: TypeAlias = Callable[[Mapping[str, list[float]], int], bool]

ROUNDS_PER_STEP = 5
SLOW_ROUND = 0.1  # seconds
TIE_BREAKER = "log_loss"


@dataclass(frozen=True)
class Watch:
    """What is reported each round, and when to stop.

    Attributes
    ----------
    metrics : sequence of Metric
        The first one decides.
    evaluate : callable
        From the held-out raw scores, member by member, to the value of each metric.
    patience : int or None
        Rounds without improvement before boosting stops; None never stops early.
    fewest : int
        Rounds that are kept in any case: a handful gives a handful of probabilities, however well
        they happen to rank.
    rare : float
        Held-out rows outside the commonest class: what the noise of the first metric depends on.
    """

    metrics: Sequence[Metric]
    evaluate: Callable[[NDArray[Any]], dict[str, float]]
    patience: int | None
    fewest: int
    rare: float

    @property
    def decides(self) -> Metric:
        """The first metric."""
        return self.metrics[0]

    @property
    def tie_breaker(self) -> Metric | None:
        """The log loss where it is watched beside: of rounds that are as good, it has a say."""
        others = [m for m in self.metrics[1:] if m.name == TIE_BREAKER]
        return others[0] if others and self.decides.greater_is_better else None


@dataclass(frozen=True)
class Boosted:
    """The outcome: the history of each metric, the rounds to keep, and what ended it before."""

    history: dict[str, list[float]]
    rounds: int
    interrupted: bool = False
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether more rounds would not have been trained."""
        return not (self.interrupted or self.stopped)


def boost(
    members: Sequence[BoosterInTraining],
    n_rounds: int,
    watch: Watch | None,
    *,
    threads: int,
    prepare_thread: Callable[[], None],
    verbose: int,
    before: Boosted | None = None,
    stop: Stop | None = None,
    checkpoint: CheckpointFile | None = None,
    resumed: State | None = None,
    keep_on_interrupt: bool = False,
) -> Boosted:
    """Train ``members`` for up to ``n_rounds`` rounds, those of ``before`` included.

    Without ``watch`` all rounds are trained and kept. Otherwise the first metric decides, by its
    moving average over half the patience: the value of a single round is noisy where positives
    are few. Of the rounds within one standard error of the best, the one with the least log loss
    is kept (the one-standard-error rule, Breiman et al. 1984). ``stop`` is asked every five
    rounds, with the history and the number of rounds so far, and if it is ``timed`` every round
    where rounds are slow. ``checkpoint`` gets a state every so many
    rounds; members that were restored from one go on after ``resumed``.
    """
    done = 0 if before is None else before.rounds
    history: dict[str, list[float]] = {}
    if watch is not None:
        past = {} if before is None else before.history
        history = {m.name: past.get(m.name, [])[:done] for m in watch.metrics}
    if resumed is not None:
        done, history = resumed.done, {name: [*series] for name, series in resumed.history.items()}
    saved, interrupted, stopped = done, False, False
    slow = timed = bool(getattr(stop, "timed", False))
    workers = min(len(members), threads)
    with _threads(workers, prepare_thread) as run:
        while done < n_rounds:
            step = min(1 if slow else ROUNDS_PER_STEP, n_rounds - done)
            began = time.monotonic()
            advance = partial(
                _advance, rounds=step, watched=watch is not None, threads=threads // workers
            )
            try:
                scores = list(run(advance, members))
                if watch is not None:
                    for i in range(step):
                        _record(history, watch.evaluate(np.concatenate([s[i] for s in scores])))
            except KeyboardInterrupt:
                if not (keep_on_interrupt and done):
                    raise
                for series in history.values():
                    del series[done:]
                warn_of_interrupt(done)
                interrupted = True
                break
            done += step
            slow = timed and time.monotonic() - began > step * SLOW_ROUND
            if watch is not None:
                _report(history, done, verbose)
                if watch.patience is not None and _exhausted(history, watch, done):
                    break
            if stop is not None and stop(history, done):
                stopped = True
                break
            if checkpoint is not None and done - saved >= checkpoint.every:
                checkpoint.save(State(done, history, [as_text(m.model(done)) for m in members]))
                saved = done
    rounds = done if watch is None or watch.patience is None else _best(history, watch)
    return Boosted(history, rounds, interrupted, stopped)


def replay_history(stop: Stop | None, history: Mapping[str, list[float]], done: int) -> None:
    """Tell ``stop`` of the rounds of a checkpoint, as it was told before."""
    if stop is not None:
        for past in range(ROUNDS_PER_STEP, done + 1, ROUNDS_PER_STEP):
            stop({name: series[:past] for name, series in history.items()}, past)


def as_text(model: str | bytes) -> str:
    """Return a model in the engine's own form as text."""
    return model.decode("utf-8") if isinstance(model, bytes) else model


def warn_of_interrupt(done: int) -> None:
    """Say how many rounds there are."""
    warn(f"Interrupted: the {done} rounds trained so far make the model.")


@contextmanager
def _threads(workers: int, prepare_thread: Callable[[], None]) -> Iterator[Callable[..., Any]]:
    """Give a ``map`` over threads, or for one member alone over this thread."""
    if workers == 1:
        yield map  # a connection to other machines belongs to the thread that made it
        return
    with ThreadPoolExecutor(workers, initializer=prepare_thread) as pool:
        yield pool.map


def _advance(
    member: BoosterInTraining, *, rounds: int, watched: bool, threads: int
) -> list[NDArray[Any]]:
    scores = []
    with thread_limit(threads):
        for _ in range(rounds):
            member.update()
            if watched:
                scores.append(member.held_out())
    return scores


def _record(history: Mapping[str, list[float]], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        history[name].append(value)


def _report(history: Mapping[str, list[float]], done: int, verbose: int) -> None:
    if verbose > 0 and done % verbose < ROUNDS_PER_STEP:
        values = "  ".join(f"{name} {series[-1]:.5f}" for name, series in history.items())
        logger.info("round %d  %s", done, values, extra={"round": done})


def _smooth(history: Mapping[str, list[float]], watch: Watch) -> NDArray[np.float64]:
    """Centred moving average of the first metric, higher is better."""
    metric = watch.decides
    values = np.array(history[metric.name]) * (1.0 if metric.greater_is_better else -1.0)
    at = np.arange(values.size)
    # A short history has a short window: one of its length would see no difference. So have the
    # first rounds, which change fast: a wide window lets round 1 win by the rounds after it.
    half = np.minimum(min(watch.patience or 0, values.size) // 4, at // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, values.size)
    averages: NDArray[np.float64] = (sums[high] - sums[low]) / (high - low)
    return averages


def _peak(averages: NDArray[np.float64], watch: Watch) -> int:
    """Return the round with the best moving average."""
    first = min(watch.fewest, averages.size) - 1
    return first + int(np.argmax(averages[first:])) + 1


def _best(history: Mapping[str, list[float]], watch: Watch) -> int:
    averages = _smooth(history, watch)
    peak = _peak(averages, watch)
    if watch.tie_breaker is None or watch.rare == 0:
        return peak
    best = float(averages[peak - 1])
    # That of a correlation between the rare rows and what is called rare.
    error = (1.0 - min(abs(best), 1.0) ** 2) / np.sqrt(watch.rare)
    losses = np.array(history[watch.tie_breaker.name])
    losses[: min(watch.fewest, losses.size) - 1] = np.inf
    losses[averages < best - error] = np.inf
    return int(np.argmin(losses)) + 1


def _exhausted(history: Mapping[str, list[float]], watch: Watch, done: int) -> bool:
    return done - _peak(_smooth(history, watch), watch) >= (watch.patience or 0)
