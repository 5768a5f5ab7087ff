"""Reports on rows that come in groups, or have a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.plots.draws import Clusters, draw_matrices
from gbimb.plots.statistics import Sweep
from gbimb.report import evaluate
from gbimb.report._over_time import time_blocks
from gbimb.report._verdict import relative_error, spread_of_found

if TYPE_CHECKING:
    from pathlib import Path


def rows(n: int = 3_000, seed: int = 0, *, turning: bool = False) -> pd.DataFrame:
    """Rows of customers, five each, in order of time; in the end ``x`` may say the opposite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    sign = np.linspace(1, -0.6, n) if turning else 1.0
    return pd.DataFrame(
        {
            "x": x,
            "z": rng.normal(size=n),
            "ill": np.where(sign * x + 0.7 * rng.normal(size=n) > 1.8, "yes", "no"),
            "customer": [f"{i:04d}" for i in np.arange(n) // 5],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), unit="h"),
        }
    )


@pytest.fixture(scope="module")
def model() -> gbimb.ImbalancedLGBMClassifier:
    """A model of rows that do not turn."""
    train = rows(seed=9)
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=30, random_state=0, n_jobs=1)
    return clf.fit(train[["x", "z"]], train["ill"])


def interval(found: Any, name: str = "mcc") -> tuple[float, float]:
    score = next(s for s in found.facts["scores"] if s["name"] == name)
    return score["low"], score["high"]


# Groups ---------------------------------------------------------------------------------------


def test_copies_of_a_row_in_one_group_say_no_more_than_the_row(model: Any) -> None:
    once = rows(1_500, seed=1)
    each = pd.concat([once.assign(group=np.arange(len(once)))] * 9, ignore_index=True)
    alone = evaluate(model, once, "ill")
    naive, right = evaluate(model, each, "ill"), evaluate(model, each, "ill", group="group")
    for name in ("mcc", "precision", "recall", "flagged"):
        width = [np.diff(interval(found, name))[0] for found in (alone, naive, right)]
        assert width[1] == pytest.approx(width[0] / 3, rel=0.2)  # nine times as many rows
        assert width[2] == pytest.approx(width[0], rel=0.2)
    assert right.facts["groups"] == 1_500
    assert naive.facts["groups"] is None
    assert right.facts["scores"][0]["value"] == naive.facts["scores"][0]["value"]


def test_draws_have_the_variance_of_sums_over_groups() -> None:
    rng = np.random.default_rng(0)
    groups, cells = rng.integers(0, 40, 600), rng.integers(0, 3, 600)
    weight = rng.random(600)
    drawn = Clusters.of(groups, cells, weight, 3).draw(rng, 20_000)
    sums = np.zeros((40, 3))
    np.add.at(sums, (groups, cells), weight)
    assert drawn.mean(axis=0) == pytest.approx(sums.sum(axis=0), rel=0.01)
    assert np.cov(drawn.T) == pytest.approx(sums.T @ sums, rel=0.05)


def test_groups_of_one_row_have_the_intervals_of_rows(model: Any) -> None:
    table = rows(2_000, seed=2).assign(own=np.arange(2_000))
    low, high = interval(evaluate(model, table, "ill"))
    assert interval(evaluate(model, table, "ill", group="own")) == pytest.approx(
        (low, high), abs=0.02
    )
    missing = table.assign(own=np.nan)  # each a group of its own
    found = evaluate(model, missing, "ill", group="own")
    assert found.facts["groups"] == 2_000
    assert interval(found) == pytest.approx((low, high), abs=0.02)


def test_sums_of_groups_that_miss_together_vary_more() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 10)
    together = rng.random(100)[groups] < 0.2
    proba, weight = np.full(1_000, 0.2), np.ones(1_000)
    assert spread_of_found(together, proba, weight, None) == pytest.approx(np.sqrt(160))
    assert spread_of_found(together, proba, weight, groups) == pytest.approx(40, rel=0.15)
    alone = relative_error(together, weight, None)
    assert relative_error(together, weight, groups) == pytest.approx(np.sqrt(10) * alone, rel=0.05)


def test_matrices_of_two_classes_agree_with_the_sweep() -> None:
    rng = np.random.default_rng(1)
    codes = (rng.random(900) < 0.2).astype(int)
    proba = np.clip(0.2 + 0.3 * codes + 0.2 * rng.normal(size=900), 0, 1)
    groups = np.arange(900) // 3
    sweep = Sweep.of(codes.astype(np.uint8), proba, None, threshold=0.4, groups=groups)
    at = int(np.flatnonzero(sweep.thresholds == 0.4)[0])
    ours = sweep.resample(4_000).tp[:, at]
    theirs = draw_matrices(codes, (proba >= 0.4).astype(int), 2, None, groups)[:, 1, 1]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.02)
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.08)


def test_groups_that_training_knows_are_counted(model: Any, tmp_path: Path) -> None:
    table = rows(600, seed=3)
    table[:400].to_csv(tmp_path / "train.csv", index=False)
    table[395:].to_csv(tmp_path / "new.csv", index=False)

    def check(**options: Any) -> dict[str, Any]:
        found = evaluate(model, tmp_path / "new.csv", "ill", **options)
        return {c["code"]: c for c in found.facts["checks"]}

    found = check(train=tmp_path / "train.csv", group="customer")["GBI011"]
    assert found["severity"] == "warning"
    assert found["text"].startswith("1 of 41 groups are in 'train.csv'")
    assert "GBI011" not in check(group="customer")
    assert "GBI011" not in check(train=tmp_path / "train.csv")


# Time -----------------------------------------------------------------------------------------


def test_blocks_are_even_keep_equal_times_together_and_rise() -> None:
    codes = np.arange(1_000) % 5 == 0
    blocks = time_blocks(np.random.default_rng(0).permutation(1_000), codes.astype(int))
    assert [b.size for b in blocks] == [100] * 10
    ranks = np.arange(1_000) // 400
    assert [b.size for b in time_blocks(ranks, codes.astype(int))] == [400, 400, 200]
    assert len(time_blocks(np.zeros(1_000, int), codes.astype(int))) == 1
    few = np.arange(1_000) % 50 == 0  # 20 positives: two blocks of ten
    assert [b.size for b in time_blocks(np.arange(1_000), few.astype(int))] == [500, 500]


def test_scores_of_blocks_are_those_of_their_rows_and_a_fall_is_seen(model: Any) -> None:
    table = rows(4_000, seed=4, turning=True)
    shuffled = table.sample(frac=1, random_state=0)
    found = evaluate(model, shuffled, "ill", time="day").facts
    blocks = found["over_time"]["blocks"]
    predicted = model.predict(table[["x", "z"]])
    start = 0
    for block in blocks:
        own = slice(start, start + block["rows"])
        start += block["rows"]
        true = table["ill"][own] == "yes"
        assert block["mcc"] == pytest.approx(matthews_corrcoef(table["ill"][own], predicted[own]))
        assert block["recall"] == pytest.approx((predicted[own] == "yes")[true].mean())
        assert block["prevalence"] == pytest.approx(true.mean())
        assert block["from"] == str(table["day"][own].iloc[0]).removesuffix(" 00:00:00")
        assert block["low"] <= block["mcc"] <= block["high"]
    assert start == 4_000
    check = next(c for c in found["checks"] if c["code"] == "GBI010")
    assert check["severity"] == "warning"
    assert "MCC falls with time" in check["text"]


def test_a_model_that_holds_is_seldom_said_to_fall(model: Any) -> None:
    falls = []
    for seed in range(100, 130):
        found = evaluate(model, rows(2_000, seed=seed), "ill", time="day").facts
        falls.append(next(c for c in found["checks"] if c["code"] == "GBI010")["severity"])
    assert falls.count("warning") <= 4  # 2.5 % of 30 runs, and more than three standard errors


def test_more_than_two_classes_have_scores_over_time() -> None:
    table = rows(3_000, seed=5)
    table["ill"] = np.where(table["z"] > 1, "other", table["ill"])
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=10, cv="holdout", random_state=0, n_jobs=1)
    clf.fit(table[["x", "z"]], table["ill"])
    found = evaluate(clf, table, "ill", time="day", group="customer").facts
    assert found["groups"] == 600
    assert "prevalence" not in found["over_time"]["blocks"][0]
    own = found["over_time"]["blocks"][0]["rows"]
    assert found["over_time"]["blocks"][0]["mcc"] == pytest.approx(
        matthews_corrcoef(table["ill"][:own], clf.predict(table[["x", "z"]][:own]))
    )


def test_the_command_shows_groups_and_blocks(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.gbimb")
    table = rows(2_000, seed=6)
    table.assign(day=table["day"].dt.strftime("%d/%m/%Y")).to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    said = []
    for ending in ("csv", "parquet"):
        arguments = ["evaluate", tmp_path / "m.gbimb", tmp_path / f"a.{ending}", "--target", "ill"]
        arguments += ["--group", "customer", "--time", "day"]
        page = tmp_path / f"{ending}.html"
        done = CliRunner().invoke(app, [*map(str, arguments), "--report", str(page)])
        assert done.exit_code == 0, done.output
        assert "The intervals are those of 400 groups drawn at random." in done.stdout
        assert "2024-01-01 " in done.stdout
        assert "Over time" in page.read_text(encoding="utf-8")
        numbers = json.loads((tmp_path / f"{ending}_numbers.json").read_text(encoding="utf-8"))
        said.append([numbers["groups"], numbers["scores"]])
        assert numbers["data"]["time"] == "day"
    assert said[0] == said[1]
    wrong = CliRunner().invoke(app, [*map(str, arguments[:-1]), "dya"])
    assert wrong.exit_code == 2
    assert "--time must be one of" in wrong.stderr


def test_wrong_times_are_refused(model: Any) -> None:
    table = rows(300, seed=7)
    with pytest.raises(InvalidTypeError, match="time must hold numbers or dates"):
        evaluate(model, table, "ill", time="ill")
    with pytest.raises(InvalidDataError, match="time must not be missing"):
        evaluate(model, table.assign(day=table["day"].mask(table["z"] > 2)), "ill", time="day")
    with pytest.raises(InvalidTypeError, match="group must be the name of the column"):
        evaluate(model, table, "ill", group=table["customer"])
