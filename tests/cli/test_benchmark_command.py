from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb import datasets
from gbimb.benchmark import METHODS
from gbimb.benchmark.methods import DEFAULT_METHODS
from gbimb.cli import app

QUICK = ["--methods", "logloss,weighted-logloss", "--engines", "lightgbm", "--folds", "2"]


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, so that nothing can be written unseen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def churn(tmp_path: Path, rng: np.random.Generator) -> Path:
    """600 rows with 40 positives, text labels, missing values, categories, dates, odd names."""
    score = rng.normal(size=600)
    positive = np.zeros(600, bool)
    positive[np.argsort(score + rng.normal(size=600))[-40:]] = True
    frame = pd.DataFrame(
        {
            "[red]score[/red]": np.where(rng.random(600) < 0.1, np.nan, score),
            "naïve, {tariff}": rng.choice(["a", "b", "[bold]c"], 600),
            "joined": pd.to_datetime("2024-01-01")
            + pd.to_timedelta(rng.integers(500, size=600), "D"),
            "empty": np.nan,
            "churned": np.where(positive, "[red]gone", "ici"),
        }
    )
    frame.loc[::7, "naïve, {tariff}"] = None
    path = tmp_path / "churn.csv"
    frame.to_csv(path, index=False)
    return path


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["benchmark", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gbimb", "benchmark", *arguments]


def environment() -> dict[str, str]:
    """So that a child process finds the gbimb that is tested."""
    package = Path(gbimb.__file__).parent.parent
    return {**os.environ, "PYTHONPATH": str(package), "PYTHONIOENCODING": "utf-8"}


def test_own_data_from_file_to_verdict(churn: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(churn), "--target", "churned", "--folds", "3", "--jobs", "1"]
    code, stdout, stderr = invoke(*arguments, "--out", "results")
    assert code == 0
    assert "churn: 600 rows, 4 columns, 40 positives ('[red]gone', 6.7 %)" in stdout
    for expected in ("weighted log loss", "ImbalancedClassifier: ", "LightGBM: ", "XGBoost: "):
        assert expected in stdout
    assert "Column 'joined': dates, taken as days since 1970-01-01." in stderr
    with (tmp_path / "results/records.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    once = sum(m.chooses_engines for m in DEFAULT_METHODS)
    assert len(records) == (2 * len(DEFAULT_METHODS) - once) * 3
    assert {record["positives"] for record in records} == {"40"}
    assert all(-1 <= float(record["mcc"]) <= 1 for record in records)
    stored = json.loads((tmp_path / "results/results.json").read_text(encoding="utf-8"))
    assert stored["command"] == (
        "gbimb benchmark --data churn.csv --target churned --folds 3 --seed 0"
    )
    assert str(tmp_path) not in json.dumps(stored)


def test_a_process_of_its_own_says_the_same_on_two_workers(churn: Path) -> None:
    arguments = ["--data", str(churn), "--target", "churned", *QUICK, "--jobs", "2"]
    done = subprocess.run(
        command(*arguments), capture_output=True, env=environment(), check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    code, stdout, _ = invoke(*arguments)  # from the results just written
    assert code == 0
    assert done.stdout == stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_quick_runs_one_fold_of_three_methods_and_ends_with_the_command_that_trains(
    churn: Path,
) -> None:
    own = ["--data", str(churn), "--target", "churned", "--engines", "lightgbm", "--jobs", "1"]
    report = ["--report", "quick.html"]
    code, stdout, stderr = invoke(*own, "--quick", "--missing", "a b", *report)
    assert code == 0
    page = Path("quick.html").read_text(encoding="utf-8")
    assert "1 fold " in page
    assert not any(words in page for words in ("+nan", "±0.000", "±nan"))
    assert "3 fits, 1 at a time: about " in stderr
    assert "churn: highest MCC " in stderr
    with Path("gbimb-benchmark/records.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert {r["method"] for r in records} == {"weighted-logloss", "focal", "portfolio"}
    assert len(records) == 3
    assert "nan" not in stdout.lower()
    assert "One fold cannot show how sure that is" in stdout
    scores = {r["method"]: float(r["mcc"]) for r in records if r["method"] != "weighted-logloss"}
    options = {"portfolio": "", "focal": "--loss focal --engine lightgbm "}
    assert stdout.rstrip().endswith(
        f"gbimb fit {churn} --target churned --out churn.gbimb "
        f"{options[max(scores, key=lambda m: scores[m])]}--missing 'a b'"
    )
    assert "Leave one out" in invoke(*own, "--quick", "--folds", "3")[2]


def test_quiet_prints_results_only(churn: Path) -> None:
    arguments = ["--data", str(churn), "--target", "churned", *QUICK, "--jobs", "1"]
    loud = invoke(*arguments)
    quiet = invoke(*arguments, "--quiet")
    assert quiet[:2] == loud[:2]
    assert "Written to gbimb-benchmark" in loud[2]
    assert not quiet[2]


def test_the_positive_class_can_be_chosen(churn: Path) -> None:
    code, stdout, stderr = invoke(
        "--data", str(churn), "--target", "churned", "--positive", "ici", *QUICK, "--jobs", "1"
    )
    assert code == 0
    assert "560 positives ('ici', 93.3 %)" in stdout
    assert "Note: The positive class 'ici' is the more frequent one." in stderr


def test_an_index_is_not_learnt_from_and_a_note_says_so(churn: Path) -> None:
    customers = pd.Index(np.roll(np.arange(600), 7), name="customer")
    pd.read_csv(churn).set_index(customers).to_parquet("churn.parquet")
    own = ["--data", "churn.parquet", "--target", "churned", *QUICK, "--jobs", "1"]
    code, stdout, stderr = invoke(*own)
    assert code == 0
    assert "churn: 600 rows, 4 columns" in stdout
    assert "Note: Column 'customer' is the index of the table and is not trained on." in stderr
    assert "is the index" not in invoke(*own, "--drop", "customer")[2]


def test_built_in_tables_by_name() -> None:
    code, stdout, _ = invoke("--tables", "yeast_me2", *QUICK, "--jobs", "1", "--out", "here")
    assert code == 0
    assert "yeast_me2: 1,484 rows, 8 columns, 51 positives" in stdout


def test_many_classes_from_file_to_verdict(tmp_path: Path, rng: np.random.Generator) -> None:
    labels = np.repeat(["often", "[red]rare", "now and then", "once"], [100, 15, 40, 1])
    frame = pd.DataFrame({"x": np.arange(156) + 20 * rng.normal(size=156), "t": labels})
    frame.to_csv(tmp_path / "f.csv", index=False)
    arguments = ["--data", "f.csv", "--target", "t", *QUICK, "--jobs", "1"]
    code, stdout, stderr = invoke(*arguments)
    assert code == 0
    assert "4 classes from 100 rows ('often', 64.1 %) to 1 row ('once', 0.6 %)" in stdout
    assert "classes with fewer rows than the 2 folds: 'once' (1)" in stderr
    assert "least populated" not in stderr
    code, stdout, stderr = invoke(*arguments, "--positive", "[red]rare")
    assert code == 0
    assert "15 positives ('[red]rare', 9.6 %)" in stdout
    assert "The positive class '[red]rare' is predicted against 3 others together." in stderr


FEW = "x,t\n" + "".join(f"{i},{'yes' if i < 2 else 'no'}\n" for i in range(40))
OWN = ["--data", "f.csv", "--target", "t"]
WRONG = [
    (["--data", "nowhere.csv", "--target", "t"], "'nowhere.csv', which does not exist"),
    (["--data", "f.csv"], "--data needs --target COLUMN"),
    (["--data", "f.csv", "--target", "tt"], "--target must be one of ['t', 'x'], got 'tt'."),
    ([*OWN, "--positive", "ye"], "Did you mean 'yes'?"),
    ([*OWN, "--drop", "z"], "--drop must be one of"),
    (OWN, "got 2 positives (positive class 'yes') for 5 folds. Use --folds 2."),
    ([*OWN, "--folds", "1"], "--folds must be an integer in [2, inf], got 1."),
    ([*OWN, "--seed", "-1"], "--seed must be"),
    ([*OWN, "--folds", "2", "--jobs", "0"], "--jobs must be a whole number other than 0, got 0."),
    ([*OWN, "--folds", "2", "--out", "f.csv"], "--out must name a folder"),
    ([*OWN, "--folds", "2", "--out", "f.csv/deeper"], "'f.csv' is a file"),
    ([*OWN, "--tables", "yeast_me2"], "either --data or --tables"),
    (["--methods", "fokal"], "'fokal'. Did you mean 'focal'?"),
    (["--methods", ","], "--methods must name at least one of"),
    (["--engines", "lightbgm"], "Did you mean 'lightgbm'?"),
    (["--tables", "yeast"], "Did you mean 'yeast_me2'?"),
    (["--target", "t"], "--target goes with --data FILE"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG, ids=lambda v: " ".join(v)[:60])
def test_wrong_input_gets_one_sentence_and_writes_nothing(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "f.csv").write_text(FEW, encoding="utf-8")
    code, stdout, stderr = invoke(*arguments)
    assert code == 2
    assert not stdout
    assert sentence in stderr
    assert stderr.startswith("gbimb: ")
    assert stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x,t\n1,yes\n2,yes\n", "must hold two labels or more, got only one: 'yes' (2)"),
        (
            "x,t\n1,a\n2,b\n3,c\n",
            "got 1 in the second most frequent class for 5 folds. Add rows",
        ),
        ("x,t\n1,a\n2,\n3,b\n", "got 1 missing in 3 rows"),
        ("x,t\n", "holds no rows"),
        ("", "cannot be read as CSV"),
        ("x,t\n1,[/red]\n2,[/red]\n", "got only one: '[/red]' (2)"),
    ],
)
def test_a_wrong_table_gets_one_sentence_and_writes_nothing(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    code, stdout, stderr = invoke(*OWN)
    assert code == 2
    assert not stdout
    assert sentence in stderr
    assert stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


def test_a_wrong_option_has_exit_code_2() -> None:
    assert invoke("--folds", "many")[0] == 2
    assert invoke("--no-such-option")[0] == 2


def test_help_has_examples_methods_and_exit_codes() -> None:
    code, stdout, _ = invoke("--help")
    assert code == 0
    names = datasets.names("multiclass")
    tables = (".csv.gz (or .bz2, .xz, .zip, .zst)", "folder")
    for expected in ("gbimb benchmark --data churn.csv --target", *METHODS, "130", *names, *tables):
        assert expected in stdout


def test_the_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"gbimb {gbimb.__version__}\n"


@pytest.mark.parametrize("arguments", [["predict", "--help"], ["inspect", "--help"]])
def test_the_command_line_loads_no_engine_until_it_is_used(arguments: list[str]) -> None:
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['gbimb', *{arguments}]\n"
        "from gbimb.cli import main\n"
        "main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=True
    )
    loaded = set(json.loads(result.stderr))
    assert not loaded & {"lightgbm", "numba", "pandas", "sklearn", "xgboost"}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_goes_on(tmp_path: Path, sign: signal.Signals) -> None:
    arguments = ["--tables", "yeast_me2", "--engines", "lightgbm", "--folds", "4", "--jobs", "2"]
    arguments += ["--methods", "logloss,weighted-logloss,logloss-tuned,focal,focal-weighted"]
    fits = 4 * 5
    process = subprocess.Popen(
        command(*arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    cells = tmp_path / "gbimb-benchmark/cells"
    for _ in range(1200):
        if len(list(cells.glob("*.json"))) >= 3 or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(sign)
    _, stderr = process.communicate(timeout=60)
    kept = {path: path.stat().st_mtime_ns for path in cells.glob("*.json")}
    assert 3 <= len(kept) < fits
    assert not (tmp_path / "gbimb-benchmark/results.json").exists()
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert f"\ngbimb: Interrupted: {len(kept)} of {fits} fits are done and kept." in stderr
    code, _, _ = invoke(*arguments, "--jobs", "1")
    assert code == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(cells.glob("*.json"))) == fits
