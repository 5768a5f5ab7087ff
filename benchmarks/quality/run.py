"""Compare gbimb with its rivals: ``python -m benchmarks.quality.run --data FOLDER``.

What is done is kept cell by cell, in results/cells (JSON) and, at the end, in results/cells.csv:
the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import queue
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.quality.cells import FOLDS, OK, Cell, CellStore, Row
from benchmarks.quality.methods import METHODS
from benchmarks.quality.tables import WHOLE, find_tables
from benchmarks.quality.workers import Scratch, Worker
from gbimb.benchmark._plan import choose
from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.quality.methods import Method
    from benchmarks.quality.tables import QualityTable

RESULTS: Final = Path(__file__).parent / "results"
TIME_LIMIT: Final = 600.0


@dataclass(frozen=True)
class Options:
    """What a run is asked for."""

    tables: tuple[QualityTable, ...]
    methods: tuple[Method, ...]
    folds: int
    jobs: int
    time_limit: float
    retry: bool

    def cells(self) -> list[Cell]:
        """List the fits: whole folds first, then cheap methods, then small tables."""
        return [
            Cell(table, fold, method)
            for fold in range(self.folds)
            for method in self.methods
            for table in self.tables
            if table.binary or not method.binary_only
        ]


class Run:
    """The cells of a run, those that wait and those that are done."""

    def __init__(self, options: Options, store: CellStore) -> None:
        self.store = store
        self.time_limit = options.time_limit
        self.waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
        self.done: dict[str, Row] = {}
        self.stop = threading.Event()
        cells = options.cells()
        for cell in cells:
            row = store.load(cell.key())
            if row is None or (options.retry and row.status != OK):
                self.waiting.put(cell)
            else:
                self.done[row.key] = row
        say(f"{len(cells):,} cells, {len(self.done):,} of them done")

    def work(self, worker: Worker) -> None:
        """Fit what waits, and keep each result at once."""
        while not self.stop.is_set():
            try:
                cell = self.waiting.get_nowait()
            except queue.Empty:
                return
            row = worker.run(cell, self.time_limit)
            if not self.stop.is_set():
                self.store.save(row)
                self.done[row.key] = row
                say(describe(row))


def run(options: Options, store: CellStore) -> list[Row]:
    """Return the results of all cells, fitting those that are not there.

    An interruption drops the cells at work; the others are kept.
    """
    state = Run(options, store)
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGINT, signal.SIGTERM):  # a shell in the background ignores SIGINT
            signal.signal(name, signal.default_int_handler)
    with TemporaryDirectory(prefix="gbimb-quality-") as folder:
        scratch = Scratch(Path(folder))
        workers = [Worker(scratch, f"worker-{i}") for i in range(options.jobs)]
        with ThreadPoolExecutor(options.jobs) as threads:
            try:
                for future in [threads.submit(state.work, worker) for worker in workers]:
                    future.result()
            except KeyboardInterrupt:
                say("stopped; the same command goes on from here")
            finally:
                state.stop.set()
                for worker in workers:
                    worker.close()
                store.keep(state.done.values())
    return list(state.done.values())


def describe(row: Row) -> str:
    """Return a result in one line."""
    what = f"MCC {row.mcc:.3f}" if row.status == OK else f"{row.status}: {row.error}"
    seconds = f" {row.fit_seconds:.1f} s" if row.fit_seconds is not None else ""
    return f"{row.table} {row.fold + 1}/{FOLDS} {row.method} {what}{seconds}"


def arguments_of(
    name: str, about: str, methods: Iterable[str], out: Path
) -> argparse.ArgumentParser:
    """Return the command line that the runs of this folder share."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.quality.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with INDEX.csv (name, tier, rows, classes) and NAME.parquet files with a "
        "column target",
    )
    parser.add_argument("--tables", help="names, separated by commas (all of tier main)")
    parser.add_argument("--methods", help=f"some of {', '.join(methods)} (all)")
    parser.add_argument("--whole", default="", help="tables to run uncut as well")
    parser.add_argument(
        "--folds",
        type=int,
        default=FOLDS,
        choices=range(1, FOLDS + 1),
        help="how many of the five folds (%(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=TIME_LIMIT,
        metavar="SECONDS",
        help="for one fit (%(default)s)",
    )
    parser.add_argument("--retry", action="store_true", help="fit again what had failed")
    parser.add_argument("--out", type=Path, default=out, help="folder of the results")
    return parser


def read_options(given: argparse.Namespace, methods: dict[str, Method]) -> Options:
    """Find the tables and methods that were asked for."""
    whole = [name for name in given.whole.split(",") if name]
    tables = {table.name: table for table in find_tables(given.data, whole)}
    names = given.tables and ",".join([given.tables, *(name + WHOLE for name in whole)])
    return Options(
        choose("--tables", names, tables),
        choose("--methods", given.methods, methods),
        given.folds,
        given.jobs,
        given.time_limit,
        given.retry,
    )


def say(text: str) -> None:
    """Tell whoever watches."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 2 if it cannot be."""
    given = arguments_of("run", __doc__ or "", METHODS, RESULTS).parse_args(arguments)
    try:
        options = read_options(given, dict(METHODS))
    except GbimbError as error:
        say(str(error))
        return 2
    run(options, CellStore(given.out / "cells", given.out / "cells.csv"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
