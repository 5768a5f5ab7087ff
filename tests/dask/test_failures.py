"""What goes wrong on real clusters ends in a sentence, and soon."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import distributed
import numpy as np
import pytest

import gbimb
from gbimb.dask import DaskUnderBaggingClassifier
from gbimb.dask._process import free_port
from gbimb.exceptions import ClusterError, GbimbError
from tests.dask.tables import PAIRS, QUICK, arrays, both, even, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.dask, pytest.mark.slow]

# Far more rounds than a test waits for.
ENDLESS = {**QUICK, "n_estimators": 100_000, "early_stopping_rounds": None}

CLUSTER = """
import time, distributed
if __name__ == "__main__":
    cluster = distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    )
    print(cluster.scheduler_address, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def cluster() -> Iterator[distributed.LocalCluster]:
    with distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as local:
        yield local


def when_training(
    address: str,
    act: Callable[[distributed.Client], None],
    task: str = "gbimb-train",
    tasks: int = 3,
) -> threading.Thread:
    """Do something from another client once so many tasks of this name run."""

    def watch() -> None:
        with distributed.Client(address) as client:
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline:
                running = [key for keys in client.processing().values() for key in keys]
                if sum(task in str(key) for key in running) >= tasks:
                    break
                time.sleep(0.2)
            time.sleep(3)  # some rounds
            act(client)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def fit(engine: str, client: distributed.Client, **parameters: Any) -> Any:
    X, y = numbers(3000)
    Xd, yd = arrays(X, y, sizes=even(3000, 6))
    return PAIRS[engine][0](client=client, **parameters).fit(Xd, yd)


def killer_of(cluster: distributed.LocalCluster, **of: Any) -> tuple[threading.Thread, list[float]]:
    """Kill a worker by its id in the middle of a fit, and note when."""
    killed: list[float] = []

    def kill(client: distributed.Client) -> None:
        pids = client.run(os.getpid)
        os.kill(pids[sorted(pids)[1]], signal.SIGKILL)
        killed.append(time.monotonic())

    return when_training(cluster.scheduler_address, kill, **of), killed


@both
def test_a_worker_that_is_killed_ends_the_fit_and_frees_the_others(
    cluster: distributed.LocalCluster, engine: str
) -> None:
    with distributed.Client(cluster) as client:
        killer, killed = killer_of(cluster)
        with pytest.raises(ClusterError, match=r"worker tcp://.* died or left the cluster"):
            fit(engine, client, **ENDLESS)
        took = time.monotonic() - killed[0]
        killer.join()
        assert took < 60
        # The threads of the other workers are free again.
        client.wait_for_workers(3, timeout=90)
        assert fit(engine, client, **QUICK).n_workers_ >= 2


@both
def test_a_scheduler_that_goes_away_ends_the_fit(engine: str) -> None:
    killed = []
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()

    def kill(_: distributed.Client) -> None:
        process.kill()
        killed.append(time.monotonic())

    try:
        with distributed.Client(address) as client:
            killer = when_training(address, kill)
            with pytest.raises(ClusterError, match="scheduler"):
                fit(engine, client, **ENDLESS)
            assert time.monotonic() - killed[0] < 60
            killer.join(60)
    finally:
        process.kill()
        process.communicate()  # closes its output, too


def test_bags_lose_a_worker_and_end_soon(cluster: distributed.LocalCluster) -> None:
    with distributed.Client(cluster) as client:
        killer, killed = killer_of(cluster, task="fit_bag", tasks=1)
        slow = gbimb.ImbalancedXGBClassifier(n_estimators=2000, early_stopping_rounds=2000)
        bags = DaskUnderBaggingClassifier(client=client, estimator=slow, n_estimators=9)
        X, y = numbers(3000)
        Xd, yd = arrays(X, y, sizes=even(3000, 6))
        try:  # what was lost is made again, unless too much of it was
            assert len(bags.fit(Xd, yd).estimators_) == 9
        except ClusterError:
            assert time.monotonic() - killed[0] < 60
        killer.join()
        client.wait_for_workers(3, timeout=90)
        assert fit("xgb", client, **QUICK).n_workers_ >= 2


def test_a_bag_that_all_workers_train_loses_one_and_ends_with_a_sentence(
    cluster: distributed.LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gbimb.dask._bag_fits.WORKER_SHARE", 0.0)
    with distributed.Client(cluster) as client:
        killer, killed = killer_of(cluster)
        slow = gbimb.ImbalancedXGBClassifier(n_estimators=100_000, early_stopping_rounds=None)
        bags = DaskUnderBaggingClassifier(client=client, estimator=slow, n_estimators=2)
        Xd, yd = arrays(*numbers(3000), sizes=even(3000, 6))
        with pytest.raises(ClusterError, match=r"worker .* died or left the cluster"):
            bags.fit(Xd, yd)
        assert time.monotonic() - killed[0] < 60
        killer.join()


def test_two_fits_at_once_take_turns(cluster: distributed.LocalCluster) -> None:
    fitted: dict[str, Any] = {}

    def run(engine: str) -> None:
        with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
            fitted[engine] = fit(engine, client, **QUICK)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in PAIRS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert set(fitted) == set(PAIRS)
    assert all(np.isfinite(model.best_score_) for model in fitted.values())


def test_an_error_on_one_worker_reaches_the_client_and_frees_the_others(
    cluster: distributed.LocalCluster,
) -> None:
    with distributed.Client(cluster) as client:
        X, y = numbers(600)
        X[10, 0] = 1e39
        Xd, yd = arrays(X, y, sizes=even(600, 6))
        with pytest.raises(GbimbError, match=r"below 3.4e38"):
            PAIRS["xgb"][0](client=client, **QUICK).fit(Xd, yd)
        assert fit("xgb", client, **QUICK).n_workers_ == 3


def test_ports_are_not_among_those_that_systems_give_to_connections() -> None:
    class Worker:
        address = "tcp://127.0.0.1:1234"

    host, port = free_port(Worker()).split(":")
    assert host == "127.0.0.1"
    assert 20_000 <= int(port) < 32_000


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_port_that_is_taken_ends_the_fit_and_frees_the_others(
    cluster: distributed.LocalCluster, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with distributed.Client(cluster) as client, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        chosen = sorted(client.nthreads())[place]
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        def found(dask_worker: Any = None) -> str:
            return address if dask_worker.address == chosen else free_port(dask_worker)

        with monkeypatch.context() as patch:
            patch.setattr("gbimb.dask._fit.free_port", found)
            with pytest.raises(ClusterError, match="Binding port"):
                fit("lgbm", client, **QUICK)
        began = time.monotonic()
        assert fit("lgbm", client, **QUICK).n_workers_ == 3
        assert time.monotonic() - began < 60


def test_an_interrupted_fit_leaves_the_workers_free(cluster: distributed.LocalCluster) -> None:
    with distributed.Client(cluster) as client:
        interrupter = when_training(
            cluster.scheduler_address, lambda _: signal.raise_signal(signal.SIGINT)
        )
        with pytest.raises(KeyboardInterrupt):
            fit("lgbm", client, **ENDLESS)
        interrupter.join()
        began = time.monotonic()
        assert fit("lgbm", client, **QUICK).n_workers_ == 3
        assert time.monotonic() - began < 60
