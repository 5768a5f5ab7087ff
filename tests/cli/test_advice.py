"""What sentences advise can be done on the command line."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.cli._notes import AS_OPTIONS, as_options

FIT = ["--target", "y", "--out", "m.gbimb", "--validation", "2", "--jobs", "1"]
PYTHON = ("features", "X_val", "list of files", "dates=", "ParquetSource", "numpy", "sample_weight")


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = np.where(x + rng.normal(size=200) > 1.5, "yes", "no")
    return pd.DataFrame({"x": x, "z": x, "w": 1.0, "t": pd.Timestamp("2021-01-01"), "y": y})


def folder(*parts: pd.DataFrame) -> str:
    Path("d").mkdir()
    for i, part in enumerate(parts):
        part.to_parquet(f"d/{i}.parquet", index=False)
    return "d"


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 2, result.stderr
    return result.stderr.splitlines()[-1].removeprefix("gbimb: ")


def sentences_of(table: pd.DataFrame) -> dict[str, str]:
    """Return sentences by the advice or the option that each has."""
    path = folder(table)
    one = table.assign(y="no")
    one.to_csv("one.csv", index=False)
    table.assign(w=0).to_csv("zero.csv", index=False)
    lists = table.assign(z=[[1]] * len(table))
    Path("lists").mkdir()
    lists.to_parquet("lists/a.parquet")
    Path("differ").mkdir()
    table.to_parquet("differ/a.parquet")
    table.drop(columns="z").to_parquet("differ/b.parquet")
    Path("hive/year=2021").mkdir(parents=True)
    table.to_parquet("hive/year=2021/a.parquet")
    dropped = [option for name in "xzwt" for option in ("--drop", name)]
    return {
        "Leave them out with --drop.": refusal("fit", "lists", *FIT),
        "Write them all with the same columns.": refusal("fit", "differ", *FIT),
        "Move the files out of such folders": refusal("fit", "hive", *FIT),
        "--target must have two classes": refusal("fit", "one.csv", *FIT),
        "--weight must not be all zero": refusal("fit", "zero.csv", *FIT, "--weight", "w"),
        "The weight 't' must be a column of numbers, got timestamp": refusal(
            "fit", path, *FIT, "--weight", "t"
        ),
        "--weight must be one of": refusal("fit", path, *FIT, "--weight", "nope"),
        "--target must be one of": refusal("fit", path, "--target", "nope", "--out", "m.gbimb"),
        "must name different columns": refusal("fit", path, *FIT, "--weight", "y"),
        "has no column left to train on. Drop fewer columns.": refusal("fit", path, *FIT, *dropped),
        "a whole number from 0 to 2**32 - 1, got -3.": refusal("fit", path, *FIT, "--seed", "-3"),
        "--validation must be auto or holdout with --dask": refusal(
            "fit", path, *FIT, "--dask", "local"
        ),
    }


def test_each_can_be_done(table: pd.DataFrame) -> None:
    for words, sentence in sentences_of(table).items():
        assert words in sentence
        assert not [word for word in PYTHON if word in sentence], sentence


def test_each_sentence_that_is_put_otherwise_is_still_said() -> None:
    said = []
    for path in Path(gbimb.__file__).parent.rglob("*.py"):
        if path.name == "_notes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                said.append("".join(v.value for v in node.values if isinstance(v, ast.Constant)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.append(node.value)
    for words in AS_OPTIONS:
        assert any(words in text for text in said), words


def test_words_are_replaced_within_a_sentence() -> None:
    text = as_options("5 folds need 5 rows. Use fewer folds, cv=None, or X_val and y_val.")
    assert text == "5 folds need 5 rows. Use fewer folds, or more rows of that class."


@pytest.mark.parametrize("more", [(), ("--loss", "auto"), ("--engine", "xgboost")], ids=str)
@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("recall", "--metric must tell models apart, but the best recall over all thresholds is 1"),
        ("precision", "--metric must tell models apart, but the best precision"),
        ("specificity", "--metric must tell models apart, but the best specificity"),
        ("aucpr", "Did you mean 'average_precision'?"),
        ("mcc@2", "--metric: threshold must be a number in [0, 1], got 2.0."),
        ("fbeta:nan", "--metric: beta must be a number in (0, inf), got nan."),
        ("recall at precision >= 1.5", "--metric: precision must be a number in (0, 1], got 1.5."),
    ],
)
def test_a_metric_is_refused_in_the_words_of_the_command_line(
    metric: str, said: str, more: tuple[str, ...], table: pd.DataFrame
) -> None:
    table.to_csv("t.csv", index=False)
    options = ["--target", "y", "--out", "m.gbimb", "--jobs", "1", "--metric", metric, *more]
    sentence = refusal("fit", "t.csv", *options)
    assert said in sentence
    assert "eval_metric" not in sentence
    assert not Path("m.gbimb").exists()
