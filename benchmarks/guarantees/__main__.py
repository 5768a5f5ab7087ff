"""Whether promises are kept: ``python -m benchmarks.guarantees``, see README.md."""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.guarantees.averaging import averages
from benchmarks.guarantees.fits import MODELS, fits
from benchmarks.guarantees.given_scores import choices, limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESULTS = Path(__file__).parent / "results"
PARTS = ["scores", "limits", "fits", "averages"]
MEANS = ("kept", "met", "loss", "rate", "recall")


def summarise(rows: Iterable[dict[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """Return means over the rows that are equal ``by`` some columns, with the number of rows."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    found = []
    for key, members in groups.items():
        n = len(members)
        values = {
            name: np.nanmean([np.nan if row[name] is None else row[name] for row in members])
            for name in MEANS
            if name in members[0]
        }
        kept = float(values["kept"])
        spread = {"standard_error": np.sqrt(kept * (1 - kept) / n)}
        rounded = {name: round(float(value), 4) for name, value in {**values, **spread}.items()}
        found.append({**dict(zip(by, key, strict=True)), "n": n, **rounded})
    return found


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write a table to the results, and print it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print("  ".join(f"{value}" for value in row.values()))


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS, nargs="*", default=PARTS)
    parser.add_argument("--choices", type=int, default=10_000, help="for each rule")
    parser.add_argument("--fits", type=int, default=200, help="of each model")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if "scores" in args.part:
        rows = list(choices(args.choices, args.confidence, args.seed))
        write("scores", summarise(rows, ["rule", "rows"]))
        whole = [row for row in rows if row["rows"] == "all"]
        write("scores_by_population", summarise(whole, ["rule", "population"]))
        write("scores_by_positives", summarise(rows, ["rule", "rows", "positives"]))
    if "limits" in args.part:
        means = summarise(limits(args.confidence), ["rows", "positives"])
        columns = ("rows", "positives", "loss")
        write("limits", [{name: row[name] for name in columns} for row in means])
    if "averages" in args.part:
        write("averages", summarise(averages(args.fits, args.confidence), ["mean", "rule"]))
    if "fits" in args.part:
        of_models = (fits(args.fits, args.confidence, args.seed, model) for model in args.models)
        write("fits", summarise(itertools.chain.from_iterable(of_models), ["model", "rule"]))


if __name__ == "__main__":
    main()
