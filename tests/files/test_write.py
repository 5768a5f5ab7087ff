"""A table is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.tables.files.write import write_table


def test_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").mkdir()
    refused = pytest.raises(gbimb.GbimbError, match=r"path must name a file, got .* is a folder")
    with refused, write_table(tmp_path / "scores.csv"):
        pass


def full(*_: object) -> None:
    raise OSError("disk full")


def test_a_file_that_cannot_be_completed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = pq.ParquetWriter.close
    monkeypatch.setattr(pq.ParquetWriter, "close", lambda writer: full(close(writer)))
    with pytest.raises(OSError, match="disk full"), write_table(tmp_path / "a.parquet") as writer:
        writer.write(pd.DataFrame({"a": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_put_in_its_place_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("older")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"), write_table(tmp_path / "a.csv") as writer:
        writer.write(pd.DataFrame({"a": [1]}))
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "older"
