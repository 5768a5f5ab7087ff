"""Cells are fitted once, failures are results, and rivals outlive changes of gbimb."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.quality import methods as registry
from benchmarks.quality import workers
from benchmarks.quality.interpreters import LISTS, pins
from benchmarks.quality.methods import BASELINE, METHODS, QualityMethod
from benchmarks.quality.records import (
    FAILED,
    OK,
    TOO_LONG,
    KeptStore,
    QualityCell,
    QualityRecord,
    read_records,
)
from benchmarks.quality.run import Options, main, run
from benchmarks.quality.tables import LARGEST, WHOLE, QualityTable, find_tables
from benchmarks.quality.workers import Scratch, Worker, measure
from gbimb.exceptions import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAST = {"name": "ImbalancedLGBMClassifier", "n_estimators": 3, "cv": None}


def ours(**params: object) -> QualityMethod:
    return QualityMethod("fast", "fast", "ours.estimator", "gbimb", ("lightgbm",), FAST | params)


def options(folder: Path, *methods: QualityMethod, **changes: object) -> Options:
    asked = Options(tuple(find_tables(folder)), methods, 2, 1, 60.0, retry=False)
    return replace(asked, **changes)


@pytest.fixture
def fitted(
    monkeypatch: pytest.MonkeyPatch, row: Callable[..., QualityRecord]
) -> list[tuple[str, int, str]]:
    """The cells that were fitted, by a stub that never learns ``kinds``."""
    seen: list[tuple[str, int, str]] = []

    def stub(_: Worker, cell: QualityCell, _limit: float) -> QualityRecord:
        place = (cell.table.name, cell.fold, cell.method.name)
        seen.append(place)
        status = FAILED if cell.table.name == "kinds" else OK
        return row(table=place[0], fold=place[1], method=place[2], status=status, key=cell.key())

    monkeypatch.setattr(Worker, "run", stub)
    return seen


def test_a_second_run_fits_nothing(
    folder: Path, tmp_path: Path, fitted: list[tuple[str, int, str]]
) -> None:
    asked = options(folder, METHODS[BASELINE])
    first = run(asked, KeptStore(tmp_path / "cells", tmp_path / "cells.csv"))
    assert len(fitted) == len(first) == 4  # two tables of tier main, two folds
    again = run(asked, KeptStore(tmp_path / "cells", tmp_path / "cells.csv"))
    assert len(fitted) == 4
    assert again == first


def test_the_csv_file_alone_is_enough_to_go_on(
    folder: Path, tmp_path: Path, fitted: list[tuple[str, int, str]]
) -> None:
    asked = options(folder, METHODS[BASELINE], folds=1)
    run(asked, KeptStore(tmp_path / "cells", tmp_path / "cells.csv"))
    run(replace(asked, folds=2), KeptStore(tmp_path / "elsewhere", tmp_path / "cells.csv"))
    assert sorted(fitted) == [(t, f, BASELINE) for t in ("kinds", "rare") for f in (0, 1)]
    assert len(read_records(tmp_path / "cells.csv")) == 4


def test_failures_are_kept_and_fitted_again_when_asked(
    folder: Path, tmp_path: Path, fitted: list[tuple[str, int, str]]
) -> None:
    asked = options(folder, METHODS[BASELINE], folds=1)
    run(asked, KeptStore(tmp_path / "cells", tmp_path / "cells.csv"))
    kept = {r.table: r.status for r in read_records(tmp_path / "cells.csv")}
    assert kept == {"kinds": FAILED, "rare": OK}
    run(replace(asked, retry=True), KeptStore(tmp_path / "cells", tmp_path / "cells.csv"))
    assert fitted[2:] == [("kinds", 0, BASELINE)]


def test_methods_for_two_classes_are_not_run_on_more(folder: Path) -> None:
    binary_only = METHODS["lightgbm_tuned_threshold"]
    assert {cell.table.name for cell in options(folder, binary_only).cells()} == {"rare"}


def test_only_gbimbs_own_cells_depend_on_the_code_of_gbimb(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = find_tables(folder)[0]
    cells = [QualityCell(table, 0, METHODS[BASELINE]), QualityCell(table, 0, ours())]
    before = [cell.key() for cell in cells]
    monkeypatch.setattr(registry, "code_fingerprint", lambda: "another")
    rival, own = (cell.key() for cell in cells)
    assert rival == before[0]
    assert own != before[1]


def test_keys_tell_cells_apart(folder: Path) -> None:
    table, other = find_tables(folder)
    cells = [QualityCell(t, f, m) for t in (table, other) for f in (0, 1) for m in METHODS.values()]
    cells.append(QualityCell(table, 0, ours(gamma=1.0)))
    cells.append(QualityCell(table, 0, ours(gamma=2.0)))
    assert len({cell.key() for cell in cells}) == len(cells)


def test_a_method_that_fails_or_takes_too_long_is_a_result(folder: Path, tmp_path: Path) -> None:
    table = find_tables(folder)[0]
    worker = Worker(Scratch(tmp_path), "worker")
    try:
        failed = worker.run(QualityCell(table, 0, ours(gamma=-1.0)), 60)
        fine = worker.run(QualityCell(table, 0, ours()), 60)
        late = worker.run(QualityCell(table, 0, ours(n_estimators=4)), 0)
    finally:
        worker.close()
    assert (failed.status, fine.status, late.status) == (FAILED, OK, TOO_LONG)
    assert "gamma must be" in failed.error
    assert "not done after 0 seconds" in late.error
    assert failed.mcc == late.mcc == 0.0
    assert failed.log_loss == pytest.approx(late.log_loss)
    assert fine.fit_cpu_seconds is not None
    assert fine.threshold is not None


def test_a_process_that_dies_is_a_failure_and_the_next_cell_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = workers.interpreter("gbimb")
    monkeypatch.setattr(workers, "interpreter", lambda _: "false")
    worker = Worker(Scratch(tmp_path), "worker")
    cell = QualityCell(find_tables(folder)[0], 0, ours())
    try:
        assert worker.run(cell, 60).status == FAILED
        monkeypatch.setattr(workers, "interpreter", lambda _: python)
        assert worker.run(cell, 60).status == OK
    finally:
        worker.close()


def test_what_has_learnt_nothing_gets_the_entropy_of_the_classes() -> None:
    y, n = np.array([0] * 9 + [1]), 10
    scores = measure(y, np.zeros(n, int), np.tile([0.9, 0.1], (n, 1)))
    assert scores["mcc"] == 0
    assert scores["log_loss"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert scores["brier"] == pytest.approx(0.09)


def test_large_tables_are_cut_to_the_same_stratified_rows(tmp_path: Path, folder: Path) -> None:
    import pandas as pd

    n = LARGEST + 5_000
    y = (np.arange(n) % 50 == 0).astype(int)
    pd.DataFrame({"x": np.arange(n), "target": y}).to_parquet(tmp_path / "large.parquet")
    index = pd.read_csv(folder / "INDEX.csv")
    index.loc[len(index)] = ["large", "main", n, 2]
    index.to_csv(folder / "INDEX.csv", index=False)
    cut, whole = (t for t in find_tables(folder, ["large"]) if t.name.startswith("large"))
    (X, y_cut), (again, _) = cut.read(), cut.read()
    assert X.equals(again)
    assert len(X) == LARGEST
    assert y_cut.mean() == pytest.approx(0.02)
    assert whole.name == f"large{WHOLE}"
    assert len(whole.read()[0]) == n
    assert cut.fingerprint() != whole.fingerprint()


def test_columns_get_names_that_every_library_takes(folder: Path) -> None:
    X, y = find_tables(folder)[0].read()
    assert list(X) == ["x0", "x1"]
    assert set(y) == {0, 1}


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"INDEX\.csv"):
        find_tables(tmp_path / "nowhere")


def test_the_command_names_what_it_does_not_know(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(folder), "--methods", "catbost_focal"]) == 2
    assert "Did you mean 'catboost_focal'" in capsys.readouterr().err


def test_every_rival_has_a_module_and_pinned_packages() -> None:
    for method in METHODS.values():
        source = (registry.RIVALS / f"{method.module}.py").read_text(encoding="utf-8")
        assert f"def {method.function}(" in source
        if not method.is_ours:
            assert set(method.packages) <= set(pins(method.environment)), method.name
        json.dumps(method.params)


def test_environments_are_lists_of_versions() -> None:
    for path in LISTS.glob("*.txt"):
        assert all(
            len(line.split("==")) == 2 for line in path.read_text(encoding="utf-8").splitlines()
        )


def test_tables_of_two_classes_come_first_and_small_ones_before_large(folder: Path) -> None:
    assert [table.name for table in find_tables(folder)] == ["rare", "kinds"]
    assert isinstance(find_tables(folder)[0], QualityTable)
