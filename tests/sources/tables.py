"""What the tests of sources share: tables as Parquet files, and quick estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import gbimb

if TYPE_CHECKING:
    from pathlib import Path

Estimator: TypeAlias = gbimb.ImbalancedLGBMClassifier | gbimb.ImbalancedXGBClassifier
KINDS = [gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier]
both = pytest.mark.parametrize("kind", KINDS, ids=["lgbm", "xgb"])


def quick(kind: type[Estimator], **parameters: Any) -> Estimator:
    """An estimator that is fast and has no reason to warn."""
    small = {
        "n_estimators": 15,
        "learning_rate": 0.2,
        "cv": None,
        "random_state": 0,
        "n_jobs": 1,
    }
    return kind(**{**small, **parameters})


def table(n: int = 1200, *, seed: int = 0, classes: int = 2) -> pd.DataFrame:
    """Columns of all kinds, most with missing values; ``target`` of texts, ``w`` of weights."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "single": rng.normal(size=n).astype(np.float32),
            "double": rng.normal(size=n) * 1e6,
            "small": rng.integers(-5, 5, n).astype(np.int8),
            "whole": rng.integers(0, 10**9, n),
            "flag": rng.random(n) < 0.5,
            "maybe_flag": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "maybe_int": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "text": rng.choice(["red", "green", "blue"], n),
            "category": pd.Categorical(
                rng.choice(["u", "v", "w"], n), categories=["w", "v", "never", "u"]
            ),
        }
    )
    for name in ("single", "double", "maybe_flag", "maybe_int", "text", "category"):
        frame.loc[rng.random(n) < 0.1, name] = None
    pull = (frame["text"] == "red") * 1.5 + frame["single"].fillna(0.0) + frame["flag"]
    score = np.asarray(1.5 * pull - 3.5)
    labels = np.array(["fine", "fraud", "lost"])
    code = (rng.random(n) < expit(score)).astype(int)
    if classes == 3:
        code[rng.random(n) < expit(-score - 5)] = 2
    frame["target"] = labels[code]
    frame["w"] = rng.uniform(0.2, 2.0, n)
    return frame


def write(frame: pd.DataFrame, folder: Path, *, files: int = 1, group: int = 250) -> Path:
    """Write the rows to some files with small row groups; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, rows in enumerate(np.array_split(np.arange(len(frame)), files)):
        frame.iloc[rows].to_parquet(folder / f"part-{i}.parquet", row_group_size=group)
    return folder


def features(frame: pd.DataFrame) -> list[str]:
    """The columns to learn from."""
    return [name for name in frame.columns if name not in ("target", "w")]
