from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from gbimb.benchmark.statistics import (
    ALL_TABLES,
    bootstrap_interval,
    compare,
    corrected_t,
    signed_rank_p,
    summarise,
    t_interval,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.benchmark.records import Record


def test_one_table_takes_the_corrected_t_interval() -> None:
    # Mean 0.02, variance 0.0001 / 2 * ... by hand: values 0.01, 0.02, 0.03 have sd 0.01.
    interval, p_value = corrected_t(np.array([0.01, 0.02, 0.03]))
    error = np.sqrt(1 / 3 + 1 / 2) * 0.01
    assert interval == pytest.approx((0.02 - 4.302653 * error, 0.02 + 4.302653 * error))
    assert p_value == pytest.approx(2 * stats.t.sf(0.02 / error, 2))


def test_equal_differences_prove_nothing() -> None:
    interval, p_value = corrected_t(np.array([0.5, 0.5, 0.5]))
    assert interval == (0.5, 0.5)
    assert p_value == 1.0


def test_few_tables_take_students_interval() -> None:
    values = np.array([0.1, 0.3, 0.2])
    expected = stats.t.interval(0.95, 2, loc=0.2, scale=stats.sem(values))
    assert t_interval(values) == pytest.approx(expected)


def test_the_bootstrap_is_about_as_wide_as_students_t_for_normal_values(
    rng: np.random.Generator,
) -> None:
    values = rng.normal(size=12)
    low, high = bootstrap_interval(values)
    student = t_interval(values)
    assert (high - low) == pytest.approx(student.high - student.low, rel=0.15)


def test_the_bootstrap_covers_the_mean_often_enough(rng: np.random.Generator) -> None:
    draws = rng.normal(size=(150, 8))
    covered = [low <= 0 <= high for low, high in map(bootstrap_interval, draws)]
    assert np.mean(covered) > 0.9


@pytest.mark.parametrize("n", [5, 9])
def test_the_signed_rank_test_is_that_of_scipy(rng: np.random.Generator, n: int) -> None:
    values = rng.normal(0.3, 1, n)
    assert signed_rank_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


def test_the_signed_rank_test_by_hand() -> None:
    assert signed_rank_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5])) == pytest.approx(2 / 32)
    # Signs of ranks 1, 2, 3 with sum 4 or more either way: ++-: 0, -++: 4, +++: 6, +-+: 2.
    assert signed_rank_p(np.array([-0.1, 0.2, 0.3])) == pytest.approx(4 / 8)
    assert signed_rank_p(np.array([0.1, 0.1, 0.1, 0.1])) == pytest.approx(2 / 16)
    assert signed_rank_p(np.zeros(4)) == 1.0


def test_a_comparison_averages_folds_first(make_record: Callable[..., Record]) -> None:
    mcc = {
        ("a", "focal"): [0.5, 0.7],
        ("a", "weighted-logloss"): [0.4, 0.4],
        ("b", "focal"): [0.2, 0.2],
        ("b", "weighted-logloss"): [0.2, 0.4],
    }
    records = [
        make_record(table, "xgboost", method, fold, value)
        for (table, method), values in mcc.items()
        for fold, value in enumerate(values)
    ]
    found = compare(records, "xgboost", "focal", "weighted-logloss")
    assert found is not None
    assert found.mean == pytest.approx((0.2 - 0.1) / 2)
    assert found.median == pytest.approx(0.05)
    assert (found.higher, found.units, found.kind) == (1, 2, "t")
    assert found.smallest_p == 0.5
    assert (found.low, found.high) == pytest.approx(t_interval(np.array([0.2, -0.1])))
    assert compare(records, "lightgbm", "focal", "weighted-logloss") is None
    assert compare(records, "xgboost", "logloss", "weighted-logloss") is None


def test_an_interval_never_leaves_what_is_possible(
    make_records: Callable[..., list[Record]],
) -> None:
    records = make_records({"focal": [0.5, -0.5], "weighted-logloss": [0.0, 0.0]})
    found = compare(records, "lightgbm", "focal", "weighted-logloss")
    assert found is not None
    assert (found.low, found.high) == (-2, 2)


def test_the_table_that_moves_the_mean_most_is_named(
    make_records: Callable[..., list[Record]],
) -> None:
    records = make_records({"focal": [0.01, 0.02, 0.6], "weighted-logloss": [0.0] * 3})
    found = compare(records, "lightgbm", "focal", "weighted-logloss")
    assert found is not None
    assert found.leader == "table2"
    assert found.mean_without_leader == pytest.approx(0.015)


def test_the_summary_by_hand(make_record: Callable[..., Record]) -> None:
    records = [
        make_record("a", "lightgbm", "focal", 0, 0.1),
        make_record("a", "lightgbm", "focal", 1, 0.3),
        make_record("b", "lightgbm", "focal", 0, 0.6),
        make_record("b", "lightgbm", "focal", 1, 0.6),
    ]
    rows = {row.table: row.measures["mcc"] for row in summarise(records)}
    assert rows["a"].mean == pytest.approx(0.2)
    assert rows["a"].sd == pytest.approx(np.sqrt(0.02))
    assert rows["b"].sd == 0
    assert rows[ALL_TABLES].mean == pytest.approx(0.4)
    assert rows[ALL_TABLES].sd == pytest.approx(np.sqrt(0.02 / 2))
