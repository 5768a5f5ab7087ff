"""Twenty positives, wrong labels, nothing to gain: ``python -m benchmarks.quality.hard_cases``.

Cases in which a method that is better on average may do harm, made from tables that ship with
gbimb (a quarter of an hour). Writes results/hard_cases.csv and a table on the page README.md.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import train_test_split

import gbimb
from benchmarks.quality.pages import markdown, write_between_markers
from benchmarks.quality.rivals.boosting import lightgbm_plain, lightgbm_weighted
from benchmarks.quality.rivals.task import Task
from benchmarks.quality.run import RESULTS, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

OUT: Final = RESULTS / "hard_cases.csv"
PAGE: Final = Path(__file__).parent / "README.md"
SEEDS: Final = 5
POSITIVES: Final = 20
WRONG: Final = 0.1
LARGEST: Final = 10_000
SECONDS: Final = 20
TABLES: Final = ("satimage_4", "coil2000_insurance", "nycflights_cancelled")


@dataclass(frozen=True, eq=False)
class Case:
    """Training rows and test rows."""

    X: pd.DataFrame
    y: NDArray[np.intp]
    X_test: pd.DataFrame
    y_test: NDArray[np.intp]


def halves(table: str, seed: int) -> Case:
    """Return two halves of a shipped table, at most 10,000 rows to train on."""
    data = gbimb.datasets.load(table)
    X, y = pd.DataFrame(data.X), np.asarray(data.y == data.y.max(), np.intp)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=min(LARGEST, len(y) // 2), stratify=y, random_state=seed
    )
    return Case(X, y, X_test, y_test)


def twenty_positives(table: str, seed: int) -> Case:
    """Return 20 rows of the rare class, and as many others as go with them in the table."""
    whole = halves(table, seed)
    rows = round(POSITIVES / whole.y.mean())
    X, _, y, _ = train_test_split(
        whole.X, whole.y, train_size=rows, stratify=whole.y, random_state=seed
    )
    return Case(X, y, whole.X_test, whole.y_test)


def wrong_labels(table: str, seed: int) -> Case:
    """Return a table in which one positive in ten has changed labels with a negative."""
    whole = halves(table, seed)
    rng = np.random.default_rng(seed)
    n_wrong = round(WRONG * whole.y.sum())
    y = whole.y.copy()
    for label in (0, 1):
        y[rng.choice(np.flatnonzero(whole.y == label), n_wrong, replace=False)] = 1 - label
    return Case(whole.X, y, whole.X_test, whole.y_test)


def three_columns_at_once(_: str, seed: int) -> Case:
    """Return a synthetic table whose labels depend on three columns at once, for large trees."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((6 * LARGEST, 8))).add_prefix("x")
    steps = np.floor(4 * X[["x0", "x1", "x2"]]).sum(axis=1) % 8 == 0
    y = (steps ^ (rng.random(len(X)) < 0.01)).to_numpy(np.intp)
    return Case(X[:LARGEST], y[:LARGEST], X[LARGEST:], y[LARGEST:])


CASES: Final[dict[str, tuple[Callable[[str, int], Case], tuple[str, ...]]]] = {
    "20 positives": (twenty_positives, TABLES),
    "one positive in ten mislabelled": (wrong_labels, TABLES),
    "nothing to gain": (three_columns_at_once, ("synthetic",)),
}


def methods(seed: int) -> dict[str, Any]:
    """Return what is compared, by its name."""
    task = Task(2, seed, (), "")
    return {
        "LightGBM": lightgbm_plain(task),
        "LightGBM, weighted": lightgbm_weighted(task),
        "gbimb, ImbalancedClassifier": gbimb.ImbalancedClassifier(random_state=seed, n_jobs=1),
        "gbimb, LightGBM": gbimb.ImbalancedLGBMClassifier(random_state=seed, n_jobs=1),
        f"gbimb, automatic, {SECONDS} s": gbimb.AutoImbalancedClassifier(
            time_budget=SECONDS, random_state=seed, n_jobs=1
        ),
    }


def score(name: str, table: str, case: Case, seed: int) -> list[dict[str, object]]:
    """Return the MCC of each method on the other rows."""
    rows: list[dict[str, object]] = []
    for method, classifier in methods(seed).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            classifier.fit(case.X, case.y)
        found = matthews_corrcoef(case.y_test, classifier.predict(case.X_test))
        size = {"rows": len(case.y), "positives": int(case.y.sum())}
        facts = {"case": name, "table": table, "seed": seed, "method": method, **size}
        rows.append({**facts, "mcc": round(float(found), 4)})
        say(str(rows[-1]))
    return rows


def page_table(frame: pd.DataFrame) -> str:
    """Return a row a case and table, with the mean MCC of each method."""
    names = list(dict.fromkeys(frame["method"]))
    lines = []
    for (case, table), rows in frame.groupby(["case", "table"], sort=False):
        means = rows.groupby("method")["mcc"].mean()
        size = f"{rows['rows'].iloc[0]:,}, {rows['positives'].iloc[0]:,}"
        lines.append([str(case), str(table), size, *(f"{means[name]:.3f}" for name in names)])
    return markdown(("case", "table", "rows, positives", *names), lines)


def main() -> None:
    """Run all cases, and write the results."""
    rows = [
        row
        for name, (make, tables) in CASES.items()
        for table in tables
        for seed in range(SEEDS)
        for row in score(name, table, make(table, seed), seed)
    ]
    frame = pd.DataFrame(rows)
    frame.to_csv(OUT, index=False)
    write_between_markers(PAGE, "hard cases", page_table(frame))


if __name__ == "__main__":
    main()
