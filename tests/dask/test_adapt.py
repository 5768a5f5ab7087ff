"""Another prevalence on Dask is that of the local estimator on the same rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.dask import DaskUnderBaggingClassifier
from gbimb.dask._estimator import look_at
from gbimb.exceptions import GbimbWarning, InvalidDataError
from tests.dask.tables import PAIRS, QUICK, arrays, even, frame, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask

N = 4000


def moved(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Rows of which a third of the negatives are left."""
    X, y = numbers(n, seed=1)
    kept = (y == 1) | (np.arange(n) % 3 == 0)
    return X[kept], y[kept]


def many() -> tuple[np.ndarray, np.ndarray]:
    X, y = numbers(N)
    return X, np.where((y == 0) & (X[:, 3] > 1), 2, y)


@pytest.fixture(scope="module", params=["lgbm", "bags", "many"])
def fitted(client: Client, request: pytest.FixtureRequest) -> Any:
    X, y = many() if request.param == "many" else numbers(N)
    Xd, yd = arrays(X, y, sizes=even(N, 3))
    if request.param == "bags":
        return DaskUnderBaggingClassifier(client=client, n_estimators=2, random_state=0).fit(Xd, yd)
    return PAIRS["lgbm"][0](client=client, **{**QUICK, "n_estimators": 8}).fit(Xd, yd)


def rule_of(model: Any) -> Any:
    return model.threshold_ if model.classes_.size == 2 else model.class_weights_


def test_rows_on_workers_say_what_they_say_in_one_place(fitted: Any) -> None:
    X, _ = moved()
    local = fitted.to_local().adapt(X)
    Xd = da.from_array(X, chunks=((500, 0, len(X) - 500), 5))
    far = fitted.adapt(Xd)
    assert far.prevalence_ == pytest.approx(local.prevalence_)
    assert far.prevalence_estimate_.low == pytest.approx(local.prevalence_estimate_.low)
    np.testing.assert_allclose(rule_of(far), rule_of(local))
    np.testing.assert_allclose(far.predict_proba(Xd).compute(), local.predict_proba(X))
    assert fitted.adapt(X).prevalence_ == pytest.approx(local.prevalence_)
    assert type(far) is type(fitted)


def test_a_known_prevalence_is_taken(fitted: Any) -> None:
    share = 0.3 if fitted.classes_.size == 2 else [0.5, 0.3, 0.2]
    far, local = fitted.adapt(prevalence=share), fitted.to_local().adapt(prevalence=share)
    np.testing.assert_allclose(rule_of(far), rule_of(local))
    assert far.prevalence_ == pytest.approx(local.prevalence_)


def test_of_many_rows_some_are_drawn_and_columns_are_counted_in_all(fitted: Any) -> None:
    X, _ = moved()
    Xd = da.from_array(X, chunks=(400, 5))
    whole, some = (look_at(fitted.to_local(), Xd, most) for most in (10**6, 500))
    assert len(whole.proba) == len(X)
    assert 400 < len(some.proba) < 600
    assert whole.counts is not None
    np.testing.assert_array_equal(whole.counts, some.counts)


def test_frames_and_sources_are_looked_at(client: Client, tmp_path: Path) -> None:
    table, y = frame(1200)
    one = dd.from_pandas(table.assign(y=y), npartitions=2)
    clf = PAIRS["xgb"][0](client=client, **{**QUICK, "n_estimators": 8})
    clf.fit(one[list(table.columns)], one["y"])
    new, _ = frame(900, seed=1)
    wanted = clf.to_local().adapt(new)
    got = clf.adapt(dd.from_pandas(new, npartitions=3))
    assert got.prevalence_ == pytest.approx(wanted.prevalence_)
    new.to_parquet(tmp_path / "part.parquet")
    source = gbimb.ParquetSource(tmp_path, features=list(new.columns))
    assert clf.adapt(source).prevalence_ == pytest.approx(wanted.prevalence_)


def test_another_change_is_noticed_and_no_row_is_refused(fitted: Any) -> None:
    X, _ = moved()
    with pytest.warns(GbimbWarning, match="does not look like a change of prevalence alone"):
        fitted.adapt(da.from_array(X + np.array([0, 0, 2, 0, 0]), chunks=(500, 5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", GbimbWarning)
        fitted.adapt(da.from_array(X, chunks=(500, 5)))
    with pytest.raises(InvalidDataError, match="at least one row"):
        fitted.adapt(da.from_array(X[:0], chunks=(500, 5)))
    with pytest.raises(InvalidDataError, match="at least one row"):
        fitted.adapt(dd.from_pandas(pd.DataFrame(X[:0]), npartitions=1))
