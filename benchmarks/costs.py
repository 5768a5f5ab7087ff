"""Costs of each row on real tables: the least expected cost against the best fixed threshold.

``python -m benchmarks.costs`` writes ``benchmarks/results/costs.csv``, a row for each table, split
and spread of the amounts. A false positive costs 1. A false negative costs an amount drawn without
regard to the row, between 1 and ``spread`` times as much, log-uniform with a mean of 1 divided by
the prevalence; ``spread`` 1 is the same for all rows. The best fixed threshold is the cheapest one
on the test rows themselves, which nobody can know: a rival that is better than any real one.

Numbers are means over 50 draws of amounts. With the first of them, where amounts vary, two fits
with weights are compared with the ``plain`` one: ``by_stakes`` weights each row by the sum of its
two costs, which leaves probabilities true, and decides row by row; ``by_costs`` weights positives
by the amount and decides at 0.5 (Zadrozny, Langford and Abe 2003).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gbimb
from benchmarks.prevalence import TABLES, halves, load
from gbimb.metrics import cost_saved, mean_cost, savings_score

SPREADS = (1, 100)
DRAWS = 50  # of amounts, for the same model and rows
RESULTS = Path(__file__).parent / "results" / "costs.csv"


def amounts(n: int, mean: float, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Return log-uniform amounts of which the largest is ``spread`` times the smallest."""
    drawn = np.exp(rng.uniform(0.0, np.log(spread), n)) if spread > 1 else np.ones(n)
    return drawn * mean / drawn.mean()


def best_fixed(y: np.ndarray, proba: np.ndarray, cost_fn: np.ndarray) -> float:
    """Return the mean cost of the threshold that is cheapest on these very rows."""
    order = np.argsort(-proba, kind="stable")
    steps = np.where(y[order] == 1, -cost_fn[order], 1.0)
    costs = np.append(0.0, np.cumsum(steps)) + cost_fn[y == 1].sum()
    ends = np.append(True, np.append(np.diff(proba[order]) != 0, True))
    return float(costs[ends].min() / y.size)


def drawn(y: np.ndarray, proba: np.ndarray, spread: float, seed: int) -> dict[str, float]:
    """Return the means over draws of amounts, for given rows and probabilities."""
    found: list[dict[str, float]] = []
    for draw in range(DRAWS):
        cost_fn = amounts(y.size, 1 / y.mean(), spread, np.random.default_rng([seed, draw]))
        flagged, fixed = (proba * cost > 1 - proba for cost in (cost_fn, cost_fn.mean()))
        found.append(
            {
                "by_row": mean_cost(y, flagged, 1.0, cost_fn),
                "by_mean": mean_cost(y, fixed, 1.0, cost_fn),
                "best_fixed": best_fixed(y, proba, cost_fn),
                "savings": savings_score(y, flagged, 1.0, cost_fn),
                "saved": cost_saved(y, flagged, 1.0, cost_fn),
            }
        )
    return pd.DataFrame(found).mean().to_dict()


def weighted(plain: Any, X: pd.DataFrame, y: np.ndarray, parts: Any, seed: int) -> dict[str, float]:
    """Return the mean costs of models that trained under weights from the costs."""
    train, rest = parts
    cost_fn = amounts(y.size, 1 / y.mean(), max(SPREADS), np.random.default_rng(seed))
    found = {}
    for name in ("plain", "by_stakes", "by_costs"):
        stakes = cost_fn + 1.0 if name == "by_stakes" else np.where(y == 1, cost_fn, 1.0)
        clf = plain
        if name != "plain":
            clf = gbimb.ImbalancedLGBMClassifier(random_state=seed, n_jobs=1)
            clf.fit(X.iloc[train], y[train], stakes[train] / stakes[train].mean())
        own = 1.0 if name == "by_costs" else cost_fn[rest]
        flagged = clf.predict(X.iloc[rest], cost_fp=1.0, cost_fn=own)
        found[name] = mean_cost(y[rest], flagged, 1.0, cost_fn[rest])
    return found


def main() -> None:
    """Run all tables and splits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=1)
    warnings.simplefilter("ignore")  # of categories that one half lacks
    rows = []
    for seed in range(parser.parse_args().splits):
        for name in TABLES:
            X, y = load(name)
            train, rest = halves(y, seed)
            clf = gbimb.ImbalancedLGBMClassifier(random_state=seed, n_jobs=1)
            clf.fit(X.iloc[train], y[train])
            proba = clf.predict_proba(X.iloc[rest])[:, 1]
            for spread in SPREADS:
                trained = weighted(clf, X, y, (train, rest), seed) if spread > 1 else {}
                about = {"table": name, "split": seed, "spread": spread}
                rows.append({**about, **drawn(y[rest], proba, spread, seed), **trained})
    frame = pd.DataFrame(rows)
    RESULTS.parent.mkdir(exist_ok=True)
    frame.to_csv(RESULTS, index=False, float_format="%.5g")
    means = ["by_row", "by_mean", "best_fixed", "plain", "by_stakes", "by_costs"]
    sums = frame.groupby(["spread", "table"])[means].mean()
    print(sums.assign(saving=1 - sums["by_row"] / sums["best_fixed"]).round(3).to_string())


if __name__ == "__main__":
    main()
