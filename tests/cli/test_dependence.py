"""``--group`` and ``--time`` of the commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.benchmark.plan import split_dependent
from gbimb.cli import app
from gbimb.exceptions import InvalidDataError
from gbimb.tables.dependence import Dependence

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A CSV file with customers and dates as texts."""
    rng = np.random.default_rng(0)
    n = 900
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    table["y"] = np.where(table["a"] + rng.normal(size=n) > 1.6, "yes", "no")
    table["customer"] = [f"k{i}" for i in rng.integers(0, 150, n)]
    days = pd.date_range("2024-01-01", periods=n, freq="5h")
    table["when"] = days.strftime("%d.%m.%Y %H:%M")
    table.sample(frac=1.0, random_state=1).to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def call(*arguments: object) -> Any:
    """Run a command."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize(
    ("option", "column", "other", "words"),
    [
        ("--group", "customer", "when", "by groups (150 groups, none on both sides"),
        ("--time", "when", "customer", "the newest 270 of 900 rows, in 3 blocks"),
    ],
)
def test_fit_holds_out_by_a_column_that_it_does_not_learn_from(
    rows: Path, option: str, column: str, other: str, words: str
) -> None:
    out = rows.parent / "model.gbimb"
    done = call("fit", rows, "--target", "y", "--out", out, option, column, "--drop", other, "-q")
    assert done.exit_code == 0, done.output
    model = gbimb.load(out)
    assert words in model.validation_
    assert list(model.feature_names_in_) == ["a", "b", "c"]


def test_wrong_columns_are_refused(rows: Path) -> None:
    fit = ("fit", rows, "--target", "y", "--out", rows.parent / "model.gbimb")
    for arguments, words in (
        (("--group", "kustomer"), "--group must be one of"),
        (("--time", "customer"), "--time must hold numbers or dates"),
        (("--group", "y"), "--target must not be among --weight, --group"),
        (
            ("--group", "customer", "--time", "when"),
            "--group and --time must not be given together",
        ),
    ):
        failed = call(*fit, *arguments)
        assert failed.exit_code == 2
        assert words in " ".join(failed.stderr.split())
    failed = call("benchmark", "--group", "customer")
    assert failed.exit_code == 2
    assert "--group goes with --data FILE" in failed.stderr


@pytest.mark.parametrize(("option", "column"), [("--group", "customer"), ("--time", "when")])
def test_benchmark_compares_on_new_groups_or_later_rows(
    rows: Path, option: str, column: str
) -> None:
    out = rows.parent / "results"
    done = call(
        "benchmark", "--data", rows, "--target", "y", option, column, "--folds", 2, "--engines",
        "lightgbm", "--methods", "weighted-logloss,focal", "--out", out, "--jobs", 1, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert any("methods that take" in note for note in results["notes"])


def test_folds_of_a_benchmark_share_no_group_and_look_ahead_in_time() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.3).astype(int)
    groups = np.arange(600) // 5
    seen = []
    for fold in range(3):
        train, test = split_dependent(Dependence(groups=groups), y, 3, fold, 0)
        assert not set(groups[train]) & set(groups[test])
        seen.append(test)
    assert sorted(np.concatenate(seen)) == list(range(600))
    time = rng.permutation(600)
    for fold in range(5):
        train, test = split_dependent(Dependence(time=time), y, 5, fold, 0)
        assert time[train].max() < time[test].min()
        assert test.size == 60
        assert train.size == 300 + 60 * fold
    with pytest.raises(InvalidDataError, match="group must allow 5 folds"):
        split_dependent(Dependence(groups=groups % 3), y, 5, 0, 0)
    with pytest.raises(InvalidDataError, match="time must allow 5 later blocks"):
        split_dependent(Dependence(time=y.astype(np.intp)), y, 5, 0, 0)
