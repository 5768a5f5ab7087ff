from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from gbimb.benchmark.console import print_results
from gbimb.benchmark.methods import DEFAULT_METHODS, METHODS
from gbimb.benchmark.plan import Plan
from gbimb.benchmark.results import Results, export, make_results
from gbimb.benchmark.statistics import ALL_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gbimb.benchmark.records import Record
    from gbimb.benchmark.tables import BenchmarkTable

NAMES = [f"table{i}" for i in range(5)]
DEFAULT = [method.name for method in DEFAULT_METHODS]


@pytest.fixture
def make(
    make_table: Callable[..., BenchmarkTable], make_records: Callable[..., list[Record]]
) -> Callable[..., Results]:
    def make(names: list[str] = NAMES) -> Results:
        plan = Plan(tables=tuple(make_table(name) for name in names), folds=3)
        differences = {m: [0.01 * i] * len(names) for i, m in enumerate(DEFAULT)}
        records = [
            replace(record, table=names[int(record.table[5:])])
            for engine in plan.engines
            for record in make_records(differences, engine=engine)
        ]
        return make_results(plan, records)

    return make


def render(results: Results, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    print_results(results, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_report_has_all_its_parts_in_any_width(
    make: Callable[..., Results], width: int
) -> None:
    text = render(make(), width)
    for part in ("MCC of each table", "Mean of 5 tables", "Differences", *NAMES):
        assert part in text
    for head in ("MCC ↑", "F1 ↑", "PR-AUC ↑", "log loss ↓", "fit s ↓", "predict s ↓"):
        assert head in text
    for method in DEFAULT_METHODS:
        assert text.count(f" {method.label} ") >= 2
    assert "LightGBM: " in text
    assert "XGBoost: " in text
    assert max(map(len, text.splitlines())) <= width


def test_one_table_has_one_table_of_results(make: Callable[..., Results]) -> None:
    text = render(make(["table0"]))
    assert "MCC of each table" not in text
    assert "corrected t interval over folds" in text
    assert "higher on" in text
    assert "3 of 3 folds of this one table" in " ".join(text.split())


@pytest.mark.parametrize("name", ["[red]x[/red]", "a:smile:b", "[/]", "café_Δ", "x\x1b[2Jy"])
def test_names_are_shown_as_they_are(make: Callable[..., Results], name: str) -> None:
    text = render(make([name, "table1", "table2", "table3", "table4"]))
    shown = name.replace("\x1b", "\\x1b")
    assert shown.replace("_", "") in text.replace("_", "").replace("Δ", "Δ") or shown in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [80, 100])
def test_many_classes_are_told_from_two(
    many: BenchmarkTable, make_records: Callable[..., list[Record]], width: int
) -> None:
    plan = Plan(tables=(many,), engines=("xgboost",), folds=3)
    made = make_records({m: [0.01 * i] for i, m in enumerate(DEFAULT)}, engine="xgboost")
    records = [replace(r, table="many", classes=4, positives=None, prevalence=None) for r in made]
    results = make_results(plan, records)
    text = render(results, width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    assert (
        "many: 171 rows, 2 columns, 4 classes from 90 rows ('a', 52.6 %) to 1 row ('d', 0.6 %)"
    ) in words
    assert "MCC is R_K" in words
    assert "focal from focal, hold-out" in words
    assert results.notes == [
        (
            "Table 'many' has classes with fewer rows than the 3 folds: 'd' (1). A fold without a "
            "row of a class is scored on the others."
        )
    ]


def test_csv_and_json_hold_the_same_numbers(tmp_path: Path, make: Callable[..., Results]) -> None:
    results = make()
    export(results, tmp_path, "gbimb benchmark --data x.csv")
    with (tmp_path / "records.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert len(records) == 5 * 2 * len(DEFAULT) * 3
    first = results.records[0]
    assert float(records[0]["mcc"]) == pytest.approx(first.mcc, rel=1e-5)
    assert {
        *("table", "rows", "prevalence", "fold", "seed", "method", "engine", "mcc", "f1"),
        *("average_precision", "log_loss", "brier", "threshold", "n_rounds", "fit_seconds"),
        *("predict_seconds", "gbimb_version", "engine_version"),
    } <= set(records[0])
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        summary = list(csv.DictReader(file))
    assert len(summary) == (5 + 1) * 2 * len(DEFAULT)
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert stored["command"] == "gbimb benchmark --data x.csv"
    assert (stored["seed"], stored["folds"]) == (0, 3)
    assert {"gbimb", "lightgbm", "xgboost", "numpy"} <= set(stored["versions"])
    assert stored["verdict"] == results.verdict
    mean = {
        (row["engine"], row["method"]): float(row["mcc_mean"])
        for row in summary
        if row["table"] == ALL_TABLES
    }
    for row in stored["summary"]:
        if row["table"] == ALL_TABLES:
            at = (row["engine"], row["method"])
            assert row["measures"]["mcc"]["mean"] == pytest.approx(mean[at], rel=1e-5)
    assert str(tmp_path) not in json.dumps(stored)


def test_what_the_fits_said_is_told_once(
    make_table: Callable[..., BenchmarkTable], make_record: Callable[..., Record]
) -> None:
    records = [
        make_record("tiny", "lightgbm", "focal", fold, 0.5, warnings=("Hm.",)) for fold in range(3)
    ]
    plan = Plan(tables=(make_table(),), engines=("lightgbm",), methods=(METHODS["focal"],), folds=3)
    results = make_results(plan, records)
    assert results.notes == ["Hm. (focal with lightgbm on 'tiny', 3 folds)"]
    assert not results.comparisons
    assert "no verdict" in render(results)


def test_a_notebook_shows_the_same_with_names_as_text(make: Callable[..., Results]) -> None:
    names = ["<script>alert(1)</script>", *NAMES[1:]]
    html = make(names)._repr_html_()
    for part in ("MCC of each table", "Mean of 5 tables", "Differences", *NAMES[1:]):
        assert part in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
