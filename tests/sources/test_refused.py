"""What cannot be used is refused with a sentence, before any training."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.memory import MemoryBudget
from tests.sources.tables import Estimator, both, features, quick, table, write

if TYPE_CHECKING:
    from pathlib import Path

LGBM = gbimb.ImbalancedLGBMClassifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(table(), tmp_path / "table", files=2)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"files that are there, got '.*nothing.parquet'"):
        gbimb.ParquetSource(tmp_path / "nothing.parquet", "target")


def test_a_directory_without_parquet(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("no table")
    with pytest.raises(InvalidDataError, match=r"has no files that end in \.parquet"):
        gbimb.ParquetSource(tmp_path, "target")


@pytest.mark.parametrize("paths", [3, [], [3], None])
def test_paths_of_another_kind(paths: Any) -> None:
    with pytest.raises(InvalidTypeError, match="paths must be"):
        gbimb.ParquetSource(paths, "target")


def test_columns_in_the_names_of_folders(tmp_path: Path) -> None:
    write(table(), tmp_path / "year=2020")
    with pytest.raises(InvalidDataError, match="names of folders are not read, got 'year=2020'"):
        gbimb.ParquetSource(tmp_path, "target")


def test_hidden_files_are_left_out(folder: Path) -> None:
    (folder / "_metadata.parquet").write_bytes(b"")
    (folder / ".part.parquet").write_bytes(b"")
    assert len(gbimb.ParquetSource(folder, "target").paths) == 2


@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_a_file_that_is_no_parquet(folder: Path, damage: str) -> None:
    file = folder / "part-1.parquet"
    data = file.read_bytes()
    file.write_bytes({"empty": b"", "text": b"a,b\n1,2\n", "cut": data[: len(data) // 2]}[damage])
    with pytest.raises(InvalidDataError, match=r"part-1\.parquet cannot be read as Parquet"):
        gbimb.ParquetSource(folder, "target")


@both
def test_damage_that_shows_while_reading(kind: type[Estimator], folder: Path) -> None:
    file = folder / "part-1.parquet"
    data = bytearray(file.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    file.write_bytes(data)
    source = gbimb.ParquetSource(folder, "target")
    with pytest.raises(InvalidDataError, match=r"part-1\.parquet cannot be read as Parquet"):
        quick(kind).fit(source)


@pytest.mark.parametrize("role", ["target", "weight", "features"])
def test_a_column_that_is_not_there(folder: Path, role: str) -> None:
    names: Any = {"target": "target", "features": ["single"]}
    names[role] = ["sinngle"] if role == "features" else "sinngle"
    with pytest.raises(InvalidParameterError, match=f"{role} must be one of .* mean 'single'"):
        gbimb.ParquetSource(folder, **names)


@pytest.mark.parametrize(
    "names",
    [{"features": ["single", "single"]}, {"features": ["target"]}, {"weight": "target"}],
    ids=str,
)
def test_a_column_named_twice(folder: Path, names: Any) -> None:
    with pytest.raises(InvalidParameterError, match="name different columns"):
        gbimb.ParquetSource(folder, "target", **names)


def test_features_as_one_text(folder: Path) -> None:
    with pytest.raises(InvalidTypeError, match="features must be a list of columns"):
        gbimb.ParquetSource(folder, "target", features="single")


@pytest.mark.parametrize("features", [3, [3], np.array("single"), [["single"]]])
def test_features_that_are_no_names(folder: Path, features: Any) -> None:
    with pytest.raises(InvalidTypeError, match="features must be a list of columns"):
        gbimb.ParquetSource(folder, "target", features=features)


@pytest.mark.parametrize("role", ["target", "weight"])
@pytest.mark.parametrize("name", [["target"], 3])
def test_a_target_or_weight_that_is_no_name(folder: Path, role: str, name: Any) -> None:
    given: Any = {role: name}
    with pytest.raises(InvalidTypeError, match=f"{role} must be None or the name of one column"):
        gbimb.ParquetSource(folder, **given)


def test_a_column_twice_in_one_file(tmp_path: Path) -> None:
    numbers = pa.array([0.0, 1.0])
    pq.write_table(pa.table([numbers, numbers], names=["a", "a"]), tmp_path / "twice.parquet")
    with pytest.raises(InvalidDataError, match=r"twice\.parquet must have names .* got 'a'"):
        gbimb.ParquetSource(tmp_path)


def test_labels_of_another_type_in_another_file(folder: Path) -> None:
    table(100).assign(target=1).to_parquet(folder / "part-1.parquet")
    source = gbimb.ParquetSource(folder, "target")
    with pytest.raises(
        InvalidDataError, match=r"'target' must hold labels of one type.*int and str"
    ):
        quick(LGBM).fit(source)


def test_texts_that_are_not_utf_8(tmp_path: Path) -> None:
    frame = table(100).drop(columns="text")
    ends = np.arange(101, dtype=np.int32)
    bad = pa.Array.from_buffers(
        pa.string(), 100, [None, pa.py_buffer(ends), pa.py_buffer(b"\xff" * 100)]
    )
    pq.write_table(pa.Table.from_pandas(frame).append_column("bad", bad), tmp_path / "a.parquet")
    source = gbimb.ParquetSource(tmp_path, "target")
    with pytest.raises(InvalidDataError, match=r"'bad' of .*a\.parquet must hold texts in UTF-8"):
        quick(LGBM).fit(source)


@pytest.mark.parametrize(
    ("after", "got"),
    [
        (table(90), "90 rows, not 600"),
        (table(900), "900 rows, not 600"),
        (table(600, seed=1), "other values"),
        (table(600).rename(columns={"flag": "flags"}), "other values"),
    ],
)
@pytest.mark.parametrize("moment", ["fit", "predict"])
def test_a_file_that_changes_after_it_was_opened(
    folder: Path, after: pd.DataFrame, got: str, moment: str
) -> None:
    source = gbimb.ParquetSource(folder, "target", weight="w")
    clf = quick(LGBM).fit(source) if moment == "predict" else quick(LGBM)
    after.to_parquet(folder / "part-1.parquet", row_group_size=250)
    with pytest.raises(InvalidDataError, match=rf"part-1\.parquet changed .* got {got}"):
        getattr(clf, moment)(source)


def test_files_with_other_columns(folder: Path) -> None:
    table(100).drop(columns="flag").to_parquet(folder / "part-1.parquet")
    with pytest.raises(InvalidDataError, match=r"part-0\.parquet has 'flag', .*part-1\.parquet"):
        gbimb.ParquetSource(folder, "target")
    table(100).assign(more=1).to_parquet(folder / "part-1.parquet")
    with pytest.raises(InvalidDataError, match=r"part-1\.parquet has 'more', .*part-0\.parquet"):
        gbimb.ParquetSource(folder, "target")
    assert gbimb.ParquetSource(folder, "target", features=["single"]).n_rows == 700


def test_columns_of_another_kind_in_another_file(folder: Path) -> None:
    table(100).assign(double="1.5").to_parquet(folder / "part-1.parquet")
    source = gbimb.ParquetSource(folder, "target")
    with pytest.raises(InvalidDataError, match="'double' must be of one kind in all files, got nu"):
        quick(LGBM).fit(source)


def test_numbers_of_other_widths_are_of_one_kind(folder: Path) -> None:
    table(600).assign(small=7, single=1.0).to_parquet(folder / "part-1.parquet")
    quick(LGBM).fit(gbimb.ParquetSource(folder, "target"))


def test_columns_that_are_neither_numbers_nor_categories(tmp_path: Path) -> None:
    frame = table(100)
    frame["day"] = dt.date(2020, 1, 1)
    frame["time"] = pd.Timestamp("2020-01-01")
    frame["list"] = [[1]] * 100
    source = gbimb.ParquetSource(write(frame, tmp_path), "target")
    with pytest.raises(InvalidTypeError, match=r"'day' \(date32.*'time' \(timestamp.*'list'"):
        quick(LGBM).fit(source)


def test_dates_as_something_else_than_days(folder: Path) -> None:
    with pytest.raises(InvalidParameterError, match="dates must be None or 'days', got 'years'"):
        gbimb.ParquetSource(folder, "target", dates="years")


def test_infinity(tmp_path: Path) -> None:
    frame = table(400)
    frame.loc[390, "single"] = np.inf
    source = gbimb.ParquetSource(write(frame, tmp_path), "target")
    with pytest.raises(InvalidDataError, match="'single' must not contain infinity"):
        quick(LGBM).fit(source)


@pytest.mark.parametrize("column", ["target", "number"])
def test_missing_labels(tmp_path: Path, column: str) -> None:
    frame = table(400)
    frame["number"] = (frame["target"] == "fraud").astype(float)
    frame.loc[390, column] = None
    source = gbimb.ParquetSource(write(frame, tmp_path), column, features=["single"])
    with pytest.raises(InvalidDataError, match=f"'{column}' must not contain missing labels"):
        quick(LGBM).fit(source)


def test_labels_that_are_measurements(folder: Path) -> None:
    source = gbimb.ParquetSource(folder, "double", features=["single"])
    with pytest.raises(ValueError, match=r"missing labels|continuous"):
        quick(LGBM).fit(source)


def test_a_single_class(tmp_path: Path) -> None:
    source = gbimb.ParquetSource(write(table().assign(target=1), tmp_path), "target")
    with pytest.raises(InvalidDataError, match="two classes or more"):
        quick(LGBM).fit(source)


def test_a_source_without_target(folder: Path) -> None:
    with pytest.raises(InvalidParameterError, match="name the column of the labels"):
        quick(LGBM).fit(gbimb.ParquetSource(folder))


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_labels_or_weights_beside_a_source(folder: Path, name: str) -> None:
    source = gbimb.ParquetSource(folder, "target")
    given: Any = {name: np.ones(len(source))}
    with pytest.raises(InvalidParameterError, match=f"{name} must be None beside a ParquetSource"):
        quick(LGBM).fit(source, **given)


@pytest.mark.parametrize(
    ("weight", "sentence"), [(-1.0, ">= 0"), (None, "finite"), ("1", "a column of numbers")]
)
def test_weights_that_are_none(tmp_path: Path, weight: object, sentence: str) -> None:
    frame = table(400)
    frame["w"] = weight if isinstance(weight, str) else frame["w"].where(frame.index > 0, weight)
    source = gbimb.ParquetSource(write(frame, tmp_path), "target", weight="w")
    with pytest.raises(InvalidDataError, match=sentence):
        quick(LGBM).fit(source)


def test_a_source_without_rows(tmp_path: Path) -> None:
    source = write(table(10).iloc[:0], tmp_path)
    with pytest.raises(InvalidDataError, match="must have a row and a feature"):
        gbimb.ParquetSource(source, "target")


@both
def test_memory_beyond_the_budget_is_refused_before_rows_are_read(
    kind: type[Estimator], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = gbimb.ParquetSource(folder, "target", max_memory="100 MB")
    monkeypatch.setattr("gbimb.tables.parquet.stream.StreamedMatrix.batches", None)
    with pytest.raises(InvalidDataError, match=r"about 300\.\d MB, more than max_memory=100\.0 MB"):
        quick(kind).fit(source)


def test_validation_rows_count_in_the_budget(folder: Path, tmp_path: Path) -> None:
    many = table(3000).sample(60_000, replace=True, random_state=0)
    valid = gbimb.ParquetSource(write(many, tmp_path / "valid", group=10_000), "target")
    alone = gbimb.ParquetSource(folder, "target", max_memory="301 MB")
    quick(LGBM).fit(alone)
    with pytest.raises(InvalidDataError, match=r"about 30\d\.\d MB, more than max_memory=301\.0"):
        quick(LGBM).fit(alone, X_val=valid)


def test_bags_beyond_the_budget(folder: Path) -> None:
    source = gbimb.ParquetSource(folder, "target", max_memory=1e8)
    with pytest.raises(InvalidDataError, match=r"Bags that hold .* max_memory=100\.0 MB"):
        gbimb.UnderBaggingClassifier(quick(LGBM, cv="auto"), 3).fit(source)


def test_a_result_beyond_the_budget(folder: Path) -> None:
    clf = quick(LGBM).fit(gbimb.ParquetSource(folder, "target"))
    with pytest.raises(InvalidDataError, match="Write it to a file with predict_to"):
        clf.predict_proba(gbimb.ParquetSource(folder, max_memory=20_000))


@pytest.mark.parametrize(
    ("given", "limit"),
    [(None, None), (5, 5), ("2GB", 2 * 10**9), ("1.5 GiB", 3 << 29), ("10mb", 10**7)],
)
def test_budgets(given: Any, limit: int | None) -> None:
    assert MemoryBudget.parse(given).limit == limit


@pytest.mark.parametrize("given", ["much", "2 gigs", 0, -1, "", float("inf"), True, [1]])
def test_budgets_that_are_none(given: Any) -> None:
    with pytest.raises((InvalidParameterError, InvalidTypeError), match="max_memory must be"):
        MemoryBudget.parse(given)


def test_a_source_that_lacks_a_column_of_the_model(folder: Path, tmp_path: Path) -> None:
    clf = quick(LGBM).fit(gbimb.ParquetSource(folder, "target"))
    less = write(table(50).drop(columns=["flag"]), tmp_path / "less")
    with pytest.raises(InvalidDataError, match="must have the column 'flag'"):
        clf.predict(gbimb.ParquetSource(less))


def test_texts_where_there_were_numbers(folder: Path, tmp_path: Path) -> None:
    clf = quick(LGBM).fit(gbimb.ParquetSource(folder, "target"))
    other = write(table(50).assign(double="a"), tmp_path / "other")
    with pytest.raises(InvalidTypeError, match="'double' was a number at fit"):
        clf.predict(gbimb.ParquetSource(other, features=features(table(1))))


def test_the_automatic_choice_wants_the_table_in_memory(folder: Path) -> None:
    with pytest.raises(InvalidTypeError, match=r"in memory.*pandas\.read_parquet"):
        gbimb.AutoImbalancedClassifier().fit(gbimb.ParquetSource(folder, "target"))
