"""What the results say: means, ranks, and paired differences with intervals and tests.

The unit is the table: the folds of a table are averaged first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from gbimb.benchmark._comparison import (
    FEWEST_FOR_BOOTSTRAP,
    bootstrap_interval,
    signed_rank_p,
    t_interval,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEASURES: Final = ("mcc", "f1", "average_precision", "log_loss", "brier")
LOWER_IS_BETTER: Final = frozenset({"log_loss", "brier"})
FEWEST: Final = 2


class Difference(NamedTuple):
    """How much a method scores above another on the cells that both have.

    ``low`` and ``high`` are the ends of a 95 % interval of the mean over tables, ``p_value`` is
    Wilcoxon's signed-rank test; both are NaN for a single table.
    """

    mean: float
    low: float
    high: float
    p_value: float
    tables: int
    higher: int


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


def difference(frame: pd.DataFrame, method: str, baseline: str, measure: str) -> Difference | None:
    """Compare two methods cell by cell; None if they have no cell in common."""
    cells = frame.pivot_table(index=["table", "fold"], columns="method", values=measure)
    if not {method, baseline} <= set(cells):
        return None
    folds = (cells[method] - cells[baseline]).dropna()
    tables = folds.groupby("table").mean().to_numpy()
    if tables.size == 0:
        return None
    low = high = p_value = np.nan
    if tables.size >= FEWEST:
        enough = tables.size >= FEWEST_FOR_BOOTSTRAP
        low, high = bootstrap_interval(tables) if enough else t_interval(tables)
        p_value = signed_rank_p(tables)
    return Difference(
        float(tables.mean()), low, high, p_value, tables.size, int((tables > 0).sum())
    )
