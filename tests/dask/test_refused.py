"""What cannot be fitted on a cluster is refused with a sentence, before rows move."""

from __future__ import annotations

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pytest
from distributed import Client  # noqa: TC002  pytest reads it

import gbimb
from gbimb.dask import DaskImbalancedXGBClassifier
from gbimb.exceptions import GbimbError
from tests.dask.tables import QUICK, arrays, even, frame, numbers

pytestmark = pytest.mark.dask


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"cv": 5}, "cv must be 'auto', 'holdout' or None on Dask, got 5"),
        ({"eval_metric": "average_precision"}, "eval_metric must be a function of counts"),
        ({"client": "tcp://somewhere"}, "client must be a distributed.Client or None"),
        ({"loss": "fokal"}, "Did you mean 'focal'"),
        ({"pos_label": 7}, "pos_label must be one of"),
    ],
)
def test_parameters(client: Client, parameters: dict[str, object], sentence: str) -> None:
    X, y = numbers(200)
    Xd, yd = arrays(X, y, sizes=even(200, 2))
    with pytest.raises(GbimbError, match=sentence):
        DaskImbalancedXGBClassifier(**{"client": client, **QUICK, **parameters}).fit(Xd, yd)


def test_a_table_in_memory_and_labels_in_memory(client: Client) -> None:
    X, y = numbers(200)
    Xd, _ = arrays(X, y, sizes=even(200, 2))
    clf = DaskImbalancedXGBClassifier(client=client)
    with pytest.raises(GbimbError, match="X must be a Dask DataFrame, a Dask Array or a Parquet"):
        clf.fit(X, y)
    with pytest.raises(GbimbError, match="y must be a Dask Series or Array with the partitions"):
        clf.fit(Xd, y)
    with pytest.raises(GbimbError, match="requires y to be passed"):
        clf.fit(Xd)
    with pytest.raises(GbimbError, match="y must have a value for each of the 200 rows of X"):
        clf.fit(Xd, da.from_array(y[:150], chunks=(100, 50)))


def test_labels_of_one_class_or_two_kinds(client: Client) -> None:
    X, y = numbers(200)
    Xd, _ = arrays(X, y, sizes=even(200, 2))
    clf = DaskImbalancedXGBClassifier(client=client)
    with pytest.raises(GbimbError, match="y must have two classes or more"):
        clf.fit(Xd, da.zeros(200, chunks=100, dtype=int))
    mixed = da.from_array(np.array([0] * 100 + ["a"] * 100, dtype=object), chunks=100)
    with pytest.raises(GbimbError, match="labels of one kind"):
        clf.fit(Xd, mixed)


@pytest.mark.parametrize("rare", [0, 1])
def test_validation_rows_of_one_class(client: Client, rare: int) -> None:
    X, y = numbers(400)
    y = y if rare else 1 - y
    Xd, yd = arrays(X, y, sizes=even(400, 2))
    clf = DaskImbalancedXGBClassifier(client=client, **QUICK)
    Xv, yv = arrays(X[y != rare], y[y != rare], sizes=even(int((y != rare).sum()), 2))
    sentence = f"y_val must have two classes or more .* got 1 class: {1 - rare}. With one of them"
    with pytest.raises(GbimbError, match=sentence):
        clf.fit(Xd, yd, X_val=Xv, y_val=yv)
    with pytest.raises(GbimbError, match=sentence):  # the other class has no weight
        clf.fit(Xd, yd, X_val=Xd, y_val=yd, sample_weight_val=(yd != rare).astype(float))
    with pytest.raises(GbimbError, match="X_val must have a row with weight, got none"):
        clf.fit(Xd, yd, X_val=Xd, y_val=yd, sample_weight_val=da.zeros(400, chunks=200))


@pytest.mark.parametrize("rare", [2, 4])
def test_a_hold_out_without_rows_of_the_rare_class(client: Client, rare: int) -> None:
    X, _ = numbers(200)
    Xd, yd = arrays(X, (np.arange(200) % (200 // rare) == 0) * 1, sizes=even(200, 2))
    clf = DaskImbalancedXGBClassifier(client=client, **{**QUICK, "cv": "holdout"})
    with pytest.raises(
        GbimbError, match=f"cv='holdout' needs at least 5 rows of two classes, got {rare} of"
    ):
        clf.fit(Xd, yd)


def test_an_infinite_value_on_a_worker(client: Client) -> None:
    X, y = numbers(200)
    X[150, 2] = np.inf
    Xd, yd = arrays(X, y, sizes=even(200, 2))
    with pytest.raises((GbimbError, ValueError), match="infinity"):
        DaskImbalancedXGBClassifier(client=client).fit(Xd, yd)


def test_a_column_that_one_partition_lacks(client: Client) -> None:
    table, y = frame(200)
    parts = [table.iloc[:100], table.iloc[100:].drop(columns="b")]
    Xd = dd.from_map(lambda i: parts[i], [0, 1], meta=table.iloc[:0], enforce_metadata=False)
    labels = Xd.map_partitions(lambda part: y.loc[part.index], meta=y.iloc[:0])
    with pytest.raises(GbimbError, match="some with and some without 'b'"):
        DaskImbalancedXGBClassifier(client=client).fit(Xd, labels)


def test_weights_below_zero(client: Client) -> None:
    X, y = numbers(200)
    Xd, yd, wd = arrays(X, y, -np.ones(200), sizes=even(200, 2))
    with pytest.raises(GbimbError, match="sample_weight must be >= 0"):
        DaskImbalancedXGBClassifier(client=client).fit(Xd, yd, sample_weight=wd)


def test_no_client_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = numbers(200)
    Xd, yd = arrays(X, y, sizes=even(200, 2))
    monkeypatch.setattr("distributed.default_client", _none)
    with pytest.raises(GbimbError, match="Start one first"):
        DaskImbalancedXGBClassifier(**QUICK).fit(Xd, yd)


def _none() -> None:
    raise ValueError


def test_dask_is_reached_from_the_package() -> None:
    assert gbimb.dask.DaskImbalancedXGBClassifier is DaskImbalancedXGBClassifier
