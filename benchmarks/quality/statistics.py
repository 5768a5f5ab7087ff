"""Means and ranks of the results; the unit is the table, whose folds are averaged first.

Paired differences are those of ``gbimb benchmark``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from gbimb.benchmark.statistics import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEASURES: Final = ("mcc", "f1", "average_precision", "log_loss", "brier")
LOWER_IS_BETTER: Final = frozenset({"log_loss", "brier"})


def read_results(path: Path) -> pd.DataFrame:
    """Read results as a run keeps them."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"error": str})


def by_table(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the mean over folds, a row a table and a column a method; NaN if it was not run."""
    return frame.pivot_table(index="table", columns="method", values=measure, aggfunc="mean")


def complete_methods(frame: pd.DataFrame) -> list[str]:
    """List the methods that have every cell that any method has."""
    cells = frame[["table", "fold"]].drop_duplicates()
    counts = frame.groupby("method", sort=False).size()
    return [str(name) for name in counts.index[counts == len(cells)]]


def mean_ranks(frame: pd.DataFrame, methods: Sequence[str], measure: str) -> pd.Series[float]:
    """Return each method's mean rank over tables; 1 is the best, ties share their ranks."""
    values = by_table(frame, measure)[list(methods)].dropna()
    return values.rank(axis=1, ascending=measure in LOWER_IS_BETTER).mean()


def difference(frame: pd.DataFrame, method: str, baseline: str, measure: str) -> Comparison | None:
    """Compare two methods on the folds that both have; None if there are none."""
    both = frame[frame["method"].isin([method, baseline])].assign(engine="")
    return compare(list(both.itertuples(index=False)), "", method, baseline, measure)
