"""Fit one method on one fold and measure it."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.model_selection import StratifiedKFold

from gbimb.benchmark._cells import Record, versions
from gbimb.benchmark._errors import CellError
from gbimb.benchmark._scores import many_scores, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.benchmark._methods import Classifier, Method
    from gbimb.benchmark._plan import Cell
    from gbimb.benchmark._tables import BenchmarkTable

# Libraries tell their authors so when a module is first loaded; of a fit it says nothing.
ABOUT_CODE: Final = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def split(y: NDArray[Any], folds: int, fold: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows to train on and those of the fold; the same for every method."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # the plan's notes name classes with fewer rows than folds
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        train, test = list(splitter.split(np.zeros(y.size), y))[fold]
    return train, test


def fit_cell(cell: Cell, method: Method, table: BenchmarkTable, folds: int, seed: int) -> Record:
    """Train without one fold, predict the fold, measure.

    Raises
    ------
    CellError
        If the method fails, with what it said.
    """
    rows = split(table.y, folds, cell.fold, seed)
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
        classifier.fit(X_train, table.y[train])
        fitted, fitted_cpu = time.perf_counter(), time.process_time()
        labels = np.asarray(classifier.predict(X_test))
        predicted = time.perf_counter()
        proba = _of_every_class(classifier, X_test, table.n_classes)
    y = table.y[test]
    return {
        **(many_scores(y, labels, proba) if table.classes else scores(y, labels, proba[:, 1])),
        **_choices(classifier),
        "fit_seconds": fitted - started,
        "fit_cpu_seconds": fitted_cpu - started_cpu,
        "predict_seconds": predicted - fitted,
        "warnings": tuple(sorted({" ".join(str(w.message).split()) for w in caught})),
    }


def _of_every_class(classifier: Classifier, X: Any, n_classes: int) -> FloatArray:  # noqa: ANN401
    """Return a column a class: 0 for one that had no row to train on."""
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
