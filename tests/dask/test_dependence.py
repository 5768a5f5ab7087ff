"""Groups and times of rows that lie on many workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.dask import (
    DaskImbalancedClassifier,
    DaskImbalancedLGBMClassifier,
    DaskUnderBaggingClassifier,
)
from gbimb.dask._dependence import SALTS, groups_held_out
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.tables.keys import group_keys

if TYPE_CHECKING:
    from distributed import Client

QUICK: dict[str, Any] = {"n_estimators": 15, "num_leaves": 8, "random_state": 0, "n_jobs": 1}


def rows(n: int = 2000) -> pd.DataFrame:
    """Rows of customers, sorted by label, with a day each."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    table["y"] = (table["a"] + rng.normal(size=n) > 1.8).astype(int)
    table["customer"] = [f"c{i}" for i in rng.integers(0, n // 5, n)]
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(n), unit="h")
    return table.sort_values("y").reset_index(drop=True)


def test_a_group_is_held_out_everywhere_or_nowhere() -> None:
    keys = group_keys(pd.Series(np.random.default_rng(0).integers(0, 500, 5000)))
    shares = []
    for salt in range(SALTS):
        held = groups_held_out(keys, 7, salt, 0)
        assert pd.Series(held).groupby(keys).nunique().max() == 1
        assert (groups_held_out(keys[100:], 7, salt, 3) == held[100:]).all()
        shares.append(held.mean())
    assert abs(np.mean(shares) - 0.2) < 0.02
    assert np.unique(shares).size > SALTS // 2


def test_groups_on_a_cluster_are_held_out_whole(client: Client) -> None:
    table = rows()
    frame = dd.from_pandas(table, npartitions=4)
    X = frame[["a", "b", "c"]]
    clf = DaskImbalancedLGBMClassifier(client=client, **QUICK)
    clf.fit(X, frame["y"], groups=frame["customer"])
    assert clf.validation_.startswith("one group in five held out")
    best = clf.evals_result_["valid"]["mcc"][clf.best_iteration_ - 1]
    assert 0 < clf.best_score_ < best  # that of one threshold for the rows that chose it
    assert clf.model_.held_out.effects.column > 1
    blend = DaskImbalancedClassifier(client=client, random_state=0, n_jobs=1)
    blend.fit(X, frame["y"], groups=frame["customer"])
    assert blend.model_.held_out.effects.column == clf.model_.held_out.effects.column
    with pytest.raises(InvalidDataError, match="too few groups"):
        clf.fit(X, frame["y"], groups=frame["y"])
    with pytest.raises(InvalidParameterError, match="must not be given together"):
        clf.fit(X, frame["y"], groups=frame["customer"], time=frame["day"])


def test_the_newest_rows_of_a_cluster_are_held_out_and_then_trained_on(
    client: Client, tmp_path: Any
) -> None:
    table = rows()
    frame = dd.from_pandas(table, npartitions=4)
    names = ["a", "b", "c"]
    clf = DaskImbalancedLGBMClassifier(client=client, **QUICK)
    clf.fit(frame[names], frame["y"], time=frame["day"])
    assert clf.validation_.startswith("the newest fifth held out")
    # As many rounds on all rows as were found where the newest fifth was held out.
    everything = gbimb.ImbalancedLGBMClassifier(
        **{**QUICK, "n_estimators": clf.best_iteration_}, cv=None, early_stopping_rounds=None
    ).fit(table[names], table["y"])
    mine, theirs = (m.raw_score(table[names]) for m in (clf.to_local(), everything))
    assert np.corrcoef(mine, theirs)[0, 1] > 0.97
    table.drop(columns="customer").to_parquet(tmp_path / "rows.parquet")
    source = gbimb.ParquetSource(tmp_path / "rows.parquet", target="y", time="day")
    again = DaskImbalancedLGBMClassifier(client=client, **QUICK).fit(source)
    assert again.validation_ == clf.validation_
    with pytest.raises(InvalidParameterError, match="time must not be given beside X_val"):
        clf.fit(frame[names], frame["y"], X_val=frame[names], y_val=frame["y"], time=frame["day"])


def test_arrays_have_groups_too(client: Client) -> None:
    table = rows()
    X = da.from_array(table[["a", "b", "c"]].to_numpy(), chunks=(500, 3))
    y = da.from_array(table["y"].to_numpy(), chunks=500)
    groups = da.from_array(table["customer"].to_numpy(dtype=object), chunks=500)
    clf = DaskImbalancedLGBMClassifier(client=client, **QUICK).fit(X, y, groups=groups)
    assert clf.validation_.startswith("one group in five held out")


def test_bags_on_a_cluster_take_groups_and_times(client: Client) -> None:
    table = rows()
    frame = dd.from_pandas(table, npartitions=4)
    X, y = frame[["a", "b", "c"]], frame["y"]
    inner = gbimb.ImbalancedLGBMClassifier(n_estimators=10, num_leaves=8)
    clf = DaskUnderBaggingClassifier(estimator=inner, n_estimators=5, client=client, random_state=0)
    assert clf.fit(X, y, groups=frame["customer"]).validation_.endswith("no group on both sides")
    assert clf.fit(X, y, time=frame["day"]).validation_.startswith("the newest 400 of 2,000 rows")
    proba = clf.to_local().predict_proba(table[["a", "b", "c"]])[:, 1]
    assert abs(proba.mean() - table["y"].mean()) < 0.02
