"""What is promised and what later rows or new groups give: python -m benchmarks.dependence.

Tables: ``drifting`` and ``leaking`` are made here; nycflights is the one that comes with gbimb, its
months in order. ``--bank FILE`` adds the bank marketing table of UCI (id 222, bank-additional-full)
in its own order, with the column ``target``. Results: ``benchmarks/results/dependence/``.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import matthews_corrcoef

import gbimb

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parent / "results" / "dependence"
ORIGINS = (0.5, 0.6, 0.7, 0.8, 0.9)


def drifting(seed: int, rows: int = 10_000) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows by time; one column turns its sign, so that the oldest rows mislead."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.random(rows))
    X = rng.normal(size=(rows, 6))
    odds = 1.8 * X[:, 0] * (1 - 2 * at) + 1.2 * X[:, 1] - 3.2
    return pd.DataFrame(X).add_prefix("x"), (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


def leaking(seed: int, groups: int = 600, each: int = 10) -> tuple[Any, np.ndarray, np.ndarray]:
    """Rows of a group look alike and share a propensity that no column tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    face = rng.normal(size=(groups, 6))[group] + 0.05 * rng.normal(size=(group.size, 6))
    own = rng.normal(size=(group.size, 2))
    odds = 1.5 * own[:, 0] + 2.5 * rng.normal(size=groups)[group] - 4
    y = (rng.random(group.size) < 1 / (1 + np.exp(-odds))).astype(int)
    return pd.DataFrame(np.c_[face, own]).add_prefix("x"), y, group


def in_time(bank: Path | None) -> Iterator[tuple[str, pd.DataFrame, np.ndarray, int]]:
    """Yield tables in order of time, and where the next tenth of the rows begins."""
    for seed in range(100, 106):
        X, y = drifting(seed)
        yield f"drifting {seed}", X, y, 9_000
    flights = gbimb.datasets.load("nycflights_cancelled")
    order = np.argsort(flights.X["month"].to_numpy(), kind="stable")
    tables = {"nycflights": (flights.X.iloc[order], np.asarray(flights.y)[order])}
    if bank is not None:
        frame = pd.read_parquet(bank)
        tables["bank marketing"] = (frame.drop(columns="target"), frame["target"].to_numpy())
    for name, (X, y) in tables.items():
        for origin in ORIGINS:
            end = round((origin + 0.1) * len(y))
            yield f"{name} {origin}", X[:end], y[:end], round(origin * len(y))


def fits(X: pd.DataFrame, y: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Yield what is compared, fitted on rows in order of time."""

    def make(**options: Any) -> Any:
        return gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1, **options)

    n = len(y)
    yield "random folds", make().fit(X, y)
    last = [(np.arange(int(0.8 * n)), np.arange(int(0.8 * n), n))]
    yield "last fifth held out", make(cv=last).fit(X, y)
    yield "newest third, random folds", make().fit(X[n - n // 3 :], y[n - n // 3 :])
    yield "time", make().fit(X, y, time=np.arange(n))


def time_rows(bank: Path | None) -> Iterator[dict[str, Any]]:
    """Yield promise and MCC on the next tenth, by table and method."""
    for name, X, y, cut in in_time(bank):
        for method, clf in fits(X[:cut], y[:cut]):
            given = matthews_corrcoef(y[cut:], clf.predict(X[cut:]))
            yield _row(name, method, clf.best_score_, given)


def group_rows() -> Iterator[dict[str, Any]]:
    """Yield promise and MCC on new groups, by estimator, with groups and without."""
    kinds = {
        "ImbalancedLGBMClassifier": gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1),
        "ImbalancedXGBClassifier": gbimb.ImbalancedXGBClassifier(random_state=0, n_jobs=1),
        "UnderBaggingClassifier": gbimb.UnderBaggingClassifier(random_state=0, n_jobs=1),
    }
    for seed in range(200, 204):
        X, y, group = leaking(seed)
        new = group >= 400
        for name, clf in kinds.items():
            for method in ("random folds", "groups"):
                given = {"groups": group[~new]} if method == "groups" else {}
                clf.fit(X[~new], y[~new], **given)
                promised = getattr(clf, "best_score_", None) or clf.oob_score_
                kept = matthews_corrcoef(y[new], clf.predict(X[new]))
                yield _row(f"leaking {seed}, {name}", method, promised, kept)


def _row(table: str, method: str, promised: float, given: float) -> dict[str, Any]:
    row = {"table": table, "method": method, "promised": promised, "given": given}
    print(f"{table:40} {method:28} promised {promised:6.3f}  given {given:6.3f}", flush=True)
    return row


def main() -> None:
    """Measure, and write one file for groups and one for time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--only", choices=["time", "groups"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    RESULTS.mkdir(parents=True, exist_ok=True)
    parts = {"groups": group_rows, "time": lambda: time_rows(options.bank)}
    for name, rows in parts.items():
        if options.only in (None, name):
            began = time.perf_counter()
            with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, ["table", "method", "promised", "given"])
                writer.writeheader()
                for row in rows():
                    short = {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()}
                    writer.writerow(short)
                    file.flush()
            print(f"{name}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
