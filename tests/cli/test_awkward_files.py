"""Tables as people have them, by the command line: read as meant, said, or refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app

FIT = ["--target", "y", "--out", "m.gbimb", "--validation", "2", "--jobs", "1"]


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def fit(file: str, *options: str) -> str:
    """Fit, and return what is said beside the result."""
    code, _, said = invoke("fit", file, *FIT, *options)
    assert code == 0, said
    return said


def scores(file: str) -> pd.DataFrame:
    assert invoke("predict", "m.gbimb", file, "--out", "s.csv", "--quiet")[0] == 0
    return pd.read_csv("s.csv")


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 3000, 400).round(2)
    age = rng.integers(18, 90, 400)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 700, 400), "D")
    y = np.where(x / 1000 + rng.normal(size=400) > 3.2, "yes", "no")
    frame = pd.DataFrame({"x": x, "age": age, "day": day.strftime("%Y-%m-%d"), "y": y})
    frame.to_csv("plain.csv", index=False)
    return frame


def test_the_same_table_written_otherwise_gives_the_same_scores(table: pd.DataFrame) -> None:
    spoilt = table.assign(
        x=table["x"].map("$ {:,.2f}".format),
        age=table["age"].map("{}%".format),
        day=pd.to_datetime(table["day"]).dt.strftime("%d/%m/%Y"),
    )
    spoilt.to_csv("spoilt.csv", index=False)
    german = [f"{x:,.2f}".translate(str.maketrans(",.", ".,")) for x in table["x"]]
    table.assign(x=german).to_csv("german.csv", index=False, sep=";")
    fit("plain.csv")
    wanted = scores("plain.csv")
    assert scores("spoilt.csv").equals(wanted)
    assert scores("german.csv").equals(wanted)
    said = fit("spoilt.csv")
    assert said.count("Note: Column") == 3
    assert "If later rows are to be predicted, give --time day." in said
    assert scores("plain.csv").equals(wanted)
    assert scores("spoilt.csv").equals(wanted)


def test_what_a_new_file_lacks_is_as_it_was_at_fit(table: pd.DataFrame) -> None:
    table.astype({"age": object}).replace({"age": {20: "?"}}).to_csv("marks.csv", index=False)
    fit("marks.csv")
    table.assign(age=table["age"].astype(object).where(table.index > 0, "n/a.")).to_csv(
        "new.csv", index=False
    )
    code, _, said = invoke("predict", "m.gbimb", "new.csv", "--out", "s.csv")
    assert code == 0
    assert "Note: Column 'age': 'n/a.' (1 row) taken as missing" in said


@pytest.mark.parametrize("name", [None, "Unnamed: 0"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_index_of_a_table_is_not_trained_on(
    name: str | None, ending: str, table: pd.DataFrame
) -> None:
    rows = table.sort_values("y").reset_index(drop=True).sample(frac=0.8, random_state=0)
    if ending == "csv":
        rows.to_csv("t.csv", index_label=name)
    else:
        rows.reset_index(names="Unnamed: 0").to_parquet("t.parquet", index=False)
    assert "Column 'Unnamed: 0' is the index of the table and is not trained on" in fit(
        f"t.{ending}"
    )
    assert "Unnamed: 0" not in gbimb.load("m.gbimb").feature_names_in_
    assert "Unnamed" not in fit(f"t.{ending}", "--drop", "Unnamed: 0")


def test_a_column_without_a_name_that_counts_nothing_is_kept(table: pd.DataFrame) -> None:
    table.rename(columns={"age": ""}).to_csv("t.csv", index=False)
    fit("t.csv")
    assert "Unnamed: 1" in gbimb.load("m.gbimb").feature_names_in_


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_that_differ_by_blanks_or_case_are_named(ending: str, table: pd.DataFrame) -> None:
    yes = table.index[table["y"] == "yes"]
    assert len(yes) > 12
    table.loc[yes[:4], "y"] = "yes "
    table.loc[yes[4:8], "y"] = "Yes"
    table.to_csv("t.csv", index=False) if ending == "csv" else table.to_parquet("t.parquet")
    wanted = f"different classes: 'yes' ({len(yes) - 8} rows), 'yes ' (4 rows), 'Yes' (4 rows)."
    assert wanted in fit(f"t.{ending}")


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nx;age;day;y\n",
        '\ufeff"sep=;"\nx;age;day;y\n',
        'x;"age, years";day, of joining;y\n',
        "x;age, years;day;y\n",
    ],
)
def test_first_lines_of_spreadsheets_are_understood(text: str, table: pd.DataFrame) -> None:
    rows = table.to_csv(sep=";", index=False, header=False, decimal=",")
    Path("t.csv").write_text(text + rows, encoding="utf-8")
    fit("t.csv")
    assert gbimb.load("m.gbimb").n_features_in_ == 3


def test_damaged_files_are_refused_in_a_sentence(table: pd.DataFrame) -> None:
    text = table.to_csv(index=False)
    Path("fake.csv.zip").write_text("no archive")
    with zipfile.ZipFile("whole.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", text)
    whole = Path("whole.csv.zip").read_bytes()
    Path("broken.csv.zip").write_bytes(whole[:60] + b"\xff" * 30 + whole[90:])
    with zipfile.ZipFile("two.csv.zip", "w") as archive:
        archive.writestr("a.csv", text)
        archive.writestr("b.csv", text)
    Path("cut.csv.gz").write_bytes(gzip.compress(text.encode())[:1500])
    Path("fake.csv.xz").write_text("no archive")
    Path("nul.csv").write_text(text + "1,2,2021-01-01,n\0o\n")
    for file, words in {
        "fake.csv.zip": "cannot be read as CSV",
        "broken.csv.zip": "cannot be read as CSV",
        "two.csv.zip": "must hold one file, got 2",
        "cut.csv.gz": "cannot be read as CSV",
        "fake.csv.xz": "cannot be read as CSV",
        "nul.csv": "holds NUL bytes",
    }.items():
        code, _, said = invoke("fit", file, *FIT)
        assert (code, words in said.splitlines()[-1]) == (2, True), said
    fit("whole.csv.zip")


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_a_loop_of_links_is_replaced_or_refused(name: str) -> None:
    fit("plain.csv")
    Path(name).symlink_to(f"other-{name}")
    Path(f"other-{name}").symlink_to(name)
    Path("loop").symlink_to("pool")
    Path("pool").symlink_to("loop")
    assert invoke("predict", "m.gbimb", "plain.csv", "--out", name)[0] == 0
    assert Path(name).is_file()
    for out in (["predict", "m.gbimb", "plain.csv", "--out", f"loop/{name}"],):
        code, _, said = invoke(*out)
        assert (code, "must name a file in a folder that exists" in said) == (2, True)


def test_infinite_values_are_missing_and_said_whichever_way_a_table_comes(
    table: pd.DataFrame,
) -> None:
    table["x"] = table["x"].where(table.index != 5, np.inf)
    table.to_csv("t.csv", index=False)
    Path("folder").mkdir()
    table.to_parquet("folder/a.parquet")
    for file in ("t.csv", "folder/a.parquet", "folder"):
        assert "Column 'x': 1 infinite values, taken as missing." in fit(file)
        _, _, said = invoke("predict", "m.gbimb", file, "--out", "s.csv")
        assert "Column 'x': 1 infinite values, taken as missing." in said
