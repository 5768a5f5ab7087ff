"""Directions of columns hold in the predictions, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.exceptions import InvalidParameterError
from tests.estimators.common import KINDS, quick

LGBM, XGB = KINDS

N = 600


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers, one of them missing in places, and a column of words."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N, 3)), columns=["a", "b", "c"])
    X["word"] = rng.choice(["u", "v", "w"], N)
    y = np.where(X.a - X.b + (X.word == "u") + rng.normal(size=N) > 1.8, "rare", "usual")
    return X.mask(rng.random(X.shape) < 0.1, None).assign(word=X.word), y


def steps(clf: Any, X: pd.DataFrame) -> np.ndarray:
    """Change of the probability of the rare label along the first column, for many rows."""
    grid = np.linspace(-3, 3, 60)
    rows = X.iloc[np.repeat(np.arange(40), grid.size)].assign(a=np.tile(grid, 40))
    at = list(clf.classes_).index("rare")
    return np.diff(clf.predict_proba(rows)[:, at].reshape(40, grid.size), axis=1)


@pytest.mark.parametrize("pos_label", ["rare", "usual"])
@pytest.mark.parametrize("kind", [LGBM, XGB], ids=["LightGBM", "XGBoost"])
def test_a_direction_belongs_to_the_positive_label(kind: Any, pos_label: str, table: Any) -> None:
    X, y = table
    form: Any = list if kind is LGBM else tuple
    given = {"monotone_constraints": form([1, 0, 0, 0])}
    clf = quick(kind, pos_label=pos_label, engine_params=given, n_estimators=30).fit(X, y)
    change = steps(clf, X) * (1 if pos_label == "rare" else -1)
    assert change.min() >= 0
    assert (change.max() > 0) or pos_label == "usual"


@pytest.mark.parametrize("method", ["intermediate", "advanced"])
def test_methods_that_missing_values_break_are_refused_where_some_are(
    method: str,
    table: Any,
) -> None:
    X, y = table
    given = {"mc": [1, 0, 0, 0], "monotone_constraints_method": method}
    with pytest.raises(InvalidParameterError, match="'basic' where X has missing"):
        quick(LGBM, engine_params=given).fit(X, y)
    whole = X.fillna(0.0)
    assert steps(quick(LGBM, engine_params=given).fit(whole, y), whole).min() >= 0


def test_bags_refuse_a_direction_of_words(table: Any) -> None:
    X, y = table
    bags = gbimb.UnderBaggingClassifier(quick(LGBM, cv="auto", engine_params={"mc": [0, 0, 0, 1]}))
    with pytest.raises(InvalidParameterError, match=r"'mc'.*'word'"):
        bags.fit(X, y)


def test_no_direction_of_words_and_directions_of_none_are_taken(table: Any) -> None:
    X, y = table
    quick(XGB, engine_params={"monotone_constraints": {"a": 1, "word": 0}}).fit(X, y)
    quick(LGBM, engine_params={"mc": [0] * 4, "linear_tree": True}).fit(X, y)
