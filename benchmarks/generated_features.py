"""What generated features add to a portfolio: ``python -m benchmarks.generated_features``.

Cross-fits small LightGBM boosters on the columns as they are, on the same with target-encoded
categories, and on tables with generated features, then blends each with the portfolio's four
members without them and judges the test rows as ``benchmarks.portfolio`` does. Whatever looks at
a label is learnt on the training part of each fold. Writes
``benchmarks/results/generated_features.csv``; one fold of the 21 tables of two classes takes about
fifteen minutes of one processor.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import TargetEncoder

from benchmarks.portfolio import FOLDS, Probabilities, candidates, cross_fit, judge
from benchmarks.quality.tables import find_tables
from gbimb.exceptions import GbimbWarning
from gbimb.parallel import thread_limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRONGEST: Final = 6
PORTFOLIO: Final = ("P0", "P1", "P2", "P3")
PRIOR: Final = 10.0
RESULTS: Final = Path(__file__).parent / "results" / "generated_features.csv"
PARAMETERS: Final = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "min_data_in_leaf": 20,
    "num_threads": 1,
    "verbosity": -1,
}


class Generator(TransformerMixin, BaseEstimator):
    """Adds columns to a frame.

    Parameters
    ----------
    encode : bool
        Target-encode every category, out of fold on the training rows.
    cross : bool
        Target-encode pairs of the strongest categories.
    combine : bool
        Differences and ratios of the strongest numbers.
    group : bool
        The strongest numbers less their means within each of the strongest categories.
    """

    def __init__(
        self,
        *,
        encode: bool = False,
        cross: bool = False,
        combine: bool = False,
        group: bool = False,
    ) -> None:
        self.encode = encode
        self.cross = cross
        self.combine = combine
        self.group = group

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **_: Any) -> pd.DataFrame:
        """Learn on these rows, and return them with columns encoded out of fold."""
        gains = _gains(X, y)
        order = list(gains.sort_values(ascending=False).index)
        categorical = [c for c in order if isinstance(X[c].dtype, pd.CategoricalDtype)]
        self.categories_ = categorical
        self.strong_categories_ = categorical[:STRONGEST]
        self.numbers_ = [c for c in order if c not in categorical][:STRONGEST]
        self.means_ = {
            (c, n): X[n].groupby(X[c].astype(str)).mean()
            for c in self.strong_categories_[:3]
            for n in self.numbers_[:3]
        }
        texts = self._texts(X)
        self.encoder_ = None
        encoded = None
        if texts.shape[1]:
            folds = StratifiedKFold(5, shuffle=True, random_state=0)
            self.encoder_ = TargetEncoder(target_type="binary", cv=folds)
            encoded = self.encoder_.fit_transform(texts, y)
        return self._add(X, encoded)

    def fit(self, X: pd.DataFrame, y: Any = None) -> Generator:
        """Learn on these rows."""
        self.fit_transform(X, y)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return other rows with the same columns."""
        encoded = None if self.encoder_ is None else self.encoder_.transform(self._texts(X))
        return self._add(X, encoded)

    def _texts(self, X: pd.DataFrame) -> pd.DataFrame:
        found = {}
        if self.encode:
            found |= {c: X[c].astype(str) for c in self.categories_}
        if self.cross:
            for i, a in enumerate(self.strong_categories_):
                for b in self.strong_categories_[:i]:
                    found[f"{a}&{b}"] = X[a].astype(str) + "&" + X[b].astype(str)
        return pd.DataFrame(found, index=X.index)

    def _add(self, X: pd.DataFrame, encoded: NDArray[Any] | None) -> pd.DataFrame:
        new: dict[str, Any] = {}
        if encoded is not None:
            new |= {f"encoded{i}": encoded[:, i] for i in range(encoded.shape[1])}
        if self.combine:
            for i, a in enumerate(self.numbers_):
                for b in self.numbers_[:i]:
                    left, right = X[a].to_numpy(float), X[b].to_numpy(float)
                    new[f"{a}-{b}"] = left - right
                    with np.errstate(divide="ignore", invalid="ignore"):
                        ratio = left / right
                    new[f"{a}/{b}"] = np.where(np.isfinite(ratio), ratio, np.nan)
        if self.group:
            for (c, n), means in self.means_.items():
                here = X[c].astype(str).map(means).to_numpy(float)
                new[f"{n} in {c}"] = X[n].to_numpy(float) - here
        return pd.concat([X, pd.DataFrame(new, index=X.index)], axis=1)


KINDS: Final = {
    "as they are": Generator(),
    "target-encoded": Generator(encode=True),
    "crosses": Generator(cross=True),
    "ratios and differences": Generator(combine=True),
    "group means": Generator(group=True),
    "all of these": Generator(encode=True, cross=True, combine=True, group=True),
}


def _gains(X: pd.DataFrame, y: NDArray[Any]) -> pd.Series:
    booster = lgb.train(PARAMETERS | {"seed": 0}, lgb.Dataset(X, y), 50)
    return pd.Series(booster.feature_importance("gain"), index=X.columns)


def cross_fit_generated(
    generator: Generator, X: pd.DataFrame, y: NDArray[Any], X_test: pd.DataFrame
) -> Probabilities:
    """Return the probabilities of five boosters, each stopped on the fold that it holds out."""
    began = time.process_time()
    held_out, test = np.empty(len(y)), np.zeros(len(X_test))
    for train, held in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        seen = generator.fit_transform(X.iloc[train], y[train])
        unseen = generator.transform(X.iloc[held])
        data = lgb.Dataset(seen, y[train])
        booster = lgb.train(
            PARAMETERS | {"seed": 0},
            data,
            1500,
            valid_sets=[lgb.Dataset(unseen, y[held], reference=data)],
            callbacks=[lgb.early_stopping(50, verbose=False)],
        )
        held_out[held] = booster.predict(unseen)
        test += np.asarray(booster.predict(generator.transform(X_test))) / 5
    return Probabilities(held_out, test, time.process_time() - began)


def main() -> None:
    """Print a row for each kind of feature: means over tables of the means over folds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with INDEX.csv")
    parser.add_argument("--folds", type=int, default=1, choices=range(1, FOLDS + 1))
    given = parser.parse_args()
    choices = {name: one for name, one in candidates(many=False).items() if name in PORTFOLIO}
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
                sorted_y, members = cross_fit(X.iloc[train], y[train], X.iloc[test], choices)
                found = {
                    kind: cross_fit_generated(generator, X.iloc[train], y[train], X.iloc[test])
                    for kind, generator in KINDS.items()
                }
            assert np.array_equal(sorted_y, y[train])
            portfolio = [members[m] for m in PORTFOLIO]
            where = {"table": table.name, "fold": fold}
            values = judge(sorted_y, y[test], portfolio, PRIOR)
            records.append({**where, "features": "portfolio", "blended": True, **values})
            for kind, one in found.items():
                alone = judge(sorted_y, y[test], [one], PRIOR)
                records.append({**where, "features": kind, "blended": False, **alone})
                both = judge(sorted_y, y[test], [*portfolio, one], PRIOR)
                records.append({**where, "features": kind, "blended": True, **both})
            print(table.name, fold + 1, flush=True)
            pd.DataFrame(records).round(5).to_csv(RESULTS, index=False)
    by_table = pd.DataFrame(records).drop(columns="fold")
    by_table = by_table.groupby(["blended", "features", "table"]).mean()
    print(by_table.groupby(["blended", "features"]).mean().round(4).to_string())


if __name__ == "__main__":
    main()
