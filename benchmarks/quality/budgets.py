"""Whether a time budget is kept: ``python -m benchmarks.quality.budgets`` (eight minutes).

Fits the automatic choice on tables that ship with gbimb and on three synthetic ones (18 classes,
few rows of 3,000 columns, many rows), alone on the machine, and writes seconds on the clock and of
processors to results/budgets.csv and, as a table, to the page README.md.
"""

from __future__ import annotations

import argparse
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import train_test_split

import gbimb
from benchmarks.quality.pages import markdown, write_between_markers
from benchmarks.quality.run import RESULTS, say

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT: Final = RESULTS / "budgets.csv"
PAGE: Final = Path(__file__).parent / "README.md"
TABLES: Final = ("yeast_me2", "coil2000_insurance", "nycflights_cancelled")
BUDGETS: Final = (10, 60)


def _many_classes() -> tuple[Any, Any]:
    at = np.random.default_rng(0).integers(0, 8, (8_000, 6))
    across = np.maximum(abs(at[:, 0] - at[:, 2]), abs(at[:, 1] - at[:, 3]))
    y = 2 * across + 4 * (at[:, 4] == at[:, 2]) + (at[:, 5] > at[:, 3])
    return pd.DataFrame(at).add_prefix("place ").astype("category"), np.minimum(y, 17)


def _numbers(rows: int, columns: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns))
    signal = X[:, :5].sum(axis=1) + 2 * rng.standard_normal(rows)
    return X, (signal > np.quantile(signal, 0.9)).astype(int)


SYNTHETIC: Final = {
    "18 classes": _many_classes,
    "300 x 3,000": partial(_numbers, 300, 3_000),
    "200,000 x 20": partial(_numbers, 200_000, 20),
}


def _table(name: str) -> tuple[Any, Any]:
    if name in SYNTHETIC:
        return SYNTHETIC[name]()
    data = gbimb.datasets.load(name)
    return data.X, data.y


def fit_within(table: str, budget: int, n_jobs: int | None) -> dict[str, object]:
    """Fit on three quarters of a table; return how long it took and the MCC of the rest."""
    X, y = _table(table)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    clf = gbimb.AutoImbalancedClassifier(time_budget=budget, random_state=0, n_jobs=n_jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began, processor = time.perf_counter(), time.process_time()
        clf.fit(X_train, y_train)
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
    found = matthews_corrcoef(y_test, clf.predict(X_test))
    facts = {
        "processor": round(processor, 1),
        "rows": len(y_train),
        "candidates": len(clf.leaderboard_),
        "mcc": round(found, 4),
    }
    return {"table": table, "budget": budget, "seconds": round(seconds, 1), **facts}


def page_table(frame: pd.DataFrame) -> str:
    """Return a row a table, with the seconds taken and the MCC within each budget."""
    lines = [
        [
            str(table),
            f"{rows['rows'].iloc[0]:,}",
            *(f"{row.seconds:.1f} s, {row.candidates}, {row.mcc:.3f}" for row in rows.itertuples()),
        ]
        for table, rows in frame.groupby("table", sort=False)
    ]
    return markdown(("table", "rows", *(f"{budget} s" for budget in BUDGETS)), lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit with each budget on each table, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n-jobs", type=int, help="threads (all)")
    given = parser.parse_args(arguments)
    rows = []
    for table in (*TABLES, *SYNTHETIC):
        for budget in BUDGETS:
            rows.append(fit_within(table, budget, given.n_jobs))
            say(str(rows[-1]))
    frame = pd.DataFrame(rows)
    OUT.parent.mkdir(exist_ok=True)
    frame.to_csv(OUT, index=False)
    write_between_markers(PAGE, "budgets", page_table(frame))


if __name__ == "__main__":
    main()
