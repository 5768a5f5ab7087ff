"""Many fits in one process: memory and threads must not grow.

::

    make soak
    make soak ARGS="--fits 200 --estimator xgboost"
    make soak ARGS="--predict-rows 100000000"
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import gbimb

WARM = 50  # fits in which caches fill
LARGEST_GROWTH = 20_000_000  # bytes


def resident() -> int:
    """Return the bytes that the process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def native_threads() -> int:
    """Return the number of threads, those of the engines included."""
    return len(list(Path("/proc/self/task").iterdir()))


def table(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Rows with about one positive in twenty."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6))
    return X, X[:, 0] + rng.normal(size=n) > 2.3


def fit_often(kind: type, fits: int) -> bool:
    """Fit and predict over and over; say how memory and threads were; return whether they grew."""
    X, y = table()
    after_warm_up = (0, 0)
    for i in range(1, fits + 1):
        kind(n_estimators=20, random_state=i, n_jobs=2).fit(X, y).predict_proba(X)
        if i == min(WARM, fits // 2):
            gc.collect()
            after_warm_up = resident(), native_threads()
        if i % 50 == 0:
            memory = f"{resident() / 1e6:.0f} MB"
            print(f"{i:5d} fits: {memory}, {native_threads()} threads", flush=True)
    gc.collect()
    growth, threads = resident() - after_warm_up[0], native_threads() - after_warm_up[1]
    print(
        f"{kind.__name__}: {fits} fits, {growth / 1e6:+.1f} MB and {threads:+d} threads since fit "
        f"{min(WARM, fits // 2)}, {threading.active_count()} of Python"
    )
    return growth > LARGEST_GROWTH or threads > 0


def predict_many(rows: int) -> bool:
    """Predict on streamed rows, a tenth of them and all; return whether memory grew with them."""
    X, y = table()
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, random_state=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = {f"x{i}": X[:, i] for i in range(X.shape[1])}
        pq.write_table(pa.table({**train, "y": y}), folder / "train.parquet")
        clf.fit(gbimb.ParquetSource(folder / "train.parquet", "y"))
        few, many = (predict_streamed(clf, folder, n) for n in (max(rows // 10, 1), rows))
    return many - few > LARGEST_GROWTH


def predict_streamed(clf: gbimb.ImbalancedLGBMClassifier, folder: Path, rows: int) -> int:
    """Write rows and predictions of them; say and return how much memory that takes at its peak."""
    X, _ = table()
    part = pa.table({f"x{i}": np.tile(X[:, i], 500) for i in range(X.shape[1])})
    with pq.ParquetWriter(folder / "rows.parquet", part.schema) as writer:
        for _ in range(0, rows, part.num_rows):
            writer.write_table(part)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before, began = resident(), time.monotonic()
    clf.predict_to(gbimb.ParquetSource(folder / "rows.parquet"), folder / "scores.parquet")
    seconds = time.monotonic() - began
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024 - before
    written = pq.read_metadata(folder / "scores.parquet").num_rows
    print(f"{written:,} rows predicted in {seconds:.0f} s, {peak / 1e6:+.0f} MB at the peak")
    return peak


def main() -> int:
    """Run what the command line asks for; 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fits", type=int, default=1000)
    parser.add_argument("--estimator", choices=["lightgbm", "xgboost", "both"], default="both")
    parser.add_argument("--predict-rows", type=int, default=0)
    given = parser.parse_args()
    kinds = {
        "lightgbm": gbimb.ImbalancedLGBMClassifier,
        "xgboost": gbimb.ImbalancedXGBClassifier,
    }
    if given.predict_rows:
        return int(predict_many(given.predict_rows))
    chosen = kinds.values() if given.estimator == "both" else [kinds[given.estimator]]
    return int(sum(fit_often(kind, given.fits) for kind in chosen) > 0)


if __name__ == "__main__":
    sys.exit(main())
