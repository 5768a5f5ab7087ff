"""Bars: with a total where one is known, and only where somebody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gbimb.cli import _app, _fit
from gbimb.tables.files.chunks import count_rows
from tests.cli.test_journey import FIT, QUICK, invoke, table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    table().to_csv("train.csv", index=False)
    for module in (_app, _fit):
        monkeypatch.setattr(module, "shows_progress", lambda *, quiet: not quiet)


def test_the_bars_have_a_total_and_leave_with_quiet_and_json() -> None:
    code, _, err = invoke(*QUICK)
    assert code == 0
    assert "of at most 1,000  mcc" in err
    predict = ["predict", "m.gbimb", "train.csv", "--out", "s.csv"]
    assert "1,000 of 1,000 rows" in invoke(*predict)[2]
    for option in ("--quiet", "--json"):
        assert not invoke(*predict[:-1], f"s{option}.csv", option)[2]
        assert "Training" not in invoke(*QUICK, option)[2]
    evaluate = ["evaluate", "m.gbimb", "train.csv", "--target", "churned"]
    assert "1,000 of 1,000 rows" in invoke(*evaluate)[2]
    assert not invoke(*evaluate, "--json")[2]


def test_a_note_has_a_line_of_its_own_above_the_bar() -> None:
    table(120).to_csv("train.csv", index=False)
    code, _, err = invoke(*FIT, "--jobs", "1")
    assert code == 0
    before, note, _ = err.partition("Note: Too few rows")
    assert note
    assert before.endswith(("\n", "\r", "\x1b[2K"))


def test_rows_are_counted_where_that_is_quick(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(7)})
    (tmp_path / "folder").mkdir()
    frame.to_csv(tmp_path / "a.csv")
    frame.to_csv(tmp_path / "folder" / "b.csv")
    (tmp_path / "short.csv").write_text("a\n1\n2")
    frame.to_parquet(tmp_path / "c.parquet")
    frame.to_csv(tmp_path / "d.csv.gz")
    found = {p.name: count_rows(p) for p in sorted(tmp_path.iterdir()) if p.name != "train.csv"}
    assert found == {"a.csv": 7, "c.parquet": 7, "d.csv.gz": None, "folder": 7, "short.csv": 2}
    assert count_rows(tmp_path / "nothing.csv") is None
