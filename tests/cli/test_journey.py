"""From a file to a model, and from a model and a file to scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def table(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """60 positives in 1,000: text labels, dates, an identifier, mixed types, missing values."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    positive = np.zeros(n, bool)
    positive[np.argsort(score + rng.normal(size=n))[-n * 6 // 100 :]] = True
    return pd.DataFrame(
        {
            "customer": [f"{i:05d}" for i in range(n)],
            "score": np.where(rng.random(n) < 0.1, np.nan, score),
            "tariff": rng.choice(["basic", "plus", "[bold]"], n),
            "joined": rng.choice(["2021-01-03", "2022-07-09", "2023-12-31"], n),
            "mixed": [str(i) if i % 3 else "n/a?" for i in rng.integers(0, 9, n)],
            "importance": rng.integers(1, 4, n),
            "churned": np.where(positive, "yes", "no"),
        }
    )


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table().to_csv("train.csv", index=False)
    table(300, seed=1).to_csv("new.csv", index=False)


FIT = ["fit", "train.csv", "--target", "churned", "--out", "m.gbimb", "--id", "customer"]
QUICK = [*FIT, "--jobs", "1", "--validation", "2"]


def test_a_model_is_fitted_saved_and_told_of() -> None:
    code, out, err = invoke(*QUICK)
    assert code == 0
    assert "was trained to predict 'no' or 'yes' on 1,000 rows and 5 columns" in out
    assert "'yes' is predicted where its probability is at least" in out
    assert "Column 'joined': dates, taken as days since 1970-01-01." in err
    clf = gbimb.load("m.gbimb")
    assert list(clf.feature_names_in_) == ["score", "tariff", "joined", "mixed", "importance"]


def test_scores_are_those_of_the_model_in_the_order_of_the_rows() -> None:
    invoke(*QUICK)
    code, out, _ = invoke("predict", "m.gbimb", "new.csv", "--out", "s.csv", "--id", "customer")
    scores = pd.read_csv("s.csv", dtype={"customer": str})
    n = (scores["label"] == "yes").sum()
    first = f"300 rows written to s.csv; {n:,} are predicted 'yes'."
    assert (code, out.splitlines()[0]) == (0, first)
    new = table(300, seed=1)
    assert scores["customer"].tolist() == new["customer"].tolist()
    new["joined"] = (pd.to_datetime(new["joined"]) - pd.Timestamp("1970-01-01")).dt.days
    clf = gbimb.load("m.gbimb")
    wanted = clf.predict_proba(new[list(clf.feature_names_in_)])[:, 1]
    np.testing.assert_allclose(scores["probability"], wanted)
    assert scores["label"].tolist() == clf.predict(new[list(clf.feature_names_in_)]).tolist()


def test_csv_and_parquet_give_the_same_scores() -> None:
    invoke(*QUICK)
    table(300, seed=1).to_parquet("new.parquet")
    for kind in ("csv", "parquet"):
        code, _, _ = invoke("predict", "m.gbimb", f"new.{kind}", "--out", f"s.{kind}", "--quiet")
        assert code == 0
    one, other = pd.read_csv("s.csv"), pd.read_parquet("s.parquet")
    np.testing.assert_allclose(one["probability"], other["probability"])


def test_many_classes_have_a_column_each() -> None:
    frame = table()
    frame["churned"] = np.where(frame["importance"] == 1, "maybe", frame["churned"])
    frame.to_csv("train.csv", index=False)
    assert invoke(*QUICK)[0] == 0
    invoke("predict", "m.gbimb", "new.csv", "--out", "s.csv")
    scores = pd.read_csv("s.csv")
    assert list(scores) == ["probability_maybe", "probability_no", "probability_yes", "label"]
    np.testing.assert_allclose(scores.iloc[:, :3].sum(axis=1), 1.0)


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_weights_losses_and_the_positive_label(engine: str) -> None:
    options = ["--weight", "importance", "--loss", "logistic", "--engine", engine]
    assert invoke(*QUICK, *options, "--positive", "no", "--metric", "f1")[0] == 0
    clf = gbimb.load("m.gbimb")
    assert clf.pos_label_ == "no"
    assert clf.loss_ == gbimb.LogisticLoss()
    assert "importance" not in clf.feature_names_in_


def test_the_automatic_choice_is_explained() -> None:
    code, out, _ = invoke(*FIT, "--loss", "auto", "--time-budget", "1", "--jobs", "1")
    assert code == 0
    assert "Decision rule: chosen for mcc." in out
    assert "Chosen" in out


def parquet_folder(name: str) -> None:
    from pathlib import Path

    Path(name).mkdir()
    frame = table().drop(columns="joined")
    frame[:500].to_parquet(f"{name}/a.parquet")
    frame[500:].to_parquet(f"{name}/b.parquet")


def test_the_automatic_choice_reads_a_folder_of_parquet_files_whole() -> None:
    parquet_folder("folder")
    code, out, err = invoke(
        "fit", "folder", "--target", "churned", "--out", "m.gbimb", "--id", "customer",
        "--loss", "auto", "--time-budget", "1", "--jobs", "1",
    )  # fmt: skip
    assert code == 0, err
    assert "Chosen" in out


def test_a_folder_of_parquet_files_is_streamed() -> None:
    parquet_folder("folder")
    code, out, _ = invoke(
        "fit", "folder", "--target", "churned", "--out", "m.gbimb", "--id", "customer"
    )
    assert code == 0
    assert "on 1,000 rows and 4 columns" in out
    assert invoke("predict", "m.gbimb", "folder", "--out", "s.parquet")[0] == 0
    assert len(pd.read_parquet("s.parquet")) == 1000


def test_json_is_one_object() -> None:
    _, out, _ = invoke(*QUICK, "--json", "--quiet")
    facts = json.loads(out)
    assert facts["rows"] == 1000
    assert 0 < facts["threshold"] < 1
    _, out, _ = invoke("predict", "m.gbimb", "new.csv", "--out", "s.csv", "--json")
    found = json.loads(out)
    assert (found["out"], found["rows"]) == ("s.csv", 300)
    _, out, _ = invoke("inspect", "m.gbimb", "--json")
    assert json.loads(out)["positive"] == "yes"


def test_inspect_says_what_is_in_the_file() -> None:
    invoke(*QUICK)
    code, out, _ = invoke("inspect", "m.gbimb")
    assert code == 0
    for words in ("Classes: 'no', 'yes'", "tariff (category of 3)", "FocalLoss", "2-fold"):
        assert words in out


def test_the_same_seed_gives_the_same_file() -> None:
    from pathlib import Path

    invoke(*QUICK)
    first = Path("m.gbimb").read_bytes()
    invoke(*QUICK)
    assert Path("m.gbimb").read_bytes() == first


WRONG = [
    (["fit", "nix.csv", "--target", "t", "--out", "m"], "does not exist"),
    (["fit", "train.csv", "--target", "churnd", "--out", "m"], "Did you mean 'churned'?"),
    ([*FIT, "--loss", "fokal"], "Did you mean 'focal'?"),
    ([*FIT, "--engine", "xgbost"], "Did you mean 'xgboost'?"),
    ([*FIT, "--engine", "auto"], "goes with --estimator auto"),
    ([*FIT, "--metric", "mmc"], "--metric must be one of"),
    ([*FIT, "--metric", "mmc"], "Did you mean 'mcc'?"),
    ([*FIT, "--seed", "-1"], "--seed must be a whole number"),
    ([*FIT, "--jobs", "0"], "--jobs must be a whole number other than 0, got 0."),
    ([*FIT, "--jobs", "5000"], "Leave --jobs out."),
    ([*FIT, "--loss", "auto", "--time-budget", "-1"], "--time-budget must be a number"),
    ([*FIT, "--validation", "1"], "be auto, holdout or a number of folds >= 2, got '1'."),
    (
        [*FIT, "--validation", "900"],
        "got 60 of the second. Use fewer folds, or more rows of that class.",
    ),
    ([*FIT, "--weight", "score"], "weights >= 0 in every row, got"),
    ([*FIT, "--time-budget", "5"], "--time-budget goes with --estimator auto"),
    ([*FIT, "--loss", "auto", "--validation", "3"], "goes with --estimator booster"),
    ([*FIT, "--validation", "half"], "auto, holdout or a number of folds"),
    ([*FIT, "--weight", "wieght"], "--weight must be one of"),
    ([*FIT, "--weight", "tariff"], "must hold numbers >= 0"),
    ([*FIT, "--drop", "churned"], "--target must not be among"),
    ([*FIT, "--positive", "Yes!"], "--positive must be one of"),
    (["fit", "train.csv", "--target", "churned", "--out", "no/m.gbimb"], "folder that exists"),
    (["fit", "train.csv", "--target", "customer", "--out", "m"], "at most 100 labels"),
    (["predict", "train.csv", "new.csv", "--out", "s.csv"], "gbimb fit has written, got the table"),
    (["predict", "nix.gbimb", "new.csv", "--out", "s.csv"], "does not exist"),
    (["inspect", "nix.gbimb"], "does not exist"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_input_is_a_sentence_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    code, out, err = invoke(*arguments)
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["new.csv", "--out", "s.txt"], "ends in"),
        (["new.csv", "--out", "new.csv"], "must not be a file that is read"),
        (["new.csv", "--out", "s.csv", "--id", "custmer"], "Did you mean 'customer'?"),
        (["new.csv", "--out", "s.csv", "--id", "label"], "--id must not"),
        (["new.csv", "--out", "s.csv", "--jobs", "0"], "--jobs must be"),
        (
            ["lacking.csv", "--out", "s.csv"],
            "must have the 5 columns that the model was trained",
        ),
        (["lacking.csv", "--out", "s.csv"], "got none named 'tariff'. Is 'tarif' that column"),
        (["shifted.csv", "--out", "s.csv"], "must have a name for each column"),
        (["text.csv", "--out", "s.csv"], "'score' held numbers"),
    ],
)
def test_wrong_rows_are_a_sentence_and_write_nothing(
    options: list[str], message: str, tmp_path: Path
) -> None:
    invoke(*QUICK)
    new = table(300, seed=1)
    new.rename(columns={"tariff": "tarif"}).to_csv("lacking.csv", index=False)
    header, *rows = new.to_csv(index=False).splitlines()
    (tmp_path / "shifted.csv").write_text("\n".join([header, *(f"{row}," for row in rows)]))
    new.assign(score="high").to_csv("text.csv", index=False)
    before = sorted(tmp_path.iterdir())
    code, _, err = invoke("predict", "m.gbimb", *options)
    assert code == 2
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "t_numbers.csv", "--target", "churned", "--out", "t_numbers.csv"],
        ["fit", "folder", "--target", "churned", "--out", "folder/part.parquet"],
        ["predict", "m.gbimb", "folder", "--out", "folder/part.parquet"],
        ["predict", "m.gbimb", "new.csv", "--out", "linked.csv"],
        ["predict", "model.csv", "new.csv", "--out", "model.csv"],
        ["evaluate", "m.gbimb", "t_numbers.csv", "--target", "churned", "--report", "t.html"],
        ["benchmark", "--data", "records.csv", "--target", "churned", "--out", "."],
        ["benchmark", "--data", "t_numbers.csv", "--target", "churned", "--report", "t.html"],
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_a_file_that_is_read_is_never_written(arguments: list[str], tmp_path: Path) -> None:
    invoke(*QUICK)
    rows = table(200, seed=1)
    for name in ("t_numbers.csv", "records.csv"):
        rows.to_csv(name, index=False)
    (tmp_path / "folder").mkdir()
    rows.to_parquet("folder/part.parquet")
    (tmp_path / "model.csv").write_bytes((tmp_path / "m.gbimb").read_bytes())
    (tmp_path / "linked.csv").hardlink_to(tmp_path / "new.csv")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    code, _, err = invoke(*arguments)
    assert (code, "must not be a file that is read" in err) == (2, True), err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("command", ["fit", "predict", "inspect", "benchmark"])
def test_help_has_examples_and_exit_codes(command: str) -> None:
    code, out, _ = invoke(command, "--help")
    assert code == 0
    assert f"gbimb {command} " in out
    assert "Exit codes:" in out


def test_an_interrupt_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gbimb.ImbalancedLGBMClassifier, "fit", interrupt)
    code, _, err = invoke(*QUICK)
    assert code == 130
    assert "interrupted; nothing was written" in err
    assert not (tmp_path / "m.gbimb").exists()
