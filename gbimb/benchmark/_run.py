"""Run the fits that are not there yet, on several processes, and keep each result at once."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Final, Protocol

from gbimb.benchmark._cells import CellStore, Record, cell_key
from gbimb.benchmark._errors import CellError, InterruptedRunError
from gbimb.benchmark._fit import fit_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gbimb.benchmark._methods import Method
    from gbimb.benchmark._plan import Cell, Plan
    from gbimb.benchmark._tables import BenchmarkTable


class Progress(Protocol):
    """What a run tells whoever watches it."""

    def start(self, cells: Sequence[Cell], done: Sequence[Record], jobs: int) -> None:
        """Say what there is to do, and what was there already."""

    def advance(self, record: Record) -> None:
        """Say that a fit is done."""


class Silent:
    """Nobody watches."""

    def start(self, cells: Sequence[Cell], done: Sequence[Record], jobs: int) -> None:
        """Do nothing."""

    def advance(self, record: Record) -> None:
        """Do nothing."""


def run_cells(plan: Plan, folder: Path, jobs: int, progress: Progress) -> list[Record]:
    """Return the results of a plan, in its order, fitting those that ``folder`` does not hold.

    Raises
    ------
    CellError
        If a method fails; results that were ready are kept.
    InterruptedRunError
        If the user interrupts; results that were ready are kept.
    """
    store = CellStore(folder)
    cells = plan.cells()
    keys = _keys(plan, cells)
    found = {cell: store.load(keys[cell]) for cell in cells}
    records = {cell: record for cell, record in found.items() if record is not None}
    todo = [cell for cell in cells if cell not in records]
    progress.start(cells, list(records.values()), jobs)
    try:
        for record in _fit_all(plan, todo, jobs):
            store.save(keys[record.cell], record)
            records[record.cell] = record
            progress.advance(record)
    except KeyboardInterrupt:
        msg = (
            f"Interrupted: {len(records)} of {len(cells)} fits are done and kept. "
            "Give the same command again to go on."
        )
        raise InterruptedRunError(msg) from None
    except BrokenProcessPool:
        msg = (
            f"A process died, most likely for lack of memory: {len(records)} of {len(cells)} fits "
            "are kept. Give the same command again with fewer --jobs."
        )
        raise CellError(msg) from None
    return [records[cell] for cell in cells]


def _keys(plan: Plan, cells: Sequence[Cell]) -> dict[Cell, str]:
    prints = {table.name: table.fingerprint() for table in plan.tables}
    methods = {method.name: method for method in plan.methods}
    return {
        cell: cell_key(
            cell, methods[cell.method], prints[cell.table], folds=plan.folds, seed=plan.seed
        )
        for cell in cells
    }


def _fit_all(plan: Plan, cells: Sequence[Cell], jobs: int) -> Iterator[Record]:
    methods = {method.name: method for method in plan.methods}
    if min(jobs, len(cells)) <= 1:
        for cell in cells:
            table = plan.table(cell.table)
            yield fit_cell(cell, methods[cell.method], table, plan.folds, plan.seed)
        return
    others = set(mp.active_children())
    # Spawned rather than forked: a fork does not survive the threads of the engines.
    pool = ProcessPoolExecutor(
        min(jobs, len(cells)),
        mp_context=mp.get_context("spawn"),
        initializer=_prepare_worker,
        initargs=(plan.tables,),
    )
    try:
        futures = [
            pool.submit(_fit_in_worker, cell, methods[cell.method], plan.folds, plan.seed)
            for cell in cells
        ]
        for future in as_completed(futures):
            yield future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(mp.active_children()) - others:
            process.terminate()
        raise
    pool.shutdown()


# What a worker process works on; filled once when it starts.
_WORKER_TABLES: Final[dict[str, BenchmarkTable]] = {}


def _prepare_worker(tables: Sequence[BenchmarkTable]) -> None:
    # The parent decides what an interruption means, and nobody outlives the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _WORKER_TABLES.update({table.name: table for table in tables})


def _end_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _fit_in_worker(cell: Cell, method: Method, folds: int, seed: int) -> Record:
    return fit_cell(cell, method, _WORKER_TABLES[cell.table], folds, seed)
