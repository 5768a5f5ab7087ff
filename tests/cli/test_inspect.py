"""What ``gbimb inspect`` prints of a file that somebody else wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.cli._inspect import _in_words
from gbimb.cli._notes import weights_in_words
from gbimb.decisions.rules import Costs
from gbimb.estimators.inspection import as_json, decision_rule

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = "\x1b[2J"


def test_control_characters_of_a_model_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"score{CLEAR}": rng.normal(size=300), "two\nlines": rng.normal(size=300)})
    y = np.where(X.iloc[:, 0] > 1, f"yes{CLEAR}", "no")
    clf = gbimb.ImbalancedXGBClassifier(n_estimators=5, learning_rate=0.3, random_state=0)
    clf.fit(X, y)
    clf.model_ = replace(clf.model_, validation=f"somewhere{CLEAR}")
    clf.save(tmp_path / "m.gbimb")
    out = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.gbimb")]).stdout
    assert out.replace("\n", "").isprintable()
    for words in (r"score\x1b[2J", r"two\nlines", r"yes\x1b[2J", r"somewhere\x1b[2J"):
        assert words in out


def test_the_words_of_an_automatic_choice_keep_their_lines() -> None:
    facts: dict[str, Any] = {
        "model": "AutoImbalancedClassifier",
        "bytes": 1024,
        "classes": ["no", "yes"],
        "choice": f"Focal loss{CLEAR}.\nIt won.",
        "columns": [],
        "next": "gbimb",
    }
    assert "\nFocal loss\\x1b[2J.\nIt won.\n" in _in_words(facts)


def test_parameters_are_values_of_json(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(300, 2))
    clf = gbimb.ImbalancedXGBClassifier(
        n_estimators=5,
        learning_rate=np.float32(0.25),
        cv=None,
        loss=gbimb.FocalLoss(gamma=1.5),
        eval_metric=("mcc", "f1"),
    )
    clf.fit(X, X[:, 0] > 1).save(tmp_path / "m.gbimb")
    out = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.gbimb"), "--json"]).stdout
    found = json.loads(out)["parameters"]
    wanted = {
        "n_estimators": 5,
        "learning_rate": 0.25,
        "cv": None,
        "eval_metric": ["mcc", "f1"],
        "loss": repr(clf.loss),
        "calibration": clf.calibration,
    }
    assert {name: found[name] for name in wanted} == wanted


def test_values_that_json_has_not_are_spelled() -> None:
    values = [np.nan, -np.inf, np.bool_(True), {1: [np.int64(2)]}, range(3), np.longdouble(1)]
    spelled = ["nan", "-inf", True, {"1": [2]}, "range(0, 3)", repr(np.longdouble(1))]
    assert as_json(values) == spelled


def test_many_classes_are_told_apart_by_their_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    X["y"] = np.select([X["x"] > 1, X["z"] > 1], ["high", "odd"], "none")
    X.to_csv(tmp_path / "t.csv", index=False)
    model = str(tmp_path / "m.gbimb")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--out", model, "--validation", "2"]
    said = CliRunner().invoke(app, [*fit, "--jobs", "1"]).stdout
    weights = gbimb.load(model).class_weights_.tolist()
    words = "the label whose probability times its weight is highest: " + ", ".join(
        f"{weight:.4g} for {label!r}"
        for label, weight in zip(["high", "none", "odd"], weights, strict=True)
    )
    assert f"\nThe prediction is {words}.\n" in said
    assert f"\nDecision: {words}\n" in CliRunner().invoke(app, ["inspect", model]).stdout
    out = CliRunner().invoke(app, ["inspect", model, "--json"]).stdout
    assert json.loads(out)["class_weights"] == dict(
        zip(["high", "none", "odd"], weights, strict=True)
    )


def test_of_many_weights_ten_are_shown_and_none_where_costs_decide() -> None:
    words = weights_in_words({str(i): 1.0 for i in range(13)})
    assert words.endswith("1 for '9' and 3 more (--json shows all)")
    model = SimpleNamespace(model_=SimpleNamespace(rule=Costs(np.ones((3, 3)))))
    assert decision_rule(model) == {}
