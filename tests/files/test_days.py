"""Dates of one file are the same numbers as those of a folder that is streamed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.read import read_file

if TYPE_CHECKING:
    from pathlib import Path

FAR = [dt.date(9999, 12, 31), None, dt.date(1, 1, 1), dt.date(2024, 2, 29)]
TIMES = [dt.datetime(9999, 12, 31, 23, 59, 59), None, dt.datetime(2024, 2, 29, 1, 2, 3, 456789)]
NEAR = [pd.Timestamp("2024-02-29 01:02:03.456789"), None, pd.Timestamp("1970-01-01")]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(FAR),
        pa.array(FAR, pa.date64()),
        pa.array(TIMES),
        pa.array(TIMES, pa.timestamp("us", "Europe/Paris")),
        pa.array(NEAR, pa.timestamp("ns")),
    ],
    ids=lambda column: str(column.type),
)
def test_one_file_and_a_folder_give_the_same_days(column: pa.Array, tmp_path: Path) -> None:
    pq.write_table(pa.table({"day": column}), tmp_path / "a.parquet")
    X, notes, _ = prepare_columns(read_file(tmp_path / "a.parquet"))
    (streamed,) = gbimb.ParquetSource(tmp_path, dates="days").frames()
    np.testing.assert_array_equal(X["day"], streamed["day"])
    assert X["day"].isna().sum() == 1
    assert notes == ("Column 'day': dates, taken as days since 1970-01-01.",)


def test_dates_and_times_of_any_zone_may_be_mixed() -> None:
    ahead = dt.timezone(dt.timedelta(hours=12))
    days = [dt.date(1970, 1, 2), dt.datetime(1970, 1, 2, 12), None, pd.NaT]
    mixed = pd.Series([*days, dt.datetime(1970, 1, 2, tzinfo=ahead)], dtype=object)
    X, *_ = prepare_columns(pd.DataFrame({"day": mixed}))
    np.testing.assert_array_equal(X["day"], [1, 1.5, np.nan, np.nan, 0.5])


def test_dates_in_text_may_be_far_away() -> None:
    texts = ["9999-12-31", None, "1970-01-02 12:00", "1970-01-02T00:00:00+12:00"]
    X, *_ = prepare_columns(pd.DataFrame({"day": texts}))
    np.testing.assert_array_equal(X["day"], [2932896, np.nan, 1.5, 0.5])
