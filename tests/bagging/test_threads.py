"""Bags that train side by side give LightGBM one number of threads: it has one for the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

import gbimb

if TYPE_CHECKING:
    import pytest


def test_subsets_are_taken_with_the_threads_that_train_on_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    construct = lgb.Dataset.construct

    def spy(dataset: Any) -> Any:
        if dataset.used_indices is not None:
            seen.append(dataset.params["num_threads"])
        return construct(dataset)

    monkeypatch.setattr(lgb.Dataset, "construct", spy)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    y = X[:, 0] + rng.normal(size=2000) > 2.3
    inner = gbimb.ImbalancedLGBMClassifier(n_estimators=3)
    gbimb.UnderBaggingClassifier(inner, 4, n_jobs=2, random_state=0).fit(X, y)
    assert seen
    assert set(seen) == {1}
