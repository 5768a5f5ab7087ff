"""What the commands make of tables as people have them, from ``fit`` to the file of scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.tables.encoder import encoder_of


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--jobs", "1", "--quiet"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result.stdout


def fit(data: str) -> str:
    return invoke("fit", data, "--target", "y", "--out", "m.gbimb", "--validation", "2")


def predict(data: str, out: str = "s.csv", *options: str) -> pd.DataFrame:
    invoke("predict", "m.gbimb", data, "--out", out, *options)
    return pd.read_csv(out, dtype=str, keep_default_na=False)


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=400).round(3)
    y = np.where(x + rng.normal(size=400) > 1.5, "yes", "no")
    return pd.DataFrame({"x": x, "code": rng.choice(["007", "12"], 400), "y": y})


def test_ids_come_out_as_they_went_in(table: pd.DataFrame) -> None:
    table.to_csv("train.csv", index=False)
    fit("train.csv")
    numbers = pa.array([2**53 + 1, None, 123, *range(397)])
    rows = pa.Table.from_pandas(table).append_column("id", numbers)
    pq.write_table(rows, "new.parquet")
    scores = predict("new.parquet", "s.csv", "--id", "id")
    assert scores["id"].tolist()[:4] == [str(2**53 + 1), "", "123", "0"]
    invoke("predict", "m.gbimb", "new.parquet", "--out", "s.parquet", "--id", "id")
    assert pq.read_table("s.parquet")["id"].combine_chunks() == numbers
    table.assign(id=["NA", "None", "", *["007"] * 397]).to_csv("new.csv", index=False)
    scores = predict("new.csv", "s.csv", "--id", "id")
    assert scores["id"].tolist()[:4] == ["NA", "None", "", "007"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_scores_every_file_that_fit_learnt_from(
    ending: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    for part, name in ((table[:300], "a"), (table[300:], "2024/b")):
        path = tmp_path / "data" / f"{name}.{ending}"
        path.parent.mkdir(parents=True)
        part.to_csv(path, index=False) if ending == "csv" else part.to_parquet(path)
    assert "on 400 rows" in fit("data")
    assert len(predict("data")) == 400


def test_codes_of_a_folder_are_found_again(table: pd.DataFrame) -> None:
    Path("data").mkdir()
    table.loc[0, "code"] = None
    table[:300].to_csv("data/a.csv", index=False)
    table[300:].assign(code="A7").to_csv("data/b.csv", index=False)
    fit("data")
    (column,) = [c for c in encoder_of(gbimb.load("m.gbimb")).columns if c.name == "code"]
    assert column.categories == ("007", "12", "A7")


def test_labels_of_a_folder_that_mix_are_text(table: pd.DataFrame) -> None:
    Path("data").mkdir()
    table.to_csv("data/b.csv", index=False)
    table.assign(y=table["y"].eq("yes").astype(int)).to_csv("data/a.csv", index=False)
    assert "predict '0', '1', 'no' or 'yes'" in fit("data")


def test_decimal_commas_give_the_scores_of_decimal_points(table: pd.DataFrame) -> None:
    table.to_csv("points.csv", index=False)
    table.to_csv("commas.csv", index=False, sep=";", decimal=",")
    fit("points.csv")
    points = predict("points.csv")
    assert predict("commas.csv").equals(points)
    fit("commas.csv")
    assert predict("commas.csv").equals(points)


def test_a_folder_cannot_be_the_file_of_scores(table: pd.DataFrame) -> None:
    table.to_csv("train.csv", index=False)
    fit("train.csv")
    Path("s.csv").mkdir()
    arguments = ["predict", "m.gbimb", "train.csv", "--out", "s.csv"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "--out must name a file, got 's.csv', which is a folder." in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["m.gbimb", "s.csv", "train.csv"]
