"""What ``gbimb monitor`` finds, and what it costs: python -m benchmarks.monitoring PART.

``prevalence``: models of synthetic rows, 3 % of them positive, whose best possible AUC is set, and
2,000 new rows without labels with as many positives, twice and half as many; ``limits``: the same
by true probabilities, and by another test. ``guarantee``: models
that promise a precision, and new rows with labels of which it holds or does not. ``groups``:
new groups of the same kind, compared as groups and as if each row were alone. ``cost``:
processor seconds and memory of the command for a million rows, and three. Results:
``benchmarks/results/monitoring/``, one file for each part.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

import gbimb
from benchmarks.groups import TRAINED, leaking, visits
from gbimb import report
from gbimb.report.monitoring.monitor import LEVEL, two_sided

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parent / "results" / "monitoring"
MODELS = 30
"""Of each row of the results: what false alarms there are is mostly that of some models."""

RUNS = 5
KNOWN_RUNS = 1_000
LABELLED_MODELS = 10
LABELLED = {2_000: 30, 20_000: 5}
"""Runs of each model, by the rows of a run."""

OF_ONE_TABLE = 200  # new groups
SIZES = (6_000, 20_000)
AUCS = (0.9, 0.93, 0.95)
NEW = 2_000
USUAL = 0.03
PREVALENCE = {"same": USUAL, "double": 2 * USUAL, "half": USUAL / 2}
RULE = "precision >= 0.6"
WORSE = {"as it was": 0.95, "AUC 0.92": 0.92, "AUC 0.88": 0.88}
COUNTER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
TIMED = 8
"""Runs of which the least counts; the first compiles what it imports."""

LIBRARIES = """
import atexit, gc, os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
gc.set_threshold(10_000)
atexit.register(gc.freeze)
import lightgbm, numpy, pandas, pyarrow.parquet, scipy.stats, sklearn.base, typer
"""
"""With Python's collector and the threads of linear algebra as in the command."""


def rows(
    n: int, seed: int, prevalence: float, auc: float, columns: int = 4
) -> tuple[pd.DataFrame, np.ndarray]:
    """Two columns that tell the classes apart, and others that do not."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < prevalence
    X = rng.normal(size=(n, columns))
    X[:, :2] += norm.ppf(auc) * np.sqrt(2) * np.outer(y, (0.8, -0.6))
    return pd.DataFrame(X).add_prefix("x"), y.astype(int)


def fitted(n: int, seed: int, auc: float, columns: int = 4, **options: Any) -> Any:
    """Return a model of so many rows."""
    clf = gbimb.ImbalancedLGBMClassifier(
        n_estimators=60, num_leaves=8, random_state=0, n_jobs=1, **options
    )
    return clf.fit(*rows(n, seed, USUAL, auc, columns))


def parts(n: int, size: int = NEW) -> list[slice]:
    """Return where the new rows of each run are."""
    return [slice(k * size, (k + 1) * size) for k in range(n)]


def moved(clf: Any, X: pd.DataFrame) -> bool:
    """Whether the prevalence of new rows is said to have moved."""
    return bool(report.monitor(clf, X).facts["prevalence"][0]["moved"])


def prevalence() -> Iterator[dict[str, Any]]:
    """Yield how often a change is found, for each size of training and AUC."""
    for n in SIZES:
        for auc in AUCS:
            found: dict[str, list[bool]] = {name: [] for name in PREVALENCE}
            first = n + round(10_000 * auc)  # no two rows of the results have rows in common
            for seed in range(first, first + MODELS):
                clf = fitted(n, seed, auc)
                for name, value in PREVALENCE.items():
                    new, _ = rows(NEW * RUNS, 100_000 + seed, value, auc)
                    found[name] += [moved(clf, new.iloc[part]) for part in parts(RUNS)]
            yield {"trained_on": n, "auc": auc, **{k: np.mean(hits) for k, hits in found.items()}}


def limits() -> Iterator[dict[str, Any]]:
    """Yield how often a change is found by the true probabilities, as if no model had errors.

    By the mean probability, as ``gbimb monitor`` tests it, and by the likelihood ratios of twice
    and of half the prevalence, each the most powerful test for its own.
    """
    rng = np.random.default_rng(0)
    for n in SIZES:
        for auc in AUCS:
            hits: dict[str, dict[str, list[bool]]] = {"mean probability": {}, "ratio": {}}
            for _ in range(KNOWN_RUNS):
                before = _ratios(rng, n, USUAL, auc)
                for name, value in PREVALENCE.items():
                    now = _ratios(rng, NEW, value, auc)
                    both = [_p_values(*(_slope(r, k) for r in (now, before))) for k in (2.0, 0.5)]
                    mean = _p_values(_slope(now, 1.0), _slope(before, 1.0))
                    one_sided = min(both[0][0], both[1][0])
                    hits["ratio"].setdefault(name, []).append(one_sided < LEVEL / 2)
                    hits["mean probability"].setdefault(name, []).append(min(mean) < LEVEL / 2)
            for test, found in hits.items():
                shares = {name: np.mean(some) for name, some in found.items()}
                yield {"trained_on": n, "auc": auc, "test": test, **shares}


def _ratios(rng: np.random.Generator, n: int, value: float, auc: float) -> np.ndarray:
    """Return the density of rows among positives by that among the others."""
    distance = norm.ppf(auc) * np.sqrt(2)
    score = rng.normal(size=n) + distance * (rng.random(n) < value)
    return np.exp(distance * score - distance**2 / 2)


def _slope(ratio: np.ndarray, factor: float) -> np.ndarray:
    """Return the log likelihood ratio of so many times the prevalence; of 1 the slope there."""
    usual = 1 - USUAL + USUAL * ratio
    if factor == 1.0:
        return ratio / usual
    return np.log((1 - factor * USUAL + factor * USUAL * ratio) / usual)


def _p_values(now: np.ndarray, before: np.ndarray) -> tuple[float, float]:
    """Return the upper and the lower tail of the difference of two means."""
    off = before - before.mean()
    n, m = now.size, before.size
    error = np.sqrt((off**2).mean() * (1 / n + 1 / m))
    skewness = (off**3).mean() * (1 / n**2 - 1 / m**2) / error**3
    difference = now.mean() - before.mean()
    tail = float(two_sided(difference, error, skewness)) / 2
    return (tail, 1 - tail) if difference > 0 else (1 - tail, tail)


def guarantee() -> Iterator[dict[str, Any]]:
    """Yield how often a guarantee is said to be broken, by how good the scores still are."""
    models = [
        fitted(20_000, seed, WORSE["as it was"], threshold=RULE, confidence=0.95)
        for seed in range(LABELLED_MODELS)
    ]
    for size, runs in LABELLED.items():
        for name, auc in WORSE.items():
            broken, precision = [], []
            for seed, clf in enumerate(models):
                X, y = rows(size * runs, 1_000 + seed, USUAL, auc)
                flagged = clf.predict(X) == 1
                precision.append(y[flagged].mean())
                for part in parts(runs, size):
                    new = X.iloc[part].assign(y=y[part])
                    broken.append(report.monitor(clf, new, "y").facts["broken"])
            kept = float(np.mean(precision))
            about = {"rule": RULE, "rows": size, "scores": name}
            yield {**about, "precision": kept, "broken": np.mean(broken)}


def groups() -> Iterator[dict[str, Any]]:
    """Yield how often new groups of the same kind raise an alarm, 200 of them at a time."""
    for make in (leaking, visits):
        found: dict[str, list[dict[str, bool]]] = {"groups": [], "rows": []}
        for seed in range(500, 500 + LABELLED_MODELS):
            X, y, group = make(seed)
            known = group < TRAINED
            clf = gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1)
            clf.fit(X[known], y[known], groups=group[known])
            as_groups = clf.model_
            alone = replace(as_groups, held_out=replace(as_groups.held_out, effects=None))
            for first in range(TRAINED, group.max() + 1, OF_ONE_TABLE):
                new = (group >= first) & (group < first + OF_ONE_TABLE)
                for name, clf.model_ in (("groups", as_groups), ("rows", alone)):
                    facts = report.monitor(clf, X[new].assign(y=y[new]), "y").facts
                    found[name].append(
                        {
                            "prevalence": any(row["moved"] for row in facts["prevalence"]),
                            "column": any(row["moved"] for row in facts["columns"]),
                            "broken": facts["broken"],
                        }
                    )
        for name, told in found.items():
            shares = {key: np.mean([one[key] for one in told]) for key in told[0]}
            yield {"table": make.__name__, "counted as": name, "runs": len(told), **shares}


def cost() -> Iterator[dict[str, Any]]:
    """Yield processor seconds and the most memory of the command, and of imports alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted(20_000, 0, 0.93, 20).save(folder / "model.gbimb")
        command = [sys.executable, "-m", "gbimb", "monitor", str(folder / "model.gbimb")]
        imports = _used([sys.executable, "-c", LIBRARIES], folder / "compiled")
        yield {"command": "imports of libraries", **imports}
        for millions in (1, 3):
            X, _ = rows(millions * 1_000_000, 1, USUAL, 0.93, 20)
            for ending in ("parquet", "csv") if millions == 1 else ("parquet",):
                file = folder / f"{millions}.{ending}"
                table = X.round(4).astype("float32")
                table.to_csv(file, index=False) if ending == "csv" else table.to_parquet(file)
                words = f"monitor, {millions} million rows of 20 columns, {ending}"
                yield {"command": words, **_used([*command, str(file)], folder / "compiled")}


def _used(command: list[str], compiled: Path) -> dict[str, float]:
    """Return the least of some runs, with modules ``compiled`` by the first, as installed ones."""
    found = []
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(TIMED):
        done = subprocess.run(
            [sys.executable, "-c", COUNTER, *command],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        seconds, kilobytes = map(float, done.stdout.split())
        found.append((seconds, kilobytes / 1024))
    seconds, megabytes = np.min(found, axis=0)
    return {"processor_seconds": float(seconds), "megabytes": float(megabytes)}


PARTS = {
    "prevalence": prevalence,
    "limits": limits,
    "guarantee": guarantee,
    "groups": groups,
    "cost": cost,
}


def main() -> None:
    """Measure a part, and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    part = parser.parse_args().part
    warnings.simplefilter("ignore")
    RESULTS.mkdir(exist_ok=True)
    found = []
    for row in PARTS[part]():
        short = {k: f"{v:.3f}" if isinstance(v, np.floating | float) else v for k, v in row.items()}
        found.append(short)
        print(short, flush=True)
        with (RESULTS / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(short), lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)


if __name__ == "__main__":
    main()
