"""Columns that name the rows come out as they went in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gbimb.tables.files.chunks import chunks, chunks_with_ids
from gbimb.tables.files.write import write_table

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 2**53 + 1
ROWS = 2


def written(data: Path, out: Path) -> Path:
    """Pass the column "id" through in pieces of two rows."""
    with write_table(out) as writer:
        for _, ids in chunks_with_ids(data, "DATA", ["id"], rows=ROWS):
            writer.write(ids.assign(probability=0.5))
    return out


def cells(out: Path) -> list[str]:
    header, *rows = out.read_text().splitlines()
    assert header == "id,probability"
    return [row.removesuffix(",0.5") for row in rows]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([LARGE, 123, LARGE, None, 7]), [str(LARGE), "123", str(LARGE), "", "7"]),
        (pa.array([2**64 - 1, None, 1], pa.uint64()), [str(2**64 - 1), "", "1"]),
        (pa.array([None, None, "007", "NA"]), ["", "", "007", "NA"]),
        (pa.array(["b", None, "a"]).dictionary_encode(), ["b", "", "a"]),
        (pa.array([dt.date(9999, 12, 31), None]), ["9999-12-31", ""]),
        (pa.array([True, None, False]), ["True", "", "False"]),
    ],
    ids=["int64", "uint64", "text", "categories", "dates", "booleans"],
)
def test_ids_of_parquet_keep_value_and_type(
    values: pa.Array, texts: list[str], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"id": values}), tmp_path / "data.parquet")
    assert cells(written(tmp_path / "data.parquet", tmp_path / "out.csv")) == texts
    out = pq.read_table(written(tmp_path / "data.parquet", tmp_path / "out.parquet"))
    assert out["id"].to_pylist() == values.to_pylist()
    assert out.schema.field("id").type in (values.type, pa.string())


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_ids_of_csv_keep_every_character(compression: str, tmp_path: Path) -> None:
    texts = ["", "", "007", "NA", "None", "9007199254740993", "1.50", " x", '"a,b"']
    lines = "\n".join(f"{text};1,5" for text in texts)
    data = tmp_path / f"data.csv{compression}"
    with pa.output_stream(str(data), compression="detect") as stream:
        stream.write(f"id;size\n{lines}\n".encode())
    assert cells(written(data, tmp_path / "out.csv")) == texts
    out = pq.read_table(written(data, tmp_path / "out.parquet"))
    assert out["id"].to_pylist() == [text.strip('"') or None for text in texts]


def test_ids_of_a_folder_have_one_type(tmp_path: Path) -> None:
    def out_of(name: str, *columns: pa.Array) -> pa.ChunkedArray:
        folder = tmp_path / name
        folder.mkdir()
        for i, column in enumerate(columns):
            pq.write_table(pa.table({"id": column}), folder / f"{i}.parquet")
        return pq.read_table(written(folder, tmp_path / "out.parquet"))["id"]

    small, nothing = pa.array([1, None], pa.int32()), pa.array([None])
    widths = out_of("widths", nothing, small, pa.array([LARGE]))
    assert widths.to_pylist() == [None, 1, None, LARGE]
    assert widths.type == pa.int64()
    assert out_of("kinds", small, pa.array(["x"])).to_pylist() == ["1", None, "x"]
    (tmp_path / "kinds" / "2.csv").write_text("id\n007\n")
    assert cells(written(tmp_path / "kinds", tmp_path / "out.csv")) == ["1", "", "x", "007"]


def test_an_id_that_is_learnt_from_is_still_read_as_a_number(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("id,x\n1,2\nNA,3\n")
    frame, ids = next(chunks_with_ids(tmp_path / "data.csv", "DATA", ["id", "id", "none"]))
    assert frame["id"].dtype == float
    assert ids["id"].tolist() == ["1", "NA"]
    assert list(ids) == ["id"]


def test_scores_are_read_without_types_of_arrow(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1, 2, 3]}).to_parquet(tmp_path / "data.parquet")
    written(tmp_path / "data.parquet", tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["id"].dtype == "int64"


def test_row_numbers_with_a_name_are_a_column_of_every_piece(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(5)}, index=pd.RangeIndex(10, 20, 2, name="id"))
    frame.to_parquet(tmp_path / "data.parquet")
    pieces = chunks(tmp_path / "data.parquet", "DATA", rows=ROWS)
    assert pd.concat(pieces)["id"].tolist() == [10, 12, 14, 16, 18]
    assert cells(written(tmp_path / "data.parquet", tmp_path / "out.csv"))[-1] == "18"
