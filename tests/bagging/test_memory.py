"""Bags share one binned table: the peak memory of ten is about that of one fit."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Peak and base in MB. What the table and the packages take is in both peaks.
PROGRAM = """
import resource, sys
import numpy as np
import gbimb, gbimb.estimators, gbimb.lightgbm, gbimb.xgboost

kind, bags, strategy = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rng = np.random.default_rng(0)
X = rng.standard_normal((400_000, 20), dtype=np.float32)
y = X[:, 0] + rng.standard_normal(400_000, dtype=np.float32) > 2.9
model = getattr(gbimb, kind)(n_estimators=20, random_state=0, n_jobs=2)
if bags:
    model = gbimb.UnderBaggingClassifier(
        model, bags, sampling_strategy=strategy, random_state=0, n_jobs=2
    )
model.fit(X, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(*arguments: object) -> float:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [1, 10])
@pytest.mark.parametrize("kind", ["ImbalancedLGBMClassifier", "ImbalancedXGBClassifier"])
def test_ten_bags_take_little_more_memory_than_one_fit(kind: str, strategy: float) -> None:
    assert peak(kind, 10, strategy) < 1.3 * peak(kind, 0, strategy)
