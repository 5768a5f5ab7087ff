"""Means and spreads of the results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray
    from gbimb.benchmark._cells import Record

MEASURES: Final = (
    "mcc",
    "f1",
    "precision",
    "recall",
    "average_precision",
    "log_loss",
    "brier",
    "fit_seconds",
    "fit_cpu_seconds",
    "predict_seconds",
)
ALL_TABLES: Final = "(mean of all tables)"


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and the standard deviation over folds (n - 1 in the denominator)."""

    mean: float
    sd: float


@dataclass(frozen=True)
class SummaryRow:
    """One method of one engine on one table, or on all of them.

    Attributes
    ----------
    table : str
        ``ALL_TABLES`` for the mean over tables. Its spread is the root of the mean variance over
        folds, so that it tells of folds and not of how different the tables are.
    engine, method : str
    measures : dict
        From the names in ``MEASURES`` to a mean and a spread.
    """

    table: str
    engine: str
    method: str
    measures: dict[str, Spread]


def by_fold(records: Sequence[Record], measure: str) -> dict[tuple[str, str, str], FloatArray]:
    """Return the values over folds of each (table, engine, method)."""
    values: dict[tuple[str, str, str], list[tuple[int, float]]] = defaultdict(list)
    for record in records:
        at = (record.table, record.engine, record.method)
        values[at].append((record.fold, float(getattr(record, measure))))
    return {at: np.array([value for _, value in sorted(pairs)]) for at, pairs in values.items()}


def summarise(records: Sequence[Record]) -> list[SummaryRow]:
    """Return a row per table, engine and method, and then one per engine and method."""
    rows: dict[tuple[str, str, str], dict[str, Spread]] = defaultdict(dict)
    for measure in MEASURES:
        for at, values in by_fold(records, measure).items():
            rows[at][measure] = Spread(float(values.mean()), _sd(values))
    single = [SummaryRow(*at, measures) for at, measures in rows.items()]
    pairs = dict.fromkeys((row.engine, row.method) for row in single)
    return single + [_over_tables(single, *pair) for pair in pairs]


def _over_tables(rows: Sequence[SummaryRow], engine: str, method: str) -> SummaryRow:
    same = [row.measures for row in rows if (row.engine, row.method) == (engine, method)]
    measures = {}
    for measure in MEASURES:
        means = [m[measure].mean for m in same]
        variances = [m[measure].sd ** 2 for m in same]
        measures[measure] = Spread(float(np.mean(means)), float(np.sqrt(np.mean(variances))))
    return SummaryRow(ALL_TABLES, engine, method, measures)


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else 0.0
