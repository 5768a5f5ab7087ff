"""Work on a cluster from its client: wait, notice what fails, and never hang."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import distributed
from distributed.comm import CommClosedError

from gbimb.engines import lightgbm, xgboost
from gbimb.exceptions import ClusterError, GbimbError, InvalidParameterError
from gbimb.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

POLL_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 2.0
RECONNECT_SECONDS: Final = 20.0
NOTICE_SECONDS: Final = 5.0
"""How long the scheduler may take to notice that a worker is gone."""
LOCK: Final = "gbimb-fit"
ENGINE_ERRORS: Final = (lightgbm.EngineError, xgboost.EngineError)


def find_client(client: Any) -> distributed.Client:
    """Return ``client``, or the one that was made last.

    Raises
    ------
    InvalidParameterError
        If there is none, or it is an asynchronous one.
    """
    if client is None:
        try:
            client = distributed.default_client()
        except ValueError:
            msg = (
                "client must be a distributed.Client, got None, and there is no other. Start one "
                "first: distributed.Client() runs workers on this machine."
            )
            raise InvalidParameterError(msg) from None
    if not isinstance(client, distributed.Client):
        msg = f"client must be a distributed.Client or None, got {client!r}."
        raise InvalidParameterError(msg)
    if client.asynchronous:
        msg = "client must be a synchronous distributed.Client, got one with asynchronous=True."
        raise InvalidParameterError(msg)
    return client


@contextmanager
def one_fit_at_a_time(client: distributed.Client) -> Iterator[None]:
    """Wait for other fits of gbimb on this cluster.

    The tasks of a fit wait for one another: those of two fits would each hold a thread that the
    other one needs. The lock is a lease, so that a client that dies does not keep it.
    """
    lease = distributed.Semaphore(1, LOCK, scheduler_rpc=client.scheduler, loop=client.loop)
    noted = False
    with cluster_sentences():
        while not lease.acquire(timeout=LOOK_SECONDS):
            check_scheduler(client)
            if not noted:
                logger.info("waiting for another fit on this cluster")
                noted = True
    try:
        yield
    finally:
        if client.status == "running":
            lease.release()


def check_scheduler(client: distributed.Client) -> None:
    """Raise if the scheduler is gone for good."""
    deadline = time.monotonic() + RECONNECT_SECONDS
    while client.status != "running":
        if client.status != "connecting" or time.monotonic() > deadline:
            msg = (
                "The scheduler of the cluster is gone, and the fit with it. Start the cluster "
                "again, connect a new client and fit again."
            )
            raise ClusterError(msg)
        time.sleep(POLL_SECONDS)


@contextmanager
def cluster_sentences() -> Iterator[None]:
    """Turn what distributed raises about connections into one sentence."""
    try:
        yield
    except GbimbError:
        raise
    except (CommClosedError, OSError, RuntimeError) as error:
        msg = (
            f"The connection to the cluster failed: {error}. Check that its scheduler runs, "
            "connect a new client and fit again."
        )
        raise ClusterError(msg) from error


def gather(
    client: distributed.Client,
    futures: Sequence[distributed.Future],
    *,
    workers: Sequence[str] = (),
    on_failure: Callable[[], None] | None = None,
) -> list[Any]:
    """Wait for ``futures`` and return their results.

    Parameters
    ----------
    client : Client
    futures : list of Future
    workers : list of str
        Addresses of workers that have to stay: without one of them the others would wait.
    on_failure : callable, optional
        Called before an error is raised.

    Raises
    ------
    ClusterError
        If a worker in ``workers`` or the scheduler is gone, or a task failed.
    GbimbError
        If a task raised one.
    """
    try:
        with cluster_sentences():
            _wait(client, futures, workers)
            return list(client.gather(list(futures)))
    except BaseException:  # an interrupt, too: the tasks would go on
        if on_failure is not None and client.status == "running":
            on_failure()
        if client.status == "running":
            client.cancel(list(futures))
        raise


def _wait(
    client: distributed.Client, futures: Sequence[distributed.Future], workers: Sequence[str]
) -> None:
    # Not with ``distributed.wait``: the error that it raises when time is over refers to itself,
    # and keeps the futures, with the rows on their workers, until a garbage collection.
    news = Event()
    for future in futures:
        future.add_done_callback(lambda _: news.set())
    pending = set(futures)
    looked = time.monotonic()
    while pending:
        news.clear()
        check_scheduler(client)
        for future in [future for future in pending if future.done()]:
            _check_done(client, future, futures, workers)
            pending.discard(future)
        if workers and pending and time.monotonic() - looked > LOOK_SECONDS:
            _require(client, workers)
            looked = time.monotonic()
        if pending:
            news.wait(POLL_SECONDS)


def _check_done(
    client: distributed.Client,
    future: distributed.Future,
    futures: Sequence[distributed.Future],
    workers: Sequence[str],
) -> None:
    if future.status == "finished":
        return
    _raise_our_own([future])
    check_scheduler(client)
    # What the others say of one that died comes before the scheduler knows.
    deadline = time.monotonic() + NOTICE_SECONDS
    while workers and time.monotonic() < deadline:
        _require(client, workers)
        time.sleep(POLL_SECONDS)
    _raise_our_own(futures)
    errors = [other.exception() for other in (future, *futures) if other.status == "error"]
    if not errors:
        msg = (
            f"The cluster gave up a task of the fit ({future.status}). A worker or the scheduler "
            "may have been restarted; fit again."
        )
        raise ClusterError(msg)
    # The engine of another process may complain of the one that failed before that says why.
    error = next((e for e in errors if not isinstance(e, ENGINE_ERRORS)), errors[0])
    msg = f"A task of the fit failed on a worker: {type(error).__name__}: {error}"
    raise ClusterError(msg) from error


def _raise_our_own(futures: Sequence[distributed.Future]) -> None:
    for future in futures:
        if future.status == "error" and isinstance(error := future.exception(), GbimbError):
            raise error


def _require(client: distributed.Client, workers: Sequence[str]) -> None:
    missing = sorted(set(workers) - set(client.nthreads(list(workers))))
    if missing:
        msg = (
            f"The worker {missing[0]} died or left the cluster during training, which all of its "
            f"{len(workers)} workers take part in. Look at its log (memory is the usual cause) "
            "and fit again."
        )
        raise ClusterError(msg)
