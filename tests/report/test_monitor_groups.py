"""Rows that come in groups are compared as the fewer rows that they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb import report
from gbimb.decisions.held_out import ALONE, GroupEffects
from gbimb.report.monitoring.promises import _guarantee
from tests.report.test_monitor import Promise

if TYPE_CHECKING:
    from pathlib import Path

EACH = 15


def customers(n_groups: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows that look alike within a customer, whose label mostly is the customer's."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), EACH)
    face = rng.normal(size=(n_groups, 3))
    odds = 2.0 * face[:, 0] + 2.0 * rng.normal(size=n_groups) - 4.0
    table = pd.DataFrame(face[group] + 0.02 * rng.normal(size=(group.size, 3)), columns=[*"abc"])
    table["fraud"] = (rng.random(group.size) < 1 / (1 + np.exp(-odds[group]))).astype(int)
    return table, group


@pytest.fixture(scope="module", params=["booster", "bags", "blend"])
def model(request: pytest.FixtureRequest) -> Any:
    table, group = customers(250, 0)
    clf: Any = {
        "booster": gbimb.ImbalancedLGBMClassifier(n_estimators=40, random_state=0),
        "bags": gbimb.UnderBaggingClassifier(n_estimators=5, random_state=0),
        "blend": gbimb.AutoImbalancedClassifier(n_trials=1, time_budget=None, random_state=0),
    }[request.param]
    return clf.fit(table.drop(columns="fraud"), table["fraud"], groups=group)


def test_new_groups_of_the_same_kind_raise_no_alarm(model: Any) -> None:
    found = [report.monitor(model, customers(130, seed)[0], "fraud").facts for seed in range(1, 11)]
    assert sum(bool(facts["alarms"]) for facts in found) <= 2
    assert sum(facts["broken"] for facts in found) <= 2
    assert not any(row["moved"] for facts in found for row in facts["columns"])


def test_a_change_is_found_all_the_same(model: Any) -> None:
    moved = customers(400, 11)[0]
    moved["a"] += 1.5
    assert report.monitor(model, moved).facts["alarms"]


def test_the_file_keeps_the_effects(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model.gbimb")
    kept = gbimb.load(tmp_path / "model.gbimb").model_.held_out.effects
    assert kept == model.model_.held_out.effects
    assert kept.column == pytest.approx(EACH)
    assert 2.0 < kept.score <= 2 * EACH


def test_effects_are_one_where_groups_say_nothing() -> None:
    rng = np.random.default_rng(0)
    y, proba = rng.random(40_000) < 0.3, rng.random(40_000)
    group = np.repeat(np.arange(10_000), 4)
    found = GroupEffects.of(y.astype(int), proba, (proba > 0.5).astype(int), group)
    assert found[:-1] == pytest.approx(ALONE[:-1], abs=0.1)
    assert found.column == 4.0
    together = GroupEffects.of(y.astype(int), proba[group], (proba[group] > 0.5), group)
    assert together.score == pytest.approx(4.0, abs=0.1)
    assert together.alerts == pytest.approx(4.0, abs=0.1)
    assert together.of_some(0.5).column == 2.5


def test_a_guarantee_is_tested_on_as_many_rows_as_groups_are_worth() -> None:
    counts = {"tp": 80, "fp": 40, "fn": 20, "tn": 880}
    rule = Promise("precision >= 0.75", 0.95)
    assert not _guarantee(rule, counts)[0]
    assert _guarantee(rule, counts, ALONE._replace(precision=10.0))[0]
