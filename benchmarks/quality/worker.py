"""Fit methods in the environment of this interpreter, one folder after the other.

Whoever starts this writes the folder of a cell to standard input. In it are ``request.json`` and
``rows.npz``; when the cell is done there is ``answer.json``, and ``answer.npz`` if the method did
not fail. Nothing of gbimb is needed here.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.rivals.task import Task


def main() -> None:
    """Answer until there is nothing more to read."""
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        answer = answer_in(folder)
        partial = folder / "answer.partial"
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(folder / "answer.json")


def answer_in(folder: Path) -> dict[str, Any]:
    """Return what is to be known about one cell, or why it failed."""
    try:
        return fit(folder, json.loads((folder / "request.json").read_text(encoding="utf-8")))
    except Exception as error:  # noqa: BLE001  a rival may fail in any way, and that is its result
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}


def fit(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Train on some rows, predict others, and write labels and probabilities."""
    frame = pd.read_parquet(request["table"])
    y = frame.pop("target").to_numpy()
    rows = np.load(folder / "rows.npz")
    X_train, X_test = frame.iloc[rows["train"]], frame.iloc[rows["test"]]
    task = Task(request["n_classes"], request["seed"], tuple(request["categorical"]), str(folder))
    build = getattr(import_module(request["module"]), request["function"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = _clocks()
        classifier = build(task, **request["params"])
        classifier.fit(X_train, y[rows["train"]])
        fitted = _clocks()
        labels = np.asarray(classifier.predict(X_test)).astype(int)
        predicted = _clocks()
        proba = np.zeros((labels.size, task.n_classes))
        proba[:, np.asarray(classifier.classes_, int)] = classifier.predict_proba(X_test)
    np.savez(folder / "answer.npz", labels=labels, proba=proba)
    return {
        "threshold": _threshold(classifier),
        "fit_seconds": fitted[0] - started[0],
        "fit_cpu_seconds": fitted[1] - started[1],
        "predict_seconds": predicted[0] - fitted[0],
    }


def _clocks() -> tuple[float, float]:
    """Return the clock on the wall, and processor seconds of this process and its children."""
    used = os.times()
    return time.perf_counter(), sum(used[:4])


def _threshold(classifier: object) -> float | None:
    for name in ("threshold_", "best_threshold_"):
        value = getattr(classifier, name, None)
        if value is not None:
            return float(value)
    return None


if __name__ == "__main__":
    main()
