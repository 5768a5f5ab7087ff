"""Tables for reports: names with markup in them, few positives, weights, dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import gbimb
from gbimb.files import prepare_columns
from gbimb.report import Evaluation, evaluate
from gbimb.report._cost import parse_costs

if TYPE_CHECKING:
    from pathlib import Path

Fitted = gbimb.ImbalancedLGBMClassifier
NAME = "<script>window.hurt = 1</script>"
POSITIVE = "</script><b>gone</b>"
QUICK = {"n_estimators": 15, "cv": 2, "random_state": 0, "n_jobs": 1}


def table(n: int = 600, positives: int = 60, seed: int = 0) -> pd.DataFrame:
    """Text labels, dates, an identifier, mixed types, missing values."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    positive = np.zeros(n, bool)
    positive[np.argsort(score + 0.7 * rng.normal(size=n))[-positives:]] = True
    return pd.DataFrame(
        {
            "customer": [f"{i:05d}" for i in range(n)],
            "score": np.where(rng.random(n) < 0.1, np.nan, score),
            NAME: rng.choice(["<i>basic</i>", "plus"], n),
            "joined": rng.choice(["2021-01-03", "2022-07-09", "2023-12-31"], n),
            "mixed": [str(i) if i % 3 else "n/a?" for i in rng.integers(0, 9, n)],
            "importance": rng.integers(1, 4, n),
            "churned": np.where(positive, POSITIVE, "stayed"),
        }
    )


def many_classes(n: int = 600) -> pd.DataFrame:
    frame = table(n)
    third = frame["score"].fillna(0).lt(-0.7) & frame["churned"].eq("stayed")
    return frame.assign(churned=np.where(third, "<u>third</u>", frame["churned"]))


def fitted(frame: pd.DataFrame, **params: object) -> Fitted:
    X, _ = prepare_columns(frame.drop(columns=["customer", "importance", "churned"]))
    clf = Fitted(**{**QUICK, **params})
    clf.fit(X, frame["churned"].to_numpy(object))
    return clf


def judged(
    model: object, frame: pd.DataFrame, folder: Path, cost: str | None = None, **options: object
) -> Evaluation:
    frame.to_csv(folder / "test.csv", index=False)
    costs = parse_costs(cost)
    return evaluate(
        model, folder / "test.csv", "churned", identifier=["customer"], costs=costs, **options
    )
