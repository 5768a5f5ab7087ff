"""Files as people have them: what is read as what, what is said, and the options that say more."""

from __future__ import annotations

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


def scores(file: str, *options: str) -> pd.DataFrame:
    code, _, said = invoke("predict", "m.gbimb", file, "--out", "s.csv", *options)
    assert code == 0, said
    return pd.read_csv("s.csv")


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Numbers, a group of words, dates from 2021 on, and labels that the number explains."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 900, 300).round(3)
    city = rng.choice(["Köln", "Bonn", "Trier"], 300)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 12, 300), "D")
    y = np.where(x / 300 + rng.normal(size=300) > 2.4, "yes", "no")
    frame = pd.DataFrame({"x": x, "city": city, "day": day, "y": y})
    frame.to_csv("plain.csv", index=False)
    return frame


def test_identifiers_are_named_in_files_and_in_folders(table: pd.DataFrame) -> None:
    policy = np.random.default_rng(1).permutation(300) * 7 + 100_000
    spoilt = table.assign(policy=policy, code=[f"AB{i}" for i in policy])
    spoilt.to_csv("t.csv", index=False)
    Path("folder").mkdir()
    spoilt.to_parquet("folder/a.parquet")
    for file in ("t.csv", "folder"):
        said = fit(file)
        assert "Column 'policy': 300 whole numbers in 300 rows, all different" in said
        assert "Column 'code': 300 different texts in 300 rows, taken as categories" in said
        assert said.count("leave it out with --drop") == 2
        assert "Column 'x'" not in said


def test_whole_numbers_with_leading_zeros_are_categories(table: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    zips = rng.choice(["02134", "90210", "10001"], 300)
    table.assign(zip=zips, hour=[f"{i % 24:02}" for i in range(300)]).to_csv("t.csv", index=False)
    said = fit("t.csv")
    assert "Column 'zip': whole numbers with leading zeros, such as '" in said
    assert "'hour'" not in said
    kinds = {c.name: c.categories for c in gbimb.load("m.gbimb").model_.schema.encoder.columns}
    assert kinds["zip"] == ("02134", "10001", "90210")
    assert kinds["hour"] is None
    wanted = scores("t.csv")
    Path("new.csv").write_text(Path("t.csv").read_text(encoding="utf-8"), encoding="utf-8")
    assert scores("new.csv").equals(wanted)


def test_one_number_with_a_leading_zero_makes_no_codes(table: pd.DataFrame) -> None:
    amounts = [str(i) for i in range(300)]
    amounts[150] = "0150"
    table.assign(n=amounts).to_csv("t.csv", index=False)
    fit("t.csv")
    kinds = {c.name: c.categories for c in gbimb.load("m.gbimb").model_.schema.encoder.columns}
    assert kinds["n"] is None


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_missing_can_be_said_and_the_model_keeps_it(
    table: pd.DataFrame, *, folder: bool
) -> None:
    rng = np.random.default_rng(3)
    gone = rng.random(300) < 0.2
    marked = table.assign(n=np.where(gone, -999, rng.integers(0, 50, 300)), city=table["city"])
    marked["city"] = marked["city"].where(~gone, "?")
    empty = marked.assign(n=marked["n"].where(~gone), city=marked["city"].where(~gone))
    for name, frame in (("marked", marked), ("empty", empty)):
        Path(name).mkdir()
        frame.to_parquet(f"{name}/a.parquet")
        frame.to_csv(f"{name}.csv", index=False)
    ending = "" if folder else ".csv"
    fit(f"empty{ending}")
    wanted = scores("empty.csv")
    fit(f"marked{ending}", "--missing", "?", "--missing", "-999")
    assert np.allclose(scores("marked.csv")["probability"], wanted["probability"])
    assert np.allclose(scores("marked")["probability"], wanted["probability"])
    assert np.allclose(scores("empty.csv")["probability"], wanted["probability"])


def test_the_decimal_mark_can_be_said(table: pd.DataFrame) -> None:
    grouped = table.assign(x=(table["x"] * 1000).round().astype(int))
    grouped.to_csv("plain.csv", index=False)
    fit("plain.csv")
    wanted = scores("plain.csv")
    dotted = grouped.assign(x=grouped["x"].map("{:,}".format).str.replace(",", "."))
    dotted.to_csv("dotted.csv", index=False)
    assert "write it so" not in fit("dotted.csv", "--decimal", ",")
    assert scores("dotted.csv").equals(wanted)
    assert scores("plain.csv").equals(wanted)


def test_the_order_of_dates_can_be_said(table: pd.DataFrame) -> None:
    american = table.assign(day=table["day"].dt.strftime("%m/%d/%Y"))
    american.to_csv("american.csv", index=False)
    fit("plain.csv")
    wanted = scores("plain.csv")
    said = fit("american.csv", "--dates", "monthfirst")
    assert "dates with the month first" in said
    assert "No date shows the order" not in said
    assert scores("american.csv").equals(wanted)
    assert "'dayfirst', 'monthfirst'" in invoke("fit", "plain.csv", *FIT, "--dates", "us")[2]


@pytest.mark.parametrize("folder", [False, True])
def test_labels_are_read_alike_when_asked_for(table: pd.DataFrame, *, folder: bool) -> None:
    spoilt = table.copy()
    yes = spoilt.index[spoilt["y"] == "yes"]
    spoilt.loc[yes[:5], "y"] = " YES"
    Path("t").mkdir()
    spoilt.to_csv("t.csv", index=False)
    spoilt.to_parquet("t/a.parquet")
    file = "t" if folder else "t.csv"
    said = fit(file)
    assert "' YES' (5 rows)" in said
    assert "differ by blanks or case only" in said
    assert "Give --labels trim,lower if they are one." in said
    assert "differ" not in fit(file, "--labels", "trim,lower", "--positive", "Yes")
    model = gbimb.load("m.gbimb")
    assert (model.classes_.tolist(), model.pos_label_) == (["no", "yes"], "yes")
    code, out, said = invoke("evaluate", "m.gbimb", "t.csv", "--target", "y", "--json")
    assert code == 0, said
    assert '"rows": 300' in out


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1252", "was read as Windows-1252 (Western European), such as 'Köln'"),
        ("utf-16", ""),
        ("utf-8-sig", ""),
    ],
)
def test_other_encodings_are_found_and_a_guess_is_said(
    encoding: str, said: str, table: pd.DataFrame
) -> None:
    fit("plain.csv")
    wanted = scores("plain.csv")
    table.to_csv("t.csv", index=False, encoding=encoding)
    notes = fit("t.csv")
    assert said in notes
    assert ("give --encoding" in notes) == bool(said)
    assert scores("t.csv").equals(wanted)


def test_the_encoding_can_be_said(table: pd.DataFrame) -> None:
    table.replace("Köln", "Москва").to_csv("t.csv", index=False, encoding="cp1251")
    assert "was read as Windows-1252" in fit("t.csv")
    assert "Windows" not in fit("t.csv", "--encoding", "cp1251")
    kinds = {c.name: c.categories for c in gbimb.load("m.gbimb").model_.schema.encoder.columns}
    assert "Москва" in kinds["city"]
    code, _, said = invoke("fit", "t.csv", *FIT, "--encoding", "latin-99")
    assert (code, "--encoding must be the name of a text encoding" in said) == (2, True)
    code, _, said = invoke("fit", "t.csv", *FIT, "--encoding", "ascii")
    assert (code, "'t.csv' is not ASCII text. Give --encoding" in said) == (2, True)


def test_damaged_utf_8_is_not_taken_for_another_encoding(table: pd.DataFrame) -> None:
    text = table.to_csv(index=False).encode()
    at = text.rindex("ö".encode())
    Path("t.csv").write_bytes(text[:at] + text[at + 1 :])
    code, _, said = invoke("fit", "t.csv", *FIT)
    assert (code, "is UTF-8 text in which some bytes are damaged" in said) == (2, True)


def test_tabs_are_read_and_written_and_workbooks_refused(table: pd.DataFrame) -> None:
    table.to_csv("t.tsv", index=False, sep="\t")
    fit("plain.csv")
    wanted = scores("plain.csv")
    assert scores("t.tsv").equals(wanted)
    assert invoke("predict", "m.gbimb", "t.tsv", "--out", "s.tsv")[0] == 0
    assert pd.read_csv("s.tsv", sep="\t").equals(wanted)
    Path("t.xlsx").write_bytes(b"PK")
    code, _, said = invoke("fit", "t.xlsx", *FIT)
    assert (code, "Save the sheet as CSV UTF-8" in said) == (2, True)
