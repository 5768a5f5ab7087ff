"""A hint where a column looks like groups or times that nobody gave, and none where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.tables.dependence import hint_of, identifiers, time_hint
from tests.estimators.common import Kind, both, quick
from tests.estimators.test_groups import customers

if TYPE_CHECKING:
    from pathlib import Path


def with_customers(seed: int, n_groups: int = 300, each: int = 6) -> tuple[pd.DataFrame, Any, Any]:
    """Shuffled rows with a column of customers, as numbers that say nothing else."""
    X, y, group = customers(n_groups, each, seed=seed)
    rng = np.random.default_rng(seed)
    number = rng.permutation(10 * n_groups)[group] + 10_000
    order = rng.permutation(y.size)
    table = pd.DataFrame(X).add_prefix("x").assign(customer=number)
    return table.iloc[order].reset_index(drop=True), y[order], group[order]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("each", [3, 6, 20])
@pytest.mark.parametrize("kind", ["int64", "str", "category", "float64", "Int64"])
def test_an_identifier_whose_rows_share_labels_is_found(seed: int, each: int, kind: str) -> None:
    table, y, _ = with_customers(seed, 1_800 // each, each)
    table["customer"] = table["customer"].astype(kind)
    assert identifiers(table, y) == ["customer"]
    assert "rows with the same 'customer' mostly have the same label" in hint_of(table, y)


@pytest.mark.parametrize("name", gbimb.datasets.names())
def test_no_built_in_table_gets_a_hint(name: str) -> None:
    found = gbimb.datasets.load(name)
    assert hint_of(found.X, pd.factorize(np.asarray(found.y))[0]) == ""


@pytest.mark.parametrize("seed", range(10))
def test_columns_that_are_no_identifiers_get_no_hint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 3_000
    age, risk = rng.integers(18, 90, n), rng.normal(size=n)
    town = rng.integers(0, 40, n)
    odds = risk + 0.05 * (age - 50) + 0.8 * rng.normal(size=40)[town] - 3
    y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    table = pd.DataFrame(
        {
            "age": age,
            "amount": np.round(np.exp(4 + 0.7 * risk + rng.normal(size=n))).astype(int),
            "income": 100 * np.round(200 + 40 * risk + 40 * rng.normal(size=n)).astype(int),
            "town": [f"town {t}" for t in town],
            "row": np.arange(n),
            "policy": rng.permutation(n) + 10**6,
            "other": rng.integers(0, n // 5, n),  # an identifier that says nothing of the label
            "rounded": np.round(risk, 2),
            "yes": rng.random(n) < 0.5,
        }
    )
    assert identifiers(table, y) == []
    assert identifiers(table, np.zeros(n, int)) == []


def test_dates_are_hinted_at_where_there_is_one_column_or_an_order() -> None:
    rng = np.random.default_rng(0)
    days = pd.Series(pd.date_range("2023-01-01", periods=400))
    mixed = days.sample(frac=1, random_state=0, ignore_index=True)
    assert time_hint({"day": days}) == time_hint({"day": mixed})
    assert "'day' holds dates" in time_hint({"day": days})[0]
    assert time_hint({"born": mixed, "joined": mixed[::-1].reset_index(drop=True)}) == []
    assert "'day'" in time_hint({"born": mixed, "day": days})[0]
    assert time_hint({"year": pd.to_datetime(rng.choice(["2021", "2022"], 400)).to_series()}) == []
    assert time_hint({"gaps": days.mask(days.index > 3)}) == []


@both
def test_a_fit_says_the_hint_where_it_says_what_was_held_out(kind: Kind) -> None:
    table, y, group = with_customers(0)
    clf = quick(kind, cv="auto").fit(table, y)
    assert clf.validation_.endswith("so give fit groups if new rows will have others")
    assert "so give fit" not in quick(kind, cv="auto").fit(table, y, groups=group).validation_
    assert "so give fit" not in quick(kind, cv=None).fit(table, y).validation_
    assert "so give fit" not in quick(kind, cv="auto").fit(table.to_numpy(), y).validation_
    dated = table.drop(columns="customer").assign(day=pd.date_range("2023", periods=len(y)))
    assert "so give fit time" in quick(kind, cv="auto").fit(dated, y).validation_


def test_bags_and_blends_say_it_too() -> None:
    table, y, _ = with_customers(1)
    for clf in (
        gbimb.UnderBaggingClassifier(n_estimators=3, random_state=0, n_jobs=1),
        gbimb.ImbalancedClassifier(random_state=0, n_jobs=1),
    ):
        assert "the same 'customer' mostly" in clf.fit(table, y).validation_


def test_the_command_names_its_own_options(tmp_path: Path) -> None:
    table, y, _ = with_customers(2)
    table = table.assign(y=y, day=pd.date_range("2023", periods=len(y)).astype(str))
    table.to_csv(tmp_path / "a.csv", index=False)
    fit = ["fit", str(tmp_path / "a.csv"), "--target", "y", "--out", str(tmp_path / "m.gbimb")]
    done = CliRunner().invoke(app, [*fit, "--loss", "focal"])
    assert done.exit_code == 0, done.output
    assert "mostly have the same label, so give --group if" in done.stdout
    assert "If later rows are to be predicted, give --time day." in done.stderr
    done = CliRunner().invoke(app, [*fit, "--loss", "focal", "--group", "customer"])
    assert "so give --" not in done.output
