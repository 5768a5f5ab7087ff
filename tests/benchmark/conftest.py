from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from gbimb.benchmark.methods import Method
from gbimb.benchmark.records import Record
from gbimb.benchmark.tables import BenchmarkTable

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = {"gbimb": "0", "lightgbm": "0", "xgboost": "0"}


class Prior:
    """A classifier that learns the share of positives and calls the largest values positive."""

    threshold_ = 0.25
    classes_ = np.array([0, 1])
    seen: ClassVar[list[tuple[int, ...]]] = []

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Prior:
        Prior.seen.append(tuple(X.index))
        self.share = y.mean()
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return (X["x"] > 0).to_numpy().astype(int)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return np.tile([1 - self.share, self.share], (len(X), 1))


class Broken(Prior):
    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Prior:
        msg = f"cannot be fitted on {len(X)} rows of {y.size}."
        raise ValueError(msg)


def build_prior(_engine: str, _n_jobs: int, _seed: int, _n_classes: int) -> Prior:
    return Prior()


def build_broken(_engine: str, _n_jobs: int, _seed: int, _n_classes: int) -> Prior:
    return Broken()


@pytest.fixture
def seen() -> list[tuple[int, ...]]:
    """The training rows of every fit of the stub methods in this test."""
    Prior.seen.clear()
    return Prior.seen


@pytest.fixture
def stub() -> Callable[[str], Method]:
    return lambda name: Method(name, name, "A stub.", build_prior)


@pytest.fixture
def broken() -> Method:
    return Method("broken", "broken", "Fails.", build_broken)


@pytest.fixture
def make_table(rng: np.random.Generator) -> Callable[..., BenchmarkTable]:
    def make(name: str = "tiny", rows: int = 60, positives: int = 12) -> BenchmarkTable:
        y = np.zeros(rows, np.int8)
        y[rng.choice(rows, positives, replace=False)] = 1
        X = pd.DataFrame({"x": y + rng.normal(size=rows) - 0.5, "z": rng.normal(size=rows)})
        return BenchmarkTable(name, X, y, "yes")

    return make


@pytest.fixture
def many(rng: np.random.Generator) -> BenchmarkTable:
    """Four classes of 90, 60, 20 and 1 rows."""
    y = rng.permutation(np.repeat([0, 1, 2, 3], [90, 60, 20, 1])).astype(np.int16)
    X = pd.DataFrame({"x": y + 0.3 * rng.normal(size=171), "z": rng.normal(size=171)})
    return BenchmarkTable("many", X, y, None, classes=("a", "b", "[red]", "d"))


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(
        table: str, engine: str, method: str, fold: int, mcc: float, **other: object
    ) -> Record:
        values: dict[str, Any] = {
            "rows": 100,
            "columns": 2,
            "classes": 2,
            "positives": 10,
            "prevalence": 0.1,
            "folds": 3,
            "seed": 0,
            "f1": mcc,
            "precision": 0.5,
            "recall": 0.5,
            "average_precision": mcc,
            "log_loss": 0.1,
            "brier": 0.05,
            "threshold": 0.5,
            "n_rounds": 10,
            "fit_seconds": 1.0,
            "fit_cpu_seconds": 1.0,
            "predict_seconds": 0.01,
            "warnings": (),
            "versions": VERSIONS,
        }
        values |= other
        return Record(table=table, engine=engine, method=method, fold=fold, mcc=mcc, **values)

    return make


@pytest.fixture
def make_records(make_record: Callable[..., Record]) -> Callable[..., list[Record]]:
    """Records in which a method has the MCC 0.5 + its difference on each table."""

    def make(
        differences: dict[str, list[float]], engine: str = "lightgbm", folds: int = 3
    ) -> list[Record]:
        wiggle = 0.01 * np.linspace(-1, 1, folds)
        return [
            make_record(
                f"table{t}", engine, method, fold, 0.5 + value + wiggle[fold] * (t + 1), folds=folds
            )
            for method, values in differences.items()
            for t, value in enumerate(values)
            for fold in range(folds)
        ]

    return make
