"""A cluster by its address, and tables in memory spread over it: what the command line needs."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd

from gbimb.exceptions import ClusterError
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_SECONDS = 20
PARTS_PER_WORKER = 2


@contextmanager
def connected(address: str) -> Iterator[distributed.Client]:
    """Connect to the scheduler at ``address``; "local" starts workers on this machine.

    Raises
    ------
    ClusterError
        If there is no scheduler, or it has no workers.
    """
    if address == "local":
        with (
            distributed.LocalCluster(
                dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
            ) as here,
            distributed.Client(here) as client,
        ):
            client.run(_be_quiet)
            yield client
        return
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        msg = (
            f"The Dask scheduler must answer at its address, got {address!r} ({reason}). "
            "It is printed where the scheduler starts, such as tcp://10.0.0.5:8786."
        )
        raise ClusterError(msg) from None
    with client:
        if not client.nthreads():
            msg = f"The cluster at {address!r} has no workers. Start some, with dask worker."
            raise ClusterError(msg)
        yield client


def _be_quiet() -> None:
    """Leave the terminal to the command: both engines write to what they share with it."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def spread(client: distributed.Client, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``fit`` as Dask collections, two partitions a worker.

    Numbers stay what they are.
    """
    if isinstance(given["X"], ParquetSource):
        return dict(given)
    parts = PARTS_PER_WORKER * len(client.nthreads())
    tables = {name: _frame(values) for name, values in given.items() if np.ndim(values)}
    frames = {name: dd.from_pandas(table, npartitions=parts) for name, table in tables.items()}
    return {**given, **frames}


def _frame(values: Any) -> pd.DataFrame | pd.Series[Any]:
    frame = values if isinstance(values, pd.DataFrame) else pd.Series(values)
    return frame.reset_index(drop=True)
