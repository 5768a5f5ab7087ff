"""Numbers with a decimal comma, as spreadsheets write them beside semicolons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.match import match_columns
from gbimb.tables.files.read import read_file

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "price;rate;churned\n12,50;-,5;yes\n;1,5e-3;no\n3;+7;no\n1000,25; 2,0;yes\n"


def test_they_are_numbers_whole_and_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    pieces = [prepare_columns(piece).frame for piece in chunks(path, "DATA", rows=1)]
    for frame in (prepare_columns(read_file(path)).frame, pd.concat(pieces)):
        np.testing.assert_array_equal(frame["price"], [12.5, np.nan, 3, 1000.25])
        np.testing.assert_array_equal(frame["rate"], [-0.5, 1.5e-3, 7, 2])
        assert frame["churned"].astype(str).tolist() == ["yes", "no", "no", "yes"]


@pytest.mark.parametrize("column", [["12,50", "much"], ["12,50", "12.5"], ["07x", "8"]])
def test_a_column_with_another_cell_stays_text_and_it_is_said(
    column: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x;y\n" + "".join(f"{cell};1\n" for cell in column))
    frame, notes, _ = prepare_columns(read_file(path))
    assert set(frame["x"].cat.categories) == set(column)
    assert "50 % of its values are numbers" in notes[0]


def test_what_the_model_learnt_as_text_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    assert pd.concat(chunks(path, "DATA", ["price"]))["price"].tolist()[0] == "12,50"


def test_a_folder_mixes_them_with_whole_numbers_but_not_with_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n12,50;1,5\n")
    (tmp_path / "b.csv").write_text("x;y\n3;much\n")
    frame, *_ = prepare_columns(read_file(tmp_path))
    assert frame["x"].tolist() == [12.5, 3]
    assert frame["y"].tolist() == ["1,5", "much"]


def test_the_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    X = pd.DataFrame({"price": np.arange(200) % 7 / 2})
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, X["price"] > 2)
    path = tmp_path / "table.csv"
    path.write_text("price;x\n12,50;1\nmuch;2\n")
    with pytest.raises(gbimb.GbimbError, match="got text in 1 rows, such as 'much'"):
        match_columns(clf, next(chunks(path, "DATA")), "table.csv")
