"""The time budget of the automatic choice: when candidates are asked to stop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gbimb.training import boosting
from gbimb.training.boosting import boost
from gbimb.training.search import search as _search
from gbimb.training.search.search import Clock, Watcher


class Time:
    """A clock that moves when told."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(_search, "time", time)
    monkeypatch.setattr(boosting, "time", time)
    return time


class Slow:
    """A member whose rounds take two seconds each."""

    def __init__(self, time: Time) -> None:
        self.time = time

    def update(self) -> None:
        self.time.now += 2.0


def watcher(after: float) -> Watcher:
    search: Any = SimpleNamespace(clock=Clock(60.0), share=1.0)
    return Watcher(search, 0.1, None, after)


@pytest.mark.parametrize("after", [0.0, 0.5, 2.0])
def test_a_candidate_stops_early_enough_for_what_follows_its_rounds(
    time: Time, after: float
) -> None:
    stop = watcher(after)
    boosted = boost(
        [Slow(time)],  # type: ignore[list-item]  trains only
        1000,
        None,
        threads=1,
        prepare_thread=lambda: None,
        verbose=0,
        stop=stop,
    )
    assert boosted.stopped
    assert stop.out_of_time
    done = time.now * (1.0 + after)
    assert 60.0 * 0.9 <= done <= 60.0 * 1.1


def test_without_a_clock_rounds_are_asked_about_in_fives(time: Time) -> None:
    asked: list[int] = []

    def stop(_: object, done: int) -> bool:
        asked.append(done)
        return done == 20

    options: Any = {"threads": 1, "prepare_thread": lambda: None, "verbose": 0, "stop": stop}
    boost([Slow(time)], 1000, None, **options)  # type: ignore[list-item]
    np.testing.assert_array_equal(asked, [5, 10, 15, 20])
