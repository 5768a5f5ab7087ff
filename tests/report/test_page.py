"""The page as a file: it stands alone, and names in it stay text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gbimb.benchmark import METHODS, BenchmarkTable, Plan
from gbimb.benchmark.records import Record
from gbimb.benchmark.results import make_results
from gbimb.exceptions import InvalidParameterError, MissingDependencyError
from gbimb.report import save_benchmark
from gbimb.report._benchmark import benchmark_facts
from gbimb.report._render import benchmark_page, check_path, evaluation_page
from tests.report.tables import NAME, POSITIVE

if TYPE_CHECKING:
    from pathlib import Path

    from gbimb.benchmark import Results
    from gbimb.report import Evaluation

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts; tags must close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [a[attribute] or "" for _, a in self.elements if attribute in a]


def results(n_tables: int = 6) -> Results:
    """A benchmark with records that were made up: nothing is fitted."""
    rng = np.random.default_rng(0)
    y = (np.arange(90) % 3 == 0).astype(np.int8)
    tables = tuple(
        BenchmarkTable(f"<b>t{i}</b>", pd.DataFrame({NAME: rng.normal(size=90)}), y, POSITIVE)
        for i in range(n_tables)
    )
    methods = tuple(METHODS[m] for m in ("logloss", "weighted-logloss", "logloss-tuned", "focal"))
    plan = Plan(tables=tables, methods=methods, folds=3)
    records = []
    for i, cell in enumerate(plan.cells()):
        mcc = float(0.4 + 0.1 * list(METHODS).index(cell.method) + 0.05 * rng.normal())
        records.append(
            Record(
                **cell._asdict(),
                **dict.fromkeys(("mcc", "f1", "precision", "recall", "average_precision"), mcc),
                **dict.fromkeys(("log_loss", "brier", "threshold", "prevalence"), 0.3),
                **dict.fromkeys(("fit_seconds", "fit_cpu_seconds", "predict_seconds"), i / 1000),
                rows=90,
                columns=1,
                classes=2,
                positives=30,
                n_rounds=10,
                folds=3,
                seed=0,
                warnings=(),
                versions={},
            )
        )
    return make_results(plan, records)


def page_of(evaluation: Evaluation) -> str:
    return evaluation_page(evaluation.facts, evaluation.displays, evaluation.table)


@pytest.fixture(scope="module", params=["two", "many", "benchmark", "one table"])
def page(request: pytest.FixtureRequest) -> str:
    if request.param in ("two", "many"):
        return page_of(request.getfixturevalue(request.param))
    n_tables = 6 if request.param == "benchmark" else 1
    return benchmark_page(benchmark_facts(results(n_tables), "gbimb benchmark")[0])


def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    found = Page(page)
    assert "//" not in re.sub(r"sha256-\S+", "", page)
    assert not found.values("src")
    assert all(value.startswith("#") for value in found.values("href"))
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in next(v for v in found.values("content") if "src" in v)


def test_identifiers_are_there_once_and_what_is_referred_to_is_there(page: str) -> None:
    found = Page(page)
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", page))
    used |= {value[1:] for value in found.values("href")} | set(found.values("for"))
    assert used <= set(ids)


def test_names_with_markup_stay_text(page: str) -> None:
    found = Page(page)
    own = {"main", "section", "header", "figure", "svg", "table", "script"}
    assert own - {"script"} <= {tag for tag, _ in found.elements} | {"svg", "figure"}
    assert not {"i", "u"} & {tag for tag, _ in found.elements}
    assert NAME not in page
    assert POSITIVE not in page
    assert not any("hurt" in script for script in found.scripts if "JSON.parse" in script)


def test_the_verdict_comes_first(page: str) -> None:
    main = page[page.index("<main>") :]
    assert main.index('id="verdict"') < main.index("<h2>")


def test_only_the_scripts_that_are_meant_run(page: str) -> None:
    scripts = [a for tag, a in Page(page).elements if tag == "script"]
    assert [a.get("type") for a in scripts] in ([], ["application/json", None])
    assert not [a for _, attrs in Page(page).elements for a in attrs if a.startswith("on")]


def test_it_is_made_for_dark_screens_phones_and_paper(page: str) -> None:
    for rule in ("prefers-color-scheme: dark", "@media print", "width=device-width"):
        assert rule in page


def test_the_slider_gets_the_counts_of_the_evaluation(two: Evaluation) -> None:
    data = json.loads(Page(page_of(two)).scripts[0])
    curve = two.facts["curve"]
    for name in ("threshold", "tp", "fp"):
        assert data[name] == list(curve[name][::-1])
    assert data["threshold"][data["chosen"]] == two.facts["threshold"]
    assert set(data["marks"]) == {"threshold", "scores", "cost", "precision_recall"}
    assert all(len(mark["x"]) == len(data["tp"]) for mark in data["marks"].values())


def test_all_that_was_asked_for_is_there(two: Evaluation, many: Evaluation) -> None:
    ids = Page(page_of(two)).values("id")
    sections = ["verdict", "decision", "confusion", "scores", "checks", "mistakes", "importances"]
    figures = ["precision_recall", "threshold", "cost", "reliability", "scores", "training"]
    assert {*sections, "reproduce", *(f"figure-{name}" for name in figures)} <= set(ids)
    assert {"classes", "confusion", "confusions"} <= set(Page(page_of(many)).values("id"))
    page = benchmark_page(benchmark_facts(results(), "gbimb benchmark")[0])
    wanted = {"leaderboard", "differences", "ranks", "figure-differences", "figure-ranks", "tables"}
    assert wanted <= set(Page(page).values("id"))


def test_a_benchmark_of_few_tables_says_why_it_has_no_ranks() -> None:
    facts, _ = benchmark_facts(results(1), "gbimb benchmark")
    assert facts["ranks"] is None
    assert "6 tables or more" in benchmark_page(facts)


def test_the_leaderboard_is_in_order_and_the_leader_is_the_verdict() -> None:
    facts, board = benchmark_facts(results(), "gbimb benchmark")
    assert board["mcc"].is_monotonic_decreasing
    assert board["name"].iloc[0] in facts["verdict"][0]
    assert "baseline" in facts["verdict"][1]


def test_the_same_evaluation_gives_the_same_page(two: Evaluation) -> None:
    assert page_of(two) == page_of(two)


def test_numbers_are_written_beside_the_page(two: Evaluation, tmp_path: Path) -> None:
    names = two.save(tmp_path / "churn.html")
    assert names == ["churn.html", "churn_numbers.json", "churn_numbers.csv"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    facts = json.loads((tmp_path / names[1]).read_text(encoding="utf-8"))
    assert facts["verdict"] == two.facts["verdict"]
    table = pd.read_csv(tmp_path / names[2])
    np.testing.assert_allclose(table["tp"], two.facts["curve"]["tp"])
    assert {"mcc_low", "cost", "cost_high"} <= set(table)


def test_a_benchmark_is_written_the_same_way(tmp_path: Path) -> None:
    names = save_benchmark(results(1), tmp_path / "b.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert len(pd.read_csv(tmp_path / names[2])) == 8


@pytest.mark.parametrize("name", ["report.txt", "no/report.html"])
def test_a_place_that_cannot_hold_a_report_gets_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="path must"):
        check_path(tmp_path / name)


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named_before_anything_is_computed(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"need {package}.*gbimb\[report\]"):
        check_path(tmp_path / "report.html")


def test_numbers_alone_need_neither() -> None:
    code = (
        "import sys\n"
        "sys.modules.update(jinja2=None, markupsafe=None, matplotlib=None)\n"
        "import numpy as np, gbimb\n"
        "from gbimb import datasets, report\n"
        "t = datasets.load('yeast_me2')\n"
        "clf = gbimb.ImbalancedLGBMClassifier(n_estimators=5, cv='holdout', n_jobs=1)\n"
        "clf.fit(t.X, t.y)\n"
        "print(len(report.evaluate(clf, t.X.assign(t=t.y), 't').facts['verdict']))\n"
    )
    run = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(run, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["3"]
