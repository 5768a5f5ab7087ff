"""ONNX files beside the estimators that they were written from: size, time, and whether they agree.

::

    python -m benchmarks.onnx
    python -m benchmarks.onnx --rows 1000000 --output benchmarks/results/onnx.csv
    python -m benchmarks.onnx --rows 100000 --models lightgbm xgboost

Rows that are compared hold missing values, and categories that training did not see. Every time is
that of the processor, the best of three, with one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd

import gbimb

if TYPE_CHECKING:
    from collections.abc import Callable

LGBM, XGB = gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier
TRAINED_ON = 5_000
TIMED_ON = 100_000
REPEATS = 3
SINGLE_ROWS = 2_000


def table(n: int, seed: int, numbers: float | None = None) -> tuple[Any, np.ndarray]:
    """Twenty columns of numbers, a share missing, as an array or beside categories; and a score."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 20))
    values[rng.random(values.shape) < (0.05 if numbers is None else numbers)] = np.nan
    X = pd.DataFrame(values, columns=[f"x{j}" for j in range(20)])
    X["few"] = np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    X["many"] = np.array([f"shop {i}" for i in range(100)])[rng.integers(0, 100, n)]
    known = np.nan_to_num(values)
    if seed:  # new rows
        for name in ("few", "many"):
            X.loc[rng.random(n) < 0.01, name] = None
            X.loc[rng.random(n) < 0.01, name] = "never seen"
    red = (X["few"] == "red").to_numpy(bool)
    score = known[:, 0] + known[:, 1] * known[:, 2] + known[:, 3] ** 2 + red
    score = np.asarray(score + rng.normal(size=n))
    return (X if numbers is None else values), score


def labels(score: np.ndarray, n_classes: int) -> np.ndarray:
    """Labels of which the last are rare."""
    shares = np.r_[0.6, 0.9, np.linspace(0.92, 0.99, 11)] if n_classes > 2 else [0.95]
    return np.digitize(score, np.quantile(score, shares))


MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "lightgbm": (lambda: LGBM(n_estimators=100, cv=2, random_state=0), 2),
    "xgboost": (lambda: XGB(n_estimators=100, cv=2, random_state=0), 2),
    "lightgbm, numbers": (lambda: LGBM(random_state=0), 2),
    "xgboost, numbers": (lambda: XGB(random_state=0), 2),
    "xgboost, numbers, none missing": (lambda: XGB(random_state=0), 2),
    "lightgbm, isotonic": (
        lambda: LGBM(n_estimators=50, cv=2, calibration="isotonic", random_state=0),
        2,
    ),
    "xgboost, beta": (
        lambda: XGB(n_estimators=50, cv=2, calibration="beta", random_state=0),
        2,
    ),
    "bags": (
        lambda: gbimb.UnderBaggingClassifier(LGBM(n_estimators=50, cv="auto"), random_state=0),
        2,
    ),
    "lightgbm, 14 classes": (lambda: LGBM(n_estimators=15, cv=2, random_state=0), 14),
    "xgboost, 14 classes": (lambda: XGB(n_estimators=15, cv=2, random_state=0), 14),
    "portfolio": (lambda: gbimb.ImbalancedClassifier(random_state=0), 2),
    "automatic": (
        lambda: gbimb.AutoImbalancedClassifier(time_budget=None, n_trials=4, random_state=0),
        2,
    ),
}
"""How each is made, and the number of classes."""
SMALL_TABLE = {"portfolio": 1_500, "automatic": 1_500}
"""Rows to train on where there is much to fit."""
NUMBERS = {
    "lightgbm, numbers": 0.05,
    "xgboost, numbers": 0.05,
    "xgboost, numbers, none missing": 0.0,
}
"""Models that see an array of numbers, with the defaults of the class: the share missing."""


def best(task: Callable[[], Any]) -> float:
    """Return the seconds of the processor that the quickest run takes."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        task()
        seconds.append(time.process_time() - start)
    return min(seconds)


def opened(path: Path) -> onnxruntime.InferenceSession:
    """Return a session with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def fed(X: Any) -> dict[str, np.ndarray]:
    """Return the matrix that the file takes: categories as their places, 999 for unknown ones."""
    if isinstance(X, np.ndarray):
        return {"X": X}
    places = []
    for name, values in X.items():
        if values.dtype.kind == "f":
            places.append(values.to_numpy(np.float64))
            continue
        known = sorted(
            {"red", "green", "blue"} if name == "few" else map("shop {}".format, range(100))
        )
        place = pd.Index(known).get_indexer(values).astype(np.float64)
        place[place < 0] = 999.0
        place[values.isna()] = np.nan
        places.append(place)
    return {"X": np.column_stack(places)}


def measure(name: str, rows: int) -> dict[str, Any]:
    """Return what was measured of one model."""
    make, n_classes = MODELS[name]
    numbers = NUMBERS.get(name)
    X, score = table(SMALL_TABLE.get(name, TRAINED_ON), 0, numbers)
    clf = make().fit(X, labels(score, n_classes))
    clf.set_params(n_jobs=1)
    with tempfile.TemporaryDirectory() as folder:
        saved, path = Path(folder) / "model.gbimb", Path(folder) / "model.onnx"
        clf.save(saved)
        clf.to_onnx(path)
        with zipfile.ZipFile(saved) as archive:
            whole = sum(entry.file_size for entry in archive.infolist())
        size = path.stat().st_size / whole
        session = opened(path)
    X, _ = table(TIMED_ON, 1, numbers)
    feed = fed(X)
    by_engine = best(lambda: clf.predict_proba(X))
    by_runtime = best(lambda: session.run(None, feed))
    one = {"X": feed["X"][:1]}
    alone = best(lambda: [session.run(None, one) for _ in range(SINGLE_ROWS)]) / SINGLE_ROWS
    off, others = 0.0, 0
    for seed in range(2, 2 + -(-rows // TIMED_ON)):
        X, _ = table(TIMED_ON, seed, numbers)
        label, probability, _ = session.run(None, fed(X))
        proba = clf.predict_proba(X)
        off = max(off, float(np.abs(probability - proba).max()))
        others += int((label != clf.classes_[clf.model_.rule.decide(proba)]).sum())
    return {
        "model": name,
        "size of .gbimb": f"{size:.2f}",
        "predict_proba, s": f"{by_engine:.2f}",
        "onnxruntime, s": f"{by_runtime:.2f}",
        "times": f"{by_runtime / by_engine:.2f}",
        "one row, us": f"{1e6 * alone:.0f}",
        "probability off by": f"{off:.1e}",
        "rows compared": f"{rows:,}",
        "other labels": others,
    }


def save(found: dict[str, Any], path: Path) -> None:
    """Put what was measured of a model into a file, in the place of what was there of it."""
    kept = pd.read_csv(path, dtype=str) if path.exists() else pd.DataFrame(columns=list(found))
    rows = pd.concat([kept[kept["model"] != found["model"]], pd.DataFrame([found])])
    order = {name: i for i, name in enumerate(MODELS)}
    rows.sort_values("model", key=lambda names: names.map(order)).to_csv(path, index=False)


def main() -> None:
    """Print one row a model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows that are compared")
    parser.add_argument("--output", type=Path, help="a CSV file; rows of others stay")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", gbimb.exceptions.GbimbWarning)
    for i, name in enumerate(arguments.models):
        found = measure(name, arguments.rows)
        if i == 0:
            print(f"| {' | '.join(found)} |\n|{'---|' * len(found)}")
        print(f"| {' | '.join(map(str, found.values()))} |", flush=True)
        if arguments.output is not None:
            save(found, arguments.output)


if __name__ == "__main__":
    main()
