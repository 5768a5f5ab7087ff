"""Intervals do not vanish where a count is 0, and hold the truth about 95 % of the time."""

from __future__ import annotations

import numpy as np
import pytest

from gbimb.metrics import ConfusionCounts
from gbimb.plots import ThresholdDisplay
from gbimb.plots.statistics import DEFAULT_METRICS, QUANTILES, Sweep, score_of
from tests.report.tables import check_of, counted, facts_of, facts_of_many

# Rows, share of positives, recall, and share of false alarms among the negatives.
TABLES = {
    "little is found": (1000, 0.006, 0.1, 0.003),
    "most is found": (500, 0.02, 0.95, 0.001),
    "half is found": (1000, 0.006, 0.5, 0.003),
}


def ends(facts: dict, name: str) -> tuple[float, float, float]:
    score = next(score for score in facts["scores"] if score["name"] == name)
    return score["low"], score["value"], score["high"]


def test_none_found_may_be_bad_luck() -> None:
    facts = facts_of(*counted(tp=0, fp=5, fn=6, tn=989))
    low, value, high = ends(facts, "recall")
    assert (low, value) == (0, 0)
    assert high == pytest.approx(0.390, abs=0.001)
    low, _, high = ends(facts, "mcc")
    assert high - low > 0.2
    assert "-0.01 and -0.00" not in facts["verdict"][0] + check_of(facts, "GBI001")["text"]


def test_no_false_alarm_may_be_good_luck() -> None:
    low, value, high = ends(facts_of(*counted(tp=9, fp=0, fn=3, tn=500)), "precision")
    assert low == pytest.approx(0.701, abs=0.001)
    assert (value, high) == (1, 1)


def test_no_mistake_among_many_classes_may_be_good_luck() -> None:
    codes = np.repeat([0, 1, 2], [100, 20, 6])
    facts = facts_of_many(codes, 0.1 + 0.7 * np.eye(3)[codes])
    for name in ("mcc", "f1", "balanced_accuracy"):
        low, value, high = ends(facts, name)
        assert low < 0.98
        assert (value, high) == (1, 1)


def test_many_classes_without_rows_have_no_part_in_the_interval() -> None:
    codes = np.arange(300) % 2
    facts = facts_of_many(codes, 0.01 + 0.8 * np.eye(20)[codes])
    assert ends(facts, "balanced_accuracy")[0] > 0.97


def test_a_scale_of_the_weights_changes_no_interval() -> None:
    y, proba = counted(tp=4, fp=2, fn=3, tn=200)
    plain, scaled = facts_of(y, proba), facts_of(y, proba, weight=np.full(y.size, 0.01))
    for name in DEFAULT_METRICS:
        assert ends(scaled, name) == pytest.approx(ends(plain, name))


def test_uneven_weights_are_fewer_rows() -> None:
    y, proba = counted(tp=40, fp=20, fn=40, tn=900)
    weight = np.random.default_rng(0).pareto(1.5, y.size) + 0.01
    for name in DEFAULT_METRICS:
        low, value, high = ends(facts_of(y, proba, weight=weight), name)
        assert low <= value <= high
        plain = ends(facts_of(y, proba), name)
        assert high - low > plain[2] - plain[0]


def cover(table: tuple[int, float, float, float], times: int) -> dict[str, dict[str, float]]:
    """How often the intervals of a sweep, and those of a Poisson bootstrap, hold the truth."""
    n, share, recall, alarms = table
    cells = np.array([share * recall, (1 - share) * alarms, share * (1 - recall), 0.0])
    cells[3] = 1 - cells.sum()
    truth = {name: float(score_of(name, ConfusionCounts(*cells))) for name in DEFAULT_METRICS}
    rng = np.random.default_rng(0)
    held = {kind: dict.fromkeys(DEFAULT_METRICS, 0.0) for kind in ("bands", "bootstrap")}
    for counts in rng.multinomial(n, cells, times):
        y, proba = counted(*counts)
        frame = ThresholdDisplay(
            sweep=Sweep.of(y.astype(np.uint8), proba, None, threshold=0.5)
        ).frame()
        row = frame[frame["threshold"] == 0.5].iloc[0]
        again = ConfusionCounts(*rng.poisson(counts[:, None], (4, 200)))
        for name in DEFAULT_METRICS:
            low, high = np.quantile(score_of(name, again), QUANTILES)
            held["bootstrap"][name] += (low <= truth[name] <= high) / times
            held["bands"][name] += (
                row[f"{name}_low"] <= truth[name] <= row[f"{name}_high"]
            ) / times
    return held


@pytest.mark.parametrize("table", TABLES)
def test_intervals_of_a_rare_class_hold_the_truth(table: str) -> None:
    held = cover(TABLES[table], 300)
    for name, share in held["bands"].items():
        assert 0.92 <= share <= 0.985, (name, share)
        assert share >= held["bootstrap"][name] - 0.02, name
    if table != "half is found":
        for name in ("mcc", "f1", "precision", "recall"):
            assert held["bootstrap"][name] < 0.8, name
