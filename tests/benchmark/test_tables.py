from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gbimb import datasets
from gbimb.benchmark.tables import built_in_table, read_table
from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"x": [1.5, None, 3, 4, 5], "c": list("abcab"), "t": ["yes", "no", "no", "no", "no"]}
    )


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.parquet", "F.CSV"])
def test_files_are_read_alike(tmp_path: Path, frame: pd.DataFrame, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    table = read_table(path, "t")
    assert table.name.lower() == "f"
    assert (table.rows, table.positives, table.positive) == (5, 1, "yes")
    assert list(table.X.columns) == ["x", "c"]
    np.testing.assert_array_equal(table.y, [1, 0, 0, 0, 0])


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_found(tmp_path: Path, frame: pd.DataFrame, separator: str) -> None:
    frame.to_csv(tmp_path / "f.csv", sep=separator, index=False)
    assert read_table(tmp_path / "f.csv", "t").X.shape == (5, 2)


def test_an_index_with_a_name_is_left_out_and_said(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.set_index("c").to_parquet(tmp_path / "f.parquet")
    table = read_table(tmp_path / "f.parquet", "t")
    assert list(table.X.columns) == ["x"]
    assert "Column 'c' is the index of the table" in table.notes[0]


@pytest.mark.parametrize(
    ("labels", "positive", "expected", "count"),
    [
        (["a", "b", "b"], None, "a", 1),
        (["a", "b", "b"], "b", "b", 2),
        ([0, 1, 0, 1], None, "1", 2),
        ([0, 1, 1], None, "0", 1),
        ([0.0, 1.0, 0.0], "1", "1", 1),
        ([1, 2, 2], "1.0", "1", 1),
        ([True, False, False], None, "True", 1),
        ([True, False, False], "true", "True", 1),
        (["[red]ja[/red]", "né", "né"], None, "[red]ja[/red]", 1),
    ],
)
def test_the_rarer_label_is_positive_unless_told(
    tmp_path: Path, labels: list[object], positive: str | None, expected: str, count: int
) -> None:
    path = tmp_path / "f.parquet"
    pd.DataFrame({"x": range(len(labels)), "t": labels}).to_parquet(path)
    table = read_table(path, "t", positive=positive)
    assert (table.positive, table.positives) == (expected, count)
    assert bool(table.notes) == (count > len(labels) / 2)


def test_dropped_columns_are_left_out(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "f.csv", index=False)
    assert list(read_table(tmp_path / "f.csv", "t", drop=["x"]).X.columns) == ["c"]


def test_the_fingerprint_follows_content(tmp_path: Path, frame: pd.DataFrame) -> None:
    def fingerprint(changed: pd.DataFrame) -> str:
        changed.to_parquet(tmp_path / "f.parquet")
        return read_table(tmp_path / "f.parquet", "t").fingerprint()

    first = fingerprint(frame)
    assert fingerprint(frame) == first
    other = [
        frame.rename(columns={"x": "z"}),
        frame.assign(x=frame["x"] * 2),
        frame.assign(c=list("abcac")),
        frame.assign(t=["no", "yes", "no", "no", "no"]),
        frame[["c", "x", "t"]],
    ]
    assert first not in {fingerprint(changed) for changed in other}


@pytest.mark.parametrize("name", datasets.names("binary"))
def test_built_in_tables_keep_every_row_and_column(name: str) -> None:
    table, source = built_in_table(name), datasets.load(name)
    assert table.X.shape == source.X.shape
    assert table.positives == int((source.y == source.positive).sum())
    assert not table.notes


@pytest.mark.parametrize("name", datasets.names("multiclass"))
def test_built_in_tables_of_many_classes_have_the_most_frequent_one_first(name: str) -> None:
    table, counts = built_in_table(name), datasets.load(name).y.value_counts()
    assert dict(zip(table.classes, table.class_rows, strict=True)) == counts.to_dict()
    assert table.class_rows == sorted(table.class_rows, reverse=True)
    assert (table.positive, table.positives, table.n_classes) == (None, None, len(counts))


def test_many_labels_are_many_classes_unless_one_is_called_positive(tmp_path: Path) -> None:
    labels = ["b", "a", "b", "[red]", "a", "b"]
    pd.DataFrame({"x": range(6), "t": labels}).to_parquet(tmp_path / "f.parquet")
    table = read_table(tmp_path / "f.parquet", "t")
    assert (table.classes, table.positive) == (("b", "a", "[red]"), None)
    np.testing.assert_array_equal(table.y, [0, 1, 0, 2, 1, 0])
    table = read_table(tmp_path / "f.parquet", "t", positive="a")
    assert (table.classes, table.positive, table.positives) == ((), "a", 2)
    np.testing.assert_array_equal(table.y, [0, 1, 0, 0, 1, 0])
    assert table.notes == ("The positive class 'a' is predicted against 2 others together.",)


CASES = [
    ("t\nyes\n", {}, "a column besides 't' to train on"),
    ("x,t\n", {}, "holds no rows"),
    ("x,t\n1,yes\n2,\n3,no\n", {}, "label in every row, got 1 missing in 3 rows"),
    ("x,t\n1,yes\n2,yes\n", {}, r"two labels or more, got only one: 'yes' \(2\)"),
    (
        "x,t\n" + "".join(f"1,a{i}\n" for i in range(101)),
        {},
        r"at most 100 labels, got 101: 'a0' \(1\), .*, \.\.\.\. .*give positive",
    ),
    ("x,t\n1,a\n2,b\n3,cc\n", {"positive": "c"}, "positive must be one of .* 'cc'"),
    ("x,t\n1,a\n2,b\n", {"target": "T"}, "Did you mean 't'"),
    ("x,t\n1,a\n2,b\n", {"positive": "aa"}, "positive must be one of .* Did you mean 'a'"),
    ("x,t\n1,a\n2,b\n", {"drop": ["y"]}, "drop must be one of"),
    ("x,t\n1,a\n2,b\n", {"drop": ["t"]}, "drop must not name the target"),
    ('x,t\n1,a\n"2,b\n', {}, "cannot be read as CSV"),
    ("", {}, "cannot be read as CSV: No columns to parse"),
]


@pytest.mark.parametrize(("text", "options", "sentence"), CASES)
def test_a_table_that_cannot_be_used_gets_a_sentence(
    tmp_path: Path, text: str, options: dict[str, object], sentence: str
) -> None:
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    if text == "t\nyes\n":
        (tmp_path / "f.csv").write_text("t\nyes\nno\n", encoding="utf-8")
    arguments = {"target": "t", **options}
    with pytest.raises(GbimbError, match=sentence):
        read_table(tmp_path / "f.csv", **arguments)  # type: ignore[arg-type]


def test_a_hint_among_many_columns_is_short(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.zeros((2, 300)), columns=[f"feature_{i}" for i in range(300)])
    frame["churned"] = [0, 1]
    frame.to_csv(tmp_path / "f.csv", index=False)
    with pytest.raises(GbimbError) as caught:
        read_table(tmp_path / "f.csv", "chruned")
    assert str(caught.value).endswith("got 'chruned'. Did you mean 'churned'?")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("f.csv", b"x,t\n1,\x81\n", "neither UTF-8 nor Windows-1252"),
        ("f.parquet", b"PAR1 but not really", "cannot be read as Parquet"),
        ("f.csv.gz", b"not gzip", "cannot be read as CSV"),
        ("f.xlsx", b"", r"ends in .csv, .* got the workbook 'f.xlsx'"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GbimbError, match=sentence):
        read_table(tmp_path / name, "t")
    with pytest.raises(GbimbError, match="does not exist"):
        read_table(tmp_path / f"no-{name}", "t")
