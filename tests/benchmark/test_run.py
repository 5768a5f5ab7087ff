from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import metrics

from gbimb.benchmark import Plan, run
from gbimb.benchmark.methods import DEFAULT_METHODS, METHODS, Method
from gbimb.benchmark.progress import TimeLeft
from gbimb.benchmark.records import Record, cell_key
from gbimb.benchmark.runner import CellError, InterruptedRunError, run_plan, split
from gbimb.benchmark.scores import scores
from gbimb.benchmark.tables import BenchmarkTable
from gbimb.exceptions import GbimbError, GbimbWarning

if TYPE_CHECKING:
    from pathlib import Path

    from gbimb.benchmark.plan import Cell

Stub = Callable[[str], Method]
Make = Callable[..., BenchmarkTable]


class Watcher:
    """Counts fits, and interrupts after some."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.interrupt_after = interrupt_after
        self.done = 0
        self.fits = 0

    def start(self, _cells: list[Any], done: list[Record], _jobs: int) -> None:
        self.done = len(done)

    def advance(self, _record: Record) -> None:
        self.fits += 1
        if self.fits == self.interrupt_after:
            raise KeyboardInterrupt


@pytest.fixture
def plan(make_table: Make, stub: Stub) -> Plan:
    return Plan(
        tables=(make_table("a"), make_table("b", 90)),
        engines=("lightgbm",),
        methods=(stub("one"), stub("two")),
        folds=3,
    )


def test_every_method_sees_the_same_folds(
    tmp_path: Path, plan: Plan, seen: list[tuple[int, ...]]
) -> None:
    run(plan, tmp_path, jobs=1)
    assert len(seen) == 2 * 2 * 3
    assert len(set(seen)) == 2 * 3
    tests = [split(plan.tables[0].y, 3, fold, 0)[1] for fold in range(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(60))
    assert all(plan.tables[0].y[test].sum() == 4 for test in tests)


def test_a_second_run_fits_nothing_and_finds_the_same(
    tmp_path: Path, plan: Plan, seen: list[tuple[int, ...]]
) -> None:
    first = run(plan, tmp_path, jobs=1)
    seen.clear()
    second = run(plan, tmp_path, jobs=1)
    assert not seen
    assert second.records == first.records


def test_what_a_fit_warns_of_is_kept_but_not_what_libraries_tell_their_authors(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(self: object, *_: object) -> None:
        vars(self)["share"] = 0.5
        warnings.warn("is old", FutureWarning, stacklevel=1)
        warnings.warn("is older", DeprecationWarning, stacklevel=1)
        warnings.warn("no split", GbimbWarning, stacklevel=1)

    monkeypatch.setattr(type(plan.methods[0].build("lightgbm", 1, 0, 2)), "fit", fit)
    for record in run(plan, tmp_path, jobs=1).records:
        assert record.warnings == ("no split",)


def test_missing_and_damaged_results_are_made_again(
    tmp_path: Path, plan: Plan, seen: list[tuple[int, ...]]
) -> None:
    first = run(plan, tmp_path, jobs=1)
    files = sorted((tmp_path / "cells").iterdir())
    files[0].unlink()
    files[1].write_text('{"half": ', encoding="utf-8")
    files[2].write_text('{"other": 1}', encoding="utf-8")
    seen.clear()
    second = run(plan, tmp_path, jobs=1)
    assert len(seen) == 3
    assert [r.mcc for r in second.records] == [r.mcc for r in first.records]


def test_an_interrupted_run_keeps_what_is_done_and_goes_on(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(InterruptedRunError, match=r"5 of 12 fits are done and kept.*same command"):
        run(plan, tmp_path, jobs=1, progress=Watcher(interrupt_after=5))
    assert len(list((tmp_path / "cells").glob("*.json"))) == 5
    watcher = Watcher()
    run(plan, tmp_path, jobs=1, progress=watcher)
    assert (watcher.done, watcher.fits) == (5, 7)
    assert not list((tmp_path / "cells").glob(".*"))


def test_the_key_follows_everything_that_determines_a_result(plan: Plan) -> None:
    cell, method = plan.cells()[0], plan.methods[0]

    def key(cell: Cell = cell, method: Method = method, print_: str = "p", **other: int) -> str:
        return cell_key(cell, method, print_, **{"folds": 3, "seed": 0, **other})

    keys = [
        key(),
        key(cell._replace(fold=2)),
        key(cell._replace(engine="xgboost")),
        key(cell._replace(method="two")),
        key(method=METHODS["focal"]),
        key(print_="q"),
        key(seed=1),
        key(folds=4),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == key()


def test_a_method_that_fails_is_named_and_the_rest_kept(
    tmp_path: Path, make_table: Make, stub: Stub, broken: Method
) -> None:
    plan = Plan(
        tables=(make_table("a"),), engines=("xgboost",), methods=(stub("one"), broken), folds=3
    )
    with pytest.raises(CellError) as caught:
        run(plan, tmp_path, jobs=1)
    assert str(caught.value) == (
        "Method 'broken' with xgboost failed on fold 1 of table 'a': ValueError: cannot be fitted "
        "on 40 rows of 40."
    )
    assert len(list((tmp_path / "cells").glob("*.json"))) == 1


def test_scores_by_hand() -> None:
    y, labels = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])
    positive = np.array([0.9, 0.4, 0.6, 0.1])
    found = scores(y, labels, np.column_stack([1 - positive, positive]))
    assert found["mcc"] == pytest.approx(2 / np.sqrt(1 * 2 * 2 * 3))
    assert found["f1"] == pytest.approx(2 / 3)
    assert (found["precision"], found["recall"]) == (1, 0.5)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean())
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


def test_scores_of_many_classes_by_hand(rng: np.random.Generator) -> None:
    y, labels = rng.integers(3, size=200), rng.integers(3, size=200)
    proba = rng.dirichlet(np.ones(3), size=200)
    found = scores(y, labels, proba)
    is_class = np.eye(3)[y]
    assert found["mcc"] == pytest.approx(metrics.matthews_corrcoef(y, labels))
    for name in ("f1", "precision", "recall"):
        expected = getattr(metrics, f"{name}_score")(y, labels, average="macro")
        assert found[name] == pytest.approx(expected)
    assert found["average_precision"] == pytest.approx(
        metrics.average_precision_score(is_class, proba, average="macro")
    )
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, proba))
    assert found["brier"] == pytest.approx(((proba - is_class) ** 2).sum() / 200)


def test_a_class_without_a_row_in_the_fold_counts_in_no_mean() -> None:
    y, labels = np.array([0, 0, 1]), np.array([0, 0, 2])
    found = scores(y, labels, np.eye(4)[labels])
    assert (found["f1"], found["precision"], found["recall"]) == (0.5, 0.5, 0.5)
    assert found["average_precision"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo(float).eps) / 3)


def test_a_class_of_one_row_stops_no_method(tmp_path: Path, many: BenchmarkTable) -> None:
    methods = DEFAULT_METHODS
    plan = Plan(tables=(many,), engines=("lightgbm",), methods=methods, folds=2)
    results = run(plan, tmp_path, jobs=1)
    assert len(results.records) == len(methods) * 2
    for record in results.records:
        assert record.mcc > 0.5
        assert (record.classes, record.positives, record.threshold) == (4, None, None)
        assert not any("least populated class" in text for text in record.warnings)
    assert "'d' (1)" in results.notes[0]
    assert all(sentence for sentence in results.verdict.values())


def test_real_methods_give_the_same_here_and_on_processes(tmp_path: Path, make_table: Make) -> None:
    plan = Plan(
        tables=(make_table(rows=120),),
        methods=(METHODS["logloss"], METHODS["weighted-logloss"]),
        folds=2,
    )
    here = run_plan(plan, tmp_path / "here", 1, Watcher())
    there = run_plan(plan, tmp_path / "there", 2, Watcher())
    assert [r.mcc for r in here] == [r.mcc for r in there]
    assert [r.log_loss for r in here] == [r.log_loss for r in there]
    assert {r.n_rounds for r in here} == {100}
    assert all(r.versions[r.engine] for r in here)


def test_every_record_can_be_read_back(tmp_path: Path, plan: Plan) -> None:
    run(plan, tmp_path, jobs=1)
    for path in (tmp_path / "cells").iterdir():
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert stored["threshold"] == 0.25
        assert stored["n_rounds"] is None
        assert stored["prevalence"] == pytest.approx(stored["positives"] / stored["rows"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"folds": 1}, "folds must be an integer in"),
        ({"folds": 13}, r"12 positives \(positive class 'yes'\) for 13 folds. Use folds=12"),
        ({"seed": -1}, "seed must be"),
        ({"engines": ("catboost",)}, "engines must be one of"),
    ],
)
def test_a_plan_that_cannot_be_run_gets_a_sentence(
    make_table: Make, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(GbimbError, match=sentence):
        Plan(tables=(make_table(),), **change)


def test_many_classes_need_two_with_a_row_in_every_fold(many: BenchmarkTable) -> None:
    assert len(Plan(tables=(many,), folds=60).notes()) == 1
    with pytest.raises(GbimbError, match="got 60 in the second most frequent class for 61 folds"):
        Plan(tables=(many,), folds=61)


def test_time_is_left_as_expected_times_how_slow_the_first_fits_were(
    make_record: Callable[..., Record],
) -> None:
    done = make_record("a", "lightgbm", "focal", 0, 0.0, fit_seconds=6.0, predict_seconds=0.0)
    cells = [done.cell._replace(table=t, fold=f) for t in ("a", "b") for f in (0, 1)]
    left = TimeLeft({cell: {"a": 2.0, "b": 10.0}[cell.table] for cell in cells}, 2)
    assert left.seconds() == pytest.approx(24 / 2)
    left.add(done)
    assert left.seconds() == pytest.approx((6 + 2 * 3 * 10) / 2)


def test_tables_come_one_after_the_other_the_small_one_first(make_table: Make) -> None:
    chosen = (METHODS["focal"], METHODS["bagging"])
    tables = (make_table("large", 90), make_table("small"))
    cells = Plan(tables=tables, engines=("lightgbm",), methods=chosen, first_folds=1).cells()
    assert [(c.table, c.method, c.fold) for c in cells] == [
        ("small", "bagging", 0),
        ("small", "focal", 0),
        ("large", "bagging", 0),
        ("large", "focal", 0),
    ]
