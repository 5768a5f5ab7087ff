from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.quality.records import QualityRecord

# Last, so that an installed gbimb comes before the one beside `benchmarks`.
sys.path.append(str(Path(__file__).parents[2]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of tables: one of two classes, one of three, and one of another tier."""
    rng = np.random.default_rng(0)
    for name, n, classes in (("rare", 300, 2), ("kinds", 240, 3), ("other", 60, 2)):
        x = rng.normal(size=n)
        y = np.digitize(x + rng.normal(size=n), [1.2, 2.0][: classes - 1])
        frame = pd.DataFrame({"a [x]": x, "b": pd.Categorical(rng.choice(["u", "v"], n))})
        frame.assign(target=y).to_parquet(tmp_path / f"{name}.parquet")
    pd.DataFrame(
        {"name": ["rare", "kinds", "other"], "tier": ["main", "main", "scale"],
         "rows": [300, 240, 60], "classes": [2, 3, 2]}
    ).to_csv(tmp_path / "INDEX.csv", index=False)  # fmt: skip
    return tmp_path


@pytest.fixture
def row() -> Callable[..., QualityRecord]:
    """Make a result with some fields of one's own."""

    def make(**given: object) -> QualityRecord:
        from benchmarks.quality.records import QualityRecord

        usual = {
            "table": "rare", "rows": 300, "classes": 2, "positives": 30, "fold": 0,
            "method": "lightgbm", "status": "ok", "mcc": 0.5, "f1": 0.5,
            "average_precision": 0.5, "log_loss": 0.3, "brier": 0.1, "threshold": None,
            "fit_seconds": 1.0, "fit_cpu_seconds": 1.0, "predict_seconds": 0.1,
            "versions": "lightgbm==4", "error": "", "key": "k",
        }  # fmt: skip
        return QualityRecord(**{**usual, **given})

    return make
