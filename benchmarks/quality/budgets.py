"""Whether a time budget is kept: ``python -m benchmarks.quality.budgets`` (fifteen minutes).

Fits the automatic choice on tables that ship with gbimb, alone on the machine, and writes seconds
on the clock to results/budgets.csv and, as a table, to the page README.md.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
BUDGETS: Final = (20, 60, 180)


def fit_within(table: str, budget: int, n_jobs: int | None) -> dict[str, object]:
    """Fit on three quarters of a table; return how long it took and the MCC of the rest."""
    data = gbimb.datasets.load(table)
    X_train, X_test, y_train, y_test = train_test_split(
        data.X, data.y, stratify=data.y, random_state=0
    )
    clf = gbimb.AutoImbalancedClassifier(time_budget=budget, random_state=0, n_jobs=n_jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        clf.fit(X_train, y_train)
        seconds = time.perf_counter() - began
    found = matthews_corrcoef(y_test, clf.predict(X_test))
    facts = {"rows": len(y_train), "candidates": len(clf.leaderboard_), "mcc": round(found, 4)}
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
    for table in TABLES:
        for budget in BUDGETS:
            rows.append(fit_within(table, budget, given.n_jobs))
            say(str(rows[-1]))
    frame = pd.DataFrame(rows)
    OUT.parent.mkdir(exist_ok=True)
    frame.to_csv(OUT, index=False)
    write_between_markers(PAGE, "budgets", page_table(frame))


if __name__ == "__main__":
    main()
