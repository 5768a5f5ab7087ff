"""The numbers of a report on a benchmark."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.benchmark.console import SHOWN
from gbimb.benchmark.methods import BASELINE, full_label, method_label
from gbimb.benchmark.results import as_dict
from gbimb.benchmark.statistics import ALL_TABLES, INTERVALS, TESTS, compare
from gbimb.benchmark.verdict import amount
from gbimb.plots import CriticalDifferenceDisplay
from gbimb.plots.statistics import FEWEST_TABLES, signed_rank_holm
from gbimb.report._checks import FEW_ROWS, Check, in_order, leaks

if TYPE_CHECKING:
    from gbimb.benchmark import BenchmarkTable, Results

LEAST_REPEATED: Final = 0.01


def benchmark_facts(results: Results, command: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the numbers of a report on a benchmark, and its leaderboard."""
    board = _leaderboard(results)
    scores = _scores_by_table(results)
    ranks = rank_display(scores)
    facts = as_dict(results, command)
    facts |= {
        "title": ", ".join(t.name for t in results.plan.tables[:3])
        + (", ..." if len(results.plan.tables) > 3 else ""),
        "engine_verdicts": facts.pop("verdict"),
        "verdict": _verdict(results, board),
        "folds_run": results.plan.folds_run,
        "leaderboard": board.to_dict("records"),
        "shown": SHOWN,
        "by_table": {
            "columns": list(scores.index),
            "rows": [{"name": n, "values": scores[n].tolist()} for n in scores],
        },
        "differences": _differences(results),
        "ranks": None
        if ranks is None
        else {"mean": ranks.ranks.to_dict(), "groups": ranks.groups()},
        "ranks_note": _ranks_note(len(scores)),
        "checks": in_order(_checks(results)),
    }
    return facts, board


def _leaderboard(results: Results) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for row in results.summary:
        if row.table == ALL_TABLES:
            own: dict[str, Any] = {"engine": row.engine, "method": row.method}
            own["name"] = full_label(row.method, row.engine)
            for measure in SHOWN:
                own[measure] = row.measures[measure].mean
                own[f"{measure}_sd"] = row.measures[measure].sd
            rows.append(own)
    return pd.DataFrame(rows).sort_values("mcc", ascending=False, kind="stable", ignore_index=True)


def _scores_by_table(results: Results) -> pd.DataFrame:
    """Return the mean MCC of each table (row) and method (column)."""
    cells: dict[str, dict[str, float]] = {}
    for row in results.summary:
        if row.table != ALL_TABLES:
            name = full_label(row.method, row.engine)
            cells.setdefault(name, {})[row.table] = row.measures["mcc"].mean
    return pd.DataFrame(cells)


def _verdict(results: Results, board: pd.DataFrame) -> list[str]:
    best = board.iloc[0]
    where = f"{len(results.plan.tables)} tables" if len(results.plan.tables) > 1 else "this table"
    first = (
        f"Of {len(board)} methods, {best['name']} has the highest mean MCC on {where}, "
        f"{best['mcc']:.3f}"
    )
    if best["method"] == BASELINE:
        return [f"{first}.", "That is the baseline: no other method is better on average."]
    found = compare(results.records, best["engine"], best["method"], BASELINE)
    if found is None:
        return [
            f"{first}.",
            f"{method_label(BASELINE).capitalize()} was not run, so there is no baseline.",
        ]
    if np.isnan(found.low):
        second = (
            f"Its difference from the baseline, {full_label(BASELINE, best['engine'])}, is "
            f"{found.mean:+.3f} on one fold, which cannot show whether that is chance."
        )
        return [f"{first}.", second]
    sure = "more than chance explains" if found.is_confirmed else "which may be chance"
    second = (
        f"Its difference from the baseline, {full_label(BASELINE, best['engine'])}, is "
        f"{amount(found)}, {sure}. The best of many methods always looks better than it is."
    )
    return [f"{first}.", second]


def _differences(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "name": full_label(c.method, c.engine),
            "baseline_name": method_label(c.baseline),
            "interval": INTERVALS[c.kind],
            "test": TESTS[c.kind],
            **asdict(c),
        }
        for c in results.comparisons
        if c.measure == "mcc"
    ]


def rank_display(scores: pd.DataFrame) -> CriticalDifferenceDisplay | None:
    """Return the diagram of critical differences, not drawn yet, if there are enough tables."""
    if len(scores) < FEWEST_TABLES or scores.shape[1] < 2:
        return None
    ranks = scores.rank(axis=1, ascending=False).mean()
    return CriticalDifferenceDisplay(ranks=ranks, p_values=signed_rank_holm(scores))


def _ranks_note(tables: int) -> str:
    if tables >= FEWEST_TABLES:
        return (
            "Mean ranks over the tables; a bar joins methods without a significant difference "
            "(Wilcoxon's signed-rank test with Holm's correction)."
        )
    return (
        f"No diagram: it needs {FEWEST_TABLES} tables or more, and there "
        f"{'is one' if tables == 1 else f'are {tables}'}."
    )


def _checks(results: Results) -> list[Check]:
    found: list[Check] = []
    for table in results.plan.tables:
        codes, of = table.y.astype(np.intp), f" of table {table.name!r}"
        found += [_few(table, results.plan.folds), _repeated(table)]
        found.append(leaks(table.X, codes, table.classes, of))
    return [*found, *_constant(results)]


def _few(table: BenchmarkTable, folds: int) -> Check:
    rows = min(table.class_rows)
    each = f"{rows:,} rows of the rarest class, about {rows / folds:.0f} in a fold"
    if rows < FEW_ROWS:
        text = f"Table {table.name!r} has only {each}: a single row changes its scores."
        return Check("GBI001", "warning", text)
    return Check("GBI001", "passed", f"Table {table.name!r} has {each}.")


def _repeated(table: BenchmarkTable) -> Check:
    prints = pd.util.hash_pandas_object(table.X.assign(**{"\0label": table.y}), index=False)
    again = int(prints.duplicated(keep=False).sum())
    if again < LEAST_REPEATED * table.rows:
        text = f"{again:,} of {table.rows:,} rows of table {table.name!r} are duplicates."
        return Check("GBI006", "passed", text)
    text = (
        f"{again:,} of {table.rows:,} rows of table {table.name!r} are duplicates, label included, "
        "so that folds share them: remove them if they are the same cases."
    )
    return Check("GBI006", "warning", text)


def _constant(results: Results) -> list[Check]:
    zeros: dict[str, int] = {}
    for record in results.records:
        if record.mcc == 0:
            name = f"{full_label(record.method, record.engine)} on {record.table!r}"
            zeros[name] = zeros.get(name, 0) + 1
    if not zeros:
        return [Check("GBI002", "passed", "Every method has an MCC other than 0 in every fold.")]
    shown = "; ".join(f"{name} in {n} of {results.plan.folds} folds" for name, n in zeros.items())
    return [Check("GBI002", "warning", f"MCC is 0 (one class for all rows, or chance): {shown}.")]
