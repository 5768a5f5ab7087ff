"""Columns that may not be what they look like are named: in files, folders and data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.exceptions import ColumnWarning
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.streamed import prepare_source
from gbimb.tables.remarks.frames import remarks_on
from gbimb.tables.remarks.sentences import odd_labels

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300
RNG = np.random.default_rng(0)
NUMBERS = RNG.permutation(ROWS).astype(float) + 5_000
GAPS = np.where(np.arange(ROWS) % 40 == 0, np.nan, NUMBERS)
PRESSURE = np.where(np.arange(ROWS) % 30 == 0, -999.0, RNG.integers(90, 180, ROWS))
AGES = np.where(np.arange(ROWS) % 30 == 0, 999, RNG.integers(18, 90, ROWS))
DAYS = pd.date_range("2021-01-01", periods=ROWS // 2).repeat(2)
WEIGHTS = [f"{x:.1f} kg" for x in RNG.normal(70, 9, ROWS)]
CLOCK = [f"{i // 60:02}:{i % 60:02}" for i in RNG.integers(0, 1440, ROWS)]
ANSWERS = RNG.choice(["yes", "Yes ", "no"], ROWS).tolist()

ODD = {
    "gaps": (GAPS, "292 whole numbers in 300 rows, all different, taken as numbers. If they are"),
    "far": (PRESSURE, "10 rows hold -999, far from all others, taken as a number. If it stands"),
    "above": (AGES, "10 rows hold 999, far from all others"),
    "compact": (
        DAYS.strftime("%Y%m%d").astype(int),
        "whole numbers that look like dates, such as 20210101, taken as numbers.",
    ),
    "unit": (WEIGHTS, "numbers with a unit, such as '"),
    "clock": (CLOCK, "times of day, such as '"),
    "answers": (ANSWERS, "differ by blanks or case only, taken as different categories."),
}
USUAL = {
    "amounts": RNG.lognormal(8, 1, ROWS).round(2),
    "counts": RNG.integers(0, 40, ROWS),
    "negative": RNG.normal(0, 500, ROWS).round() + 0.5,
    "rounded": RNG.integers(0, 10, ROWS) * 111.0,
    "years": RNG.integers(1950, 2020, ROWS),
    "letters": RNG.choice(["A1", "B2", "C3"], ROWS),
    "sizes": RNG.choice(["10 kg", "20 kg"], ROWS),
    "streets": [f"{i} Main Street" for i in RNG.integers(0, 90, ROWS)],
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_column_of_a_file_a_folder_or_a_frame_is_named(name: str, tmp_path: Path) -> None:
    values, words = ODD[name]
    frame = pd.DataFrame({name: values})
    (note,) = prepare_columns(frame).notes
    assert note.startswith(f"Column {name!r}: ")
    assert words in note
    frame.assign(y=0).to_parquet(tmp_path / "a.parquet")
    source = gbimb.ParquetSource(tmp_path, target="y")
    assert words in prepare_source(source)[0][0]
    (said,) = remarks_on(frame, frame)
    assert words in said.replace("are identifiers, leave it out of X", "are")


@pytest.mark.parametrize("name", USUAL)
def test_nothing_is_said_of_usual_columns(name: str) -> None:
    frame = pd.DataFrame({name: USUAL[name]})
    assert prepare_columns(frame).notes == ()
    assert remarks_on(frame, frame) == []


def test_what_can_be_done_is_said_for_files_and_for_frames() -> None:
    frame = pd.DataFrame({"far": PRESSURE, "unit": WEIGHTS})
    far, unit = prepare_columns(frame).notes
    assert far.endswith("If it stands for a missing value, give missing='-999'.")
    assert unit.endswith("Write them without the unit to have them read as numbers.")
    far, unit = remarks_on(frame, frame)
    assert far.endswith("If it stands for a missing value, replace it by NaN.")
    assert unit.endswith("Convert the column to numbers first.")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1.5", "2.5", "3.5"] * 9 + ["?"], "numbers as text, such as '3.5' beside '?' (1 row)"),
        (["1,50 €", "2,50 €"] * 9, "numbers as text, such as '2,50 €', taken as categories."),
        (["2021-01-02", "2021-03-04"] * 9, "for example with pandas.to_datetime."),
        (["13/01/2021", "2021-03-04"] * 9, "Convert the column to dates first."),
    ],
)
def test_texts_of_a_frame_stay_categories_with_a_warning(texts: list[str], words: str) -> None:
    frame = pd.DataFrame({"c": texts})
    (said,) = remarks_on(frame, frame)
    assert words in said
    assert remarks_on(frame.astype("category"), frame) == []  # somebody decided


def test_a_fit_warns_of_columns_and_of_labels_that_differ_by_case() -> None:
    x = RNG.normal(size=ROWS)
    frame = pd.DataFrame({"x": x, "policy": NUMBERS.astype(int)})
    y = np.where(x > 1, "yes", np.where(x < -1, "No", "no"))
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=3, cv=None, learning_rate=0.3)
    with pytest.warns(ColumnWarning) as caught:
        clf.fit(frame, y)
    policy, labels = (str(w.message) for w in caught if w.category is ColumnWarning)
    assert policy.endswith(
        "all different, taken as numbers. If they are identifiers, leave it out of X."
    )
    assert labels.startswith("Column 'y': labels that differ by blanks or case only are taken as")


def test_months_without_a_day_are_dates() -> None:
    months = ["2024-03", "2024-11", "2023-07"]
    frame, notes, _ = prepare_columns(
        pd.DataFrame({"c": months, "d": ["03/2024", "Nov 2024", "07/2023"]})
    )
    assert frame["c"].tolist() == frame["d"].tolist()
    assert frame["c"][0] == (pd.Timestamp("2024-03-01") - pd.Timestamp(0)).days
    assert notes[0].startswith("Column 'c': dates, such as '2023-07' as 2023-07-01")
    frame, notes, _ = prepare_columns(pd.DataFrame({"c": ["2010/11", "2012/13", "2013/14"]}))
    assert frame["c"].dtype == "category"  # seasons


def test_dates_in_several_orders_are_named_as_such() -> None:
    texts = ["13/01/2021", "2021-03-04", "25/12/2020", "2020-11-30"] * 5
    _, (note,), _ = prepare_columns(pd.DataFrame({"c": texts}))
    assert note.startswith("Column 'c': dates written in different ways, such as '")
    assert note.endswith("Write all of them as 2021-12-31 to have them read as dates.")


def test_a_mark_that_may_be_a_number_is_questioned() -> None:
    texts = [str(1990 + i % 30) for i in range(60)] + ["<1990"] * 3
    _, (note,), _ = prepare_columns(pd.DataFrame({"c": texts}))
    assert note.endswith("missing. If '<1990' stands for a number, write that number.")


def test_labels_that_may_be_missing_are_named() -> None:
    (said,) = odd_labels({"yes": 10, "no": 200, "?": 3}, "y")
    assert said == (
        "Column 'y': '?' (3 rows) taken as a class. Remove these rows if their labels are missing."
    )
    assert odd_labels({"None": 10, "Some": 20}, "y") == ()  # two labels, one of them a word
