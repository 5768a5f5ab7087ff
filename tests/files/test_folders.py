"""A folder is one table: the same files for every command, and each column of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.read import list_files, read_file

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    return folder


def test_a_source_and_the_commands_see_the_same_files_in_the_same_order(tmp_path: Path) -> None:
    names = ["b.parquet", "2024/a.parquet", "2024/z.PARQUET", "c.parq", "a.pq"]
    hidden = ["_old/a.parquet", "2024/.part.parquet", "2024/_log/c.parquet"]
    for i, name in enumerate([*names, *hidden]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pd.DataFrame({"x": [i]}).to_parquet(tmp_path / name)
    (tmp_path / "readme.txt").write_text("not a table")
    source = gbimb.ParquetSource(tmp_path)
    assert list(source.paths) == list_files(tmp_path, "DATA")
    assert source.paths == tuple(sorted(tmp_path / name for name in names))
    whole = read_file(tmp_path)["x"].tolist()
    assert pd.concat(source.frames())["x"].tolist() == whole
    assert pd.concat(chunks(tmp_path, "DATA"))["x"].tolist() == whole


def test_csv_files_in_folders_of_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    write(tmp_path, b="x\n2\n")
    write(tmp_path / "2024", a="x\n1\n")
    assert read_file(tmp_path)["x"].tolist() == [1, 2]
    assert pd.concat(chunks(tmp_path, "DATA"))["x"].tolist() == [1, 2]


def test_a_folder_whose_name_ends_as_a_table_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "all.parquet").mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "all.parquet" / "part-0.parquet")
    assert len(gbimb.ParquetSource(tmp_path)) == len(read_file(tmp_path)) == 1


def test_values_in_the_names_of_folders_are_refused_by_all(tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    write(tmp_path / "year=2024", a="x\n1\n")
    with pytest.raises(gbimb.GbimbError, match="names of folders are not read, got 'year=2024'"):
        read_file(tmp_path)


def test_a_column_that_is_text_in_one_csv_file_is_text_in_all(tmp_path: Path) -> None:
    write(tmp_path, a="code,x\n007,1\n,2\n12,3\n", b="code,x\nA7,4\n", c="code,x\n,5\n")
    frame = read_file(tmp_path)
    assert frame["code"].dropna().tolist() == ["007", "12", "A7"]
    X, notes, _ = prepare_columns(frame)
    assert list(X["code"].cat.categories) == ["007", "12", "A7"]
    assert X["code"].isna().tolist() == [False, True, False, False, True]
    assert X["x"].dtype == np.int64
    assert not notes


def test_csv_files_are_read_as_one_long_file_would_be(tmp_path: Path) -> None:
    parts = ["0,True,1\n", "yes,0,2.5\n", "no,False,\n"]
    whole, folder = tmp_path / "whole.csv", tmp_path / "folder"
    whole.write_text("t,flag,x\n" + "".join(parts))
    folder.mkdir()
    write(folder, **{f"f{i}": f"t,flag,x\n{part}" for i, part in enumerate(parts)})
    pd.testing.assert_frame_equal(read_file(folder), read_file(whole))


def test_parquet_files_whose_columns_differ_in_kind_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"t": [0, 1]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"t": ["yes", "no"]}).to_parquet(tmp_path / "b.parquet")
    message = r"'t' must be of one kind in all files, got numbers in 'a.parquet' and text in 'b"
    with pytest.raises(gbimb.GbimbError, match=message):
        read_file(tmp_path)


def test_booleans_gaps_and_numbers_of_parquet_go_together(tmp_path: Path) -> None:
    for name, values in {"a": [True, False], "b": [0, 1], "c": [None, None]}.items():
        pd.DataFrame({"x": values}).to_parquet(tmp_path / f"{name}.parquet")
    X, *_ = prepare_columns(read_file(tmp_path))
    np.testing.assert_array_equal(X["x"], [1, 0, 0, 1, np.nan, np.nan])
