"""Tables for reports: names with markup in them, few positives, weights, dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import gbimb
from gbimb.report import Evaluation, evaluate
from gbimb.report._binary import binary_facts
from gbimb.report._checks import Check
from gbimb.report._cost import parse_costs
from gbimb.report._multiclass import many_facts
from gbimb.report._rows import EvaluatedRows
from gbimb.tables.files.columns import prepare_columns

if TYPE_CHECKING:
    from pathlib import Path

Fitted = gbimb.ImbalancedLGBMClassifier
NAME = "<script>window.hurt = 1</script>"
POSITIVE = "</script><b>gone</b>"
DESCRIBED = {"history": None, "parameters": {}}  # of a model that kept no training history
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
    X, *_ = prepare_columns(frame.drop(columns=["customer", "importance", "churned"]))
    clf = Fitted(**{**QUICK, **params})
    clf.fit(X, frame["churned"].to_numpy(object))
    return clf


def evaluated(
    model: object, frame: pd.DataFrame, folder: Path, cost: str | None = None, **options: object
) -> Evaluation:
    frame.to_csv(folder / "test.csv", index=False)
    costs = parse_costs(cost)
    return evaluate(
        model, folder / "test.csv", "churned", identifier=["customer"], costs=costs, **options
    )


def rows_of(codes: np.ndarray, proba: np.ndarray, weight: np.ndarray | None) -> EvaluatedRows:
    """Rows with given predictions, without a model."""
    return EvaluatedRows(
        names=[str(k) for k in range(proba.shape[1])],
        codes=codes,
        predicted=np.argmax(proba, axis=1),
        proba=proba,
        uncorrected=proba,
        weight=weight,
        prints=np.zeros(codes.size, np.uint64),
        sample=pd.DataFrame({"x": proba[:, -1]}),
        sample_codes=codes,
    )


def facts_of(
    y: np.ndarray,
    proba: np.ndarray,
    threshold: float = 0.5,
    *,
    weight: np.ndarray | None = None,
    costs: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The numbers of a report on labels 0 and 1 with these probabilities of 1."""
    model = DESCRIBED | {"classes": [0, 1], "positive": 1, "threshold": threshold}
    rows = rows_of(y.astype(np.intp), np.column_stack([1 - proba, proba]), weight)
    return binary_facts(model, rows, costs, [Check("GBI006", "skipped", "")])[0]


def facts_of_many(codes: np.ndarray, proba: np.ndarray) -> dict[str, Any]:
    """The numbers of a report on classes with these probabilities; the largest one is predicted."""
    model = DESCRIBED | {"class_weights": [1.0] * proba.shape[1]}
    return many_facts(model, rows_of(codes, proba, None), [Check("GBI006", "skipped", "")])[0]


def counted(tp: int, fp: int, fn: int, tn: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that have these counts at the threshold 0.5."""
    y = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])
    return y, np.repeat([0.9, 0.8, 0.1, 0.01], [tp, fp, fn, tn])


def check_of(facts: dict[str, Any], code: str) -> dict[str, str]:
    return next(check for check in facts["checks"] if check["code"] == code)
