"""Processes that fit cells: one at a time each, ended when a cell takes too long."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.quality.interpreters import ROOT, interpreter
from benchmarks.quality.records import (
    FAILED,
    FOLDS,
    OK,
    SEED,
    TOO_LONG,
    QualityCell,
    QualityRecord,
)
from gbimb.benchmark.runner import split
from gbimb.benchmark.scores import scores

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.quality.tables import QualityTable

ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
POLL_SECONDS: Final = 0.02
SHOWN: Final = 300


class Scratch:
    """Tables as the processes read them, written once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._facts: dict[str, tuple[Path, NDArray[Any], list[str]]] = {}

    def table(self, table: QualityTable) -> tuple[Path, NDArray[Any], list[str]]:
        """Return the file, the labels and the names of the columns with categories."""
        if table.name not in self._facts:
            X, y = table.read()
            path = self.folder / f"{table.name.replace(':', '-')}.parquet"
            X.assign(target=y).to_parquet(path)
            categorical = [str(name) for name in X.select_dtypes("category")]
            self._facts[table.name] = path, y, categorical
        return self._facts[table.name]


class Worker:
    """A process of one environment, started when it is needed."""

    def __init__(self, scratch: Scratch, name: str) -> None:
        self.scratch = scratch
        self.folder = scratch.folder / name
        self.environment = ""
        self.process: subprocess.Popen[str] | None = None

    def run(self, cell: QualityCell, time_limit: float) -> QualityRecord:
        """Fit one cell and score it; a failure is a result, too."""
        path, y, categorical = self.scratch.table(cell.table)
        train, test = split(y, FOLDS, cell.fold, SEED)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        np.savez(self.folder / "rows.npz", train=train, test=test)
        request = {
            "table": str(path),
            "categorical": categorical,
            "n_classes": cell.table.n_classes,
            "seed": SEED,
            "module": f"benchmarks.quality.rivals.{cell.method.module}",
            "function": cell.method.function,
            "params": cell.method.params,
        }
        (self.folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        status, answer = self._fit(cell, time_limit)
        if status == OK:
            with np.load(self.folder / "answer.npz") as written:
                labels, proba = written["labels"], written["proba"]
        else:
            labels, proba = _class_shares(y[train], test.size, cell.table.n_classes)
        return make_record(cell, status, answer, y, measure(y[test], labels, proba))

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None

    def _fit(self, cell: QualityCell, time_limit: float) -> tuple[str, dict[str, Any]]:
        process = self._process_for(cell.method.environment)
        assert process.stdin is not None
        with suppress(OSError):  # it may have died; that is seen below
            process.stdin.write(f"{self.folder}\n")
            process.stdin.flush()
        answer = self.folder / "answer.json"
        until = time.monotonic() + time_limit
        while not answer.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        if answer.exists():
            found = json.loads(answer.read_text(encoding="utf-8"))
            return (FAILED if "error" in found else OK), found
        ended = process.poll()
        self.close()
        if ended is None:
            return TOO_LONG, {"error": f"not done after {time_limit:g} seconds"}
        last = self._log().read_text(encoding="utf-8", errors="replace")[-SHOWN:]
        return FAILED, {"error": " ".join(f"process ended with code {ended}: {last}".split())}

    def _process_for(self, environment: str) -> subprocess.Popen[str]:
        if self.process is None or self.environment != environment:
            self.close()
            self.environment = environment
            with self._log().open("w", encoding="utf-8") as log:
                self.process = subprocess.Popen(
                    [str(interpreter(environment)), "-m", "benchmarks.quality.worker"],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    cwd=ROOT,
                    env=os.environ | ONE_THREAD,
                )
        return self.process

    def _log(self) -> Path:
        return self.folder.with_suffix(".log")


def measure(y: NDArray[Any], labels: NDArray[Any], proba: NDArray[Any]) -> dict[str, float]:
    """Return the scores; the probabilities of a row are divided by their sum."""
    proba = np.clip(proba.astype(np.float64), 0.0, 1.0)
    proba /= np.maximum(proba.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    found = scores(y, labels, proba)
    return {name: value for name, value in found.items() if name not in {"precision", "recall"}}


def make_record(
    cell: QualityCell,
    status: str,
    answer: dict[str, Any],
    y: NDArray[Any],
    measured: dict[str, float],
) -> QualityRecord:
    """Return the result of a cell."""
    names = ("threshold", "fit_seconds", "fit_cpu_seconds", "predict_seconds")
    numbers: dict[str, Any] = {name: answer.get(name) for name in names}
    return QualityRecord(
        table=cell.table.name,
        rows=y.size,
        classes=cell.table.n_classes,
        positives=int(np.bincount(y).min()),
        fold=cell.fold,
        method=cell.method.name,
        status=status,
        versions=" ".join(f"{k}=={v}" for k, v in cell.method.versions().items()),
        error=answer.get("error", ""),
        key=cell.key(),
        **numbers,
        **measured,
    )


def _class_shares(y: NDArray[Any], n: int, n_classes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the most frequent label and the shares of the classes, for n rows."""
    shares = np.bincount(y, minlength=n_classes) / y.size
    return np.full(n, shares.argmax()), np.tile(shares, (n, 1))
