"""Copies that an oversampler made, on a cluster: said, and in bags kept together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import gbimb
from gbimb.dask import DaskImbalancedLGBMClassifier, DaskUnderBaggingClassifier
from tests.dask.tables import SHAPE, arrays, even

if TYPE_CHECKING:
    from distributed import Client

pytestmark = pytest.mark.dask


def noise() -> tuple[np.ndarray, np.ndarray]:
    """Rows that say nothing of the label, those of label 0 oversampled to balance."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([np.arange(680), rng.integers(600, 680, 520)])
    rng.shuffle(rows)
    return rng.normal(size=(680, 5))[rows], (rows < 600).astype(int)


@pytest.mark.parametrize("hashed", [200_000, 600], ids=["all rows", "every second"])
def test_copies_on_a_cluster_are_said(
    client: Client, monkeypatch: pytest.MonkeyPatch, hashed: int
) -> None:
    monkeypatch.setattr("gbimb.dask._prepared.HASHED_ROWS", hashed)
    X, y = noise()
    clf = DaskImbalancedLGBMClassifier(client=client, n_estimators=5, **SHAPE["lgbm"])
    with pytest.warns(gbimb.GbimbWarning, match="rows of class 0 are exact copies.*same rows"):
        clf.fit(*arrays(X, y, sizes=even(len(y), 4)))


def test_bags_on_a_cluster_are_not_judged_on_copies(client: Client) -> None:
    X, y = noise()
    small = gbimb.ImbalancedLGBMClassifier(n_estimators=20, **SHAPE["lgbm"])
    bags = DaskUnderBaggingClassifier(client=client, estimator=small, n_estimators=5)
    with pytest.warns(gbimb.GbimbWarning, match="copies.*held out together"):
        bags.fit(*arrays(X, y, sizes=even(len(y), 4)))
    assert bags.oob_score_ < 0.25
