"""Which members a portfolio needs: ``python -m benchmarks.portfolio --data FOLDER``.

Cross-fits candidates of the automatic choice on every table of a folder (as the quality benchmark
reads it), keeps their probabilities of held-out and of test rows, and prints what blends of some of
them are worth: MCC, log loss and average precision of the test rows, and processor seconds. One
fold of the 21 tables of two classes takes about ten minutes of one processor.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import StratifiedKFold

from benchmarks.quality.tables import find_tables
from gbimb.decisions.blending import blend_weights
from gbimb.decisions.prior import recalibrate
from gbimb.decisions.threshold import choose_threshold
from gbimb.estimators.blends.base import BOOSTERS
from gbimb.exceptions import GbimbWarning
from gbimb.losses import LogisticLoss
from gbimb.model.model import to_raw
from gbimb.parallel import thread_limit
from gbimb.tables.encoder import learn_columns
from gbimb.tables.labelled import LabelledTable
from gbimb.tables.read import read_table
from gbimb.tables.schema import Schema
from gbimb.training.held_out.plan import make_plan
from gbimb.training.search.cross_fit import CrossFitter
from gbimb.training.search.space import FIRST, FOREST, PORTFOLIO, Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS: Final = 5
EQUAL: Final = float("inf")
CANDIDATES: Final = {f"P{i}": choice for i, choice in enumerate(PORTFOLIO)} | {
    f"F{i}": choice for i, choice in enumerate(FIRST[:6])
}
ALL: Final = tuple(f"P{i}" for i in range(len(PORTFOLIO)))
BLENDS: Final[dict[str, tuple[tuple[str, ...], float]]] = {
    "LightGBM alone": (("P0",), 10.0),
    "three": (("P0", "P1", "P2"), 10.0),
    "without ratios and differences": (("P0", "P1", "P2", "P3"), 10.0),
    "the portfolio": (ALL, 10.0),
    "large trees in the place of small ones": (("F3", *ALL[1:]), 10.0),
    "the portfolio, prior 1": (ALL, 1.0),
    "the portfolio, prior 100": (ALL, 100.0),
    "the portfolio, equal weights": (ALL, EQUAL),
    **{f"the portfolio and {name}": ((*ALL, name), 10.0)
       for name in CANDIDATES if name.startswith("F")},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Of one candidate, for the held-out and for the test rows, and the seconds it took."""

    held_out: NDArray[Any]
    test: NDArray[Any]
    seconds: float


def cross_fit(
    X: pd.DataFrame, y: NDArray[Any], X_test: pd.DataFrame
) -> tuple[NDArray[Any], dict[str, Probabilities]]:
    """Return the held-out labels, and the probabilities of each candidate, on one thread."""
    reader = BOOSTERS[0]()
    rows = LabelledTable.read(reader, X, y, None, 1)
    encoder, encoded = learn_columns(rows.table, rows.labels.codes, None)
    fitter = CrossFitter(
        make={each.engine_name: each for each in BOOSTERS},
        schema=Schema.of(reader, encoder),
        encoded=encoded,
        labels=rows.labels,
        weight=None,
        plan=make_plan("auto", rows.labels.codes, 0, None),
        seed=0,
        threads=1,
    )
    space = Space(
        engines=("lightgbm", "xgboost", FOREST),
        rows=len(y),
        classes=2,
        class_weights={"none": None, "root": (np.mean(y == 0) / np.mean(y)) ** 0.5},
        has_categories=bool(encoder.categorical),
        has_pairs=len(encoder.numbers(X.shape[1])) > 1,
        fixed={"eval_metric": ("mcc",), "threshold": 0.5, "n_jobs": 1},
        make=fitter.make,
    )
    table = read_table(reader, X_test, reset=False)
    found = {}
    for i, (name, choice) in enumerate(CANDIDATES.items()):
        candidate = space.candidate({**space.base(choice["engine"]), **choice})
        if not space.has_categories:
            candidate = replace(candidate, ordered=False)
        if not space.has_pairs:
            candidate = replace(candidate, pairs=False)
        began = time.process_time()
        fitted = fitter.fit(candidate, i)
        seconds = time.process_time() - began
        model: Any = fitted.model
        found[name] = Probabilities(
            fitted.proba, model.calibrated(model.raw_score(table, 1)), seconds
        )
    return fitter.judged.y, found


def judge(
    y: NDArray[Any],
    y_test: NDArray[Any],
    members: Sequence[Probabilities],
    prior: float,
) -> dict[str, float]:
    """Return what a blend of the members is worth on the test rows."""
    likelihood = np.column_stack([np.where(y == 1, m.held_out, 1 - m.held_out) for m in members])
    equal = np.full(len(members), 1 / len(members))
    weights = equal if prior == EQUAL else blend_weights(likelihood, None, prior)
    raw = to_raw(np.column_stack([m.held_out for m in members]) @ weights)
    line = recalibrate(LogisticLoss(), y, raw, None)
    chosen = choose_threshold(y, expit(line.slope * raw + line.intercept), "mcc", random_state=0)
    raw = to_raw(np.column_stack([m.test for m in members]) @ weights)
    proba = expit(line.slope * raw + line.intercept)
    return {
        "MCC": matthews_corrcoef(y_test, proba >= chosen),
        "log loss": log_loss(y_test, proba, labels=[0, 1]),
        "average precision": average_precision_score(y_test, proba),
        "seconds": sum(m.seconds for m in members),
    }


def main() -> None:
    """Print a row for each blend: means over tables of the means over folds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with INDEX.csv")
    parser.add_argument("--folds", type=int, default=1, choices=range(1, FOLDS + 1))
    given = parser.parse_args()
    records = []
    for table in find_tables(given.data):
        if not table.binary:
            continue
        X, y = table.read()
        splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y)
        for fold, (train, test) in enumerate(splits):
            if fold == given.folds:
                break
            with warnings.catch_warnings(), thread_limit(1):
                warnings.simplefilter("ignore", GbimbWarning)
                held_out, found = cross_fit(X.iloc[train], y[train], X.iloc[test])
            for name, (members, prior) in BLENDS.items():
                values = judge(held_out, y[test], [found[m] for m in members], prior)
                records.append({"table": table.name, "blend": name, **values})
            print(table.name, fold + 1, flush=True)
    by_table = pd.DataFrame(records).groupby(["blend", "table"]).mean()
    print(by_table.groupby("blend").mean().loc[list(BLENDS)].round(4).to_string())
    for name, choice in CANDIDATES.items():
        print(name, choice)


if __name__ == "__main__":
    main()
