"""Boost several members round by round, watching all their held-out rows together.

One metric over the held-out rows of all folds sees every positive of the table; a metric of
each fold sees a fifth of them, and stopping on it keeps too few trees.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from gbimb._parallel import thread_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.losses import Loss
    from gbimb.metrics import Metric

    Stop: TypeAlias = Callable[[Mapping[str, list[float]], int], bool]

logger = logging.getLogger("gbimb")

ROUNDS_PER_STEP = 5


class Member(Protocol):
    """One booster in training, as the adapters offer it."""

    def update(self) -> None:
        """Add the trees of one round."""

    def held_out(self) -> NDArray[Any]:
        """Return the raw scores of the held-out rows, an array of its own."""

    def go_on(self, loss: Loss, n_rounds: int) -> None:
        """Keep the first rounds only, and train further ones with ``loss``."""

    def model(self, n_rounds: int) -> Any:  # noqa: ANN401  text or bytes
        """Return the first rounds in the engine's own form."""


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
    """

    metrics: Sequence[Metric]
    evaluate: Callable[[NDArray[Any]], dict[str, float]]
    patience: int | None
    fewest: int


@dataclass(frozen=True)
class Boosted:
    """The outcome: the history of each metric and the number of rounds to keep."""

    history: dict[str, list[float]]
    rounds: int


def boost(
    members: Sequence[Member],
    n_rounds: int,
    watch: Watch | None,
    *,
    threads: int,
    prepare_thread: Callable[[], None],
    verbose: int,
    before: Boosted | None = None,
    stop: Stop | None = None,
) -> Boosted:
    """Train ``members`` for up to ``n_rounds`` rounds, those of ``before`` included.

    Without ``watch`` all rounds are trained and kept. Otherwise the round kept has the best
    moving average of the first metric, over half the patience: the value of a single round is
    noisy where positives are few. ``stop`` is asked every five rounds, with the history and the
    number of rounds so far.
    """
    done = 0 if before is None else before.rounds
    history: dict[str, list[float]] = {}
    if watch is not None:
        past = {} if before is None else before.history
        history = {m.name: past.get(m.name, [])[:done] for m in watch.metrics}
    workers = min(len(members), threads)
    with _threads(workers, prepare_thread) as run:
        while done < n_rounds:
            step = min(ROUNDS_PER_STEP, n_rounds - done)
            advance = partial(
                _advance, rounds=step, watched=watch is not None, threads=threads // workers
            )
            scores = list(run(advance, members))
            done += step
            if watch is not None:
                for i in range(step):
                    _record(history, watch.evaluate(np.concatenate([s[i] for s in scores])))
                _report(history, done, verbose)
                if watch.patience is not None and _exhausted(history, watch, done):
                    break
            if stop is not None and stop(history, done):
                break
    rounds = done if watch is None or watch.patience is None else _best(history, watch)
    return Boosted(history, rounds)


@contextmanager
def _threads(workers: int, prepare_thread: Callable[[], None]) -> Iterator[Callable[..., Any]]:
    """Give a ``map`` over threads, or for one member alone over this thread."""
    if workers == 1:
        yield map  # a connection to other machines belongs to the thread that made it
        return
    with ThreadPoolExecutor(workers, initializer=prepare_thread) as pool:
        yield pool.map


def _advance(member: Member, *, rounds: int, watched: bool, threads: int) -> list[NDArray[Any]]:
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
        logger.info("round %d  %s", done, values)


def _smooth(history: Mapping[str, list[float]], watch: Watch) -> NDArray[np.float64]:
    """Centred moving average of the first metric, higher is better."""
    metric = watch.metrics[0]
    values = np.array(history[metric.name]) * (1.0 if metric.greater_is_better else -1.0)
    at = np.arange(values.size)
    # A short history has a short window: one of its length would see no difference. So have the
    # first rounds, which change fast: a wide window lets round 1 win by the rounds after it.
    half = np.minimum(min(watch.patience or 0, values.size) // 4, at // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, values.size)
    averages: NDArray[np.float64] = (sums[high] - sums[low]) / (high - low)
    return averages


def _best(history: Mapping[str, list[float]], watch: Watch) -> int:
    averages = _smooth(history, watch)
    first = min(watch.fewest, averages.size) - 1
    return first + int(np.argmax(averages[first:])) + 1


def _exhausted(history: Mapping[str, list[float]], watch: Watch, done: int) -> bool:
    return done - _best(history, watch) >= (watch.patience or 0)
