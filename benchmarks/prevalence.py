"""Another prevalence on real tables: what ``adapt`` brings back, and whether its warnings hold.

``python -m benchmarks.prevalence`` writes ``benchmarks/results/prevalence/``: ``moved.csv`` has a
row for each table, split and factor by which the prevalence moved, ``changed.csv`` one for each
change of the columns that is none of the prevalence. Each split trains on half of a table and draws
new rows from the other half.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import gbimb
from gbimb.metrics import mcc_score
from gbimb.thresholds import choose_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTORS = (0.2, 0.5, 2.0, 5.0)
MOST_ROWS = 20_000
RESULTS = Path(__file__).parent / "results" / "prevalence"
TABLES = {
    "yeast_me2": ("yeast_me2", None),
    "page_blocks_not_text": ("page_blocks_5class", "text"),
    "satimage_4": ("satimage_4", None),
    "coil2000_insurance": ("coil2000_insurance", None),
    "nycflights_cancelled": ("nycflights_cancelled", None),
}
"""Name here to name in ``gbimb.datasets``, and the common class of a table with more than two."""


def load(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return columns and labels, 1 for the rare class, of at most 20,000 rows."""
    source, common = TABLES[name]
    table = gbimb.datasets.load(source)
    y = np.asarray(table.y)
    labels, counts = np.unique(y, return_counts=True)
    y = (y != common) if common is not None else (y == labels[np.argmin(counts)])
    rows = np.sort(np.random.default_rng(0).permutation(y.size)[:MOST_ROWS])
    return table.X.iloc[rows].reset_index(drop=True), y[rows].astype(int)


def halves(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of two halves with the same shares of the classes."""
    rng = np.random.default_rng(seed)
    first = np.zeros(y.size, bool)
    for k in (0, 1):
        own = rng.permutation(np.flatnonzero(y == k))
        first[own[: own.size // 2]] = True
    return np.flatnonzero(first), np.flatnonzero(~first)


def draw(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return rows that come from a population in which ``share`` are positive."""
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    n = int(0.9 * min(positive.size / share, negative.size / (1 - share)))
    wanted = min(int(rng.binomial(n, share)), positive.size)
    others = min(n - wanted, negative.size)
    drawn = rng.permutation(positive)[:wanted], rng.permutation(negative)[:others]
    return np.concatenate(drawn)


def moved(clf: Any, X: pd.DataFrame, y: np.ndarray, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what comes of each factor on rows that did not train the model."""
    for factor in FACTORS:
        rng = np.random.default_rng([seed, int(10 * factor)])
        share = factor * clf.prevalence_
        rows = draw(y, share, rng)
        new, labels = X.iloc[rows], y[rows]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            copy = clf.adapt(new)
        proba = copy.predict_proba(new)[:, 1]
        # As good as a threshold can be that is chosen with labels of the new prevalence.
        told = clf.adapt(prevalence=share)
        known = told.predict_proba(new)[:, 1]
        informed = known >= choose_threshold(labels, known)
        found = copy.prevalence_estimate_
        yield {
            "factor": factor,
            "rows": rows.size,
            "prevalence": share,
            "estimate": found.prevalence,
            "low": found.low,
            "high": found.high,
            "covered": found.low <= share <= found.high,
            "warned": any("prevalence alone" in str(w.message) for w in caught),
            "mcc_before": mcc_score(labels, clf.predict(new)),
            "mcc_adapted": mcc_score(labels, copy.predict(new)),
            "mcc_old_threshold": mcc_score(labels, proba >= clf.threshold_),
            "mcc_known": mcc_score(labels, told.predict(new)),
            "mcc_informed": mcc_score(labels, informed),
        }


def change(X: pd.DataFrame, kind: str, size: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return a table of which some columns of numbers are shifted, stretched or made noisy."""
    X = X.copy()
    numbers = [c for c in X.columns if X[c].dtype.kind in "fi" and X[c].nunique() > 2]
    some = max(1, int(len(numbers) * rng.choice([0.1, 0.3, 0.6])))
    for name in rng.choice(numbers, some, replace=False):
        values, spread = X[name].astype(float), float(X[name].std())
        if kind == "shifted":
            X[name] = values + rng.choice([-1, 1]) * size * spread
        elif kind == "noisy":
            X[name] = values + rng.normal(size=len(X)) * size * spread
        else:
            X[name] = values.mean() + (values - values.mean()) * (1 + size)
    return X


def changed(clf: Any, X: pd.DataFrame, y: np.ndarray, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what comes of changes of the columns, and of a selection of rows by a column."""
    rng = np.random.default_rng(seed)
    cases = [
        (kind, size, change(X, kind, size, rng), y)
        for kind in ("shifted", "stretched", "noisy")
        for size in (0.5, 1.0, 2.0)
    ]
    numbers = [c for c in X.columns if X[c].dtype.kind in "fi"]
    for name in rng.choice(numbers, 3, replace=False):
        rows = np.flatnonzero(X[name] > X[name].quantile(0.6))
        if rows.size > 50 and y[rows].any():
            cases.append(("selected", 0.4, X.iloc[rows], y[rows]))
    for kind, size, new, labels in cases:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            copy = clf.adapt(new)
        share = float(labels.mean())
        off = copy.prevalence_ / share - 1
        yield {
            "kind": kind,
            "size": size,
            "rows": len(new),
            "prevalence": share,
            "estimate": copy.prevalence_,
            "moved_by_half": abs(off) >= 0.5,
            "warned": any("prevalence alone" in str(w.message) for w in caught),
        }


def summary(moves: pd.DataFrame, changes: pd.DataFrame) -> str:
    """Return what the issue of all this is, in a few lines."""
    lost = moves["mcc_informed"] - moves["mcc_before"]
    back = moves["mcc_adapted"] - moves["mcc_before"]
    known = moves["mcc_known"] - moves["mcc_before"]
    half = changes[changes["moved_by_half"]]
    share, noticed = back.sum() / lost.sum(), half["warned"].mean()
    lines = [
        f"{len(moves)} moves of the prevalence, {len(changes)} changes of the columns",
        f"MCC lost: {lost.mean():.4f} on average; of it comes back: {share:.0%}",
        f"with the prevalence known: {known.sum() / lost.sum():.0%}",
        f"interval covers: {moves['covered'].mean():.1%} of the moves",
        f"warned: {moves['warned'].mean():.1%} of the moves",
        f"warned: {noticed:.1%} of {len(half)} changes that move the estimate by half or more",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run all, or a few splits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--tables", nargs="*", default=[*TABLES])
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of categories that one half lacks
    moves, changes = [], []
    for seed in range(given.splits):
        for name in given.tables:
            X, y = load(name)
            train, rest = halves(y, seed)
            clf = gbimb.ImbalancedLGBMClassifier(random_state=seed, n_jobs=1)
            clf.fit(X.iloc[train], y[train])
            new, labels = X.iloc[rest].reset_index(drop=True), y[rest]
            about = {"table": name, "split": seed}
            moves += [{**about, **row} for row in moved(clf, new, labels, seed)]
            changes += [{**about, **row} for row in changed(clf, new, labels, seed)]
        given.out.mkdir(parents=True, exist_ok=True)
        frames = pd.DataFrame(moves), pd.DataFrame(changes)
        for file, frame in zip(("moved.csv", "changed.csv"), frames, strict=True):
            frame.to_csv(given.out / file, index=False, float_format="%.5g")
        print(f"{seed + 1} of {given.splits} splits\n{summary(*frames)}", flush=True)


if __name__ == "__main__":
    main()
