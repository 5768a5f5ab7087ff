"""Columns of a file brought to what a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.match import match_columns, text_columns
from gbimb.tables.files.read import read_file
from gbimb.tables.files.write import write_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model() -> gbimb.ImbalancedLGBMClassifier:
    rng = np.random.default_rng(0)
    X, *_ = prepare_columns(
        pd.DataFrame(
            {
                "size": rng.normal(size=300),
                "code": rng.choice(["01", "2", "x"], 300),
                "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(9, size=300), "D"),
            }
        )
    )
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, random_state=0, n_jobs=1)
    return clf.fit(X, X["size"] > 1)


def matched(model: gbimb.ImbalancedLGBMClassifier, **columns: list[object]) -> pd.DataFrame:
    base = {"size": [1.0], "code": ["2"], "day": ["2024-01-02"]}
    frame = pd.DataFrame(
        {**{k: v * len(next(iter(columns.values()), [0])) for k, v in base.items()}, **columns}
    )
    return match_columns(model, frame, "new.csv")


def test_columns_come_in_the_order_of_the_model_and_others_are_left_out(
    model: gbimb.ImbalancedLGBMClassifier,
) -> None:
    frame = pd.DataFrame({"other": [1], "day": ["2024-01-02"], "code": ["2"], "size": [1]})
    assert list(match_columns(model, frame, "f")) == ["size", "code", "day"]


def test_numbers_that_came_as_text_are_numbers(model: gbimb.ImbalancedLGBMClassifier) -> None:
    np.testing.assert_allclose(
        matched(model, size=["1.5", " ", None, "2"])["size"], [1.5, np.nan, np.nan, 2]
    )


def test_dates_are_days_whatever_their_form(model: gbimb.ImbalancedLGBMClassifier) -> None:
    wanted = (pd.Timestamp("2024-01-02") - pd.Timestamp("1970-01-01")).days
    assert matched(model, day=["2024-01-02"])["day"].iloc[0] == wanted
    assert matched(model, day=[pd.Timestamp("2024-01-02")])["day"].iloc[0] == wanted


def test_numbers_are_text_where_the_model_learnt_from_text(
    model: gbimb.ImbalancedLGBMClassifier,
) -> None:
    assert matched(model, code=[2.0, np.nan])["code"].tolist()[0] == "2"
    assert text_columns(model) == ["code"]


def test_text_where_numbers_were_is_refused_with_an_example(
    model: gbimb.ImbalancedLGBMClassifier,
) -> None:
    with pytest.raises(gbimb.GbimbError, match=r"'size' held numbers.*2 rows.*'much'"):
        matched(model, size=["much", "more", "1"])


def test_a_missing_column_is_named(model: gbimb.ImbalancedLGBMClassifier) -> None:
    frame = pd.DataFrame({"siz": [1.0], "code": ["2"], "day": ["2024-01-02"]})
    with pytest.raises(gbimb.GbimbError, match=r"none named 'size'\. Is 'siz' that column"):
        match_columns(model, frame, "new.csv")


def test_a_model_of_an_array_cannot_be_matched() -> None:
    X = np.random.default_rng(0).normal(size=(200, 2))
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, X[:, 0] > 1)
    with pytest.raises(gbimb.GbimbError, match="without column names"):
        match_columns(clf, pd.DataFrame({"a": [1]}), "f")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_pieces_written_are_read_again(ending: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(25), "b": [f"{i:03d}" for i in range(25)]})
    path = tmp_path / f"table{ending}"
    with write_table(path) as writer:
        for start in range(0, 25, 10):
            writer.write(frame[start : start + 10])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    pieces = list(chunks(path, "DATA", ["b"], rows=7))
    assert max(map(len, pieces)) <= 7
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), frame, check_dtype=False)
    assert len(read_file(path)) == 25


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_error_leaves_the_older_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{ending}"
    path.write_text("older")
    with pytest.raises(OSError, match="disk full"), write_table(path) as writer:  # noqa: PT012  opening it may raise, too
        writer.write(pd.DataFrame({"a": [1]}))
        full = "disk full"
        raise OSError(full)
    assert path.read_text() == "older"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    pd.DataFrame({"a": [3]}).to_csv(tmp_path / "b.csv", index=False)
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "readme.txt").write_text("not a table")
    (tmp_path / "._a.csv").write_text("left by another system")
    assert pd.concat(chunks(tmp_path, "DATA"))["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "a,b\n1,2\n1,2,3,4\n", "cannot be read as CSV"),
        ("x.csv", "a,b\n1,2,3\n1,2,3\n", "must have a name for each column"),
        ("x.csv", b"a\n\x81\x8d\n", "UTF-8"),
        ("x.parquet", "no parquet", "cannot be read as Parquet"),
        ("x.csv", "a,b\n", "holds no rows"),
        ("x.txt", "a\n1\n", "ends in"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(
    name: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(gbimb.GbimbError, match=message):
        list(chunks(path, "DATA"))


def test_an_archive_cannot_be_written_piece_by_piece(tmp_path: Path) -> None:
    with pytest.raises(gbimb.GbimbError, match=r"\.zip"), write_table(tmp_path / "x.csv.zip"):
        pass
