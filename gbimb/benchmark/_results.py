"""Run a plan and hold what came out."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gbimb.benchmark._comparison import Comparison, compare
from gbimb.benchmark._methods import BASELINE, HOLDOUT, MAIN, SAME_RECIPE
from gbimb.benchmark._run import Progress, Silent, run_cells
from gbimb.benchmark._summary import SummaryRow, summarise
from gbimb.benchmark._verdict import verdict
from gbimb.parallel import resolve_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.benchmark._cells import Record
    from gbimb.benchmark._plan import Plan

COMPARED = ("mcc", "f1", "average_precision")


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
        From the name of an engine to its sentences.
    notes : list of str
        What was odd about tables and fits.
    """

    plan: Plan
    records: list[Record]
    summary: list[SummaryRow]
    comparisons: list[Comparison]
    verdict: dict[str, str]
    notes: list[str]

    def _repr_html_(self) -> str:
        from gbimb.benchmark._report import to_html

        return to_html(self)


def run(
    plan: Plan, out: str | Path, *, jobs: int | None = None, progress: Progress | None = None
) -> Results:
    """Run a benchmark; what was run before with the same folder is read from there.

    Parameters
    ----------
    plan : Plan
    out : str or Path
        Folder for the results of the fits, made if need be.
    jobs : int, optional
        Processes, one fit each; None is one per processor. With more than one, a script must
        guard its start with ``if __name__ == "__main__"``.
    progress : Progress, optional
        Told about every fit.

    Returns
    -------
    Results
    """
    records = run_cells(plan, Path(out) / "cells", resolve_jobs(jobs), progress or Silent())
    return make_results(plan, records)


def make_results(plan: Plan, records: list[Record]) -> Results:
    """Summarise the records of a plan."""
    return Results(
        plan=plan,
        records=records,
        summary=summarise(records),
        comparisons=_compare_all(plan, records),
        verdict={engine: verdict(records, engine) for engine in plan.engines},
        notes=[note for table in plan.tables for note in table.notes]
        + plan.notes()
        + _fit_notes(records),
    )


def _compare_all(plan: Plan, records: Sequence[Record]) -> list[Comparison]:
    pairs = [(m.name, BASELINE) for m in plan.methods if m.name != BASELINE]
    pairs += [(MAIN, SAME_RECIPE), (MAIN, HOLDOUT)]
    made = [
        compare(records, engine, *pair, measure)
        for measure in COMPARED
        for engine in plan.engines
        for pair in pairs
    ]
    return [comparison for comparison in made if comparison is not None]


def _fit_notes(records: Sequence[Record]) -> list[str]:
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for text in record.warnings:
            said[text][f"{record.method} with {record.engine} on {record.table!r}"] += 1
    return [
        f"{text} ({'; '.join(f'{where}, {n} folds' for where, n in places.items())})".replace(
            " 1 folds", " 1 fold"
        )
        for text, places in said.items()
    ]
