"""The index of a Parquet table: a column that options can name, which is not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.cli.fitting.training_file import Roles, open_folder, read_rows
from gbimb.exceptions import InvalidParameterError
from gbimb.tables.files.chunks import chunks

if TYPE_CHECKING:
    from pathlib import Path

NOTE = (
    "Column 'image_id' is the index of the table and is not trained on. Give it another name to "
    "train on it."
)
INDEXES = {
    "column": pd.Index(np.roll(np.arange(300), 7), name="image_id"),
    "rows": pd.RangeIndex(300, name="image_id"),
    "levels": pd.MultiIndex.from_arrays([np.arange(300)] * 2, names=["image_id", None]),
}
each_index = pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)


def table(index: pd.Index) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300) > 1
    return pd.DataFrame({"x": x, "z": rng.normal(size=300), "y": y}).set_index(index)


def learnt(data: Path, target: str = "y", **options: list[str]) -> tuple[list[str], list[str]]:
    """Return columns and notes, which a folder and a file must have alike."""
    left_out = {f"--{name}": names for name, names in {"id": [], "drop": [], **options}.items()}
    given, remarks, _ = read_rows(data / "part.parquet", target, Roles(), left_out)
    folder, streamed, _ = open_folder(data, target, Roles(), left_out)
    columns = list(given["X"].columns)
    assert (list(folder["X"].features), streamed) == (columns, remarks)
    return columns, list(remarks)


@each_index
def test_an_index_is_learnt_from_neither_in_a_file_nor_in_a_folder(
    index: pd.Index, tmp_path: Path
) -> None:
    table(index).to_parquet(tmp_path / "part.parquet")
    assert learnt(tmp_path) == (["x", "z"], [NOTE])
    for option in ("id", "drop"):
        assert learnt(tmp_path, **{option: ["image_id"]}) == (["x", "z"], [])
    with pytest.raises(InvalidParameterError, match="Did you mean 'image_id'"):
        open_folder(tmp_path, "y", Roles(), {"--id": ["imageid"]})


def test_an_index_can_be_the_label_or_the_weight(tmp_path: Path) -> None:
    frame = table(INDEXES["column"]).reset_index().assign(w=1.0)
    frame.set_index(["y", "w", "image_id"]).to_parquet(tmp_path / "part.parquet")
    given, remarks, _ = read_rows(tmp_path / "part.parquet", "y", Roles("w"), {})
    folder, streamed, _ = open_folder(tmp_path, "y", Roles("w"), {})
    assert list(given["X"].columns) == list(folder["X"].features) == ["x", "z"]
    assert list(remarks) == list(streamed) == [NOTE]


def test_an_index_of_one_file_is_that_of_its_folder(tmp_path: Path) -> None:
    frame = table(INDEXES["column"])
    frame.to_parquet(tmp_path / "part.parquet")
    frame.reset_index().to_parquet(tmp_path / "without.parquet")
    left_out: dict[str, list[str]] = {}
    given, remarks, _ = read_rows(tmp_path, "y", Roles(), left_out)
    folder, streamed, _ = open_folder(tmp_path, "y", Roles(), left_out)
    assert list(given["X"].columns) == list(folder["X"].features) == ["x", "z"]
    assert list(remarks) == list(streamed) == [NOTE]


@each_index
def test_the_pieces_of_a_file_have_its_named_index_only(index: pd.Index, tmp_path: Path) -> None:
    table(index).to_parquet(tmp_path / "a.parquet")
    (piece,) = chunks(tmp_path / "a.parquet", "DATA")
    assert list(piece.columns) == ["image_id", "x", "z", "y"]
    assert piece["image_id"].tolist() == index.get_level_values("image_id").tolist()


def test_what_was_fitted_without_the_index_predicts_with_it_as_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table(INDEXES["column"]).to_parquet("a.parquet")
    fit = ["fit", "a.parquet", "--target", "y", "--out", "m.gbimb", "--validation", "2"]
    result = CliRunner().invoke(app, [*fit, "--jobs", "1"])
    assert "2 columns" in result.stdout
    assert result.stderr == f"Note: {NOTE}\n"
    assert gbimb.load("m.gbimb").feature_names_in_.tolist() == ["x", "z"]
    predict = ["predict", "m.gbimb", "a.parquet", "--out", "s.csv", "--id", "image_id"]
    assert CliRunner().invoke(app, predict).exit_code == 0
    assert pd.read_csv("s.csv")["image_id"].tolist() == INDEXES["column"].tolist()
    evaluate = ["evaluate", "m.gbimb", "a.parquet", "--target", "y", "--id", "image_id"]
    assert CliRunner().invoke(app, evaluate).exit_code == 0
