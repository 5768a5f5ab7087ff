"""Costs of each row on the command line, and rows of another prevalence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.metrics import cost_saved, mean_cost, savings_score

if TYPE_CHECKING:
    from pathlib import Path


def rows(n: int, share: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    frame = pd.DataFrame(rng.normal(size=(n, 3)) + 1.2 * y[:, None], columns=["a", "b", "c"])
    return frame.assign(amount=np.exp(rng.uniform(0, 5, n)).round(2), label=y.astype(int))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("costs")
    train = rows(2000, 0.05, 0)
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=10, random_state=0, n_jobs=1)
    clf.fit(train[["a", "b", "c"]], train["label"]).save(path / "m.gbimb")
    rows(1500, 0.3, 1).to_csv(path / "new.csv", index=False)
    return path


def run(folder: Path, *options: str) -> Any:
    names = [str(folder / name) for name in ("m.gbimb", "new.csv")]
    out = ["--out", str(folder / "scores.csv"), "--json"]
    return CliRunner().invoke(app, ["predict", *names, *out, *options])


def test_costs_of_columns_decide_as_in_python(folder: Path) -> None:
    result = run(folder, "--cost", "fp=5,fn=amount")
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(folder / "new.csv")
    clf = gbimb.load(folder / "m.gbimb")
    wanted = clf.predict(frame[["a", "b", "c"]], cost_fp=5, cost_fn=frame["amount"])
    assert (pd.read_csv(folder / "scores.csv")["label"] == wanted).all()


def test_evaluate_says_what_columns_of_costs_make_of_the_model(folder: Path) -> None:
    names = [str(folder / name) for name in ("m.gbimb", "new.csv")]
    options = ["--target", "label", "--cost", "fp=5,fn=amount"]
    result = CliRunner().invoke(app, ["evaluate", *names, *options, "--json"])
    assert result.exit_code == 0, result.output
    cost = json.loads(result.stdout)["cost"]
    frame = pd.read_csv(folder / "new.csv")
    clf = gbimb.load(folder / "m.gbimb")
    y, X, amount = frame["label"], frame[["a", "b", "c"]], frame["amount"]
    decisions = {"chosen": clf.predict(X), "by_row": clf.predict(X, cost_fp=5, cost_fn=amount)}
    chosen, by_row = (mean_cost(y, flagged, 5, amount) for flagged in decisions.values())
    assert cost["chosen"] == pytest.approx(chosen)
    assert cost["by_row"]["cost"] == pytest.approx(by_row)
    assert cost["savings"] == pytest.approx(savings_score(y, decisions["chosen"], 5, amount))
    assert cost["value"] == pytest.approx(cost_saved(y, decisions["chosen"], 5, amount))
    assert "fn column 'amount'" in cost["note"]


def fit(folder: Path, *options: str) -> Any:
    rows(600, 0.2, 2).to_csv(folder / "train.csv", index=False)
    files = [str(folder / "train.csv"), "--target", "label", "--out", str(folder / "blend.gbimb")]
    return CliRunner().invoke(app, ["fit", *files, "--jobs", "1", *options])


def test_fit_serves_columns_of_costs_as_in_python(folder: Path) -> None:
    result = fit(folder, "--cost", "fp=5,fn=amount", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    frame = pd.read_csv(folder / "train.csv")
    clf = gbimb.ImbalancedClassifier("cost", random_state=0, n_jobs=1)
    clf.fit(frame.drop(columns="label"), frame["label"], cost_fp=5, cost_fn=frame["amount"])
    assert facts["metric"] == "cost"
    assert facts["threshold"] == pytest.approx(clf.threshold_)
    assert facts["score"] == pytest.approx(clf.best_score_)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--metric", "cost"), "--metric cost needs --cost"),
        (("--cost", "fp=1,fn=amount", "--loss", "focal"), "goes with --estimator blend or auto"),
        (("--cost", "fp=1,fn=amount", "--metric", "f1"), "is served instead of a metric"),
        (("--cost", "fp=1,fn=amount,tp=1"), "--cost must be one of"),
        (("--cost", "fp=1,fn=sum"), "--cost must be one of"),
        (("--cost", "fp=-1,fn=amount"), "--cost must be >= 0"),
    ],
)
def test_costs_that_cannot_be_served_get_a_sentence(
    folder: Path, options: tuple[str, ...], words: str
) -> None:
    result = fit(folder, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_adapt_says_the_prevalence_and_writes_its_probabilities(folder: Path) -> None:
    result = run(folder, "--adapt")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    frame = pd.read_csv(folder / "new.csv")
    copy = gbimb.load(folder / "m.gbimb").adapt(frame[["a", "b", "c"]])
    assert facts["prevalence"] == pytest.approx(copy.prevalence_)
    assert facts["low"] < facts["prevalence"] < facts["high"]
    scores = pd.read_csv(folder / "scores.csv")
    wanted = copy.predict_proba(frame[["a", "b", "c"]])[:, 1]
    np.testing.assert_allclose(scores["probability"], wanted, atol=1e-6)


def test_a_given_prevalence_is_adapted_to(folder: Path) -> None:
    assert json.loads(run(folder, "--prevalence", "0.3").stdout)["prevalence"] == 0.3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cost", "fp=5"), "--cost must be of the form"),
        (("--cost", "fq=5,fn=1"), "--cost must be one of"),
        (("--cost", "fp=5,fn=sum"), "sum"),
        (("--cost", "fp=-5,fn=amount"), "must be >= 0"),
        (("--adapt", "--prevalence", "0.1"), "either --adapt or --prevalence"),
        (("--prevalence", "1.5"), "prevalence must be a number in"),
    ],
)
def test_wrong_options_get_a_sentence(folder: Path, options: tuple[str, ...], words: str) -> None:
    result = run(folder, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
