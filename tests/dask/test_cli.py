"""``gbimb fit --dask``: the same command, trained on a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from tests.dask.tables import frame

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("file", ["--engine", "xgboost"], "DaskImbalancedXGBClassifier"),
        ("folder", [], "DaskImbalancedClassifier"),
        ("file", ["--cost", "fp=5,fn=amount"], "DaskImbalancedClassifier"),
    ],
)
def test_a_model_is_fitted_on_a_cluster_and_saved(
    client: Client, tmp_path: Path, kind: str, options: list[str], name: str
) -> None:
    X, y = frame(1200)
    X["amount"] = np.exp(X["b"])
    (tmp_path / "folder").mkdir()
    data = tmp_path / "folder" / "data.parquet"
    X.assign(y=y).to_parquet(data)
    arguments = ["fit", str(data if kind == "file" else data.parent), "--target", "y"]
    out = tmp_path / "model.gbimb"
    address = client.scheduler.address
    arguments += ["--out", str(out), *options, "--dask", address]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    said = f"{name} was trained to predict 'fine' or 'fraud' on 1,200 rows"
    assert said in result.stdout
    assert gbimb.load(out).predict_proba(X).shape == (1200, 2)


@pytest.mark.slow
def test_workers_on_this_machine_leave_the_output_to_the_command(tmp_path: Path) -> None:
    X, y = frame(600)
    X.assign(y=y).to_parquet(tmp_path / "data.parquet")
    command = ["fit", "data.parquet", "--target", "y", "--out", "m", "--dask", "local", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "gbimb", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["rows"] == 600
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--dask", "tcp://127.0.0.1:1"], "The Dask scheduler must answer at its address"),
        (["--dask", "local", "--loss", "auto"], "--dask goes with --estimator blend or booster"),
        (["--dask", "nonsense"], "The Dask scheduler must answer at its address"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], sentence: str
) -> None:
    monkeypatch.setattr("gbimb.dask.connect.CONNECT_SECONDS", 2)
    X, y = frame(200)
    X.assign(y=y).to_parquet(tmp_path / "data.parquet")
    arguments = ["fit", str(tmp_path / "data.parquet"), "--target", "y"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "m"), *options])
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / "m").exists()
