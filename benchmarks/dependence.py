"""What is promised and what later rows or new groups give: python -m benchmarks.dependence.

Tables: ``drifting`` and ``leaking`` are made here; nycflights is the one that comes with gbimb, its
months in order. ``--bank FILE`` adds the bank marketing table of UCI (id 222, bank-additional-full)
in its own order, with the column ``target``. ``--tables bank --methods time`` measures some rows
anew and leaves the others. Results: ``benchmarks/results/dependence/``.
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


def make(**options: Any) -> Any:
    """Return the estimator that is compared."""
    return gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1, **options)


def blend() -> Any:
    """Return the portfolio."""
    return gbimb.ImbalancedClassifier(random_state=0, n_jobs=1)


def last_fifth(X: pd.DataFrame, y: np.ndarray) -> Any:
    """Hold out the last fifth of the rows."""
    cut = int(0.8 * len(y))
    return make(cv=[(np.arange(cut), np.arange(cut, len(y)))]).fit(X, y)


IN_TIME = {
    "random folds": lambda X, y: make().fit(X, y),
    "last fifth held out": last_fifth,
    "newest third, random folds": lambda X, y: make().fit(X[-(len(y) // 3) :], y[-(len(y) // 3) :]),
    "time": lambda X, y: make().fit(X, y, time=np.arange(len(y))),
    "portfolio, random folds": lambda X, y: blend().fit(X, y),
    "portfolio, time": lambda X, y: blend().fit(X, y, time=np.arange(len(y))),
}
"""What is compared, fitted on rows in order of time."""


def time_rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield promise and MCC on the next tenth, by table and method."""
    for name, X, y, cut in in_time(options.bank):
        for method, fit in IN_TIME.items():
            if wanted(options, name, method):
                clf = fit(X[:cut], y[:cut])
                given = matthews_corrcoef(y[cut:], clf.predict(X[cut:]))
                yield _row(name, method, clf.best_score_, given)


def wanted(options: argparse.Namespace, table: str, method: str) -> bool:
    """Whether a row is to be measured."""
    named = options.methods is None or method in options.methods.split(";")
    return table.startswith(options.tables) and named


def group_rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield promise and MCC on new groups, by estimator, with groups and without."""
    kinds = {
        "ImbalancedLGBMClassifier": gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1),
        "ImbalancedXGBClassifier": gbimb.ImbalancedXGBClassifier(random_state=0, n_jobs=1),
        "UnderBaggingClassifier": gbimb.UnderBaggingClassifier(random_state=0, n_jobs=1),
        "ImbalancedClassifier": gbimb.ImbalancedClassifier(random_state=0, n_jobs=1),
    }
    for seed in range(200, 204):
        X, y, group = leaking(seed)
        new = group >= 400
        for name, clf in kinds.items():
            table = f"leaking {seed}, {name}"
            for method in ("random folds", "groups"):
                if not wanted(options, table, method):
                    continue
                given = {"groups": group[~new]} if method == "groups" else {}
                clf.fit(X[~new], y[~new], **given)
                promised = getattr(clf, "best_score_", None) or clf.oob_score_
                kept = matthews_corrcoef(y[new], clf.predict(X[new]))
                yield _row(table, method, promised, kept)


def _row(table: str, method: str, promised: float, given: float) -> dict[str, Any]:
    row = {"table": table, "method": method, "promised": promised, "given": given}
    print(f"{table:40} {method:28} promised {promised:6.3f}  given {given:6.3f}", flush=True)
    return row


def main() -> None:
    """Measure, and write one file for groups and one for time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--only", choices=["time", "groups"])
    parser.add_argument("--tables", default="", help="how the names of the tables begin")
    parser.add_argument("--methods", help="some of the methods, by semicolon")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    RESULTS.mkdir(parents=True, exist_ok=True)
    parts = {"groups": group_rows, "time": time_rows}
    for name, measure in parts.items():
        if options.only in (None, name):
            began = time.perf_counter()
            for row in measure(options):
                write(RESULTS / f"{name}.csv", row)
            print(f"{name}: {time.perf_counter() - began:.0f} s")


def write(file: Path, row: dict[str, Any]) -> None:
    """Put a row into a file, in the place of an earlier one of the same table and method."""
    rows: list[dict[str, Any]] = []
    if file.exists():
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    short = {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()}
    same = [i for i, old in enumerate(rows) if all(old[k] == row[k] for k in ("table", "method"))]
    at = same[0] if same else len(rows)
    rows[at : at + len(same)] = [short]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["table", "method", "promised", "given"])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
