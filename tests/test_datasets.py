from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from gbimb import datasets
from gbimb.exceptions import GbimbError, InvalidParameterError

MAX_BYTES = 3_000_000


class Size(NamedTuple):
    rows: int
    columns: int
    rare: int


SIZES = {
    "yeast_me2": Size(1_484, 8, 51),
    "page_blocks_graphic": Size(5_472, 10, 28),
    "satimage_4": Size(6_435, 36, 626),
    "coil2000_insurance": Size(9_822, 85, 586),
    "nycflights_cancelled": Size(100_000, 17, 2_451),
    "yeast_10class": Size(1_484, 8, 5),
    "page_blocks_5class": Size(5_472, 10, 28),
}


@pytest.fixture(scope="module")
def tables() -> dict[str, datasets.Table]:
    return {name: datasets.load(name) for name in datasets.names()}


def test_names_are_the_known_ones_binary_first() -> None:
    assert datasets.names() == tuple(SIZES)
    assert datasets.names() == datasets.names("binary") + datasets.names("multiclass")
    assert len(datasets.names("binary")) == 5
    assert len(datasets.names("multiclass")) == 2


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str, tables: dict[str, datasets.Table]) -> None:
    table = tables[name]
    assert table.X.shape == (SIZES[name].rows, SIZES[name].columns)
    assert len(table.y) == len(table.X)
    assert table.y.value_counts().min() == SIZES[name].rare


@pytest.mark.parametrize("name", SIZES)
def test_every_table_names_licence_source_and_meaning(
    name: str, tables: dict[str, datasets.Table]
) -> None:
    table = tables[name]
    assert table.name == name
    assert table.licence.startswith(("CC BY 4.0", "CC0 1.0"))
    assert "https://" in table.source
    assert table.description.endswith(".")
    readme = files("gbimb.datasets").joinpath("data", "README.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in readme


@pytest.mark.parametrize("name", SIZES)
def test_features_are_numbers_or_categories_and_vary(
    name: str, tables: dict[str, datasets.Table]
) -> None:
    X = tables[name].X
    assert "target" not in X
    assert X.columns.is_unique
    assert (X.nunique() > 1).all()
    for column in X:
        dtype = X[column].dtype
        assert isinstance(dtype, pd.CategoricalDtype) or dtype in ("int16", "int32", "float32")
    assert not np.isinf(X.select_dtypes("number").to_numpy(dtype=float)).any()


@pytest.mark.parametrize("name", datasets.names("binary"))
def test_binary_labels_are_0_and_1_with_a_rare_1(
    name: str, tables: dict[str, datasets.Table]
) -> None:
    table = tables[name]
    assert table.task == "binary"
    assert table.positive == 1
    assert table.y.dtype == "int8"
    assert set(table.y) == {0, 1}
    assert 0.005 <= table.y.mean() <= 0.1


@pytest.mark.parametrize("name", datasets.names("multiclass"))
def test_multiclass_labels_are_names(name: str, tables: dict[str, datasets.Table]) -> None:
    table = tables[name]
    assert table.task == "multiclass"
    assert table.positive is None
    assert all(isinstance(label, str) for label in table.y)
    assert table.y.nunique() in (5, 10)


def test_categories_and_missing_values_are_among_them(tables: dict[str, datasets.Table]) -> None:
    categories = {name: len(t.X.select_dtypes("category").columns) for name, t in tables.items()}
    assert categories["coil2000_insurance"] == 62
    assert categories["nycflights_cancelled"] == 4
    missing = tables["nycflights_cancelled"].X.isna().mean()
    assert (missing > 0).sum() == 9
    assert missing["wind_gust"] == pytest.approx(0.76, abs=0.01)


def test_two_class_tables_are_cut_from_the_same_rows(tables: dict[str, datasets.Table]) -> None:
    for binary, multiclass, rare in (
        ("yeast_me2", "yeast_10class", "ME2"),
        ("page_blocks_graphic", "page_blocks_5class", "graphic"),
    ):
        pd.testing.assert_frame_equal(tables[binary].X, tables[multiclass].X)
        assert ((tables[multiclass].y == rare) == (tables[binary].y == 1)).all()


def test_all_files_together_stay_small() -> None:
    folder = files("gbimb.datasets").joinpath("data")
    contents = {file.name: len(file.read_bytes()) for file in folder.iterdir()}
    assert sum(name.endswith(".parquet") for name in contents) == 5
    assert sum(contents.values()) < MAX_BYTES


def test_changing_a_table_does_not_change_the_next_one_loaded() -> None:
    table = datasets.load("yeast_me2")
    table.X.iloc[:, :] = 0.0
    assert datasets.load("yeast_me2").X.to_numpy().any()


def test_a_table_is_frozen_and_prints_its_size(tables: dict[str, datasets.Table]) -> None:
    table = tables["yeast_10class"]
    assert repr(table) == "Table(name='yeast_10class', rows=1484, columns=8, classes=10, rarest=5)"
    with pytest.raises(AttributeError):
        table.name = "other"  # type: ignore[misc]


def test_a_wrong_name_gets_the_nearest_one() -> None:
    with pytest.raises(InvalidParameterError, match="Did you mean 'yeast_me2'") as caught:
        datasets.load("yeast_m2")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, GbimbError)
    assert "satimage_4" in str(caught.value)


@pytest.mark.parametrize("name", [None, 3, ["yeast_me2"]])
def test_a_name_of_another_type_is_refused_as_well(name: object) -> None:
    with pytest.raises(InvalidParameterError, match="name must be one of"):
        datasets.load(name)  # type: ignore[arg-type]


def test_a_wrong_task_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="Did you mean 'multiclass'"):
        datasets.names("multi-class")  # type: ignore[arg-type]
