"""What is promised and what later rows give: python -m benchmarks.dependence.

Tables: ``drifting`` is made here; nycflights is every fourth row of the table that comes with
gbimb, its months in order.
``--bank FILE`` adds the bank marketing table of UCI (id 222, bank-additional-full)
in its own order, with the column ``target``. ``--tables bank --methods time`` measures some rows
anew and leaves the others. Results: ``benchmarks/results/dependence/time.csv``. For new groups see
:mod:`benchmarks.groups`.
"""

from __future__ import annotations

import argparse
import csv
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


def in_time(bank: Path | None) -> Iterator[tuple[str, pd.DataFrame, np.ndarray, int]]:
    """Yield tables in order of time, and where the next tenth of the rows begins."""
    for seed in range(100, 106):
        X, y = drifting(seed)
        yield f"drifting {seed}", X, y, 9_000
    flights = gbimb.datasets.load("nycflights_cancelled")
    order = np.argsort(flights.X["month"].to_numpy(), kind="stable")[::4]
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
                yield {"table": name, "method": method, "promised": clf.best_score_, "given": given}


def wanted(options: argparse.Namespace, table: str, method: str) -> bool:
    """Whether a row is to be measured."""
    named = options.methods is None or method in options.methods.split(";")
    return table.startswith(options.tables) and named


def main() -> None:
    """Measure, and write a row for each table and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--tables", default="", help="how the names of the tables begin")
    parser.add_argument("--methods", help="some of the methods, by semicolon")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for row in time_rows(options):
        write(RESULTS / "time.csv", row)


def write(file: Path, row: dict[str, Any]) -> None:
    """Print a row and put it into a file, in the place of an earlier one with the same texts."""
    rows: list[dict[str, Any]] = []
    if file.exists():
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    keys = [name for name, value in row.items() if isinstance(value, str)]
    short = {k: v if k in keys else f"{v:.4f}" for k, v in row.items()}
    print(", ".join(f"{k} {v}" for k, v in short.items()), flush=True)
    same = [i for i, old in enumerate(rows) if all(old[k] == row[k] for k in keys)]
    at = same[0] if same else len(rows)
    rows[at : at + len(same)] = [short]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
