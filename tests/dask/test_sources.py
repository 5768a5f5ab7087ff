"""Parquet files on a cluster: the rows of a ParquetSource, in its order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client  # noqa: TC002  pytest reads it

import gbimb
from gbimb.tables.parquet import source as reading
from tests.dask.tables import PAIRS, frame

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.dask

SETTINGS: dict[str, Any] = {
    "n_estimators": 5,
    "learning_rate": 0.1,
    "max_depth": 4,
    "subsample": 1.0,
    "cv": None,
    "random_state": 0,
}


def write(table: pd.DataFrame, folder: Path, files: int) -> list[Path]:
    """Write the rows to files with the names that Spark and Dask give, in their order."""
    paths = [folder / f"part-{i}.parquet" for i in range(files)]
    for path, rows in zip(paths, np.array_split(np.arange(len(table)), files), strict=True):
        table.iloc[rows].to_parquet(path, row_group_size=20)
    return paths


@pytest.mark.parametrize("given", ["folder", "list"])
def test_rows_come_in_the_order_of_the_source(client: Client, given: str, tmp_path: Path) -> None:
    X, y = frame(600)
    paths = write(X.assign(y=y), tmp_path, files=12)
    source = gbimb.ParquetSource(tmp_path if given == "folder" else paths[::-1], "y")
    clf = PAIRS["xgb"][0](client=client, **SETTINGS).fit(source)
    for method in ("predict", "predict_proba", "raw_score", "decision_function"):
        lazy = getattr(clf, method)(source)
        np.testing.assert_array_equal(lazy.compute(), getattr(clf.to_local(), method)(source))


def test_a_large_file_is_read_in_pieces(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = frame(600)
    write(X.assign(y=y), tmp_path, files=3)
    monkeypatch.setattr(reading, "VALUES_AT_ONCE", 50 * 5)
    source = gbimb.ParquetSource(tmp_path, "y")
    clf = PAIRS["xgb"][0](client=client, **SETTINGS).fit(source)
    lazy = clf.predict_proba(source)
    assert lazy.npartitions == 3 * 5
    np.testing.assert_array_equal(lazy.compute(), clf.to_local().predict_proba(X))


def test_columns_of_other_types_in_other_files_are_read(client: Client, tmp_path: Path) -> None:
    X, y = frame(900)
    X["whole"], X["money"] = np.arange(900) % 7, [Decimal(i % 11) / 4 for i in range(900)]
    paths = write(X.assign(y=y), tmp_path, files=3)
    part = pd.read_parquet(paths[1])
    part.assign(whole=part["whole"] + 0.5).to_parquet(paths[1])
    pd.read_parquet(paths[2]).assign(whole=None, text=None).to_parquet(paths[2])
    source = gbimb.ParquetSource(tmp_path, "y")
    there = PAIRS["xgb"][0](client=client, **SETTINGS).fit(source)
    here = PAIRS["xgb"][1](n_jobs=1, **SETTINGS).fit(source)
    np.testing.assert_allclose(
        there.predict_proba(source).compute(), here.predict_proba(source), atol=1e-6
    )


def test_a_named_index_is_a_column_where_it_is_named(client: Client, tmp_path: Path) -> None:
    X, y = frame(600)
    write(X.assign(y=y).set_index("a"), tmp_path, files=2)
    assert "a" not in gbimb.ParquetSource(tmp_path, "y").features
    source = gbimb.ParquetSource(tmp_path, "y", features=list(X.columns))
    clf = PAIRS["xgb"][0](client=client, **SETTINGS).fit(source)
    assert "a" in clf.feature_names_in_
    np.testing.assert_array_equal(
        clf.predict_proba(source).compute(), clf.to_local().predict_proba(X)
    )


def test_a_model_finds_its_columns_beside_the_features_of_a_source(
    client: Client, tmp_path: Path
) -> None:
    X, y = frame(600)
    write(X.assign(y=y), tmp_path, files=2)
    clf = PAIRS["xgb"][0](client=client, **SETTINGS).fit(gbimb.ParquetSource(tmp_path, "y"))
    other = gbimb.ParquetSource(tmp_path, features=["y"])
    np.testing.assert_array_equal(
        clf.predict_proba(other).compute(), clf.to_local().predict_proba(other)
    )
    X.drop(columns="a").to_parquet(tmp_path / "part-0.parquet")
    with pytest.raises(gbimb.exceptions.InvalidDataError, match="must have the column 'a'"):
        clf.predict_proba(gbimb.ParquetSource(tmp_path / "part-0.parquet"))
