"""Rows of X, y and weights are paired by their index, or refused; nothing stays on the workers."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from gbimb import ImbalancedXGBClassifier
from gbimb.dask import DaskUnderBaggingClassifier
from gbimb.exceptions import InvalidDataError
from tests.dask.tables import PAIRS, QUICK, both, frame, numbers

if TYPE_CHECKING:
    from distributed import Client

pytestmark = pytest.mark.dask

COLUMNS = list("abcde")
FEW: dict[str, Any] = {**QUICK, "n_estimators": 8}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    X, y = numbers(800)
    weight = np.random.default_rng(1).exponential(size=800) + 0.1
    return pd.DataFrame(X, columns=COLUMNS).assign(y=y, w=weight)


def test_labels_and_weights_of_another_collection_are_aligned_by_index(
    client: Client, table: pd.DataFrame
) -> None:
    one = dd.from_pandas(table, npartitions=4)
    shuffled = table.sample(frac=1, random_state=0)
    y, w = (
        dd.from_pandas(shuffled["y"], npartitions=3),
        dd.from_pandas(shuffled["w"], npartitions=5),
    )
    clf = PAIRS["xgb"][0](client=client, **FEW)
    X = one[COLUMNS]
    wanted = clf.fit(X, one["y"], one["w"], X_val=X, y_val=one["y"], sample_weight_val=one["w"])
    wanted = wanted.to_local().predict_proba(table[COLUMNS])
    got = clf.fit(X, y, w, X_val=X, y_val=y, sample_weight_val=w).to_local()
    np.testing.assert_allclose(got.predict_proba(table[COLUMNS]), wanted, atol=1e-6)


def test_a_permutation_inside_partitions_is_undone(client: Client, table: pd.DataFrame) -> None:
    one = dd.from_pandas(table, npartitions=4)
    y = one["y"].map_partitions(lambda part: part.sample(frac=1, random_state=0))
    clf = PAIRS["xgb"][0](client=client, **FEW)
    wanted = clf.fit(one[COLUMNS], one["y"]).to_local().predict_proba(table[COLUMNS])
    got = clf.fit(one[COLUMNS], y).to_local().predict_proba(table[COLUMNS])
    np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize("what", ["y", "sample_weight", "y_val"])
def test_collections_without_divisions_are_refused(
    client: Client, table: pd.DataFrame, what: str
) -> None:
    one = dd.from_pandas(table, npartitions=4)
    other = dd.from_pandas(table.sample(frac=1, random_state=0), npartitions=4, sort=False)
    given = {"y": one["y"], what: other["w" if what == "sample_weight" else "y"]}
    if what == "y_val":
        given["X_val"] = one[COLUMNS]
    with pytest.raises(InvalidDataError, match=f"X and {what} must be columns of one Dask"):
        PAIRS["xgb"][0](client=client, **FEW).fit(one[COLUMNS], **given)


def test_rows_that_match_no_label_are_refused(client: Client, table: pd.DataFrame) -> None:
    one = dd.from_pandas(table, npartitions=4)
    clf = PAIRS["xgb"][0](client=client, **FEW)
    with pytest.raises(InvalidDataError, match=r"same index|same number of rows"):
        clf.fit(one[one["a"] > 0][COLUMNS], one["y"])
    twice = table.set_index(table.index // 2)
    X, y = (dd.from_pandas(part, npartitions=2) for part in (twice[COLUMNS], twice["y"]))
    with pytest.raises(InvalidDataError, match="without duplicates"):
        clf.fit(X, y)
    with pytest.raises(InvalidDataError, match="one column each, got 2"):
        clf.fit(one[COLUMNS], one[["y", "w"]])
    with pytest.raises(InvalidDataError, match="each of the 800 rows"):
        clf.fit(da.from_array(table[COLUMNS].to_numpy()), da.from_array(table["y"].to_numpy()[1:]))


def test_names_of_tasks_are_not_those_of_dask(client: Client, table: pd.DataFrame) -> None:
    one = dd.from_pandas(table.assign(d=table["d"] + 1), npartitions=4)
    X = one[COLUMNS]
    clf = PAIRS["xgb"][0](client=client, **FEW).fit(X, one["y"])
    tree = ImbalancedXGBClassifier(**{**FEW, "n_estimators": 3})
    bags = DaskUnderBaggingClassifier(client=client, estimator=tree, n_estimators=2, random_state=0)
    bags.fit(X, one["y"])
    for model in (clf, bags):
        proba = model.predict_proba(X)
        kept = client.persist(X)
        assert proba.compute().shape == (800, 2)
        assert len(kept.compute()) == 800
    said = [str(line) for line in client.get_scheduler_logs()]
    assert not [line for line in said if "different `run_spec`" in line]


@both
def test_no_rows_stay_on_the_workers(client: Client, engine: str) -> None:
    X, y = numbers(6000)
    gc.collect()
    gc.disable()  # what refers to itself would go with a collection, some time
    try:
        PAIRS[engine][0](client=client, **FEW).fit(
            da.from_array(X, chunks=(1500, 5)), da.from_array(y, chunks=1500)
        )
        deadline = time.monotonic() + 10
        while bytes_held(client) > 1000 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert bytes_held(client) <= 1000
    finally:
        gc.enable()


def bytes_held(client: Client) -> int:
    """Bytes of the results that workers keep."""

    def add(dask_scheduler: Any) -> int:
        return sum(max(task.nbytes, 0) for task in dask_scheduler.tasks.values())

    return int(client.run_on_scheduler(add))


@pytest.mark.filterwarnings("ignore::gbimb.exceptions.GbimbWarning")
@both
def test_partitions_of_one_row(client: Client, engine: str) -> None:
    X, y = frame(24, seed=3)
    y[:12] = ["fraud", "fine"] * 6
    rows = dd.from_pandas(X.assign(y=y), npartitions=24)
    clf = PAIRS[engine][0](client=client, **{**FEW, "n_estimators": 3}, cv="holdout")
    clf.fit(rows[list(X)], rows["y"])
    assert clf.predict_proba(rows[list(X)]).compute().shape == (24, 2)
