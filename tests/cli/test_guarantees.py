"""``gbimb fit --threshold RULE --confidence C``, and what tells of it afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, list(map(str, words)))
    return found.exit_code, found.stdout, found.stderr


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(900, 3)), columns=list("abc"))
    X["y"] = (rng.random(900) < expit(-3 + 2 * X["a"] + 2 * X["b"])).astype(int)
    X.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_a_promise_is_fitted_printed_inspected_and_reported(table: Path, tmp_path: Path) -> None:
    model, report = tmp_path / "m.gbimb", tmp_path / "r.html"
    rule = ("--threshold", "recall >= 0.6", "--confidence", 0.95, "--validation", 2)
    code, out, _ = run("fit", table, "--target", "y", "--out", model, "-q", "--jobs", 1, *rule)
    assert code == 0
    sentence = str(gbimb.load(model).guarantee_)
    assert sentence in out
    assert f"Promise: {sentence}" in run("inspect", model)[1]
    facts = json.loads(run("inspect", model, "--json")[1])
    assert facts["guarantee"]["rule"] == "recall >= 0.6"
    assert facts["guarantee"]["met"] is True
    assert run("evaluate", model, table, "--target", "y", "-q", "--report", report)[0] == 0
    assert sentence.replace(">=", "&gt;=") in report.read_text()


def test_what_cannot_be_met_is_said_and_written(table: Path, tmp_path: Path) -> None:
    rule = ("--threshold", "precision >= 0.99", "--confidence", 0.95, "--validation", 2)
    code, out, err = run(
        "fit", table, "--target", "y", "--out", tmp_path / "m.gbimb", "--jobs", 1, *rule
    )
    assert code == 0
    assert "precision >= 0.99 cannot be promised with 95 % confidence on 900 rows" in out + err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--confidence", 0.9), "--confidence needs a rule"),
        (("--threshold", "recall >= 0.8", "--confidence", 2), "--confidence must be"),
        (("--threshold", "recall >= 8"), "--threshold: recall must be a number in (0, 1]"),
        (("--threshold", "2"), "--threshold must be"),
        (("--threshold", "nothing"), "--threshold"),
    ],
)
def test_wrong_rules_name_their_option(
    table: Path, tmp_path: Path, options: tuple[object, ...], says: str
) -> None:
    code, _, err = run("fit", table, "--target", "y", "--out", tmp_path / "m.gbimb", *options)
    assert code == 2
    assert says in err.replace("\n", " ")
