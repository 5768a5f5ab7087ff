"""How near distributed results are to local ones: ``python -m benchmarks.scale.dask_parity``.

``resolution`` compares the best score over thresholds, from counts that travel, with that of all
scores in one place. ``fits`` compares fits on one, two and four workers with the local estimator,
for several losses and ways that rows lie. Both write JSON lines to stdout.
"""

from __future__ import annotations

import argparse
import json
import warnings
from itertools import product
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from scipy.special import expit

from benchmarks.scale.dask_simulation import cluster
from gbimb import ImbalancedLGBMClassifier, ImbalancedXGBClassifier
from gbimb.dask import DaskImbalancedLGBMClassifier, DaskImbalancedXGBClassifier
from gbimb.metrics import SharedRows, best_shared_scores, best_threshold, get_metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Client

METRICS = ("mcc", "f1", "fbeta:2")
PAIRS = {
    "xgboost": (DaskImbalancedXGBClassifier, ImbalancedXGBClassifier, {"max_depth": 4}),
    "lightgbm": (DaskImbalancedLGBMClassifier, ImbalancedLGBMClassifier, {"num_leaves": 15}),
}
WEIGHTED = {"focal": False, "logistic": True, "soft_mcc": True, "soft_f1": False}
NEW_ROWS = 30_000


class Alone:
    """Stands for a group of one process, and counts bytes."""

    n_bytes = 0

    def __call__(self, values: np.ndarray, how: str = "sum") -> np.ndarray:  # noqa: ARG002  the signature of what it replaces
        """Return a copy, as a sum would."""
        self.n_bytes += values.nbytes
        return values.copy()


def resolution(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the largest error and the most bytes over some random tables."""
    for n, weighted, k in product(args.rows, (False, True), (1, 2, 3)):
        errors, n_bytes = [], []
        for seed in range(args.repeats):
            rng = np.random.default_rng(seed)
            logit = rng.normal(size=n) * 1.5 - 4.5
            y = (rng.random(n) < expit(logit)).astype(np.float32)
            score = logit + rng.normal(size=n) * 0.5
            weight = rng.exponential(size=n) if weighted else None
            alone = Alone()
            rows = SharedRows.make(y, weight, alone)
            alone.n_bytes = 0
            counts = [get_metric(name).count for name in METRICS[:k]]
            found = best_shared_scores(rows, score, [c for c in counts if c is not None])
            best = [best_threshold(y, score, name, weight).score for name in METRICS[:k]]
            errors.append(float(np.max(np.subtract(best, found))))
            n_bytes.append(alone.n_bytes)
        yield {"rows": n, "weights": weighted, "metrics": METRICS[:k], "bytes": max(n_bytes),
               "error": max(errors)}  # fmt: skip


def table(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows with about one positive in ten."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    y = rng.random(n) < expit(2 * X[:, 0] - 1.5 * X[:, 1] - 3.8)
    return X, y.astype(np.int64)


def laid_out(kind: str, y: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return an order of rows, and sizes of partitions."""
    n, negatives = len(y), int((y == 0).sum())
    order = np.arange(n) if kind == "random" else np.argsort(y, kind="stable")
    if kind in ("random", "sorted"):
        return order, tuple(int(k) for k in np.diff(np.arange(6) * n // 5))
    half = negatives // 2
    sizes = (half, negatives - half, n - negatives)
    return order, (*sizes, 0, 0) if kind == "empty" else sizes


def fits(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield how distributed and local fits differ."""
    for workers in args.workers:
        with cluster(workers) as client:
            for n, engine, layout, loss in product(args.rows, args.engines, args.layouts, WEIGHTED):
                told = {"workers": workers, "rows": n, "engine": engine, "layout": layout}
                yield {**told, "loss": loss, **compare(client, n, engine, layout, loss)}


def compare(client: Client, n: int, engine: str, layout: str, loss: str) -> dict[str, Any]:
    """Fit both, and return how they differ."""
    far, near, shape = PAIRS[engine]
    X, y = table(n, 0)
    order, sizes = laid_out(layout, y)
    rows = {"X": X[order], "y": y[order]}
    rows["X_val"], rows["y_val"] = table(n // 2, 1)
    rng = np.random.default_rng(3)
    if WEIGHTED[loss]:
        rows["sample_weight"] = rng.exponential(size=n)
        rows["sample_weight_val"] = rng.exponential(size=n // 2)
    settings = {"loss": loss, "scale_pos_weight": None if loss == "focal" else "balanced",
                "n_estimators": 40, "learning_rate": 0.1, "early_stopping_rounds": 15,
                "subsample": 1.0, "random_state": 0, **shape}  # fmt: skip
    spread = {name: _spread(part, None if "val" in name else sizes) for name, part in rows.items()}
    there = far(client=client, **settings).fit(**spread)
    here = near(n_jobs=1, **settings).fit(**rows)
    X_new, y_new = table(NEW_ROWS, 5)
    raw = [model.raw_score(X_new) for model in (there, here)]
    histories = [model.evals_result_["valid"]["mcc"] for model in (there, here)]
    both = min(map(len, histories))
    best = [best_threshold(y_new, score).score for score in raw]
    return {
        "raw_score": float(np.abs(np.subtract(*raw)).max()),
        "rounds": [there.best_iteration_, here.best_iteration_],
        "mcc_of_rounds": float(np.abs(np.subtract(*[h[:both] for h in histories])).max()),
        "held_out_mcc": there.best_score_ - here.best_score_,
        "new_mcc": best[0] - best[1],
        "threshold": there.threshold_ - here.threshold_,
        "bytes_per_round": round(there.bytes_per_round_),
    }


def _spread(part: np.ndarray, sizes: tuple[int, ...] | None) -> da.Array:
    first = -(-len(part) // 3) if sizes is None else sizes
    return da.from_array(part, chunks=(first, *part.shape[1:]))


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the comparisons."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure", choices=["resolution", "fits"])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--engines", nargs="+", default=list(PAIRS))
    parser.add_argument("--layouts", nargs="+", default=["random", "sorted", "one_class", "empty"])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    for line in (resolution if args.measure == "resolution" else fits)(args):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
