"""A fit that failed leaves its workers as they were: the next one goes well."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

import distributed
import pytest

from gbimb.exceptions import ClusterError
from tests.dask.tables import PAIRS, QUICK, arrays, both, even, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.dask

ENOUGH_SECONDS = 90


@pytest.fixture(scope="module")
def own() -> Iterator[distributed.Client]:
    with (
        distributed.LocalCluster(
            n_workers=3,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


def fit(engine: str, client: distributed.Client) -> Any:
    Xd, yd = arrays(*numbers(1200), sizes=even(1200, 6))
    parameters = {**QUICK, "n_estimators": 6, "n_jobs": 1}
    return PAIRS[engine][0](client=client, **parameters).fit(Xd, yd)


def fit_in_time(engine: str, client: distributed.Client) -> Any:
    """Fit in a thread of its own: a worker that is not free would let the test wait for ever."""
    fitted: list[Any] = []
    thread = threading.Thread(target=lambda: fitted.append(fit(engine, client)), daemon=True)
    thread.start()
    thread.join(ENOUGH_SECONDS)
    assert fitted, "the next fit failed, or waits for a worker that is not free"
    return fitted[0]


def spoil(name: str, *, die: bool = False) -> None:
    """Let a function of a worker fail from its second call on."""
    from gbimb.dask import _worker

    real, calls = getattr(_worker, name), []

    def fail(*arguments: Any) -> Any:
        calls.append(name)
        if die:
            os._exit(3)
        if len(calls) > 1 or name == "join":
            msg = "planted"
            raise ValueError(msg)
        return real(*arguments)

    fail.real = real  # type: ignore[attr-defined]
    setattr(_worker, name, fail)


def mend(name: str) -> None:
    from gbimb.dask import _worker

    setattr(_worker, name, getattr(_worker, name).real)


# Before the processes meet, or in a round, while the others wait for one another.
@pytest.mark.parametrize("name", ["join", "check_going"])
@both
def test_the_fit_after_one_that_failed_on_a_worker_goes_well(
    own: distributed.Client, monkeypatch: pytest.MonkeyPatch, engine: str, name: str
) -> None:
    monkeypatch.setattr("gbimb.dask._cluster.NOTICE_SECONDS", 0.5)
    own.wait_for_workers(3, timeout=60)
    before = own.run(os.getpid)
    worker = sorted(before)[1]
    own.run(spoil, name, workers=[worker])
    try:
        with pytest.raises(ClusterError, match="planted"):
            fit(engine, own)
    finally:
        own.run(mend, name, workers=[worker])
    assert fit_in_time(engine, own).n_workers_ == 3
    assert own.run(os.getpid) == before  # no worker was restarted


@pytest.mark.slow
def test_a_worker_that_dies_before_lightgbm_has_connected_leaves_the_others_free(
    own: distributed.Client,
) -> None:
    own.wait_for_workers(3, timeout=60)
    worker = sorted(own.nthreads())[0]  # the others wait for it to connect
    own.run(spoil, "network_params", die=True, workers=[worker])
    with pytest.raises(ClusterError, match="died or left the cluster"):
        fit("lgbm", own)
    assert fit_in_time("lgbm", own).n_workers_ >= 2
