"""One fit in a process of its own, so that its peak memory can be read from outside."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.scale import data, fits
from gbimb.metrics import best_threshold, f1_score, mcc_score


def main(folder: Path, kind: str, share: float, rounds: int) -> dict[str, float]:
    """Fit, predict the test rows, and return what can be said of both."""
    wall, processor = time.perf_counter(), time.process_time()
    fitted = fits.FITS[kind](folder, share, rounds)
    found = {
        "train_rows": fitted.rows,
        "majority": fitted.majority,
        "rounds": fitted.rounds,
        "fit_seconds": time.perf_counter() - wall,
        "fit_processor_seconds": time.process_time() - processor,
    }
    wall = time.perf_counter()
    proba = fitted.model.predict_proba(fits.source(folder, "test"))[:, 1]
    found["predict_seconds"] = time.perf_counter() - wall
    paths = data.files(folder, "test")
    truth = pq.read_table(paths, columns=["target", "posterior"], use_threads=False)
    y, posterior = (truth[name].to_numpy() for name in ("target", "posterior"))
    return found | judge(y, proba, posterior, fitted.model.threshold_)


def judge(
    y: np.ndarray, proba: np.ndarray, posterior: np.ndarray, threshold: float
) -> dict[str, float]:
    """Return how well probabilities decide at a threshold, and how true they are."""
    safe = np.clip(proba, 1e-12, 1 - 1e-12)
    return {
        "threshold": threshold,
        "mcc": mcc_score(y, proba >= threshold),
        "f1": f1_score(y, proba >= threshold),
        "best_mcc": best_threshold(y, proba).score,
        "log_loss": float(-np.mean(np.where(y, np.log(safe), np.log1p(-safe)))),
        "error": float(np.abs(proba - posterior).mean()),
        "bayes_mcc": best_threshold(y, posterior).score,
    }


if __name__ == "__main__":
    where, what, part, most = sys.argv[1:]
    sys.stdout.write(json.dumps(main(Path(where), what, float(part), int(most))) + "\n")
