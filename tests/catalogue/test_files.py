"""The catalogue of bad input: sources and the command line."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from tests.catalogue.case import Case, check_refused, rows

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = gbimb.ParquetSource


def table() -> pd.DataFrame:
    """A small table with labels, weights and words."""
    X, y = rows()
    frame = pd.DataFrame(X, columns=list("abcd"))
    return frame.assign(word=np.where(X[:, 1] > 0, "up", "down"), w=1.0, fraud=y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many kinds, most of them broken."""
    folder = tmp_path_factory.mktemp("files")
    good = table()
    good.to_parquet(folder / "good.parquet")
    good.to_csv(folder / "good.csv", index=False)
    data = (folder / "good.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(data[: len(data) // 2])
    (folder / "text.parquet").write_text("a,b\n1,2\n")
    (folder / "empty.parquet").write_bytes(b"")
    good.iloc[:0].to_parquet(folder / "no_rows.parquet")
    good.assign(day=pd.Timestamp("2024-01-01")).to_parquet(folder / "dates.parquet")
    good.assign(fraud=good["fraud"].where(good.index > 0)).to_parquet(folder / "gaps.parquet")
    good.assign(fraud=0).to_parquet(folder / "one_class.parquet")
    good.assign(w=-1.0).to_parquet(folder / "negative.parquet")
    good.assign(a=np.inf).to_parquet(folder / "infinite.parquet")
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("a,fraud\n")
    (folder / "ragged.csv").write_text("a,fraud\n1,0\n2,1,7,8\n")
    (folder / "twice.csv").write_bytes(b"a,fraud,a\n1,0,2\n2,1,3\n3,0,1\n4,1,2\n")
    (folder / "latin.csv").write_bytes(b"gr\x81\x8d,fraud\n1,0\n2,1\n")
    (folder / "utf16.csv").write_bytes("a,fraud\n1,0\n2,1\n".encode("utf-16-le"))
    (folder / "zeros.csv").write_bytes(bytes(2000))
    (folder / "quote.csv").write_text('a,fraud\n"1,0\n2,1\n')
    (folder / "fake.csv.gz").write_text("a,fraud\n1,0\n")
    good.assign(fraud=good["a"]).to_csv(folder / "measures.csv", index=False)
    good.assign(fraud=0).to_csv(folder / "one_class.csv", index=False)
    good.assign(fraud=good["fraud"].where(good.index > 0)).to_csv(folder / "gaps.csv", index=False)
    good[["fraud"]].to_csv(folder / "only_target.csv", index=False)
    good.to_csv(folder / "table.txt", index=False)
    good.drop(columns="b").to_csv(folder / "lacks.csv", index=False)
    good.assign(a="high").to_csv(folder / "words.csv", index=False)
    (folder / "no_model.gbimb").write_bytes(b"PK not a model")
    (folder / "empty").mkdir()
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=3, cv=None, n_jobs=1)
    clf.fit(good.drop(columns=["w", "fraud"]), good["fraud"]).save(folder / "good.gbimb")
    data = (folder / "good.gbimb").read_bytes()
    (folder / "cut.gbimb").write_bytes(data[: len(data) // 2])
    return folder


def fit(source: Any) -> None:
    """Train on a source."""
    gbimb.ImbalancedLGBMClassifier(n_estimators=2, n_jobs=1).fit(source)


@pytest.mark.parametrize(
    ("file", "argument", "got", "options"),
    [
        ("none.parquet", "paths", "none.parquet", {"target": "fraud"}),
        ("empty", "directory", "no files", {"target": "fraud"}),
        ("cut.parquet", "cut.parquet", "Parquet", {"target": "fraud"}),
        ("text.parquet", "text.parquet", "Parquet", {"target": "fraud"}),
        ("empty.parquet", "empty.parquet", "Parquet", {"target": "fraud"}),
        ("no_rows.parquet", "row", "0 rows", {"target": "fraud"}),
        ("good.parquet", "target", "'frawd'", {"target": "frawd"}),
        ("good.parquet", "features", "'e'", {"target": "fraud", "features": ["a", "e"]}),
        ("good.parquet", "features", "'abc'", {"target": "fraud", "features": "abc"}),
        ("good.parquet", "features", "'a'", {"target": "fraud", "features": ["a", "a"]}),
        ("good.parquet", "weight", "'v'", {"target": "fraud", "weight": "v"}),
        ("good.parquet", "target", "'fraud'", {"target": "fraud", "weight": "fraud"}),
        ("good.parquet", "max_memory", "'much'", {"target": "fraud", "max_memory": "much"}),
        ("good.parquet", "max_memory", "-1", {"target": "fraud", "max_memory": -1}),
        ("good.parquet", "max_memory", "nan", {"target": "fraud", "max_memory": float("nan")}),
        ("good.parquet", "max_memory", "300.1 MB", {"target": "fraud", "max_memory": "1MB"}),
        ("good.parquet", "target", "source", {}),
        ("good.parquet", "continuous", "continuous", {"target": "a"}),
        ("dates.parquet", "'day'", "timestamp", {"target": "fraud"}),
        ("gaps.parquet", "'fraud'", "missing", {"target": "fraud"}),
        ("one_class.parquet", "y", "1 class", {"target": "fraud"}),
        ("negative.parquet", "sample_weight", "-1", {"target": "fraud", "weight": "w"}),
        ("good.parquet", "'word'", "large_string", {"target": "fraud", "weight": "word"}),
        ("infinite.parquet", "'a'", "infinity", {"target": "fraud"}),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_sources(
    folder: Path,
    file: str,
    argument: str,
    got: str,
    options: Any,
) -> None:
    check_refused(Case(file, argument, got, lambda: fit(SOURCE(folder / file, **options))))


FIT = "fit {} --target fraud --out model.gbimb --jobs 1 "
COMMANDS = [
    (FIT.format("none.csv"), "DATA", "none.csv"),
    (FIT.format("empty.csv"), "empty.csv", "No columns"),
    (FIT.format("header.csv"), "header.csv", "no rows"),
    (FIT.format("ragged.csv"), "ragged.csv", "saw 4"),
    (FIT.format("twice.csv"), "'a'", "more than once"),
    (FIT.format("latin.csv"), "latin.csv", "UTF-8"),
    (FIT.format("utf16.csv"), "utf16.csv", "UTF-8"),
    (FIT.format("zeros.csv"), "zeros.csv", "NUL"),
    (FIT.format("quote.csv"), "quote.csv", "CSV"),
    (FIT.format("fake.csv.gz"), "fake.csv.gz", "CSV"),
    (FIT.format("cut.parquet"), "cut.parquet", "Parquet"),
    (FIT.format("text.parquet"), "text.parquet", "Parquet"),
    (FIT.format("empty"), "folder", "no CSV or Parquet file"),
    (FIT.format("table.txt"), "DATA", "table.txt"),
    (FIT.format("measures.csv"), "'fraud'", "240"),
    (FIT.format("one_class.csv"), "--target", "1 class"),
    (FIT.format("gaps.csv"), "'fraud'", "1 missing in 240 rows"),
    (FIT.format("only_target.csv"), "only_target.csv", "no column"),
    (FIT.format("good.csv").replace("fraud", "frawd"), "--target", "'frawd'"),
    (FIT.format("good.csv") + "--weight v", "--weight", "'v'"),
    (FIT.format("good.csv") + "--weight word", "weight column", "'word'"),
    (FIT.format("good.csv") + "--drop e", "--drop", "'e'"),
    (FIT.format("good.csv") + "--id fraud", "--target", "'fraud'"),
    (FIT.format("good.csv") + "--positive 2", "--positive", "'2'"),
    (FIT.format("good.csv") + "--loss fokal", "--loss", "'fokal'"),
    (FIT.format("good.csv") + "--engine catboost", "--engine", "'catboost'"),
    (FIT.format("good.csv") + "--metric mmc", "metric", "'mmc'"),
    (FIT.format("good.csv") + "--validation 1", "--validation", "got '1'"),
    (FIT.format("good.csv") + "--validation half", "--validation", "'half'"),
    (FIT.format("good.csv") + "--time-budget 5", "--time-budget", "--estimator auto"),
    (FIT.format("good.csv") + "--loss auto --time-budget -5", "--time-budget", "-5"),
    (FIT.format("good.csv") + "--seed -1", "--seed", "-1"),
    (FIT.format("good.csv").replace("jobs 1", "jobs 0"), "--jobs", "got 0"),
    (
        FIT.format("good.csv").replace("model.gbimb", "none/model.gbimb"),
        "--out",
        "none/model.gbimb",
    ),
    (FIT.format("good.csv").replace("model.gbimb", "empty"), "--out", "empty"),
    ("predict none.gbimb good.csv --out scores.csv", "none.gbimb", "not"),
    ("predict no_model.gbimb good.csv --out scores.csv", "no_model.gbimb", "gbimb"),
    ("predict cut.gbimb good.csv --out scores.csv", "cut.gbimb", "truncated"),
    ("predict good.csv good.csv --out scores.csv", "good.csv", "gbimb"),
    ("predict good.gbimb lacks.csv --out scores.csv", "model", "'b'"),
    ("predict good.gbimb words.csv --out scores.csv", "'a'", "'high'"),
    ("predict good.gbimb latin.csv --out scores.csv", "latin.csv", "UTF-8"),
    ("predict good.gbimb cut.parquet --out scores.csv", "cut.parquet", "Parquet"),
    ("predict good.gbimb header.csv --out scores.csv", "header.csv", "no rows"),
    ("predict good.gbimb good.csv --out scores.xlsx", "--out", "scores.xlsx"),
    ("predict good.gbimb good.csv --out good.csv", "--out", "good.csv"),
    ("predict good.gbimb good.csv --out none/scores.csv", "--out", "none/scores.csv"),
    ("predict good.gbimb good.csv --out scores.csv --id key", "--id", "'key'"),
    ("predict good.gbimb good.csv --out scores.csv --id label", "--id", "'label'"),
    ("predict good.gbimb good.csv --out scores.csv --jobs 0", "--jobs", "0"),
    ("inspect none.gbimb", "none.gbimb", "not"),
    ("inspect cut.gbimb", "cut.gbimb", "truncated"),
    ("inspect good.csv", "good.csv", "gbimb"),
    ("benchmark --data good.csv", "--target", "none"),
    ("benchmark --data none.csv --target fraud", "--data", "none.csv"),
    ("benchmark --data good.csv --target frawd", "--target", "'frawd'"),
    ("benchmark --target fraud", "--target", "alone"),
    ("benchmark --tables yeast", "--tables", "'yeast'"),
    ("benchmark --tables yeast_me2 --engines catboost", "--engines", "'catboost'"),
    ("benchmark --tables yeast_me2 --methods fokal", "--methods", "'fokal'"),
    ("benchmark --tables yeast_me2 --folds 1", "--folds", "1"),
    ("benchmark --tables yeast_me2 --seed -1", "--seed", "-1"),
    ("benchmark --tables yeast_me2 --jobs 0", "--jobs", "0"),
]


@pytest.mark.parametrize(("line", "argument", "got"), COMMANDS, ids=[line for line, *_ in COMMANDS])
def test_commands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, argument: str, got: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    result = CliRunner().invoke(app, line.split())
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    assert re.fullmatch(r"gbimb: [^\n]+\n", result.stderr), result.stderr
    assert argument in result.stderr, result.stderr
    assert got in result.stderr, result.stderr
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(folder: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    model = gbimb.load(folder / "good.gbimb")
    case = Case("locked", "model.gbimb", "ermission", lambda: model.save(locked / "model.gbimb"))
    check_refused(case)
