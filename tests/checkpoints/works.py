"""Work that takes a moment, to be killed in a process of its own and to be gone on with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import gbimb
from gbimb.benchmark import Plan, run
from gbimb.benchmark.methods import HOLDOUT, METHODS
from gbimb.benchmark.tables import BenchmarkTable
from tests.catalogue.case import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

LGBM, XGB = gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier
X, Y = rows(1500)
ROUNDS = 120


def _digest(*parts: Any) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return found.hexdigest()


def text_of(clf: Any) -> str:
    """The trees of a booster, all digits of them."""
    booster = clf.booster_
    if hasattr(booster, "model_to_string"):
        return str(booster.model_to_string()).partition("\nparameters:")[0]
    return bytes(booster.save_raw("json")).decode()


def booster(kind: Any, folder: Path | None, **params: Any) -> Any:
    """Fit with a checkpoint every few rounds."""
    given = {"n_estimators": ROUNDS, "random_state": 3, "n_jobs": 1, "checkpoint_every": 5}
    return kind(**{**given, **params}, checkpoint_path=folder).fit(X, Y)


def _trees(kind: Any, cv: Any) -> Callable[[Path], str]:
    def work(folder: Path) -> str:
        clf = booster(kind, folder, cv=cv)
        return _digest(text_of(clf), clf.predict_proba(X), clf.evals_result_, clf.threshold_)

    return work


def _soft_loss(folder: Path) -> str:
    clf = booster(LGBM, folder, cv=2, loss="soft_mcc", num_leaves=8)
    return _digest(text_of(clf), clf.predict_proba(X))


def _bagging(folder: Path) -> str:
    bags = gbimb.UnderBaggingClassifier(
        LGBM(n_estimators=20), 6, random_state=3, n_jobs=1, checkpoint_path=folder
    )
    return _digest(bags.fit(X, Y).predict_proba(X), bags.threshold_)


def _automatic(folder: Path) -> str:
    clf = gbimb.AutoImbalancedClassifier(
        time_budget=None, n_trials=3, random_state=0, n_jobs=1, checkpoint_path=folder
    )
    clf.fit(X[:400], Y[:400])
    return _digest(clf.predict_proba(X), list(clf.leaderboard_["score"]))


def make_plan() -> Plan:
    """Six fits of a benchmark."""
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    table = BenchmarkTable("table", frame, Y.astype(np.int8), "yes")
    methods = (METHODS["logloss"], METHODS[HOLDOUT])
    return Plan(tables=(table,), engines=("lightgbm",), methods=methods, folds=3)


def _benchmark(folder: Path) -> str:
    records = run(make_plan(), folder, jobs=1).records
    kept = [{k: v for k, v in asdict(r).items() if "seconds" not in k} for r in records]
    return _digest(json.dumps(kept, sort_keys=True))


# What a folder belongs to, and gives what an uninterrupted one gives.
RESUMED: dict[str, Callable[[Path], str]] = {
    "booster lgbm": _trees(LGBM, "holdout"),
    "booster xgb": _trees(XGB, "holdout"),
    "cross-fitting lgbm": _trees(LGBM, 3),
    "cross-fitting xgb": _trees(XGB, 3),
    "soft loss": _soft_loss,
    "bagging": _bagging,
    "automatic": _automatic,
    "benchmark": _benchmark,
}


def save_for_ever(folder: Path) -> str:
    """Save one of two models over the other."""
    models = [gbimb.load(folder / name) for name in ("small.gbimb", "large.gbimb")]
    while True:
        for model in models:
            model.save(folder / "model.gbimb")


def predict_for_ever(folder: Path) -> str:
    """Write the predictions of one of two sources over those of the other."""
    clf = gbimb.load(folder / "small.gbimb")
    sources = [gbimb.ParquetSource(folder / f"{name}.parquet") for name in ("one", "two")]
    while True:
        for source in sources:
            clf.predict_to(source, folder / "scores.parquet")


WORKS = {**RESUMED, "save": save_for_ever, "predict_to": predict_for_ever}


def child(name: str, folder: str, connection: Connection) -> None:
    """Say that the work begins, do it, and say what came of it."""
    connection.send("begins")
    connection.send(WORKS[name](Path(folder)))
