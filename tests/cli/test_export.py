"""``gbimb export``: an ONNX file from a model file."""

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

onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed, which runs ONNX files"
)
pytest.importorskip("onnx", reason="onnx is not installed, which writes ONNX files")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "shop": rng.choice(["north", "south"], 300)})
    clf = gbimb.ImbalancedXGBClassifier(n_estimators=5, learning_rate=0.3, random_state=0)
    clf.fit(X, np.where(X["a"] > 1, "left", "stays")).save(tmp_path / "m.gbimb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_file_becomes_an_onnx_file(folder: Path) -> None:
    result = CliRunner().invoke(app, ["export", "m.gbimb", "--onnx", "m.onnx", "--columns"])
    assert result.exit_code == 0, result.output
    assert "ImbalancedXGBClassifier was written to m.onnx" in result.stdout
    session = onnxruntime.InferenceSession(folder / "m.onnx")
    rows = {"a": np.array([3.0, -3.0]), "shop": np.array(["north", "south"], object)}
    label, proba, _ = session.run(None, rows)
    assert label.tolist() == ["left", "stays"]
    assert proba.shape == (2, 2)


def test_what_was_written_is_said_as_json(folder: Path) -> None:
    result = CliRunner().invoke(app, ["export", "m.gbimb", "--onnx", "m.onnx", "--json"])
    facts = json.loads(result.stdout)
    assert facts["inputs"] == 1
    assert facts["bytes"] == (folder / "m.onnx").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "none.gbimb", "--onnx", "m.onnx"], "does not exist"),
        (["export", "m.gbimb", "--onnx", "m.gbimb"], "must not be a file that is read"),
        (
            ["export", "m.gbimb", "--onnx", "none/m.onnx"],
            "must name a file in a folder that exists",
        ),
        (["export", "m.gbimb"], "--onnx"),
    ],
)
def test_wrong_input_is_refused(folder: Path, arguments: list[str], words: str) -> None:
    before = (folder / "m.gbimb").read_bytes()
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert (folder / "m.gbimb").read_bytes() == before
    assert [each.name for each in folder.iterdir()] == ["m.gbimb"]


def test_help_has_examples_and_exit_codes() -> None:
    result = CliRunner().invoke(app, ["export", "--help"])
    assert "gbimb export churn.gbimb --onnx churn.onnx" in result.stdout
    assert "Exit codes:" in result.stdout
