"""A model watched on new rows: prevalence, scores, columns and promises."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, binom, gamma, norm
from typer.testing import CliRunner

import gbimb
from gbimb import report
from gbimb.cli import app
from gbimb.decisions.held_out import HeldOutScores
from gbimb.exceptions import GbimbWarning, InvalidDataError
from gbimb.report.monitoring.monitor import _p_values, two_sided
from gbimb.report.monitoring.promises import interval
from gbimb.tables.files.chunks import sample_rows

if TYPE_CHECKING:
    from pathlib import Path


def month(n: int, seed: int, prevalence: float = 0.03, shift: float = 0.0) -> pd.DataFrame:
    """New rows; ``shift`` moves a column that says nothing of the label."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < prevalence
    X = rng.normal(size=(n, 4))
    X[:, 0] += 2.5 * y
    X[:, 1] -= 2.0 * y
    X[:, 2] += shift
    table = pd.DataFrame(X).add_prefix("x")
    return table.assign(kind=rng.choice(list("abc"), n), fraud=np.where(y, "yes", "no"))


@pytest.fixture(scope="module")
def model() -> gbimb.ImbalancedLGBMClassifier:
    """A model of 6,000 rows, 3 % of them positive."""
    train = month(6_000, 0)
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=60, num_leaves=8, random_state=0, n_jobs=1)
    return clf.fit(train.drop(columns="fraud"), train["fraud"])


def moved(model: Any, rows: pd.DataFrame) -> bool:
    """Whether the prevalence is said to have moved."""
    return bool(report.monitor(model, rows).facts["prevalence"][0]["moved"])


def test_twice_the_prevalence_is_found_and_the_same_is_not(model: Any) -> None:
    found = [moved(model, month(2_000, seed, 0.06)) for seed in range(100, 140)]
    false = [moved(model, month(2_000, seed, 0.03)) for seed in range(200, 260)]
    assert np.mean(found) >= 0.95
    assert np.mean(false) <= 0.1  # 5 % of 60 runs, and two standard errors
    row = report.monitor(model, month(2_000, 1, 0.06)).facts["prevalence"][0]
    assert row["low"] < 0.06 < row["high"]


def known(n: int, prevalence: float, auc: float, rng: np.random.Generator) -> Any:
    """Labels, and the true probabilities where 3 % are positive."""
    distance = norm.ppf(auc) * np.sqrt(2)
    y = rng.random(n) < prevalence
    ratio = np.exp(distance * rng.normal(distance * y) - distance**2 / 2)
    return y, 0.03 * ratio / (0.97 + 0.03 * ratio)


@pytest.mark.parametrize(("auc", "most"), [(0.85, 0.9), (0.93, 0.94)])
def test_false_alarms_are_as_many_as_said_whatever_rows_training_had(
    auc: float, most: float
) -> None:
    rng = np.random.default_rng(0)
    p_values: dict[float, list[float]] = {0.03: [], 0.06: []}
    for _ in range(400):
        y, proba = known(20_000, 0.03, auc, rng)
        held_out = HeldOutScores.of(y, proba, None)
        fitted = SimpleNamespace(adapted_to=None, adapted=lambda p: p, held_out=held_out)
        for prevalence, found in p_values.items():
            new = known(2_000, prevalence, auc, rng)[1]
            found.append(float(_p_values(SimpleNamespace(model_=fitted), new)[0]))
    false = np.array(p_values[0.03])
    assert 0.02 < (false < 0.05).mean() < 0.08
    assert 0.4 < (false < 0.5).mean() < 0.6
    power = (np.array(p_values[0.06]) < 0.05).mean()
    assert (power > most) == (auc > 0.9)


def test_a_skewed_sum_has_the_tails_of_a_gamma_distribution() -> None:
    for shape in (3.0, 50.0, 1e4):
        at = gamma.ppf([0.002, 0.3, 0.8, 0.99], shape)
        error, skewness = np.sqrt(shape) * np.ones(4), 2 / np.sqrt(shape) * np.ones(4)
        wanted = 2 * np.minimum(gamma.cdf(at, shape), gamma.sf(at, shape))
        assert two_sided(at - shape, error, skewness) == pytest.approx(wanted)
        assert two_sided(shape - at, error, -skewness) == pytest.approx(wanted)
    assert two_sided(np.array([-1.96]), np.ones(1), np.zeros(1)) == pytest.approx(0.05, abs=1e-4)


def test_like_rows_raise_no_alarm_and_moved_columns_do(model: Any) -> None:
    assert report.monitor(model, month(4_000, 3)).facts["alarms"] == []
    found = report.monitor(model, month(4_000, 4, shift=1.0))
    assert any("'x2'" in alarm for alarm in found.facts["alarms"])
    first = found.table.iloc[0]
    assert first["column"] == "x2"
    # Of the index, by hand: shares of tenths of a normal, and those of one moved by 1.
    assert first["index"] == pytest.approx(1.0, abs=0.25)
    lost = month(4_000, 5)
    lost.loc[::2, "x0"] = np.nan
    with pytest.warns(GbimbWarning, match="values that no training row had"):
        row = report.monitor(model, lost).table.set_index("column").loc["x0"]
    assert row["missing_now"] == pytest.approx(0.5)
    assert row["moved"]


def test_labels_show_a_promise_that_is_broken(model: Any) -> None:
    kept = report.monitor(model, month(6_000, 6), "fraud")
    assert not kept.facts["broken"]
    assert kept.facts["labels"]["positives"] == (month(6_000, 6)["fraud"] == "yes").sum()
    worse = month(6_000, 7)
    rng = np.random.default_rng(0)
    worse["x0"] = rng.permutation(worse["x0"])
    broken = report.monitor(model, worse, "fraud")
    assert broken.facts["broken"]
    assert any("is below" in sentence for sentence in broken.facts["verdict"])


@pytest.mark.parametrize("kind", [object, "category", float])
def test_rows_without_a_label_are_left_out_of_what_labels_say(model: Any, kind: Any) -> None:
    new = month(6_000, 6)
    if kind is float:
        clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, random_state=0)
        model = clf.fit(new.drop(columns="fraud"), (new["fraud"] == "yes").astype(int))
        new["fraud"] = (new["fraud"] == "yes").astype(float)
    whole = report.monitor(model, new[:4_000], "fraud").facts
    new["fraud"] = new["fraud"].astype(kind).where(new.index < 4_000)
    some = report.monitor(model, new, "fraud").facts
    assert some["labels"]["missing"] == 2_000
    assert {**some["labels"], "missing": 0} == whole["labels"]
    assert "2,000 of these rows have no label and are left out of that." in some["verdict"]
    new["fraud"] = None
    with pytest.raises(InvalidDataError, match="must have a label in every row"):
        report.monitor(model, new, "fraud")


def test_a_broken_promise_is_not_followed_by_no_change(model: Any) -> None:
    worse = month(6_000, 7)
    worse["fraud"] = np.random.default_rng(0).permutation(worse["fraud"])
    found = report.monitor(model, worse, "fraud").facts
    assert found["broken"]
    assert "No change beyond chance was found." not in found["verdict"]


def test_a_prevalence_that_only_labels_show_is_a_change(model: Any) -> None:
    new = month(6_000, 6)
    assert report.monitor(model, new, "fraud").facts["alarms"] == []
    flipped = np.random.default_rng(0).random(len(new)) < 0.03
    new.loc[flipped, "fraud"] = "yes"
    assert report.monitor(model, new).facts["alarms"] == []
    alarms = report.monitor(model, new, "fraud").facts["alarms"]
    assert len(alarms) == 1
    share = (new["fraud"] == "yes").mean()
    assert alarms[0].startswith("By the labels the prevalence of 'yes' is no longer 3.")
    assert f"but {100 * share:.3f} % (" in alarms[0]


class Promise:
    """A guarantee with a rule that held-out rows made."""

    def __init__(self, rule: str, confidence: float = 0.9) -> None:
        self.rule, self.confidence, self.met = rule, confidence, True


def test_a_guarantee_is_tested_by_exact_binomial_tails() -> None:
    from gbimb.report.monitoring.promises import _guarantee

    counts = {"tp": 80, "fp": 20, "fn": 20, "tn": 880}
    for value in np.linspace(0.7, 0.95, 26):
        kept, sentence = _guarantee(Promise(f"precision >= {value}"), counts)
        assert kept == (binom.cdf(80, 100, value) > 0.1)
        assert "80 of 100" in sentence
    for value in np.linspace(0.01, 0.04, 16):
        kept, _ = _guarantee(Promise(f"fpr <= {value}"), counts)
        assert kept == (binom.sf(19, 900, value) > 0.1)


def test_a_kept_guarantee_is_seldom_called_broken_and_a_broken_one_often() -> None:
    from gbimb.report.monitoring.promises import _guarantee

    rng = np.random.default_rng(0)
    for rate, low, high in ((0.9, 0.0, 0.1), (0.75, 0.9, 1.0)):
        said = []
        for _ in range(400):
            tp = int(rng.binomial(120, rate))
            counts = {"tp": tp, "fp": 120 - tp, "fn": 0, "tn": 0}
            said.append(not _guarantee(Promise("precision >= 0.9", 0.95), counts)[0])
        assert low <= np.mean(said) <= high


def test_interval_is_that_of_clopper_and_pearson() -> None:
    for k, n in ((0, 10), (3, 10), (10, 10)):
        low, high = interval(k, n)
        assert low == pytest.approx(0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1))
        assert high == pytest.approx(1.0 if k == n else beta.ppf(0.975, k + 1, n - k))


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_sample_is_of_all_rows_and_in_their_order(tmp_path: Path, ending: str) -> None:
    table = pd.DataFrame({"at": np.arange(250_000), "x": 1.5})
    path = tmp_path / f"rows.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)
    rows, total = sample_rows(path, "DATA", ["at"], rows=5_000, seed=0, text=[])
    assert total == 250_000
    assert len(rows) == 5_000
    assert (np.diff(rows["at"]) > 0).all()
    assert np.histogram(rows["at"], 10, (0, 250_000))[0] == pytest.approx(500, abs=110)
    few, _ = sample_rows(path, "DATA", ["at"], rows=300_000, seed=0, text=[])
    assert few["at"].tolist() == table["at"].tolist()


def test_a_sample_of_parquet_has_the_cells_that_the_files_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gbimb.tables.files.chunks.SAMPLED_AT_ONCE", 300)
    at = np.arange(3_000)
    parts = []
    for i, n_kinds in enumerate((7, 5)):
        kind = pd.Series(at % n_kinds).map("k{}".format)
        part = pd.DataFrame({"kind": kind.astype("category"), "word": kind + "w", "x": at / 3})
        part.index = pd.Index(at + 3_000 * i, name="key")
        part.to_parquet(tmp_path / f"{i}.parquet", row_group_size=700)
        parts.append(part.astype({"kind": object}).reset_index())
    columns = ["x", "key", "kind", "word", "not there"]
    rows, total = sample_rows(tmp_path, "DATA", columns, rows=1_000, seed=0, text=[])
    assert (total, len(rows), sorted(rows)) == (6_000, 1_000, ["key", "kind", "word", "x"])
    assert rows["key"].is_monotonic_increasing
    whole = pd.concat(parts, ignore_index=True).loc[rows["key"], rows.columns]
    assert rows.astype(object).to_numpy().tolist() == whole.astype(object).to_numpy().tolist()
    first, _ = sample_rows(tmp_path / "0.parquet", "DATA", columns, rows=1_000, seed=0, text=[])
    assert isinstance(first["kind"].dtype, pd.CategoricalDtype)


def test_the_command_writes_a_report_and_says_what_broke(model: Any, tmp_path: Path) -> None:
    file, page = tmp_path / "m.gbimb", tmp_path / "drift.html"
    model.save(file)
    month(3_000, 8, 0.08).to_parquet(tmp_path / "new.parquet")
    done = CliRunner().invoke(
        app, ["monitor", str(file), str(tmp_path / "new.parquet"), "--report", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert "The prevalence of 'yes' is no longer" in done.stdout
    numbers = json.loads((tmp_path / "drift_numbers.json").read_text(encoding="utf-8"))
    assert numbers["alarms"]
    assert not numbers["broken"]
    assert "New rows are not like those of training" in page.read_text(encoding="utf-8")
    worse = month(3_000, 9)
    worse["x0"] = worse["x0"].to_numpy()[::-1]
    worse.to_csv(tmp_path / "worse.csv", index=False)
    assert "by labels" not in page.read_text(encoding="utf-8")
    arguments = ["monitor", str(file), str(tmp_path / "worse.csv"), "--target", "fraud", "--json"]
    failed = CliRunner().invoke(app, [*arguments, "--report", str(page)])
    known = (worse["fraud"] == "yes").mean()
    assert f"<td>{100 * known:.1f}\u00a0%</td>" in page.read_text(encoding="utf-8")
    assert failed.exit_code == 3
    assert json.loads(failed.stdout)["broken"]
    wrong = CliRunner().invoke(app, [*arguments[:3], "--target", "frod"])
    assert wrong.exit_code == 2
    assert "--target" in wrong.stderr


def test_more_than_two_classes_are_watched_too() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3_000, 3))).add_prefix("x")
    y = np.where(X["x0"] > 1.5, "c", np.where(X["x1"] > 0.8, "b", "a"))
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, num_leaves=8, random_state=0)
    clf.fit(X, y)
    new = X.assign(y=y)
    found = report.monitor(clf, new[new["y"] != "c"], "y").facts
    assert [row["label"] for row in found["prevalence"]] == ["a", "b", "c"]
    assert found["prevalence"][2]["moved"]
    assert not found["broken"]


def test_an_adapted_model_expects_the_prevalence_it_was_adapted_to(model: Any) -> None:
    adapted = model.adapt(prevalence=0.06)
    assert not moved(adapted, month(4_000, 10, 0.06))
    assert moved(adapted, month(4_000, 11, 0.03))
    assert replace(model.model_).adapted_to is None


def test_without_held_out_rows_the_prevalence_is_not_tested() -> None:
    train = month(1_000, 12, 0.1)
    clf = gbimb.ImbalancedLGBMClassifier(
        n_estimators=30, cv=None, early_stopping_rounds=None, random_state=0, n_jobs=1
    ).fit(train.drop(columns="fraud"), train["fraud"])
    found = report.monitor(clf, month(1, 13)).facts
    assert found["prevalence"][0]["p_value"] is None
    assert not found["prevalence"][0]["moved"]
    assert found["verdict"][0].startswith("1 row:")
    assert "is not tested" in found["verdict"][1]


def test_where_labels_tell_the_prevalence_its_estimate_is_no_claim(model: Any) -> None:
    table = month(3_000, 8, 0.08)
    alarms = report.monitor(model, table, "fraud").facts["alarms"]
    (said,) = [s for s in alarms if "prevalence" in s]
    share = (table["fraud"] == "yes").mean()
    assert "is no longer" not in said
    assert f"; by the labels it is {100 * share:.3f} % (" in said


def test_a_parquet_file_without_rows_is_named(model: Any, tmp_path: Path) -> None:
    month(10, 0)[:0].to_parquet(tmp_path / "may.parquet")
    with pytest.raises(InvalidDataError, match=r"'may\.parquet' holds no rows"):
        report.monitor(model, tmp_path / "may.parquet")
