"""The processes of a fit: what they add up, what they hold, and how it is let go from outside."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import numpy as np
import psutil

from gbimb.engines.xgboost import Tracker, all_reduce
from gbimb.exceptions import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses import Loss

PORTS: Final = range(20_000, 32_000)
TRIED_PORTS: Final = 100

_trackers: dict[str, Tracker] = {}
_broken: set[str] = set()
_links: dict[str, list[_Link]] = {}
_lock = Lock()  # of the links: no descriptor may change hands while one is replaced


class Group:
    """Adds up small arrays over the processes, and counts the bytes that this one puts in.

    Attributes
    ----------
    n_bytes, n_calls : int
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self.n_calls = 0

    def __call__(self, values: NDArray[Any], how: str = "sum") -> NDArray[Any]:
        """Return the "sum", "min" or "max" over the processes, element by element."""
        self.n_bytes += values.nbytes
        self.n_calls += 1
        return all_reduce(values, how)


class GlobalLoss:
    """A loss over the rows of all processes, as a booster in training wants it.

    Pointwise losses are what they are. Those of the whole training set depend on its sums, which
    are added up: their gradients are the exact ones.
    """

    def __init__(self, loss: Loss, group: Group) -> None:
        self._loss = loss
        self._group = group
        self.n_outputs = loss.n_outputs
        self.warm_up = loss.warm_up

    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Return gradient and curvature of the rows of this process."""
        loss: Any = self._loss
        if loss.pointwise:
            return self._loss.gradient_curvature(y_true, raw_score, sample_weight, out)
        own = loss.sums(y_true, raw_score, sample_weight)
        sums = loss.sums_class.from_array(self._group(own.as_array()))
        both: tuple[Float32Array, Float32Array] = loss.gradient_curvature(
            y_true, raw_score, sample_weight, out, sums=sums
        )
        return both

    def __repr__(self) -> str:
        """Name the loss."""
        return repr(self._loss)


@dataclass(frozen=True)
class _Link:
    """A connection of LightGBM: the descriptor that it reads from, and a second one."""

    descriptor: int
    second: socket.socket

    def end(self) -> None:
        """Let a thread that waits for the other process go on, with zeros.

        LightGBM reads from a closed connection for ever, and where it sends much, an error ends
        the whole process. Its caller is to raise when it comes back.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            if _same(self.descriptor, self.second.fileno()):
                os.dup2(theirs.fileno(), self.descriptor)
                self.second.shutdown(socket.SHUT_RD)  # wakes a thread of ours that reads from it
            # Otherwise LightGBM has closed it, and this end is closed with ``theirs``.
        Thread(target=_satisfy, args=(ours, self.second), daemon=True).start()


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def _satisfy(ours: socket.socket, second: socket.socket) -> None:
    """Send zeros to LightGBM and take what it sends until it is done, then what others send."""
    reader = Thread(target=_swallow, args=(ours,), daemon=True)
    reader.start()
    with ours, second:
        with suppress(OSError):
            while True:
                ours.sendall(bytes(1 << 16))
        reader.join()
        _swallow(second)


def _swallow(end: socket.socket) -> None:
    with suppress(OSError):
        while end.recv(1 << 16):
            pass


def _connections(ports: Sequence[int]) -> Iterator[Any]:
    """Yield this process's connections from or to these ports."""
    for connection in psutil.Process().net_connections("tcp"):
        ends = {end.port for end in (connection.laddr, connection.raddr) if end}
        if ends & set(ports) and connection.fd >= 0:
            yield connection


@contextmanager
def linked(fit: str, ports: Sequence[int], free: Callable[[], None]) -> Iterator[None]:
    """Hold the connections of LightGBM, just made, so that the fit can be broken off.

    Of one that is closed the system cannot say later whose it was. In a process that fails they
    stay open until then: the others may still send.
    """
    try:
        with _lock:
            check_going(fit)
            for connection in _connections(ports):
                if connection.status != psutil.CONN_LISTEN:
                    second = socket.socket(fileno=os.dup(connection.fd))
                    _links.setdefault(fit, []).append(_Link(connection.fd, second))
        yield
    finally:
        with _lock:
            free()
    for link in _links.pop(fit, ()):
        link.second.close()


def topic_of(fit: str) -> str:
    """Return under which name the rounds of a fit are reported."""
    return f"gbimb-{fit}"


def host_of(dask_worker: Any) -> str:  # a distributed.Worker
    """Return the address under which other workers reach this one."""
    return urlsplit(str(dask_worker.address)).hostname or "127.0.0.1"


def start_tracker(fit: str, n_processes: int, dask_worker: Any = None) -> dict[str, Any]:
    """Start what brings the processes of a fit together, and return its address."""
    host = host_of(dask_worker) if str(dask_worker.address).startswith("t") else "127.0.0.1"
    _trackers[fit] = Tracker(n_processes, host)
    return _trackers[fit].address


def free_port(dask_worker: Any = None) -> str:
    """Return "host:port" with a port that is free now.

    Systems give ports above these to connections: such a one could be taken a moment later.
    """
    for port in np.random.default_rng().permutation(PORTS)[:TRIED_PORTS].tolist():
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return f"{host_of(dask_worker)}:{port}"
    msg = f"No port is free for LightGBM between {PORTS[0]} and {PORTS[-1]}."
    raise ClusterError(msg)


def end_fit(fit: str) -> None:
    """Forget the tracker of a fit that went well."""
    _trackers.pop(fit, None)


def check_going(fit: str) -> None:
    """Raise if the fit was broken off."""
    if fit in _broken:
        msg = "The fit was broken off, as another worker failed or its client was interrupted."
        raise ClusterError(msg)


async def break_off(fit: str, ports: Sequence[int]) -> None:
    """Free the threads of a fit that wait for a process that failed or is gone.

    Those that still train stop before the next round. XGBoost notices by itself what others do.
    """
    with _lock:
        _broken.add(fit)
        for link in _links.pop(fit, ()):
            link.end()
    _connect_for_others(ports)
    tracker = _trackers.pop(fit, None)
    if tracker is not None:
        Thread(target=tracker.stop, daemon=True).start()  # may wait for a process that is gone


def _connect_for_others(ports: Sequence[int]) -> None:
    """Connect in the place of other processes to where LightGBM waits for them, without end."""
    for connection in _connections(ports):
        port = connection.laddr.port
        if connection.status == psutil.CONN_LISTEN:
            for rank in range(ports.index(port)):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as own:
                    own.sendall(struct.pack("i", rank))
