"""Compare gbimb with its rivals: ``python -m benchmarks.quality.run --data FOLDER``.

Each fit is kept in results/cells (JSON) and, at the end, in results/cells.csv: the same command
continues where it was stopped. ``gbimb.benchmark`` runs, scores and compares; here are the tables,
the methods and the environments that they need.
"""

from __future__ import annotations

import argparse
import queue
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.quality.methods import METHODS
from benchmarks.quality.records import FOLDS, OK, KeptStore, QualityCell, QualityRecord
from benchmarks.quality.tables import WHOLE, find_tables
from benchmarks.quality.workers import Scratch, Worker
from gbimb.benchmark.plan import choose
from gbimb.benchmark.runner import InterruptedRunError, Progress, run_cells
from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.quality.methods import QualityMethod
    from benchmarks.quality.tables import QualityTable

RESULTS: Final = Path(__file__).parent / "results"
TIME_LIMIT: Final = 600.0


@dataclass(frozen=True)
class Options:
    """The choices of a command line."""

    tables: tuple[QualityTable, ...]
    methods: tuple[QualityMethod, ...]
    folds: int
    jobs: int
    time_limit: float
    retry: bool

    def cells(self) -> list[QualityCell]:
        """List the fits: whole folds first, then cheap methods, then small tables."""
        return [
            QualityCell(table, fold, method)
            for fold in range(self.folds)
            for method in self.methods
            for table in self.tables
            if table.binary or not method.binary_only
        ]


class Lines(Progress):
    """Progress as lines on the error output."""

    def start(self, cells: Sequence[QualityCell], done: Sequence[QualityRecord], jobs: int) -> None:
        """Write how many fits there are."""
        say(f"{len(cells):,} cells, {len(done):,} of them done; {jobs} at a time")

    def advance(self, record: QualityRecord) -> None:
        """Write one result."""
        say(describe(record))


def run(options: Options, store: KeptStore) -> list[QualityRecord]:
    """Return the results of all cells, fitting the missing ones; after an interruption, none.

    An interruption drops the fits under way; finished ones are kept.
    """
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGINT, signal.SIGTERM):  # a shell in the background ignores SIGINT
            signal.signal(name, signal.default_int_handler)
    cells = {cell.key(): cell for cell in options.cells()}
    try:
        return run_cells(
            cells,
            store,
            partial(_fit_all, options),
            Lines(),
            options.jobs,
            refit=lambda record: options.retry and record.status != OK,
        )
    except InterruptedRunError as error:
        say(str(error))
        return []
    finally:
        store.keep(cells)


def _fit_all(
    options: Options, cells: Mapping[str, QualityCell]
) -> Iterator[tuple[str, QualityRecord]]:
    """Fit cells in worker processes, each guarded by a thread."""
    with TemporaryDirectory(prefix="gbimb-quality-") as folder:
        scratch = Scratch(Path(folder))
        workers = [Worker(scratch, f"worker-{i}") for i in range(options.jobs)]
        free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in workers:
            free.put(worker)

        def fit(cell: QualityCell) -> QualityRecord:
            worker = free.get()
            try:
                return worker.run(cell, options.time_limit)
            finally:
                free.put(worker)

        with ThreadPoolExecutor(options.jobs) as threads:
            keys = {threads.submit(fit, cell): key for key, cell in cells.items()}
            try:
                for future in as_completed(keys):
                    yield keys[future], future.result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
                for worker in workers:  # ends the fits under way, if the run is interrupted
                    worker.close()


def describe(record: QualityRecord) -> str:
    """Return a result in one line."""
    outcome = f"MCC {record.mcc:.3f}" if record.status == OK else f"{record.status}: {record.error}"
    seconds = f" {record.fit_seconds:.1f} s" if record.fit_seconds is not None else ""
    return f"{record.table} {record.fold + 1}/{FOLDS} {record.method} {outcome}{seconds}"


def _parser(
    name: str, about: str, methods: Mapping[str, QualityMethod], out: Path
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
    parser.add_argument("--retry", action="store_true", help="fit again what failed")
    parser.add_argument("--out", type=Path, default=out, help="folder of the results")
    return parser


def _read_options(given: argparse.Namespace, methods: Mapping[str, QualityMethod]) -> Options:
    """Return the choices; tables and methods by name."""
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
    """Write a line to the error output."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def command(
    name: str,
    about: str,
    methods: Mapping[str, QualityMethod],
    out: Path,
    arguments: Sequence[str] | None = None,
    *,
    report: Callable[[Path], None] | None = None,
) -> int:
    """Run a command line of this folder; 2 if it is wrong.

    Parameters
    ----------
    name : str
        Of the module.
    about : str
    methods : dict of QualityMethod
    out : Path
        Where results go by default.
    arguments : sequence of str, optional
        Defaults to those of the process.
    report : callable, optional
        Writes a page from the CSV file, with ``--report``.
    """
    parser = _parser(name, about, methods, out)
    if report is not None:
        parser.add_argument("--report", action="store_true", help="write the page when done")
    given = parser.parse_args(arguments)
    try:
        options = _read_options(given, methods)
    except GbimbError as error:
        say(str(error))
        return 2
    store = KeptStore(given.out / "cells", given.out / "cells.csv")
    run(options, store)
    if report is not None and given.report:
        report(store.kept)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; 2 if the command line is wrong."""
    return command("run", __doc__ or "", METHODS, RESULTS, arguments)


if __name__ == "__main__":
    sys.exit(main())
