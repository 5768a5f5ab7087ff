"""What is promised and what new groups give: python -m benchmarks.groups PART.

``leaking`` and ``visits`` are synthetic, ``flights`` are those of the bundled nycflights table, of
which all that leave one airport in one hour are a group. Each estimator is fitted on some groups,
with ``groups`` and without, and meets new ones. ``nested`` does so inside ``cross_validate``.
``harmless`` deals the rows of real tables to groups at random, where ``groups`` must cost nothing.
``--estimators`` and ``--methods`` measure some anew and leave the others. Results:
``benchmarks/results/dependence/``, one file for each part.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import clone
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.model_selection import GroupKFold, cross_validate, train_test_split

import gbimb
from benchmarks.dependence import RESULTS, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TRAINED = 400  # groups of a synthetic table that a fit knows
SEEDS = {"leaking": range(200, 208), "visits": range(300, 316)}
NESTED_SEEDS = range(200, 203)
OUTER = 4
METHODS = ("random folds", "groups")
HOURS = 2_000  # groups of flights that a fit knows
WITHIN_AN_HOUR = [
    *("month", "weekday", "hour", "origin", "temp", "dewp", "humid", "wind_dir", "wind_speed"),
    *("wind_gust", "precip", "pressure", "visib"),
]
ESTIMATORS: dict[str, Any] = {
    "ImbalancedLGBMClassifier": gbimb.ImbalancedLGBMClassifier(random_state=0, n_jobs=1),
    "ImbalancedXGBClassifier": gbimb.ImbalancedXGBClassifier(random_state=0, n_jobs=1),
    "UnderBaggingClassifier": gbimb.UnderBaggingClassifier(random_state=0, n_jobs=1),
    "ImbalancedClassifier": gbimb.ImbalancedClassifier(random_state=0, n_jobs=1),
    "AutoImbalancedClassifier": gbimb.AutoImbalancedClassifier(
        time_budget=None, n_trials=3, random_state=0, n_jobs=1
    ),
}


def leaking(seed: int, groups: int = 1_400, each: int = 10) -> tuple[Any, np.ndarray, np.ndarray]:
    """Rows of a group look alike and share a propensity that no column tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    face = rng.normal(size=(groups, 6))[group] + 0.05 * rng.normal(size=(group.size, 6))
    own = rng.normal(size=(group.size, 2))
    odds = 1.5 * own[:, 0] + 2.5 * rng.normal(size=groups)[group] - 4
    y = (rng.random(group.size) < 1 / (1 + np.exp(-odds))).astype(int)
    return pd.DataFrame(np.c_[face, own]).add_prefix("x"), y, group


def visits(seed: int, groups: int = 1_400) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Patients seen once or many times; birth year, weight and doctor all but name them."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.geometric(0.12, groups))
    n = group.size
    year, weight = rng.integers(1930, 2005, groups), rng.normal(75, 14, groups)
    doctor = rng.choice(list("abcdefghijkl"), groups)
    pulse, protein = rng.normal(70, 9, groups)[group] + rng.normal(0, 5, n), rng.normal(size=n)
    ill = 2.2 * rng.normal(size=groups)[group]
    odds = ill + 1.3 * protein * (doctor[group] < "f") + 0.05 * (pulse - 70) - 4.3
    columns = {
        "year": year[group],
        "weight": np.round(weight[group] + rng.normal(0, 1, n), 1),
        "doctor": pd.Categorical(doctor[group]),
        "pulse": np.round(pulse),
        "protein": protein,
    }
    y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    return pd.DataFrame(columns), y, group


def flights() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Flights in groups that leave an airport in the same hour, numbered at random."""
    table = gbimb.datasets.load("nycflights_cancelled")
    hour = table.X.groupby(WITHIN_AN_HOUR, dropna=False, observed=True).ngroup().to_numpy()
    number = np.random.default_rng(0).permutation(hour.max() + 1)
    return table.X, np.asarray(table.y), number[hour]


def tables(part: str) -> Iterator[tuple[str, Any, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield name, X, y, group and which rows are of new groups."""
    if part == "flights":
        X, y, group = flights()
        for k in range(2):
            some = (group >= k * HOURS) & (group < (k + 1) * HOURS) | (group >= 2 * HOURS)
            new = group[some] >= 2 * HOURS
            yield f"flights {k}", X[some].reset_index(drop=True), y[some], group[some], new
        return
    for seed in SEEDS[part]:
        X, y, group = {"leaking": leaking, "visits": visits}[part](seed)
        yield f"{part} {seed}", X, y, group, group >= TRAINED


def promised_and_given(
    part: str, chosen: list[str], methods: Sequence[str] = METHODS
) -> Iterator[dict[str, Any]]:
    """Yield what estimators promise with groups and without, and their MCC on new groups."""
    for table, X, y, group, new in tables(part):
        for name in chosen:
            for method in methods:
                by = {"groups": group[~new]} if method == "groups" else {}
                clf = clone(ESTIMATORS[name]).fit(X[~new], y[~new], **by)
                yield {
                    "table": table,
                    "estimator": name,
                    "method": method,
                    "promised": _promise(clf),
                    "given": matthews_corrcoef(y[new], clf.predict(X[new])),
                }


def _promise(clf: Any) -> float:
    return float(clf.oob_score_ if hasattr(clf, "oob_score_") else clf.best_score_)


def nested(chosen: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what fits inside a cross-validation by groups promise, its own result, what is given.

    ``groups`` are routed to each fit, which holds out groups of its own.
    """
    sklearn.set_config(enable_metadata_routing=True)
    for seed in NESTED_SEEDS:
        X, y, group = leaking(seed)
        new = group >= TRAINED
        for name in chosen:
            clf = clone(ESTIMATORS[name]).set_fit_request(groups=True)
            found = cross_validate(
                clf,
                X[~new],
                y[~new],
                params={"groups": group[~new]},
                cv=GroupKFold(OUTER),
                scoring=make_scorer(matthews_corrcoef),
                return_estimator=True,
            )
            clf.fit(X[~new], y[~new], groups=group[~new])
            yield {
                "table": f"leaking {seed}",
                "estimator": name,
                "inner_promised": float(np.mean([_promise(c) for c in found["estimator"]])),
                "outer": float(found["test_score"].mean()),
                "given": matthews_corrcoef(y[new], clf.predict(X[new])),
            }


def harmless(chosen: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the MCC of unseen rows without groups, and with groups that were drawn at random."""
    for name in ("yeast_me2", "page_blocks_graphic", "satimage_4"):
        table = gbimb.datasets.load(name)
        y = np.asarray(table.y)
        for seed in range(4):
            train, test = train_test_split(
                np.arange(y.size), test_size=0.4, stratify=y, random_state=seed
            )
            group = np.random.default_rng(seed).integers(0, train.size // 4, train.size)
            for estimator in chosen:
                row: dict[str, Any] = {"table": f"{name} {seed}", "estimator": estimator}
                for method, by in {"without": {}, "with": {"groups": group}}.items():
                    clf = clone(ESTIMATORS[estimator]).fit(table.X.iloc[train], y[train], **by)
                    row[method] = matthews_corrcoef(y[test], clf.predict(table.X.iloc[test]))
                yield row


PARTS = {
    **{part: partial(promised_and_given, part) for part in ("leaking", "visits", "flights")},
    "nested": nested,
    "harmless": harmless,
}


def main() -> None:
    """Measure a part, and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--estimators", help="some of them, by comma")
    parser.add_argument("--methods", help="one of the two of leaking, visits and flights")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = list(ESTIMATORS) if options.estimators is None else options.estimators.split(",")
    file = options.part if options.part in {"nested", "harmless"} else "groups"
    some = {} if options.methods is None else {"methods": options.methods.split(",")}
    for row in PARTS[options.part](chosen, **some):
        write(RESULTS / f"{file}.csv", row)


if __name__ == "__main__":
    main()
