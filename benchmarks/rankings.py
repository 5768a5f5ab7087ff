"""Methods ranked on random folds, and on new groups or later rows: python -m benchmarks.rankings.

Tables: ``leaking`` of :mod:`benchmarks.groups` by its groups, and nycflights (every 20th row)
by its months, which is what ``gbimb benchmark --group`` and ``--time`` do with a file. Results:
``benchmarks/results/dependence/rankings.csv``.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import gbimb
from benchmarks.dependence import RESULTS
from benchmarks.groups import leaking
from gbimb import benchmark

METHODS = ("logloss", "weighted-logloss", "logloss-tuned", "focal", "bagging")
FOLDS = 3


def tables(folder: Path) -> list[benchmark.BenchmarkTable]:
    """Return the tables, with their groups or times."""
    X, y, group = leaking(200, 600)
    file = folder / "leaking.parquet"
    X.assign(y=y, group=group).to_parquet(file)
    flights = gbimb.datasets.load("nycflights_cancelled")
    some = np.arange(0, len(flights.y), 20)
    other = folder / "nycflights.parquet"
    flights.X.iloc[some].assign(y=np.asarray(flights.y)[some]).to_parquet(other)
    return [
        benchmark.read_table(file, "y", group="group"),
        benchmark.read_table(other, "y", time="month"),
    ]


def main() -> None:
    """Measure, and write the mean MCC of each table, method and way to hold out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    jobs = parser.parse_args().jobs
    warnings.simplefilter("ignore")
    methods = tuple(benchmark.METHODS[name] for name in METHODS)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for table in tables(Path(name)):
            for how, held_out in (
                ("new groups or later rows", table),
                ("random folds", replace(table, dependence=None)),
            ):
                plan = benchmark.Plan(
                    tables=(held_out,), engines=("lightgbm",), methods=methods, folds=FOLDS
                )
                records = benchmark.run(plan, Path(name) / f"{table.name} {how}", jobs=jobs).records
                found = pd.DataFrame([{"method": r.method, "mcc": r.mcc} for r in records])
                means = found.groupby("method")["mcc"].mean()
                for method, mcc in means.items():
                    row = {"table": table.name, "held_out": how, "method": method, "mcc": mcc}
                    rows.append(row | {"rank": int((means > mcc).sum()) + 1})
                    print(rows[-1], flush=True)
                board = pd.DataFrame(rows).round(4)
                board.to_csv(RESULTS / "rankings.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
