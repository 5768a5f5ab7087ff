"""Write results as CSV and JSON. No path is written, only the name of the user's file."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from gbimb.benchmark._cells import Record, versions, write_atomically
from gbimb.benchmark._summary import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from gbimb.benchmark._results import Results

FORMAT: Final = 1
FILES: Final = ("records.csv", "summary.csv", "results.json")


def export(results: Results, out: Path, command: str) -> None:
    """Write ``records.csv``, ``summary.csv`` and ``results.json``.

    Parameters
    ----------
    results : Results
    out : Path
        A folder.
    command : str
        What was asked for, without paths.
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
    return _csv([*plain, "warnings", "gbimb_version", "engine_version"], rows)


def _summary(results: Results) -> str:
    names = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "sd")]
    rows = [
        {"table": row.table, "engine": row.engine, "method": row.method}
        | {f"{m}_mean": row.measures[m].mean for m in MEASURES}
        | {f"{m}_sd": row.measures[m].sd for m in MEASURES}
        for row in results.summary
    ]
    return _csv(["table", "engine", "method", *names], rows)


def _csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _short(value) for name, value in row.items()})
    return text.getvalue()


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def as_dict(results: Results, command: str) -> dict[str, Any]:
    """Return everything but the single fits as plain values."""
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
