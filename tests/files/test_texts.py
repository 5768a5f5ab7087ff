"""Texts that are numbers, dates or marks of missing values are read as such, and it is said."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.match import match_columns, text_columns
from gbimb.tables.files.read import read_file
from gbimb.tables.texts import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NUMBERS = [f"{i / 8}" for i in range(1, 60)]


def prepare(values: Sequence[object], **others: list[str]) -> tuple[list[object], str]:
    """Return the values of a column, of numbers, or its categories, and what is said of it."""
    frame, notes, _ = prepare_columns(pd.DataFrame({"c": pd.Series(values), **others}))
    (note,) = [note for note in notes if "'c'" in note] or [""]
    column = frame["c"]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories), note
    return column.tolist(), note


def days(*dates: tuple[int, int, int]) -> list[float]:
    return [float((dt.date(*date) - dt.date(1970, 1, 1)).days) for date in dates]


@pytest.mark.parametrize(
    "mark", ["?", "-", "--", ".", "missing", "Unknown", "#DIV/0!", "#WERT!", "n/a.", "N.A.", "12O"]
)
def test_a_mark_among_numbers_is_a_missing_value_and_named(mark: str) -> None:
    values, note = prepare([*NUMBERS, mark])
    np.testing.assert_array_equal(values, [*map(float, NUMBERS), np.nan])
    assert note.startswith(f"Column 'c': numbers; {mark!r} (1 row) taken as missing.")


def test_marks_known_everywhere_may_be_most_of_a_column() -> None:
    values, note = prepare(["?"] * 70 + NUMBERS)
    assert np.isnan(values[:70]).all()
    assert values[70:] == [float(number) for number in NUMBERS]
    assert "'?' (70 rows) taken as missing" in note


def test_more_than_a_few_other_texts_leave_categories_and_are_the_ones_named() -> None:
    values, note = prepare([*NUMBERS, *(f"A{i}" for i in range(12))])
    assert "A3" in values
    assert (
        "83 % of its values are numbers, but not 'A0' (1 row), 'A1' (1 row), 'A2' (1 row)" in note
    )
    assert "taken as categories" in note


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["$1,234.50", "$12"], [1234.5, 12]),
        (["1.234,50 €", "12 €"], [1234.5, 12]),
        (["EUR 1 234,50", "EUR 3"], [1234.5, 3]),
        (["(1,200.00)", "-3.5", "7"], [-1200, -3.5, 7]),
        (["12.5%", "3 %", "0"], [12.5, 3, 0]),
        (["1,234,567", "89"], [1234567, 89]),
        (["1'234.5", "89"], [1234.5, 89]),
        (["12,34,567.5", "89"], [1234567.5, 89]),
        (["12,50", "3", "1000,25"], [12.5, 3, 1000.25]),
        (["12,5", "1.014", "7"], [12.5, 1014, 7]),
        (["\u22121,5", "2,25"], [-1.5, 2.25]),
        (["1\xa0234", "567\u202f890"], [1234, 567890]),
    ],
)
def test_numbers_are_read_by_value_where_the_column_agrees(
    texts: list[str], wanted: list[float]
) -> None:
    values, note = prepare(texts)
    np.testing.assert_array_equal(values, wanted)
    assert note.startswith("Column 'c': numbers, such as ")


@pytest.mark.parametrize(
    "texts", [["12%", "0.12"], ["$5", "7 €"], ["5 USD", "7 EUR"]], ids=lambda texts: texts[0]
)
def test_units_that_differ_are_no_numbers(texts: list[str]) -> None:
    values, note = prepare(texts)
    assert values == sorted(texts)
    assert "with different ones: taken as categories" in note


def test_what_can_be_read_in_two_ways_is_as_the_other_columns_and_said() -> None:
    texts = ["1,234", "567", "8,900"]
    values, note = prepare(texts)
    assert values == [1234, 567, 8900]
    assert note.endswith("such as '8,900' as 8900. If '8,900' is 8.9, give decimal=','.")
    assert prepare(texts, other=["12,5", "1,25", "3"])[0] == [1.234, 567, 8.9]
    dates = ["03/04/2021", "05/06/2021"]
    values, note = prepare(dates)
    assert values == days((2021, 4, 3), (2021, 6, 5))
    assert (
        "No date shows the order: if '05/06/2021' is 2021-05-06, give dates='monthfirst'." in note
    )
    other = ["12/31/2021", "01/02/2021"]
    assert prepare(dates, other=other)[0] == days((2021, 3, 4), (2021, 5, 6))


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["31/12/2021", "01/02/2021"], days((2021, 12, 31), (2021, 2, 1))),
        (["12/31/2021", "1/2/2021"], days((2021, 12, 31), (2021, 1, 2))),
        (["31.12.2021", "01.02.2021"], days((2021, 12, 31), (2021, 2, 1))),
        (["31-Dec-2021", "1-Feb-2021"], days((2021, 12, 31), (2021, 2, 1))),
        (["2021/12/31", "2021/02/01"], days((2021, 12, 31), (2021, 2, 1))),
        (["31/12/21 06:00", "01/02/21 18:00"], [18992.25, 18659.75]),
        (
            ["01/01/2021", "02/01/2021", "03/01/2021"],
            days((2021, 1, 1), (2021, 2, 1), (2021, 3, 1)),
        ),
    ],
    ids=lambda value: str(value[0]),
)
def test_dates_of_any_order_are_days(texts: list[str], wanted: list[float]) -> None:
    values, note = prepare(texts)
    np.testing.assert_allclose(values, wanted)
    assert "taken as days since 1970-01-01" in note


@pytest.mark.parametrize("odd", ["2021-02-31", "2021-13-01", "0000-00-00", "soon"])
def test_one_impossible_date_is_missing_and_the_only_one_blamed(odd: str) -> None:
    good = [f"2021-10-{day:02d}" for day in range(1, 31)]
    values, note = prepare([*good, odd])
    assert values[:30] == days(*((2021, 10, day) for day in range(1, 31)))
    assert np.isnan(values[30])
    assert f"; {odd!r} (1 row) taken as missing." in note
    assert "2021-10" not in note


def test_codes_stay_categories() -> None:
    assert prepare(["007", "012", "?"])[0] == ["007", "012", "?"]
    assert prepare(["1", "2", "3"]) == (["1", "2", "3"], "")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_points_of_a_file_with_decimal_commas_are_thousands(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "price;size\n12,5;1.014\n3;987\n1000,25;2.350\n")
    for table in (read_file(path), next(chunks(path, "DATA"))):
        frame, notes, _ = prepare_columns(table)
        assert frame["size"].tolist() == [1014, 987, 2350]
        assert "Column 'size': numbers, such as '2.350' as 2350." in notes[1]


def test_where_other_columns_have_decimal_points_it_is_said_that_both_are_possible(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.csv", "price;size;x\n12,5;1.014;1.5\n3;987;2.25\n")
    frame, notes, _ = prepare_columns(read_file(path))
    assert frame["size"].tolist() == [1.014, 987]
    assert frame["x"].tolist() == [1.5, 2.25]
    assert notes[1].endswith("such as '1.014' as 1.014. If '1.014' is 1014, give decimal=','.")
    assert len(notes) == 2


@pytest.fixture(scope="module")
def fitted() -> gbimb.ImbalancedLGBMClassifier:
    """Trained on a column each of percentages, decimal commas, day-first dates and marks."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "rate": [f"{v:.1f}%" for v in rng.uniform(0, 9, 300)],
            "size": [f"{v:.2f}".replace(".", ",") for v in rng.uniform(0, 9, 300)],
            "day": [
                f"{d:%d/%m/%Y}"
                for d in pd.Timestamp("2021-01-01") + pd.to_timedelta(np.arange(300) // 2, "D")
            ],
            "age": [str(v) if v > 20 else "zz" for v in rng.integers(19, 90, 300)],
        }
    )
    X, _, readings = prepare_columns(table)
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, random_state=0, n_jobs=1)
    clf.fit(X, X["rate"] > 8).readings_ = readings
    return clf


def match(clf: object, **cells: object) -> dict[str, object]:
    base = {"rate": "1.5%", "size": "1,5", "day": "31/12/2021", "age": "30"}
    return match_columns(clf, pd.DataFrame([{**base, **cells}]), "new.csv").iloc[0].to_dict()


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ({"rate": "12.5"}, 12.5),
        ({"rate": 12.5}, 12.5),
        ({"size": "1.234"}, 1234),
        ({"size": "0,125"}, 0.125),
        ({"size": 3.0}, 3),
        ({"size": "1.5"}, 1.5),
        ({"day": "03/04/2021"}, days((2021, 4, 3))[0]),
        ({"day": "2021-04-03"}, days((2021, 4, 3))[0]),
        ({"age": "zz"}, np.nan),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_new_files_are_read_as_at_fit(
    fitted: object, cells: dict[str, object], wanted: float
) -> None:
    (name,) = cells
    np.testing.assert_array_equal(match(fitted, **cells)[name], wanted)


@pytest.mark.parametrize(
    ("cells", "wanted", "words"),
    [
        ({"age": "?"}, np.nan, "'?' (1 row) taken as missing"),
        ({"rate": "1,5%"}, 1.5, "such as '1,5%' as 1.5"),
        ({"day": "12/31/2021"}, days((2021, 12, 31))[0], "with the month first"),
        ({"rate": np.inf}, np.nan, "1 infinite values, taken as missing"),
    ],
    ids=str,
)
def test_what_is_read_otherwise_than_at_fit_is_said(
    fitted: object, cells: dict[str, object], wanted: float, words: str
) -> None:
    (name,) = cells
    with pytest.warns(gbimb.exceptions.GbimbWarning) as caught:
        found = match(fitted, **cells)[name]
    np.testing.assert_array_equal(found, wanted)
    assert words in str(caught[0].message)
    assert repr(name) in str(caught[0].message)


def test_of_many_good_cells_the_bad_ones_are_blamed(fitted: object) -> None:
    new = pd.DataFrame({"rate": ["1%"] * 9, "size": ["1,5"] * 9, "age": ["9"] * 9})
    new["day"] = [*(f"0{i}/10/2021" for i in range(1, 8)), "31/02/2021", "soon"]
    with pytest.raises(gbimb.GbimbError, match="in 2 rows, such as '31/02/2021', 'soon'"):
        match_columns(fitted, new, "new.csv")


def test_readings_are_in_the_model_file(
    fitted: gbimb.ImbalancedLGBMClassifier, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    assert loaded.readings_ == fitted.readings_
    assert loaded.readings_["age"] == Reading(".", ("zz",))
    assert text_columns(loaded) == ["size"]
    assert match(loaded, size="1.234")["size"] == 1234


def test_a_model_file_without_readings_reads_by_the_usual_rules() -> None:
    X = pd.DataFrame({"x": np.arange(300) % 7 / 2})
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, X["x"] > 2)
    new = pd.DataFrame({"x": ["007", " ", "1.5"]})
    np.testing.assert_array_equal(match_columns(clf, new, "f")["x"], [7, np.nan, 1.5])


def test_a_streamed_folder_is_read_as_one_file(tmp_path: Path) -> None:
    from gbimb.cli.fitting.training_file import Roles, open_folder, read_rows

    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "Unnamed: 0": np.arange(300),
            "pay": [f"${v:,.2f}" for v in rng.uniform(1, 9999, 300)],
            "day": [f"{i % 28 + 1:02d}/{i % 12 + 1:02d}/2021" for i in range(300)],
            "age": ["?" if i % 9 == 0 else str(i % 50) for i in range(300)],
            "word": rng.choice(["a", "b"], 300),
            "x": np.where(np.arange(300) == 7, np.inf, rng.normal(size=300)),
            "y": rng.choice(["yes", "no"], 300),
        }
    )
    (tmp_path / "folder").mkdir()
    for name, part in {"a": table[:200], "b": table[200:]}.items():
        part.to_parquet(tmp_path / "folder" / f"{name}.parquet", index=False)
    table.to_parquet(tmp_path / "whole.parquet", index=False)
    whole = read_rows(tmp_path / "whole.parquet", "y", Roles(), {})
    streamed = open_folder(tmp_path / "folder", "y", Roles(), {})
    assert streamed.notes == whole.notes
    assert len(streamed.notes) == 5
    assert streamed.readings == whole.readings
    frame = pd.concat(streamed.given["X"].frames(), ignore_index=True)
    numbers = ["pay", "day", "age", "x"]
    pd.testing.assert_frame_equal(frame[numbers], whole.given["X"][numbers])
    assert list(frame) == list(whole.given["X"])
    models = [
        gbimb.ImbalancedLGBMClassifier(n_estimators=3, cv=None, random_state=0, n_jobs=1).fit(
            **given
        )
        for given in (whole.given, streamed.given)
    ]
    rows = whole.given["X"]
    one, other = (model.predict_proba(rows) for model in models)
    np.testing.assert_allclose(one, other)


def test_arrow_text_of_parquet_is_read_by_the_same_rules(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"c": pa.array(["1,234.5", "?", "7"], pa.large_string())}), tmp_path / "a.parquet"
    )
    frame, notes, _ = prepare_columns(read_file(tmp_path / "a.parquet"))
    np.testing.assert_array_equal(frame["c"], [1234.5, np.nan, 7])
    assert notes == (
        "Column 'c': numbers, such as '1,234.5' as 1234.5; '?' (1 row) taken as missing.",
    )
