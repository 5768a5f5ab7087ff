"""Numbers with a decimal comma, as spreadsheets write them beside semicolons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.match import match_columns
from gbimb.tables.files.read import read_file

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "price;rate;churned\n12,50;-,5;yes\n;1,5e-3;no\n3;+7;no\n1000,25; 2,0;yes\n"


def test_they_are_numbers_whole_and_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    for frame in (read_file(path), pd.concat(chunks(path, "DATA", rows=1))):
        np.testing.assert_array_equal(frame["price"], [12.5, np.nan, 3, 1000.25])
        np.testing.assert_array_equal(frame["rate"], [-0.5, 1.5e-3, 7, 2])
        assert frame["churned"].tolist() == ["yes", "no", "no", "yes"]


@pytest.mark.parametrize(
    "column",
    [["12,50", "much"], ["12,50", "12.5"], ["1.000,50", "2,0"], ["1,2,3", "4,5"], ["07x", "8"]],
)
def test_a_column_with_another_cell_stays_text(column: list[str], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x;y\n" + "".join(f"{cell};1\n" for cell in column))
    assert read_file(path)["x"].tolist() == column


def test_beside_commas_they_are_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('x,y\n"12,50",1\n"1,200",2\n')
    assert read_file(path)["x"].tolist() == ["12,50", "1,200"]


def test_what_the_model_learnt_as_text_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    assert pd.concat(chunks(path, "DATA", ["price"]))["price"].tolist()[0] == "12,50"


def test_a_folder_mixes_them_with_whole_numbers_but_not_with_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n12,50;1,5\n")
    (tmp_path / "b.csv").write_text("x;y\n3;much\n")
    frame = read_file(tmp_path)
    assert frame["x"].tolist() == [12.5, 3]
    assert frame["y"].tolist() == ["1,5", "much"]


def test_the_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    X = pd.DataFrame({"price": np.arange(200) % 7 / 2})
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, X["price"] > 2)
    path = tmp_path / "table.csv"
    path.write_text("price;x\n12,50;1\nmuch;2\n")
    with pytest.raises(gbimb.GbimbError, match="got text in 1 rows, such as 'much'"):
        match_columns(clf, next(chunks(path, "DATA")), "table.csv")
