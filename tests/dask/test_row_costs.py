"""``predict`` with costs of each row on Dask decides as the local estimator does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from tests.dask.tables import PAIRS, QUICK, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask

COLUMNS = list("abcde")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    X, y = numbers(800)
    amount = np.exp(np.random.default_rng(1).uniform(0, np.log(100), 800))
    return pd.DataFrame(X, columns=COLUMNS).assign(y=y, amount=amount)


@pytest.fixture(scope="module")
def fitted(client: Client, table: pd.DataFrame) -> Any:
    one = dd.from_pandas(table, npartitions=3)
    clf = PAIRS["lgbm"][0](client=client, **{**QUICK, "n_estimators": 8})
    return clf.fit(one[COLUMNS], one["y"])


def test_frames_arrays_and_sources_decide_as_the_local_estimator(
    fitted: Any, table: pd.DataFrame, tmp_path: Path
) -> None:
    wanted = fitted.to_local().predict(table[COLUMNS], cost_fp=2.0, cost_fn=table["amount"])
    assert (wanted != fitted.to_local().predict(table[COLUMNS])).any()
    one = dd.from_pandas(table, npartitions=3)
    lazily = fitted.predict(one[COLUMNS], cost_fp=2.0, cost_fn=one["amount"])
    assert (lazily.compute() == wanted).all()
    X = da.from_array(table[COLUMNS].to_numpy(), chunks=(300, 5))
    amounts = da.from_array(table["amount"].to_numpy(), chunks=500)
    got = fitted.predict(X, cost_fp=2.0, cost_fn=amounts).compute()
    assert (got == wanted).all()
    table.to_parquet(tmp_path / "part.parquet")
    source = gbimb.ParquetSource(tmp_path, target="y", features=COLUMNS)
    got = fitted.predict(source, cost_fp=2.0, cost_fn="amount").compute()
    assert (got == wanted).all()
    assert (fitted.predict(table[COLUMNS], cost_fp=2.0, cost_fn=table["amount"]) == wanted).all()


def test_costs_that_do_not_lie_beside_the_rows_are_refused(
    fitted: Any, table: pd.DataFrame
) -> None:
    one = dd.from_pandas(table, npartitions=3)
    with pytest.raises(InvalidTypeError, match="cost_fn must be a Dask Series or Array"):
        fitted.predict(one[COLUMNS], cost_fp=2.0, cost_fn=table["amount"].to_numpy())
    with pytest.raises(InvalidTypeError, match="cost_fp is missing"):
        fitted.predict(one[COLUMNS], cost_fn=1.0)
    with pytest.raises(InvalidDataError, match="cost_fn must be >= 0"):
        fitted.predict(one[COLUMNS], cost_fp=2.0, cost_fn=-one["amount"]).compute()
