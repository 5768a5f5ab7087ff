"""The outcome of a benchmark, as an object and as CSV and JSON files.

No path is written to the files, only the name of the user's table.
"""

from __future__ import annotations

import json
import os
import platform
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gbimb.benchmark.methods import BASELINE, HOLDOUT, MAIN, SAME_RECIPE
from gbimb.benchmark.records import Record, csv_text, write_atomically
from gbimb.benchmark.runner import Progress, run_plan
from gbimb.benchmark.statistics import MEASURES, Comparison, SummaryRow, compare, summarise
from gbimb.benchmark.verdict import verdicts
from gbimb.engines.registry import versions
from gbimb.parallel import resolve_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.benchmark.plan import Plan

COMPARED: Final = ("mcc", "f1", "average_precision")
FORMAT: Final = 1
FILES: Final = ("records.csv", "summary.csv", "results.json")


@dataclass(frozen=True)
class Results:
    """What a benchmark found.

    Attributes
    ----------
    plan : Plan
    records : list of Record
        One per fit.
    summary : list of SummaryRow
        Means and spreads, per table and over tables.
    comparisons : list of Comparison
        Every method against weighted log loss, and focal against log loss with the same recipe
        and against itself with one hold-out.
    verdict : dict
        From the name of an engine, or of the method that chooses its engines, to its sentences.
    notes : list of str
        Warnings about tables and fits.
    """

    plan: Plan
    records: list[Record]
    summary: list[SummaryRow]
    comparisons: list[Comparison]
    verdict: dict[str, str]
    notes: list[str]

    def _repr_html_(self) -> str:
        from gbimb.benchmark.console import to_html

        return to_html(self)


def run(
    plan: Plan,
    out: str | Path,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a benchmark; results that the folder already has are read from there.

    Parameters
    ----------
    plan : Plan
    out : str or Path
        Folder for the results of the fits; created if it does not exist.
    jobs : int, optional
        Processes, one fit each; None is one per processor. With more than one, a script must
        guard its start with ``if __name__ == "__main__"``.
    progress : Progress, optional
        Is called for every fit.

    Returns
    -------
    Results
    """
    plan.require_engines()
    records = run_plan(plan, Path(out) / "cells", resolve_jobs(jobs), progress or Progress())
    return make_results(plan, records)


def make_results(plan: Plan, records: list[Record]) -> Results:
    """Summarise the records of a plan."""
    return Results(
        plan=plan,
        records=records,
        summary=summarise(records),
        comparisons=_compare_all(plan, records),
        verdict=verdicts(records, plan.engines),
        notes=[note for table in plan.tables for note in table.notes]
        + plan.notes()
        + _fit_notes(records),
    )


def _compare_all(plan: Plan, records: Sequence[Record]) -> list[Comparison]:
    pairs = [(m.name, BASELINE) for m in plan.methods if m.name != BASELINE]
    pairs += [(MAIN, SAME_RECIPE), (MAIN, HOLDOUT)]
    found = [
        compare(records, engine, *pair, measure)
        for measure in COMPARED
        for engine in plan.engines
        for pair in pairs
    ]
    return [comparison for comparison in found if comparison is not None]


def _fit_notes(records: Sequence[Record]) -> list[str]:
    places: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for text in record.warnings:
            places[text][f"{record.method} with {record.engine} on {record.table!r}"] += 1
    return [
        f"{text} ({'; '.join(f'{where}, {n} folds' for where, n in counts.items())})".replace(
            " 1 folds", " 1 fold"
        )
        for text, counts in places.items()
    ]


def export(results: Results, out: Path, command: str) -> None:
    """Write ``records.csv``, ``summary.csv`` and ``results.json``.

    Parameters
    ----------
    results : Results
    out : Path
        A folder.
    command : str
        The command line, without paths.
    """
    for name, text in zip(FILES, (_records(results), _summary(results)), strict=False):
        write_atomically(out / name, text)
    write_atomically(out / FILES[2], json.dumps(as_dict(results, command), indent=1) + "\n")


def _records(results: Results) -> str:
    plain = [field.name for field in fields(Record) if field.name not in ("warnings", "versions")]
    rows = []
    for record in results.records:
        row = {name: getattr(record, name) for name in plain}
        row["warnings"] = " | ".join(record.warnings)
        row["gbimb_version"] = record.versions["gbimb"]
        row["engine_version"] = record.versions[record.engine]
        rows.append(row)
    return csv_text([*plain, "warnings", "gbimb_version", "engine_version"], rows)


def _summary(results: Results) -> str:
    names = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "sd")]
    rows = [
        {"table": row.table, "engine": row.engine, "method": row.method}
        | {f"{m}_mean": row.measures[m].mean for m in MEASURES}
        | {f"{m}_sd": row.measures[m].sd for m in MEASURES}
        for row in results.summary
    ]
    return csv_text(["table", "engine", "method", *names], rows)


def as_dict(results: Results, command: str) -> dict[str, Any]:
    """Return everything except the single fits, as plain values."""
    plan = results.plan
    return {
        "format": FORMAT,
        "command": command,
        "seed": plan.seed,
        "folds": plan.folds,
        "engines": list(plan.engines),
        "methods": {method.name: method.description for method in plan.methods},
        "tables": [
            {
                "name": table.name,
                "rows": table.rows,
                "columns": table.X.shape[1],
                "classes": dict(zip(table.classes, table.class_rows, strict=False)) or None,
                "positives": table.positives,
                "positive": table.positive,
                "sha256": table.fingerprint(),
            }
            for table in plan.tables
        ],
        "versions": versions(*plan.engines),
        "platform": {
            "system": platform.system(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        },
        "verdict": results.verdict,
        "comparisons": [asdict(comparison) for comparison in results.comparisons],
        "summary": [asdict(row) for row in results.summary],
        "notes": results.notes,
    }
