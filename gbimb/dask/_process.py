"""What the processes of a fit hold besides their task, and how it is let go from outside."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import psutil

from gbimb.engines.xgboost import Tracker
from gbimb.exceptions import ClusterError

_trackers: dict[str, Tracker] = {}
_broken: set[str] = set()


def topic_of(fit: str) -> str:
    """Return under which name the rounds of a fit are reported."""
    return f"gbimb-{fit}"


def host_of(dask_worker: Any) -> str:  # noqa: ANN401  a distributed.Worker
    """Return the address under which other workers reach this one."""
    return urlsplit(str(dask_worker.address)).hostname or "127.0.0.1"


def start_tracker(fit: str, n_processes: int, dask_worker: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """Start what brings the processes of a fit together, and return its address."""
    host = host_of(dask_worker) if str(dask_worker.address).startswith("t") else "127.0.0.1"
    _trackers[fit] = Tracker(n_processes, host)
    return _trackers[fit].address


def free_port(dask_worker: Any = None) -> str:  # noqa: ANN401
    """Return "host:port" with a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return f"{host_of(dask_worker)}:{probe.getsockname()[1]}"


def end_fit(fit: str) -> None:
    """Forget the tracker of a fit that went well."""
    _trackers.pop(fit, None)


def check_going(fit: str) -> None:
    """Raise if the fit was broken off."""
    if fit in _broken:
        msg = "The fit was broken off, as another worker failed or its client was interrupted."
        raise ClusterError(msg)


async def break_off(fit: str, ports: list[int]) -> None:
    """Free the threads of a fit that wait for a process that is gone.

    Those that still train stop before the next round. XGBoost notices by itself what others do.
    LightGBM reads from a closed connection for ever: its sockets are replaced by something that
    cannot be read from, and it raises.
    """
    _broken.add(fit)
    tracker = _trackers.pop(fit, None)
    nothing = os.open(os.devnull, os.O_RDWR)
    for connection in psutil.Process().net_connections("tcp"):
        ends = {end.port for end in (connection.laddr, connection.raddr) if end}
        if ends & set(ports) and connection.fd >= 0 and connection.status != psutil.CONN_LISTEN:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as own:
                os.dup2(nothing, connection.fd)
                own.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads from it
    os.close(nothing)
    if tracker is not None:
        Thread(target=tracker.stop, daemon=True).start()  # may wait for a process that is gone
