"""Small fitted estimators, and what is left of them after a trip through a file."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import gbimb

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = type[gbimb.ImbalancedLGBMClassifier] | type[gbimb.ImbalancedXGBClassifier]
LGBM, XGB = gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier


def table(n: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """A number of each width, strings, categories, missing values."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "größe": rng.normal(size=n),
            "narrow": rng.normal(size=n).astype(np.float32),
            "word": rng.choice(["x", "y", "z"], n),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], n), categories=["s", "m", "l"]),
        }
    )
    X.loc[::11, "größe"] = np.nan
    return X


def codes(X: pd.DataFrame, n_classes: int = 2) -> np.ndarray[Any, Any]:
    """Labels 0 to K-1 that the table tells something about; 1 of two is the rarer."""
    rng = np.random.default_rng(1)
    score = X["größe"].fillna(0) + (X["word"] == "x") + 0.5 * rng.normal(size=len(X))
    return np.digitize(score, np.quantile(score, [0.7, 0.85][: n_classes - 1]))


def quick(kind: Kind, **parameters: Any) -> Any:  # whatever it takes
    """An estimator that trains in no time and keeps all its rounds."""
    small = {"n_estimators": 3, "cv": 2, "early_stopping_rounds": None, "random_state": 0}
    return kind(**{**small, "n_jobs": 1, **parameters})


def bags(kind: Kind = LGBM, **parameters: Any) -> gbimb.UnderBaggingClassifier:
    """Two bags of the quick estimator."""
    small = {"n_estimators": 2, "random_state": 0, "n_jobs": 1}
    return gbimb.UnderBaggingClassifier(quick(kind, cv="auto"), **{**small, **parameters})


MAKE: dict[str, Callable[[], Any]] = {
    "lightgbm": lambda: quick(LGBM).fit(table(), codes(table())),
    "xgboost": lambda: quick(XGB).fit(table(), codes(table())),
    "lightgbm_many": lambda: quick(LGBM).fit(table(), codes(table(), 3)),
    "xgboost_many": lambda: quick(XGB).fit(table(), codes(table(), 3)),
    "bagging": lambda: bags(LGBM).fit(table(), codes(table())),
    "bagging_many": lambda: bags(XGB).fit(table(), codes(table(), 3)),
}

LINEAR = {
    "linear": lambda: quick(LGBM, engine_params={"linear_tree": True}).fit(
        table()[["größe", "narrow"]], codes(table())
    )
}


def from_source() -> Any:
    """Fitted on a Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        table().assign(y=codes(table())).to_parquet(path)
        return quick(LGBM, cv="holdout").fit(gbimb.ParquetSource(path, "y"))


def automatic(n_classes: int) -> Any:
    """Candidates of both engines, blended."""
    clf = gbimb.AutoImbalancedClassifier(time_budget=None, n_trials=2, random_state=0, n_jobs=1)
    X = table(60)
    return clf.fit(X, codes(X, n_classes))


# Kept as files, too; not run through every test.
MORE: dict[str, Callable[[], Any]] = {
    "automatic": lambda: automatic(2),
    "automatic_many": lambda: automatic(3),
    "bagging_self_paced": lambda: bags(XGB, sampling="self_paced").fit(table(), codes(table())),
    "calibrated": lambda: quick(XGB, calibration="beta").fit(table(), codes(table())),
    "soft_loss": lambda: quick(LGBM, loss="soft_mcc").fit(table(), codes(table())),
    "source": from_source,
    "words": lambda: quick(XGB).fit(table(), np.array(["no", "yes"])[codes(table())]),
}


@cache
def model(name: str) -> Any:  # any of our estimators
    """One of these, fitted once; not to be changed."""
    return (MAKE | LINEAR | MORE)[name]()


def through_file(estimator: Any, folder: Path) -> Any:
    """Save and load."""
    path = folder / "model.gbimb"
    estimator.save(path)
    return gbimb.load(path)


@cache
def saved(name: str) -> bytes:
    """The file of one of ``MAKE``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gbimb"
        model(name).save(path)
        return path.read_bytes()


def assert_same(a: Any, b: Any, X: Any) -> None:
    """Predictions agree to the last bit."""
    for method in ("predict_proba", "raw_score", "decision_function"):
        one, other = getattr(a, method)(X), getattr(b, method)(X)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), method
    one, other = a.predict(X), b.predict(X)
    assert one.dtype == other.dtype
    assert one.tolist() == other.tolist()
    assert [type(v) for v in one.tolist()] == [type(v) for v in other.tolist()]
