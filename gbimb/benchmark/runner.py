"""Fit what is not there yet, on several processes, and keep each result at once."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import has_fit_parameter

from gbimb.benchmark.plan import split_dependent
from gbimb.benchmark.records import CellStore, Record, cell_key
from gbimb.benchmark.scores import scores
from gbimb.engines.registry import versions
from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.benchmark.methods import Classifier, Method
    from gbimb.benchmark.plan import Cell, Plan
    from gbimb.benchmark.tables import BenchmarkTable

# Libraries tell their authors so when a module is first loaded; it says nothing about a fit.
ABOUT_CODE: Final = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)

C = TypeVar("C")
R = TypeVar("R", bound="DataclassInstance")


class CellError(GbimbError, RuntimeError):
    """A method failed on one fold of one table."""

    exit_code = 1


class InterruptedRunError(GbimbError, RuntimeError):
    """The user stopped the run; finished fits are kept."""

    exit_code = 130


class Progress:
    """Whoever watches a run; this one does nothing."""

    def start(self, cells: Sequence[Any], done: Sequence[Any], jobs: int) -> None:
        """Show the fits of the run, and the results that there are."""

    def advance(self, record: Any) -> None:  # of the run's own type
        """Show that a fit is done."""


def run_plan(plan: Plan, folder: Path, jobs: int, progress: Progress) -> list[Record]:
    """Return the results of a plan, in its order, fitting those that ``folder`` lacks."""
    prints = {table.name: table.fingerprint() for table in plan.tables}
    methods = {method.name: method for method in plan.methods}
    cells = {
        cell_key(
            cell, methods[cell.method], prints[cell.table], folds=plan.folds, seed=plan.seed
        ): cell
        for cell in plan.cells()
    }
    store = CellStore(folder, Record)
    return run_cells(cells, store, lambda todo: _fit_all(plan, todo, jobs), progress, jobs)


def run_cells(
    cells: Mapping[str, C],
    store: CellStore[R],
    fit_all: Callable[[Mapping[str, C]], Iterator[tuple[str, R]]],
    progress: Progress,
    jobs: int,
    *,
    refit: Callable[[R], bool] = lambda _: False,
) -> list[R]:
    """Return the results of all cells, in their order, and keep each as soon as it is there.

    Parameters
    ----------
    cells : dict
        What to fit, by the key of its result.
    store : CellStore
    fit_all : callable
        From the cells without a result to pairs of key and result, in any order.
    progress : Progress
    jobs : int
        For ``progress``.
    refit : callable
        Whether a result that is there is to be replaced.

    Raises
    ------
    CellError
        If a method fails; results that were ready are kept.
    InterruptedRunError
        If the user interrupts; results that were ready are kept.
    """
    found = {key: store.load(key) for key in cells}
    records = {key: record for key, record in found.items() if record and not refit(record)}
    progress.start(list(cells.values()), list(records.values()), jobs)
    try:
        for key, record in fit_all({k: cell for k, cell in cells.items() if k not in records}):
            store.save(key, record)
            records[key] = record
            progress.advance(record)
    except KeyboardInterrupt:
        # The last one may have been kept without being noted.
        kept = sum(store.load(key) is not None for key in cells)
        msg = (
            f"Interrupted: {kept} of {len(cells)} fits are done and kept. "
            "Repeat the same command to continue."
        )
        raise InterruptedRunError(msg) from None
    except BrokenProcessPool:
        msg = (
            f"A process died, most likely for lack of memory: {len(records)} of {len(cells)} fits "
            "are kept. Repeat the same command with fewer jobs."
        )
        raise CellError(msg) from None
    return [records[key] for key in cells]


def split(y: NDArray[Any], folds: int, fold: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the training rows and the test rows of a fold, the same for every method."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # the plan's notes name classes with fewer rows than folds
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        train, test = list(splitter.split(np.zeros(y.size), y))[fold]
    return train, test


def fit_cell(cell: Cell, method: Method, table: BenchmarkTable, folds: int, seed: int) -> Record:
    """Train on the other folds, predict this one, and measure.

    Raises
    ------
    CellError
        If the method fails; the message holds its error.
    """
    if table.dependence is None:
        rows = split(table.y, folds, cell.fold, seed)
    else:
        rows = split_dependent(table.dependence, table.y, folds, cell.fold, seed)
    try:
        measured = _measure(method.build(cell.engine, 1, seed, table.n_classes), table, *rows)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(".")
        msg = (
            f"Method {cell.method!r} with {cell.engine} failed on fold {cell.fold + 1} of table "
            f"{cell.table!r}: {reason}."
        )
        raise CellError(msg) from error
    return Record(
        table=table.name,
        rows=table.rows,
        columns=table.X.shape[1],
        classes=table.n_classes,
        positives=table.positives,
        prevalence=None if table.positives is None else table.positives / table.rows,
        engine=cell.engine,
        method=cell.method,
        folds=folds,
        fold=cell.fold,
        seed=seed,
        versions=versions(cell.engine),
        **measured,
    )


def _measure(
    classifier: Classifier, table: BenchmarkTable, train: NDArray[Any], test: NDArray[Any]
) -> dict[str, Any]:
    X_train, X_test = table.X.iloc[train], table.X.iloc[test]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for category in ABOUT_CODE:
            warnings.simplefilter("ignore", category)
        started, started_cpu = time.perf_counter(), time.process_time()
        classifier.fit(X_train, table.y[train], **_dependence_of(classifier, table, train))
        fitted, fitted_cpu = time.perf_counter(), time.process_time()
        labels = np.asarray(classifier.predict(X_test))
        predicted = time.perf_counter()
        proba = _of_every_class(classifier, X_test, table.n_classes)
    y = table.y[test]
    return {
        **scores(y, labels, proba),
        **_choices(classifier),
        "fit_seconds": fitted - started,
        "fit_cpu_seconds": fitted_cpu - started_cpu,
        "predict_seconds": predicted - fitted,
        "warnings": tuple(sorted({" ".join(str(w.message).split()) for w in caught})),
    }


def _dependence_of(
    classifier: Classifier, table: BenchmarkTable, rows: NDArray[Any]
) -> dict[str, Any]:
    """Return groups or times as arguments of ``fit``, if it takes them."""
    dependence = table.dependence
    if dependence is None or not has_fit_parameter(classifier, dependence.name):
        return {}
    return {dependence.name: dependence.values[rows]}


def _of_every_class(classifier: Classifier, X: Any, n_classes: int) -> FloatArray:
    """Return a column for each class, 0 for a class without a training row."""
    proba = np.asarray(classifier.predict_proba(X), np.float64)
    columns = np.zeros((len(proba), n_classes))
    columns[:, np.asarray(classifier.classes_, np.intp)] = proba
    return columns


def _choices(classifier: Classifier) -> dict[str, Any]:
    threshold = getattr(classifier, "threshold_", None)
    rounds = getattr(classifier, "best_iteration_", None)
    return {
        "threshold": None if threshold is None else float(threshold),
        "n_rounds": None if rounds is None else int(rounds),
    }


def _fit_all(plan: Plan, cells: Mapping[str, Cell], jobs: int) -> Iterator[tuple[str, Record]]:
    methods = {method.name: method for method in plan.methods}
    if min(jobs, len(cells)) <= 1:
        for key, cell in cells.items():
            table = plan.table(cell.table)
            yield key, fit_cell(cell, methods[cell.method], table, plan.folds, plan.seed)
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
        keys = {
            pool.submit(_fit_in_worker, cell, methods[cell.method], plan.folds, plan.seed): key
            for key, cell in cells.items()
        }
        for future in as_completed(keys):
            yield keys[future], future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(mp.active_children()) - others:
            process.terminate()  # a fit under way would go on to its end
        raise
    pool.shutdown()


# The tables of a worker process, filled once when it starts.
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
