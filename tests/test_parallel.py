"""Ranges of rows on several threads."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gbimb.exceptions import InvalidParameterError
from gbimb.parallel import ROWS_PER_TASK, available_threads, resolve_jobs, run_ranges, thread_limit

SIZES = [0, 1, ROWS_PER_TASK - 1, ROWS_PER_TASK, ROWS_PER_TASK + 1, 7 * ROWS_PER_TASK + 3]


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("n_rows", SIZES)
def test_ranges_cover_every_row_once_and_in_order(n_rows: int, threads: int) -> None:
    with thread_limit(threads):
        ranges = run_ranges(lambda start, stop: (start, stop), n_rows)
    seen = [row for start, stop in ranges for row in (start, stop)]
    assert seen == sorted(seen)
    assert sum(stop - start for start, stop in ranges) == n_rows
    assert all(0 < stop - start <= ROWS_PER_TASK for start, stop in ranges)
    assert [start for start, _ in ranges] == list(range(0, n_rows, ROWS_PER_TASK))


def test_a_sum_does_not_depend_on_the_number_of_threads() -> None:
    values = np.random.default_rng(0).normal(size=9 * ROWS_PER_TASK + 11)

    def total(threads: int) -> float:
        with thread_limit(threads):
            return sum(run_ranges(lambda a, b: float(values[a:b].sum()), values.size))

    assert len({total(threads) for threads in (1, 2, 3, 8)}) == 1


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_the_limit_is_respected(limit: int) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def task(_start: int, _stop: int) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return threading.current_thread().name

    with thread_limit(8):
        run_ranges(task, 8 * ROWS_PER_TASK)  # the pool is larger than the limit now
    running = most = 0
    with thread_limit(limit):
        names = set(run_ranges(task, 12 * ROWS_PER_TASK))
    assert most <= limit
    assert len(names) <= limit


def test_limits_nest_and_belong_to_a_thread() -> None:
    names: list[int] = []

    def count() -> int:
        return len(set(run_ranges(lambda *_: _slow_name(), 8 * ROWS_PER_TASK)))

    with thread_limit(4):
        with thread_limit(1):
            assert count() == 1
        with ThreadPoolExecutor(1) as pool, thread_limit(1):
            names.append(pool.submit(count).result())  # not the limit of this thread
        assert count() <= 4
    assert names[0] <= available_threads()


def _slow_name() -> str:
    time.sleep(0.002)
    return threading.current_thread().name


def test_an_error_in_a_range_is_raised() -> None:
    def task(start: int, _stop: int) -> None:
        if start == 3 * ROWS_PER_TASK:
            msg = "row 3"
            raise ValueError(msg)

    for threads in (1, 3):
        with thread_limit(threads), pytest.raises(ValueError, match="row 3"):
            run_ranges(task, 6 * ROWS_PER_TASK)
    with thread_limit(3):
        assert len(run_ranges(lambda *_: 1, 6 * ROWS_PER_TASK)) == 6


def test_ranges_inside_ranges_do_not_wait_for_each_other() -> None:
    def inner(start: int, stop: int) -> int:
        return sum(run_ranges(lambda a, b: b - a, stop - start + 2 * ROWS_PER_TASK))

    with thread_limit(3):
        sizes = run_ranges(inner, 4 * ROWS_PER_TASK)
    assert sizes == [3 * ROWS_PER_TASK] * 4


def _child(queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    with thread_limit(3):
        queue.put(sum(run_ranges(lambda a, b: b - a, 6 * ROWS_PER_TASK)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_it_works_after_a_fork() -> None:
    with thread_limit(3):
        run_ranges(lambda a, b: b - a, 6 * ROWS_PER_TASK)  # threads that the child will not have
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_child, args=(queue,))
    process.start()
    assert queue.get(timeout=30) == 6 * ROWS_PER_TASK
    process.join(30)
    assert process.exitcode == 0


def test_jobs_are_counted_as_joblib_does() -> None:
    available = available_threads()
    assert resolve_jobs(None) == resolve_jobs(-1) == available
    assert resolve_jobs(3) == 3
    assert resolve_jobs(-2) == max(1, available - 1)
    assert resolve_jobs(-1000) == 1
    with pytest.raises(InvalidParameterError, match=r"n_jobs must be .*got 0"):
        resolve_jobs(0)
