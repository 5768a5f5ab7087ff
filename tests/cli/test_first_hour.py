"""From a table to a decision: answers at once, and each command names the next one."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.cli.fitting.estimators import make_model


def invoke(command: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, shlex.split(command))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def out_of(command: str) -> str:
    code, out, err = invoke(command)
    assert code == 0, err
    return out


@pytest.fixture(autouse=True)
def _table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    y = np.where(x + rng.normal(size=600) > 2, "yes", "no")
    pd.DataFrame({"x": x, "z": rng.normal(size=600), "y": y}).to_csv("t.csv", index=False)


def fit(*options: str) -> str:
    words = "fit t.csv --target y --out m.gbimb --jobs 1 --loss logistic --validation 2"
    code, out, err = invoke(" ".join([words, *options]))
    assert code == 0, err
    return out


AT_ONCE = [
    ("fit nix.csv --target y --out m.gbimb", "DATA must name a file, got 'nix.csv', which does"),
    ("fit tt.csv --target y --out m.gbimb", "Did you mean 't.csv'?"),
    ("fit t.csv --target yy --out m.gbimb", "--target must be one of ['x', 'y', 'z'], got 'yy'"),
    ("fit t.csv --target y --out other.gbimb", "exists and is something else"),
    ("predict t.csv m.gbimb --out s.csv", "Write gbimb predict m.gbimb t.csv."),
    ("predict t.csv t.csv --out s.csv", "MODEL must name a file that gbimb fit has written"),
    ("predict m.gbimb nix.csv --out s.csv", "DATA must name a file"),
    ("predict m.gbimb t.csv --out x.csv", "exists and is something else"),
    ("evaluate t.csv m.gbimb --target y", "Write gbimb evaluate m.gbimb t.csv."),
    ("evaluate m.gbimb t.csv --target yy", "got 'yy'. Did you mean 'y'?"),
    ("evaluate m.gbimb t.csv", "--target must name the column with the label"),
    ("inspect t.csv", "MODEL must name a file that gbimb fit has written"),
    ("inspect nix.gbimb", "which does not exist"),
    ("inspect m.gbimb", "'m.gbimb' cannot be loaded: The file is truncated"),
    ("evaluate m.gbimb m.gbimb", "MODEL must name different files"),
    ("evaluate m.gbimb --report no/r.html", "--report must name a file in a folder that exists"),
    ("fit t.csv --target y --out n.gbimb --cost fp=5", "--cost must make a wrong prediction cost"),
    ("predict m.gbimb t.csv --out s.csv --threshold 2", "--threshold must be a number in [0, 1]"),
    ("predict m.gbimb t.csv --out s.txt", "--out must name a file that ends in .csv"),
    ("predict m.gbimb t.csv --out s.csv --id nix", "--id must be one of ['x', 'y', 'z']"),
    ("monitor m.gbimb t.csv --target yy", "Did you mean 'y'?"),
    ("monitor m.gbimb t.csv --report r.txt", "--report must name a file that ends in .html"),
    ("export m.gbimb --onnx x.csv", "exists and is something else"),
]


@pytest.mark.parametrize(("command", "message"), AT_ONCE)
def test_paths_and_columns_are_answered_before_anything_heavy_is_imported(
    command: str, message: str
) -> None:
    Path("m.gbimb").write_bytes(b"PK\x03\x04")  # as a model begins; nothing reads on
    Path("other.gbimb").write_text("notes")
    Path("x.csv").write_text("x\n1\n")
    heavy = "scipy.stats", "sklearn", "numba", "lightgbm", "xgboost", "matplotlib"
    code = (
        "import sys; from gbimb.cli import main\n"
        f"sys.argv[1:] = {shlex.split(command)!r}\n"
        "try:\n    main()\nfinally:\n"
        f"    print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert (run.returncode, run.stdout) == (2, "[]\n"), run.stderr
    assert message in run.stderr


def test_what_a_command_wrote_before_is_replaced_and_said() -> None:
    fit()
    Path("s.csv").write_text("label,probability\nno,0.1\n")
    code, _, err = invoke("predict m.gbimb t.csv --out s.csv")
    assert (code, "Note: 's.csv' exists and is replaced." in err) == (0, True)
    assert len(pd.read_csv("s.csv")) == 600


def test_a_table_of_the_user_is_replaced_only_when_asked_for() -> None:
    fit()
    Path("x.csv").write_text("x\n1\n")
    assert invoke("predict m.gbimb t.csv --out x.csv")[0] == 2
    assert Path("x.csv").read_text() == "x\n1\n"
    assert invoke("predict m.gbimb t.csv --out x.csv --overwrite")[0] == 0


def test_costs_give_the_threshold_that_costs_least_on_average() -> None:
    fit("--cost fp=5,fn=95")
    assert gbimb.load("m.gbimb").threshold_ == pytest.approx(0.05)
    # A right flag that gains 5 makes a miss cost 100 more than it.
    fit("--cost fp=5,fn=95,tp=-5,tn=0")
    assert gbimb.load("m.gbimb").threshold_ == pytest.approx(5 / 105)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--cost fp=5,fn=95 --threshold 0.3", "--cost gives the threshold, got --threshold 0.3"),
        ("--cost fp=5", "--cost must make a wrong prediction cost more"),
        ("--cost fp=5,fn=nowhere", "--cost must be one of"),
        ("--cost fp=5,fm=1", "--cost must be one of"),
        ("--estimator blend --loss focal", "--loss goes with --estimator booster or bagging"),
        ("--estimator bagging --validation 3", "--validation goes with --estimator booster"),
        ("--estimator boster", "Did you mean 'booster'?"),
        ("--estimator bagging --loss auto", "--loss auto goes with --estimator auto"),
    ],
)
def test_options_that_contradict_each_other_are_a_sentence(options: str, message: str) -> None:
    code, _, err = invoke(f"fit t.csv --target y --out m.gbimb {options}")
    assert (code, message in err) == (2, True), err
    assert not Path("m.gbimb").exists()


def test_predict_flags_from_a_given_threshold_on() -> None:
    fit()
    assert invoke("predict m.gbimb t.csv --out s.csv --threshold 0.125")[0] == 0
    scores = pd.read_csv("s.csv")
    assert (scores["label"] == np.where(scores["probability"] >= 0.125, "yes", "no")).all()
    code, _, err = invoke("predict m.gbimb t.csv --out s.csv --threshold 2")
    assert (code, "threshold" in err) == (2, True)


def test_bags_are_fitted_with_the_positive_label_and_the_engine_asked_for() -> None:
    words = "--estimator bagging --engine xgboost --positive no"
    code, out, err = invoke(f"fit t.csv --target y --out m.gbimb --jobs 1 {words}")
    assert code == 0, err
    model = gbimb.load("m.gbimb")
    assert (type(model).__name__, model.pos_label_) == ("UnderBaggingClassifier", "no")
    assert isinstance(model.estimators_[0], gbimb.ImbalancedXGBClassifier)
    assert "MCC at the best threshold" in out


def test_a_large_table_on_a_cluster_can_be_bagged() -> None:
    pytest.importorskip("distributed")
    given = {"time_budget": None, "validation": "auto", "dask": "local"}
    model = make_model("bagging", None, None, "mcc", **given)
    assert type(model).__name__ == "DaskUnderBaggingClassifier"


def test_fit_and_predict_name_the_next_command() -> None:
    assert fit().splitlines()[-1] == "Next: gbimb evaluate m.gbimb --report m.html"
    _, out, _ = invoke("predict m.gbimb t.csv --out s.csv")
    assert out.splitlines()[-1].endswith(": gbimb monitor m.gbimb t.csv")


def test_a_rule_that_chose_the_threshold_is_named() -> None:
    words = 'fit t.csv --target y --out m.gbimb --jobs 1 --threshold "recall >= 0.8"'
    code, out, err = invoke(words)
    assert code == 0, err
    assert "Decision rule: chosen for recall >= 0.8." in out
    assert "Compared by mcc on held-out rows" in out


def test_evaluate_without_a_table_is_of_the_rows_that_fit_held_out() -> None:
    fit()
    code, out, err = invoke("evaluate m.gbimb --report m.html")
    assert code == 0, err
    assert "held out in training" in out
    assert "Written: m.html" in out
    assert out.splitlines()[-1].startswith("Next: gbimb predict m.gbimb NEW.csv --out scores.csv")


def test_several_models_are_compared_with_a_baseline() -> None:
    fit()
    invoke("fit t.csv --target y --out n.gbimb --jobs 1 --loss focal --validation 2 --seed 1")
    code, out, err = invoke("evaluate n.gbimb t.csv --target y --baseline m.gbimb")
    assert code == 0, err
    assert "'n.gbimb' is" in out
    assert "than 'm.gbimb': the difference in MCC is" in out
    assert invoke("evaluate n.gbimb m.gbimb t.csv --target y")[1] == out
    code, _, err = invoke("evaluate n.gbimb m.gbimb")
    assert (code, "against needs data" in err) == (2, True)


def test_a_better_threshold_of_the_report_is_in_the_next_command() -> None:
    fit("--threshold 0.9")
    _, out, _ = invoke("evaluate m.gbimb t.csv --target y")
    next_one = out.splitlines()[-1]
    code, _, err = invoke(next_one.removeprefix("Next: gbimb ").replace("NEW.csv", "t.csv"))
    assert code == 0, err
    scores = pd.read_csv("scores.csv")
    threshold = float(next_one.split()[-1])
    assert threshold < 0.9
    assert ((scores["probability"] >= threshold) == (scores["label"] == "yes")).all()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fit t.csv --target y --out n.gbimb --metric mccc", "--metric must be one of"),
        ("fit t.csv --target y --out n.gbimb --loss focl", "Did you mean 'focal'?"),
        ("fit t.csv --target y --out n.gbimb --threshold ff1", "Did you mean 'f1'?"),
        ("benchmark --data nix.csv --target y", "--data must name a file"),
        ("benchmark --data t.csv", "--data needs --target COLUMN"),
        ("benchmark --methods focl", "Did you mean 'focal'?"),
        ("benchmark --report r.txt", "--report must name a file that ends in .html"),
    ],
)
def test_names_are_checked_before_tables_are_read(
    command: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gbimb.tables.files.read.read_file", refuse)
    code, _, err = invoke(command)
    assert (code, message in err) == (2, True), err


def test_what_is_refused_as_a_metric_is_not_offered() -> None:
    err = invoke("fit t.csv --target y --out n.gbimb --metric mccc")[2]
    assert "'balanced_accuracy'" in err
    assert "'recall'" not in err


def test_inspect_reads_the_summary_and_loads_no_engine() -> None:
    fit()
    code = (
        "import sys; from gbimb.cli import main\n"
        "sys.argv[1:] = ['inspect', 'm.gbimb']\n"
        "try:\n    main()\nfinally:\n"
        "    print([n for n in ('sklearn', 'numba', 'lightgbm', 'pandas') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.endswith("\nNext: gbimb evaluate m.gbimb --report m.html\n[]\n")
    assert "Columns: 2, the most important first" in run.stdout


@pytest.mark.parametrize("command", ["predict m.gbimb t.csv --out s.csv", "monitor m.gbimb t.csv"])
def test_what_only_predicts_waits_for_nothing_of_training_or_reports(command: str) -> None:
    fit()
    left_out = "numba", "matplotlib", "gbimb.training", "gbimb.benchmark", "gbimb.plots._base"
    code = (
        "import sys; from gbimb.cli import main\n"
        f"sys.argv[1:] = {shlex.split(command)!r}\n"
        f"try:\n    main()\nfinally:\n    print([n for n in {left_out} if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.endswith("\n[]\n")


def test_every_command_names_the_next_one() -> None:
    fit()
    said = out_of("predict m.gbimb t.csv --out s.csv")
    counts = pd.read_csv("s.csv")["label"].value_counts()
    assert f"600 rows written to s.csv; {counts['yes']:,} are predicted 'yes'." in said
    assert "Next, to see whether the rows are like those of training: gbimb monitor" in said
    same = out_of("monitor m.gbimb t.csv")
    assert "\nNext: gbimb predict m.gbimb t.csv --out scores.csv\n" in same
    table = pd.read_csv("t.csv")
    table.assign(x=table["x"] + 9.0).to_csv("moved.csv", index=False)
    assert "\nNext, to train again with newer rows: gbimb fit NEWER.csv --target" in out_of(
        "monitor m.gbimb moved.csv"
    )


def test_new_rows_are_monitored_as_the_training_file_was_read() -> None:
    table = pd.read_csv("t.csv")
    table.assign(y=table["y"].str.upper()).to_csv("t.csv", index=False)
    fit("--labels", "lower")
    assert invoke("monitor m.gbimb t.csv --target y")[0] == 0
    table.rename(columns={"z": "größe"}).to_csv("de.csv", index=False, encoding="cp1250")
    out_of("fit de.csv --target y --out d.gbimb --encoding cp1250 --estimator booster")
    assert invoke("monitor d.gbimb de.csv --encoding cp1250")[0] == 0
