"""Run a compiled loop over ranges of rows on several threads.

The kernels are compiled with ``nogil``, so plain threads suffice. They sleep between calls,
where the OpenMP pool of a compiled ``parallel`` loop would spin beside the engines' own pools
and would not survive a fork.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gbimb.exceptions import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

ROWS_PER_TASK = 1 << 16

_limit: ContextVar[int | None] = ContextVar("gbimb_threads", default=None)
_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_began = False  # the engines may have threads, which a child that is forked would wait for
_forked = False
ENGINE_LIMITS: list[Callable[[], object]] = []
"""What gives an engine one thread where it remembers a number of its own."""

MOST_THREADS: Final = 1024


def available_threads() -> int:
    """Return the number of processors this process may use.

    One, in a process forked from one that trained or predicted: GNU's OpenMP waits for ever
    for the threads that the fork did not copy.
    """
    if _forked:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_jobs(n_jobs: int | None) -> int:
    """Return the number of threads that ``n_jobs`` asks for, counted as joblib does.

    ``None`` and ``-1`` are all available processors, ``-2`` all but one. Where threads of the
    engines would wait for ever (see `available_threads`), it is one.
    """
    expect_engine_threads()
    available = available_threads()
    if n_jobs is None:
        return available
    if n_jobs == 0:
        msg = "n_jobs must be None or a whole number other than 0, got 0."
        raise InvalidParameterError(msg)
    most = max(MOST_THREADS, available)
    if n_jobs > most:
        msg = (
            f"n_jobs must be at most {most}, got {n_jobs}: this process may use {available} "
            "processor(s), and more threads than those are slower. Leave n_jobs at None."
        )
        raise InvalidParameterError(msg)
    if _forked:
        return 1
    return n_jobs if n_jobs > 0 else max(1, available + 1 + n_jobs)


def expect_engine_threads() -> None:
    """Remember that an engine is at work in this process.

    In a process forked from one where it was, OpenMP gets one thread for all that asks for no
    number of threads, as the reading of a model does.
    """
    global _began  # noqa: PLW0603  of the process
    if _forked and not _began:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, "openmp")
        for limit in ENGINE_LIMITS:
            limit()
    _began = True


@contextmanager
def thread_limit(n_threads: int) -> Iterator[None]:
    """Let the kernels called in this context use at most ``n_threads`` threads."""
    token = _limit.set(n_threads)
    try:
        yield
    finally:
        _limit.reset(token)


def thread_count() -> int:
    """Return the number of threads that kernels may use here."""
    return _limit.get() or available_threads()


def run_ranges(
    task: Callable[[int, int], T], n_rows: int, rows_per_task: int = ROWS_PER_TASK
) -> list[T]:
    """Call ``task(start, stop)`` for ranges that cover ``n_rows`` and return what it returned.

    The results are in the order of the ranges, which do not depend on the number of threads, so
    sums over them do not either. Each thread takes the next range when it is done with one: a
    processor that an engine's spinning threads keep busy delays its own range only.
    """
    bounds = [
        (start, min(start + rows_per_task, n_rows)) for start in range(0, n_rows, rows_per_task)
    ]
    threads = min(thread_count(), len(bounds))
    if threads <= 1:
        return [task(start, stop) for start, stop in bounds]
    results: list[Any] = [None] * len(bounds)
    places = iter(range(len(bounds)))

    def run() -> None:
        for place in places:  # shared by the threads: each place is handed out once
            results[place] = task(*bounds[place])

    futures = [_get_pool(threads - 1).submit(run) for _ in range(threads - 1)]
    try:
        run()
    finally:
        for future in futures:
            if not future.cancel():  # one that has not begun has nothing left to do
                future.result()
    return results


def _get_pool(size: int) -> ThreadPoolExecutor:
    global _pool, _pool_size  # noqa: PLW0603  one pool for the process, made when first needed
    if _pool is None or _pool_size < size:
        _pool = ThreadPoolExecutor(size, thread_name_prefix="gbimb")
        _pool_size = size
    return _pool


def _after_fork() -> None:
    global _pool, _pool_size, _forked, _began
    _pool, _pool_size = None, 0
    _forked, _began = _forked or _began, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
