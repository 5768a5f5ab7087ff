"""Which members a portfolio needs: ``python -m benchmarks.portfolio --data FOLDER``.

Cross-fits candidates of the automatic choice on every table of a folder (as the quality benchmark
reads it), keeps their probabilities of held-out and of test rows, and prints what blends of some of
them are worth: MCC, log loss and average precision of the test rows, and processor seconds. One
fold of the 21 tables of two classes takes about ten minutes of one processor, one of the five
tables of more classes (``--many``) three.
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
from sklearn.preprocessing import label_binarize

from benchmarks.quality.tables import find_tables
from gbimb.decisions.blending import blend_weights
from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.prior import recalibrate
from gbimb.decisions.threshold import choose_threshold
from gbimb.estimators.fits.blends import BOOSTERS
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
from gbimb.training.search.space import FIRST, FOREST, PORTFOLIO, PORTFOLIO_OF_MANY, Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS: Final = 5
EQUAL: Final = float("inf")
Choices = dict[str, dict[str, Any]]
Blends = dict[str, tuple[tuple[str, ...], float]]


def candidates(*, many: bool) -> Choices:
    """Return the members of the portfolio (P) and what comes first in a search (F), by name."""
    own = PORTFOLIO_OF_MANY if many else PORTFOLIO
    others = PORTFOLIO[3:] if many else FIRST[:6]
    return {f"P{i}": choice for i, choice in enumerate(own)} | {
        f"F{i}": choice for i, choice in enumerate(others)
    }


def blends(*, many: bool) -> Blends:
    """Return members and prior of each blend."""
    names = list(candidates(many=many))
    own = tuple(name for name in names if name.startswith("P"))
    common: Blends = {
        "LightGBM alone": (("P0",), 10.0),
        "the portfolio": (own, 10.0),
        **{
            f"the portfolio without {name}": (tuple(n for n in own if n != name), 10.0)
            for name in own
        },
        **{
            f"the portfolio and {name}": ((*own, name), 10.0)
            for name in names
            if name.startswith("F")
        },
    }
    if many:
        return common
    return common | {
        "small trees in the place of large ones": (("F3", *own[1:]), 10.0),
        "the portfolio, prior 1": (own, 1.0),
        "the portfolio, prior 100": (own, 100.0),
        "the portfolio, equal weights": (own, EQUAL),
    }


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Of one candidate, for the held-out and for the test rows, and the seconds it took."""

    held_out: NDArray[Any]
    test: NDArray[Any]
    seconds: float


def cross_fit(
    X: pd.DataFrame, y: NDArray[Any], X_test: pd.DataFrame, choices: Choices
) -> tuple[NDArray[Any], dict[str, Probabilities]]:
    """Return the held-out labels, and the probabilities of each candidate, on one thread."""
    reader = BOOSTERS[0]()
    classes = len(np.unique(y))
    rows = LabelledTable.read(reader, X, y, None, 1 if classes == 2 else None)
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
        classes=classes,
        class_weights={"none": None, "root": (np.mean(y == 0) / np.mean(y == 1)) ** 0.5},
        has_categories=bool(encoder.categorical),
        has_pairs=len(encoder.numbers(X.shape[1])) > 1,
        fixed={"eval_metric": ("mcc",), "threshold": 0.5 if classes == 2 else "auto", "n_jobs": 1},
        make=fitter.make,
    )
    table = read_table(reader, X_test, reset=False)
    found = {}
    for i, (name, choice) in enumerate(choices.items()):
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
    """Return what a blend of the members is worth on the test rows; of many classes, MCC is R_K."""
    many = members[0].test.ndim > 1
    codes = y.astype(np.intp)
    likelihood = np.column_stack(
        [
            m.held_out[np.arange(y.size), codes] if many else np.abs(1 - codes - m.held_out)
            for m in members
        ]
    )
    equal = np.full(len(members), 1 / len(members))
    weights = equal if prior == EQUAL else blend_weights(likelihood, None, prior)
    held_out = np.stack([m.held_out for m in members], axis=-1) @ weights
    test = np.stack([m.test for m in members], axis=-1) @ weights
    if many:
        proba, held_out = (p / p.sum(axis=1, keepdims=True) for p in (test, held_out))
        predicted = (proba * fit_class_weights(codes, held_out)).argmax(axis=1)
    else:
        raw = to_raw(held_out)
        line = recalibrate(LogisticLoss(), y, raw, None)
        chosen = choose_threshold(
            y, expit(line.slope * raw + line.intercept), "mcc", random_state=0
        )
        proba = expit(line.slope * to_raw(test) + line.intercept)
        predicted = (proba >= chosen).astype(np.intp)
    labels = np.arange(proba.shape[1] if many else 2)
    is_class = label_binarize(y_test, classes=labels)
    return {
        "MCC": matthews_corrcoef(y_test, predicted),
        "log loss": log_loss(y_test, proba, labels=labels),
        "average precision": average_precision_score(is_class, proba),
        "seconds": sum(m.seconds for m in members),
    }


def main() -> None:
    """Print a row for each blend: means over tables of the means over folds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with INDEX.csv")
    parser.add_argument("--folds", type=int, default=1, choices=range(1, FOLDS + 1))
    parser.add_argument("--many", action="store_true", help="the tables of more than two classes")
    given = parser.parse_args()
    choices, compared = candidates(many=given.many), blends(many=given.many)
    records = []
    for table in find_tables(given.data):
        if table.binary == given.many:
            continue
        X, y = table.read()
        splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y)
        for fold, (train, test) in enumerate(splits):
            if fold == given.folds:
                break
            with warnings.catch_warnings(), thread_limit(1):
                warnings.simplefilter("ignore", GbimbWarning)
                held_out, found = cross_fit(X.iloc[train], y[train], X.iloc[test], choices)
            for name, (members, prior) in compared.items():
                values = judge(held_out, y[test], [found[m] for m in members], prior)
                records.append({"table": table.name, "blend": name, **values})
            print(table.name, fold + 1, flush=True)
    by_table = pd.DataFrame(records).groupby(["blend", "table"]).mean()
    print(by_table.groupby("blend").mean().loc[list(compared)].round(4).to_string())
    for name, choice in choices.items():
        print(name, choice)


if __name__ == "__main__":
    main()
