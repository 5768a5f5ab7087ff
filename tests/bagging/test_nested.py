"""Bags of what averages many boosters itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gbimb
from gbimb.exceptions import InvalidDataError


@pytest.mark.parametrize(
    "inner",
    [
        gbimb.UnderBaggingClassifier(gbimb.ImbalancedLGBMClassifier(n_estimators=2), 2),
        gbimb.AutoImbalancedClassifier(n_trials=1, time_budget=None, n_jobs=1),
    ],
    ids=["bags", "automatic choice"],
)
def test_nested_bags_predict_and_are_not_saved(inner: Any, tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X[:, 0] + rng.normal(size=200) > 1.3
    bags = gbimb.UnderBaggingClassifier(inner, 2, random_state=0, n_jobs=1).fit(X, y)
    assert bags.predict_proba(X)[y, 1].mean() > bags.predict_proba(X)[~y, 1].mean()
    with pytest.raises(InvalidDataError, match=f"got bags of {type(inner).__name__}"):
        bags.save(tmp_path / "model.gbimb")
    assert not any(tmp_path.iterdir())
