from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from gbimb.exceptions import InvalidTypeError
from gbimb.tables.files.columns import prepare_columns


def prepare(values: object, **options: object) -> tuple[pd.Series, str]:
    frame, notes, _ = prepare_columns(pd.DataFrame({"c": pd.Series(values, **options)}))
    return frame["c"], " ".join(notes)


def test_numbers_and_booleans_pass() -> None:
    for values in ([1, 2, 2], [0.5, np.nan], [True, False]):
        column, note = prepare(values)
        assert list(column.dropna()) == [v for v in values if v == v]  # noqa: PLR0124  NaN
        assert not note


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float32"])
def test_nullable_columns_become_numbers_with_nan(dtype: str) -> None:
    column, note = prepare([1, None, 0], dtype=dtype)
    assert column.dtype == np.float64
    np.testing.assert_array_equal(column, [1, np.nan, 0])
    assert not note


@pytest.mark.parametrize(
    "values",
    [
        [dt.date(2024, 1, 1), dt.date(2024, 1, 3), None],
        ["2024-01-01", "2024-01-03", None],
        ["2024-01-01T00:00:00Z", "2024-01-03 00:00", None],
        pd.to_datetime(["2024-01-01", "2024-01-03", None]),
        pd.to_datetime(["2024-01-01", "2024-01-03", None]).tz_localize("Europe/Paris"),
    ],
)
def test_dates_become_days_and_it_is_said(values: object) -> None:
    column, note = prepare(values)
    np.testing.assert_allclose(column, [19723, 19725, np.nan], atol=0.05)
    assert note == "Column 'c': dates, taken as days since 1970-01-01."


def test_text_that_only_looks_like_dates_stays_text() -> None:
    column, note = prepare(["2024-02-31", "2024-01-01"])
    assert isinstance(column.dtype, pd.CategoricalDtype)
    assert "50 % of its values are dates, but not '2024-02-31' (1 row)" in note


def test_durations_become_days() -> None:
    column, note = prepare(pd.to_timedelta(["12h", None]))
    np.testing.assert_allclose(column, [0.5, np.nan])
    assert "durations" in note


def test_text_becomes_categories() -> None:
    column, note = prepare(["b", "a", None, "[red]"])
    assert list(column.cat.categories) == ["[red]", "a", "b"]
    assert column.isna().sum() == 1
    assert not note


def test_mixed_text_and_numbers_are_said() -> None:
    column, note = prepare(["b", 1, None])
    assert set(column.cat.categories) == {"b", "1"}
    assert note == "Column 'c': numbers and text mixed, taken as categories."


def test_decimals_and_booleans_among_objects_are_numbers() -> None:
    np.testing.assert_allclose(prepare([Decimal("1.5"), None])[0], [1.5, np.nan])
    np.testing.assert_allclose(prepare([True, None], dtype=object)[0], [1, np.nan])


def test_infinite_numbers_become_missing_and_it_is_said() -> None:
    column, note = prepare([1.0, np.inf, -np.inf])
    assert column.isna().sum() == 2
    assert note == "Column 'c': 2 infinite values, taken as missing."


def test_an_empty_column_stays() -> None:
    column, note = prepare([None, None], dtype=object)
    assert column.isna().all()
    assert "no value" in note


def test_what_looks_like_an_identifier_is_said_and_kept() -> None:
    column, note = prepare([f"id{i}" for i in range(200)])
    assert column.nunique() == 200
    assert "200 different texts in 200 rows" in note
    assert "with drop" in note
    column, note = prepare(np.arange(200) + 17)
    assert column.nunique() == 200
    assert "counts the rows" in note


def test_lists_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"Column 'c' must hold .* got list\. .*with drop"):
        prepare([[1], [2]])
