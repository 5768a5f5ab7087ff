"""What a distributed fit costs on one machine: ``python -m benchmarks.scale.dask_simulation``.

``overhead`` compares a fit of gbimb with ``xgboost.dask.train`` and its built-in log loss without a
metric, on the same rows and rounds. ``workers`` trains on more and more small workers with the same
number of rows each, and prints time, bytes and memory. ``bags`` trains one bag of 30 common rows
for a rare one on one worker and on all, and prints time and memory. All write JSON lines to stdout.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import dask.array as da
import distributed
import numpy as np
import psutil
import xgboost as xgb
import xgboost.dask
from scipy.special import expit

from gbimb import ImbalancedLGBMClassifier, ImbalancedXGBClassifier
from gbimb.dask import (
    DaskImbalancedLGBMClassifier,
    DaskImbalancedXGBClassifier,
    DaskUnderBaggingClassifier,
    _bag_fits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Rounds of the engines' own settings, the same on both sides.
TREES = {"learning_rate": 0.1, "max_depth": 6, "min_child_weight": 1e-3, "colsample_bytree": 1.0}


def rows(client: distributed.Client, n: int, features: int, parts: int) -> tuple[Any, Any]:
    """Return float32 features and labels with 2 % positives, kept on the workers."""
    chunks = tuple(int(k) for k in np.diff(np.arange(parts + 1) * n // parts))
    X = da.map_blocks(_block, np.nan, features, dtype=np.float32, chunks=(chunks, (features,)),
                      meta=np.empty((0, 0), np.float32))  # fmt: skip
    y = X.map_blocks(_labels, dtype=np.float32, drop_axis=1, meta=np.empty(0, np.float32))
    X, y = client.persist([X, y])
    distributed.wait([X, y])
    return X, y


def _block(_: float, features: int, block_info: Any = None) -> np.ndarray:
    info = block_info[None]
    rng = np.random.default_rng(info["chunk-location"][0])
    return rng.standard_normal((info["chunk-shape"][0], features), dtype=np.float32)


def _labels(X: np.ndarray) -> np.ndarray:
    score = 1.5 * X[:, 0] + X[:, 1] * X[:, 2] + np.sin(2 * X[:, 3]) - 5.6
    noise = np.random.default_rng(int(1e6 * abs(float(X[0, 0])))).random(len(X))
    return (noise < expit(score)).astype(np.float32)


def timed(task: Any) -> tuple[float, Any]:
    """Return seconds and result."""
    began = time.perf_counter()
    result = task()
    return time.perf_counter() - began, result


def processor_seconds(client: distributed.Client) -> float:
    """Return what all workers have used of their processors: others on the machine do not count."""
    return float(sum(client.run(_processor_seconds).values()))


def _processor_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def plain(client: distributed.Client, X: Any, y: Any, rounds: int) -> Any:
    """XGBoost's own distributed training."""
    matrix = xgboost.dask.DaskQuantileDMatrix(client, X, y)
    params = {"objective": "binary:logistic", "tree_method": "hist", **TREES}
    params["disable_default_eval_metric"] = 1
    return xgboost.dask.train(client, params, matrix, num_boost_round=rounds)


def ours(client: distributed.Client, X: Any, y: Any, rounds: int, **settings: Any) -> Any:
    """Ours, with as many rounds."""
    clf = DaskImbalancedXGBClassifier(
        client=client, n_estimators=rounds, early_stopping_rounds=None, random_state=0,
        subsample=1.0, **TREES, **settings,
    )  # fmt: skip
    return clf.fit(X, y)


def overhead(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the seconds of both sides, in turn."""
    ways = {
        "xgboost.dask.train": plain,
        "gbimb, log loss, no metric": lambda *a: ours(*a, loss="logistic", cv=None),
        "gbimb, focal, MCC and F1 on a fifth": lambda *a: ours(*a, loss="focal"),
    }
    with cluster(args.workers[0]) as client:
        X, y = rows(client, args.rows, args.features, 4 * args.workers[0])
        small, labels = rows(client, 20_000, args.features, 4)
        for way in ways.values():
            way(client, small, labels, 5)  # imports and compiles
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(args.repeats):
            for name, way in ways.items():
                before = processor_seconds(client)
                seconds, _ = timed(lambda way=way: way(client, X, y, args.rounds))
                taken[name].append((seconds, processor_seconds(client) - before))
        base = np.median(taken["xgboost.dask.train"], axis=0)
        for name, pairs in taken.items():
            middle = np.median(pairs, axis=0)
            yield {
                "what": name,
                "rows": args.rows,
                "features": args.features,
                "workers": args.workers[0],
                "rounds": args.rounds,
                "seconds": round(middle[0], 2),
                "processor_seconds": round(middle[1], 2),
                "ratios": (middle / base).round(3).tolist(),
            }


def workers(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield time, bytes and memory for each number of workers."""
    kinds = {"xgboost": DaskImbalancedXGBClassifier, "lightgbm": DaskImbalancedLGBMClassifier}
    for n in args.workers:
        with cluster(n) as client:
            X, y = rows(client, args.rows * n, args.features, 2 * n)
            for name in args.engines:
                clf = kinds[name](
                    client=client, loss=args.loss, n_estimators=args.rounds, subsample=1.0,
                    early_stopping_rounds=None, random_state=0,
                )  # fmt: skip
                before = processor_seconds(client)
                seconds, clf = timed(partial(clf.fit, X, y))
                used = processor_seconds(client) - before
                memory = max(client.run(_memory).values())
                yield {"engine": name, "workers": n, "rows_per_worker": args.rows,
                       "rounds": args.rounds, "seconds": round(seconds, 2),
                       "processor_seconds_per_worker": round(used / n, 2),
                       "metric_bytes_per_round": round(clf.bytes_per_round_),
                       "peak_mb_per_worker": round(memory / 1e6),
                       "mcc": round(clf.best_score_, 4)}  # fmt: skip


def bags(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield time and memory of a bag that one worker trains, and of the same that all train."""
    kinds = {"xgboost": ImbalancedXGBClassifier, "lightgbm": ImbalancedLGBMClassifier}
    for n, name, share in product(args.workers, args.engines, (1e9, 0.0)):
        _bag_fits.WORKER_SHARE = share
        with cluster(n, memory_limit="auto") as client:
            X, y = rows(client, args.rows * n, args.features, 2 * n)
            small = kinds[name](n_estimators=args.rounds, early_stopping_rounds=None)
            clf = DaskUnderBaggingClassifier(
                client=client, estimator=small, n_estimators=1, sampling_strategy=30.0,
                random_state=0,
            )  # fmt: skip
            before = client.run(_memory)
            seconds, clf = timed(partial(clf.fit, X, y))
            more = [peak - before[worker] for worker, peak in client.run(_memory).items()]
            yield {"engine": name, "trained_by": "one worker" if share else "all workers",
                   "workers": n, "rows_of_bag": len(clf.estimators_samples_[0]),
                   "rows_judged": len(clf.oob_proba_), "rounds": args.rounds,
                   "seconds": round(seconds, 2), "more_mb_at_peak": round(max(more) / 1e6),
                   "oob_mcc": round(clf.oob_score_, 4)}  # fmt: skip


def _memory() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


MEASURES = {"overhead": overhead, "workers": workers, "bags": bags}


@contextmanager
def cluster(n: int, memory_limit: int | str = 0) -> Iterator[distributed.Client]:
    """Give a client of workers with one thread each."""
    with (
        distributed.LocalCluster(
            n_workers=n,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            memory_limit=memory_limit,
        ) as local,
        distributed.Client(local) as client,
    ):
        client.wait_for_workers(n)
        yield client


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the measurements."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure", choices=list(MEASURES))
    parser.add_argument("--rows", type=int, default=2_000_000, help="in all, or of each worker")
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--engines", nargs="+", default=["xgboost", "lightgbm"])
    parser.add_argument("--loss", default="soft_mcc")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    versions = {"xgboost": xgb.__version__, "dask": distributed.__version__}
    print(json.dumps({"versions": versions, "cores": psutil.cpu_count()}))
    for line in MEASURES[args.measure](args):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
