"""``gbimb evaluate`` and the reports of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gbimb
from gbimb.tables.files.columns import prepare_columns
from tests.cli.test_journey import FIT, invoke, table

EVALUATE = ["evaluate", "m.gbimb", "new.csv", "--target", "churned"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    X, *_ = prepare_columns(table().drop(columns=["customer", "churned"]))
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, cv=2, random_state=0, n_jobs=1)
    path = tmp_path_factory.mktemp("model") / "m.gbimb"
    clf.fit(X, table()["churned"].to_numpy(object)).save(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.gbimb").write_bytes(model)
    table().to_csv("train.csv", index=False)
    table(300, seed=1).to_csv("new.csv", index=False)


def test_the_verdict_comes_first_then_scores_and_checks() -> None:
    code, out, _ = invoke(*EVALUATE)
    assert code == 0
    lines = out.splitlines()
    assert "'yes' rows" in lines[0]
    assert lines[2].startswith("In training MCC was")
    assert lines[4].split()[0] == "MCC"
    assert "GBI001 warning: Only 18 rows of 'yes'" in out
    assert not list(Path().glob("*.html"))


def test_a_report_is_written_with_its_numbers_and_the_data_left_alone() -> None:
    data = Path("new.csv").read_bytes()
    code, out, _ = invoke(
        *EVALUATE, "--id", "customer", "--cost", "fn=9,fp=1", "--report", "new.html"
    )
    assert code == 0
    assert "Written: new.html, new_numbers.json, new_numbers.csv." in out
    assert Path("new.csv").read_bytes() == data
    facts = json.loads(Path("new_numbers.json").read_text(encoding="utf-8"))
    assert facts["command"] == (
        "gbimb evaluate m.gbimb new.csv --target churned --cost fn=9,fp=1 --id customer"
    )
    assert facts["mistakes"]["positives"]["columns"][:2] == ["row", "customer"]
    assert "<pre>gbimb evaluate m.gbimb" in Path("new.html").read_text(encoding="utf-8")


def test_json_is_one_object_without_the_long_lists() -> None:
    code, out, _ = invoke(*EVALUATE, "--json", "--weight", "importance", "--train", "train.csv")
    assert code == 0
    facts = json.loads(out)
    assert facts["rows"] == 300
    assert facts["weighted"]
    assert {check["code"] for check in facts["checks"]} == {f"GBI00{i}" for i in range(1, 10)}
    assert "curve" not in facts


def test_costs_are_printed_and_the_verdict_speaks_of_them() -> None:
    code, out, _ = invoke(*EVALUATE, "--cost", "fp=5,fn=100")
    assert code == 0
    assert "Cost of a row: fp 5, fn 100. On average a row costs" in out
    assert out.startswith("A row costs ")
    _, out, _ = invoke(*EVALUATE, "--cost", "fp=5,fn=100", "--json")
    cost = json.loads(out)["cost"]
    assert f"On average a row costs {cost['chosen']:.3g}" in cost["note"]
    assert "Costs" not in invoke(*EVALUATE)[1]


WRONG = [
    (["evaluate", "m.gbimb", "new.csv", "--target", "churnd"], "Did you mean 'churned'?"),
    (["evaluate", "m.gbimb", "nix.csv", "--target", "churned"], "does not exist"),
    (["evaluate", "nix.gbimb", "new.csv", "--target", "churned"], "does not exist"),
    (["evaluate", "m.gbimb", "new.csv", "--target", "tariff"], "A label in column 'tariff'"),
    ([*EVALUATE, "--weight", "wieght"], "--weight must be one of"),
    ([*EVALUATE, "--id", "custmer"], "Did you mean 'customer'?"),
    ([*EVALUATE, "--cost", "px=1"], "--cost must be one of"),
    ([*EVALUATE, "--report", "report.txt"], "ends in .html"),
    ([*EVALUATE, "--report", "no/report.html"], "folder that exists"),
    ([*EVALUATE, "--train", "nix.csv"], "--train must name a file"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_input_is_a_sentence_and_writes_nothing(arguments: list[str], message: str) -> None:
    before = sorted(Path().iterdir())
    code, out, err = invoke(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("command", ["evaluate", "benchmark"])
def test_help_names_the_report_and_exit_codes(command: str) -> None:
    _, out, _ = invoke(command, "--help")
    for words in ("--report", "--json", "Exit codes:", f"gbimb {command} "):
        assert words in out


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    code, _, err = invoke("evaluat")
    assert code == 2
    assert "Did you mean 'evaluate'?" in err


def test_a_benchmark_can_be_a_report_and_json() -> None:
    table(200).drop(columns=["customer", "mixed"]).to_csv("small.csv", index=False)
    quick = ["--methods", "logloss,weighted-logloss", "--engines", "lightgbm", "--folds", "2"]
    data = ["--data", "small.csv", "--target", "churned", "--jobs", "1"]
    code, out, err = invoke("benchmark", *data, *quick, "--json", "--report", "b.html")
    assert code == 0
    assert json.loads(out)["seed"] == 0
    assert "Written: b.html, b_numbers.json, b_numbers.csv" in err
    page = Path("b.html").read_text(encoding="utf-8")
    assert "--folds 2 --seed 0" in page
    assert "Leaderboard" in page


def test_a_model_can_be_fitted_on_a_folder_of_csv() -> None:
    Path("parts").mkdir()
    table()[:400].to_csv("parts/a.csv", index=False)
    table()[400:].to_csv("parts/b.csv.gz", index=False)
    options = ["--jobs", "1", "--validation", "2"]
    code, out, err = invoke("fit", "parts", *FIT[2:], *options)
    assert code == 0
    assert "on 1,000 rows and 5 columns" in out
    assert "dates, taken as days" in err
    whole, parts = Path("w.gbimb"), Path("m.gbimb").read_bytes()
    invoke("fit", "train.csv", *FIT[2:4], "--out", str(whole), *FIT[6:], *options)
    assert whole.read_bytes() == parts


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip", "zst"])
def test_compressed_files_are_read(ending: str) -> None:
    path = f"packed.csv.{ending}"
    if ending == "zst":
        with pa.output_stream(path, compression="zstd") as stream:
            stream.write(Path("new.csv").read_bytes())
    else:
        table(300, seed=1).to_csv(path, index=False)
    assert invoke("predict", "m.gbimb", path, "--out", "packed_scores.csv")[0] == 0
    invoke("predict", "m.gbimb", "new.csv", "--out", "scores.csv")
    packed, plain = pd.read_csv("packed_scores.csv"), pd.read_csv("scores.csv")
    np.testing.assert_array_equal(packed, plain)


def test_a_folder_that_cannot_be_one_table_gets_a_sentence() -> None:
    Path("parts").mkdir()
    fit = ["fit", "parts", *FIT[2:]]
    assert "holds no CSV or Parquet file" in invoke(*fit)[2]
    table()[:400].to_csv("parts/a.csv", index=False)
    table()[400:].drop(columns="mixed").to_csv("parts/b.csv", index=False)
    assert "only one of 'a.csv' and 'b.csv' has 'mixed'" in invoke(*fit)[2]
    table().to_parquet("parts/c.parquet")
    assert "CSV or Parquet files, got both" in invoke(*fit)[2]


def test_dates_in_a_streamed_folder_are_days_as_in_a_file() -> None:
    Path("parts").mkdir()
    frame = table()
    frame["joined"] = pd.to_datetime(frame["joined"])
    frame.to_parquet("one.parquet")
    frame[:500].to_parquet("parts/a.parquet")
    frame[500:].to_parquet("parts/b.parquet")
    for data, out in (("one.parquet", "one.gbimb"), ("parts", "parts.gbimb")):
        code, _, err = invoke(
            "fit", data, *FIT[2:4], "--out", out, "--id", "customer", "--loss", "focal"
        )
        assert code == 0
        assert "Column 'joined': dates, taken as days since 1970-01-01." in err
        assert invoke("predict", out, "new.csv", "--out", f"{out}.csv")[0] == 0
    one, parts = (pd.read_csv(f"{name}.gbimb.csv") for name in ("one", "parts"))
    np.testing.assert_allclose(one["probability"], parts["probability"])


def test_what_a_streamed_folder_cannot_hold_is_said_with_what_to_do() -> None:
    Path("parts").mkdir()
    table().assign(basket=[[1]] * 1000).to_parquet("parts/a.parquet")
    code, _, err = invoke("fit", "parts", *FIT[2:])
    assert code == 2
    assert "'basket' (list" in err
    assert "--drop" in err
    table().to_parquet("parts/a.parquet")
    code, _, err = invoke("fit", "parts", "--target", "customer", "--out", "m2.gbimb")
    assert code == 2
    assert "at most 100 labels, got 1,000" in err


def test_uneven_weights_can_be_evaluated() -> None:
    weight = np.random.default_rng(0).random(300)
    table(300, seed=1).assign(w=weight).to_csv("new.csv", index=False)
    assert invoke(*EVALUATE, "--weight", "w")[0] == 0
