"""Measure how fast gbimb is beside the engines: ``python -m benchmarks.speed --help``."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.speed.measures import PARTS, Row, Sizes, measure

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("gbimb", "lightgbm", "xgboost", "numpy", "numba", "scikit-learn")


def main() -> None:
    """Print the table and write it as CSV."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000, help="training rows (%(default)s)")
    parser.add_argument("--columns", type=int, default=20, help="float32 columns (%(default)s)")
    parser.add_argument("--rounds", type=int, default=100, help="boosting rounds (%(default)s)")
    parser.add_argument("--valid-rows", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--scores", type=int, default=20_000_000, help="(%(default)s)")
    parser.add_argument("--predict-rows", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="paired runs (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"some of: {', '.join(PARTS)}")  # fmt: skip
    parser.add_argument("--out", type=Path, help="CSV file (default: results/<date>.csv)")
    options = parser.parse_args()
    sizes = Sizes(
        options.rows,
        options.columns,
        options.rounds,
        options.valid_rows,
        options.scores,
        options.predict_rows,
        options.pairs,
        options.threads,
    )
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads\n")
    rows = []
    for row in measure(options.only, sizes):
        rows.append(row)
        sys.stdout.write(line(row) + "\n")
        sys.stdout.flush()
    out = options.out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.csv"
    write(out, rows, sizes)
    sys.stdout.write(f"written to {out}\n")


def reached(row: Row) -> str:
    """Return whether a row is within what is wanted."""
    return "" if row.wanted is None else "yes" if row.value <= row.wanted else "no"


def line(row: Row) -> str:
    """Return a row as one line of text."""
    wanted = "" if row.wanted is None else f"wanted {row.wanted:g}"
    return (
        f"{row.what:<76} {row.value:8.3f} {row.unit:<9} {wanted:<12} {reached(row):<4} {row.note}"
    )


def write(path: Path, rows: list[Row], sizes: Sizes) -> None:
    """Write the table with what it was measured on."""
    machine = {
        "machine": platform.processor() or platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "",
        **{name: version(name) if name != "gbimb" else _own_version() for name in PACKAGES},
        **{f"size_{name}": value for name, value in vars(sizes).items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["what", "value", "unit", "wanted", "reached", "note", *machine])
        for row in rows:
            writer.writerow(
                [
                    row.what,
                    f"{row.value:.4g}",
                    row.unit,
                    row.wanted,
                    reached(row),
                    row.note,
                    *machine.values(),
                ]
            )


def _own_version() -> str:
    import gbimb

    return gbimb.__version__


if __name__ == "__main__":
    main()
