"""Later rows are held out from earlier ones, and the model serves the newest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.keys import ranks_of, time_keys
from gbimb.training.held_out.time_plan import plan_windows
from tests.estimators.common import Kind, both, numbers, probability, quick

if TYPE_CHECKING:
    from pathlib import Path


def turning(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows in order of time, of which one column means the opposite in the end."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.random(n))
    X = rng.normal(size=(n, 5))
    odds = 2.0 * X[:, 0] * (1 - 2 * time) + 1.2 * X[:, 1] - 2.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), time


# The plan -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(200, 5000), ticks=st.integers(12, 10**5))
def test_every_block_is_later_than_what_trains_for_it(seed: int, rows: int, ticks: int) -> None:
    rng = np.random.default_rng(seed)
    time = ranks_of(rng.integers(0, ticks, rows))
    codes = (rng.random(rows) < 0.2).astype(int)
    windows = plan_windows(time, codes)
    assert windows[0].rows.size == rows
    last: Any = None
    for window in windows:
        newest = np.arange(rows)[time >= time[window.rows].min()]
        assert window.rows.tolist() == newest.tolist()
        for train, held_out in window.splits:
            assert time[train].max() < time[held_out].min()
            assert (np.diff(train) > 0).all()
        held = [test.tolist() for _, test in window.splits]
        assert last is None or held == last
        last = held
    blocks = np.concatenate([test for _, test in windows[0].splits])
    assert np.unique(blocks).size == blocks.size
    assert time[blocks].max() == time.max()
    assert [w.rows.size for w in windows] == sorted((w.rows.size for w in windows), reverse=True)


def test_blocks_are_tenths_where_times_differ() -> None:
    windows = plan_windows(np.arange(1000), np.arange(1000) % 4 // 3)
    assert [test.size for _, test in windows[0].splits] == [100, 100, 100]
    assert windows[0].splits[-1][1][0] == 900


# Fits -----------------------------------------------------------------------------------------


@both
def test_a_model_for_later_rows_keeps_its_promise_where_random_folds_do_not(kind: Kind) -> None:
    promised, kept, others = [], [], []
    for seed in range(3):
        X, y, time = turning(5000, seed=seed)
        train, later = np.arange(4500), np.arange(4500, 5000)
        clf = quick(kind, n_estimators=60, cv="auto").fit(X[train], y[train], time=time[train])
        promised.append(clf.best_score_)
        kept.append(matthews_corrcoef(y[later], clf.predict(X[later])))
        other = quick(kind, n_estimators=60, cv="auto").fit(X[train], y[train])
        others.append(matthews_corrcoef(y[later], other.predict(X[later])))
    assert np.mean(kept) > np.mean(others) + 0.1
    assert np.mean(promised) < np.mean(kept) + 0.03


@both
def test_what_tells_the_time_and_the_order_of_rows_do_not_matter(kind: Kind) -> None:
    X, y, _ = turning(900, seed=0)
    days = pd.date_range("2023-10-20", periods=900, freq="7h")
    whole = quick(kind, cv="auto").fit(X, y, time=np.arange(900))
    berlin = days.tz_localize("UTC").tz_convert("Europe/Berlin")  # one hour is there twice
    for time in (
        days,
        berlin,
        pd.Series(berlin, index=np.arange(900)[::-1]),
        days.to_numpy(),
        list(days.to_pydatetime()),
        days.to_numpy().astype("datetime64[s]"),
        np.arange(900) * 0.5 - 7,
        [Decimal(i) / 3 for i in range(900)],
        [day.isoformat() for day in berlin],  # two offsets
        pd.Series([day.isoformat(" ") for day in days], dtype="category"),
        np.arange(900).astype("datetime64[D]") - np.timedelta64(719_000, "D"),  # the second year
    ):
        again = quick(kind, cv="auto").fit(X, y, time=time)
        assert (probability(again, X) == probability(whole, X)).all()
    assert "the newest 270 of 900 rows, in 3 blocks" in whole.validation_
    assert "held out at random would have promised mcc" in whole.validation_


@both
def test_unsorted_rows_are_put_in_order(kind: Kind) -> None:
    X, y, time = turning(900, seed=0)
    mixed = np.random.default_rng(0).permutation(900)
    clf = quick(kind, cv="auto").fit(X[mixed], y[mixed], time=time[mixed])
    assert "the newest 270 of 900 rows, in 3 blocks" in clf.validation_
    assert clf.booster_ is not None


def test_categories_of_any_kind_are_times() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=9)[[4, 0, 8, 0]])
    wanted = time_keys(days).tolist()
    assert time_keys(days.astype("category")).tolist() == wanted
    spare = pd.Categorical(["2024-05", "2024-01"], categories=["2024-05", "2024-01", "unknown"])
    assert np.diff(time_keys(pd.Series(spare))) < 0
    assert time_keys(pd.Series(pd.Categorical([3, 1, 2]))).tolist() == [3, 1, 2]


def test_a_missing_time_is_named_by_its_row_of_the_whole_source(tmp_path: Path) -> None:
    X, y = numbers(900)
    table = pd.DataFrame(X).add_prefix("x").assign(y=y, day=np.arange(900.0))
    table.loc[710, "day"] = np.nan
    table[:450].to_parquet(tmp_path / "a.parquet", row_group_size=100)
    table[450:].to_parquet(tmp_path / "b.parquet", row_group_size=100)
    source = gbimb.ParquetSource(tmp_path, target="y", time="day")
    with pytest.raises(InvalidDataError, match=r"time must not be missing, .* in row 710\."):
        gbimb.ImbalancedLGBMClassifier().fit(source)


@both
def test_times_that_do_not_help_are_refused_in_a_sentence(kind: Kind) -> None:
    X, y = numbers(400)
    clf = quick(kind, cv="auto")
    for text in ("01.05.2024", "2024-13-01", "today", "20240501"):
        with pytest.raises(InvalidTypeError, match=r"time must hold numbers or dates, got string"):
            clf.fit(X, y, time=[text] * 400)
    with pytest.raises(InvalidDataError, match=r"time must not be missing, got .* in row 7\."):
        clf.fit(X, y, time=np.where(np.arange(400) == 7, np.nan, np.arange(400)))
    with pytest.raises(InvalidDataError, match="time must hold finite numbers"):
        clf.fit(X, y, time=np.where(np.arange(400) == 7, np.inf, np.arange(400)))
    with pytest.raises(InvalidDataError, match="1 different time in 400 rows"):
        clf.fit(X, y, time=np.zeros(400))
    with pytest.raises(InvalidDataError, match="a class that is only early or late"):
        clf.fit(X, y, time=y)
    with pytest.raises(
        InvalidParameterError, match="cv must be 'auto', 'holdout' or None beside time"
    ):
        quick(kind, cv=5).fit(X, y, time=np.arange(400))
    with pytest.raises(InvalidParameterError, match="time must not be given beside cv"):
        quick(kind, cv=TimeSeriesSplit(3)).fit(X, y, time=np.arange(400))


@both
def test_ties_stay_on_one_side(kind: Kind) -> None:
    X, y, time = turning(900, seed=0)
    weeks = np.floor(time * 15)
    clf = quick(kind, cv="auto").fit(X, y, time=weeks)
    assert np.isfinite(clf.best_score_)
    for window in plan_windows(ranks_of(weeks), y):
        for train, test in window.splits:
            assert not set(weeks[train]) & set(weeks[test])


@both
def test_whole_weights_are_repeated_rows(kind: Kind) -> None:
    X, y, time = turning(900, seed=0)
    weight = np.where(np.arange(900) % 3, 1.0, 0.0)
    clf = quick(kind, cv="auto").fit(X, y, sample_weight=weight, time=time)
    kept = weight > 0
    same = quick(kind, cv="auto").fit(X[kept], y[kept], time=time[kept])
    assert np.allclose(probability(clf, X), probability(same, X))


def test_a_hold_out_in_time_is_the_newest_fifth() -> None:
    X, y, time = turning(1000, seed=0)
    clf = quick(gbimb.ImbalancedLGBMClassifier, cv="holdout").fit(X, y, time=time)
    assert "the newest 200 of 1,000 rows, in 1 block each" in clf.validation_


def test_many_classes_may_have_a_time() -> None:
    X, y, time = turning(1500, seed=0)
    y = np.where(X[:, 2] > 1.2, 2, y)
    clf = quick(gbimb.ImbalancedLGBMClassifier, cv="auto").fit(X, y, time=time)
    assert clf.predict_proba(X).shape == (1500, 3)
    assert np.allclose(clf.predict_proba(X).sum(axis=1), 1)


@both
@pytest.mark.parametrize("as_kept", ["zone", "date", "text"])
def test_times_of_a_source_are_those_of_a_frame(kind: Kind, as_kept: str, tmp_path: Path) -> None:
    X, y, _ = turning(900, seed=0)
    table = pd.DataFrame(X).add_prefix("x")
    names = list(table.columns)
    day = pd.Series(pd.date_range("2024-01-01", periods=900, tz="America/New_York"))
    if as_kept != "zone":
        day = day.dt.date
        day[899] = dt.date(9999, 12, 31)
    table = table.assign(y=y, day=day.map(str) if as_kept == "text" else day)
    table[500:].to_parquet(tmp_path / "a.parquet")  # the newest first
    table[:500].to_parquet(tmp_path / "b.parquet")
    streamed = quick(kind, cv="auto").fit(gbimb.ParquetSource(tmp_path, target="y", time="day"))
    turned = pd.concat([table[500:], table[:500]])
    local = quick(kind, cv="auto").fit(turned[names], turned["y"], time=turned["day"])
    assert streamed.validation_ == local.validation_
    assert np.allclose(probability(streamed, table[names]), probability(local, table[names]))


def test_keys_of_times_rise_with_them() -> None:
    stamps = pd.Series(pd.to_datetime(["2024-03-10 01:00", "2024-03-09 23:30"]))
    assert np.diff(time_keys(stamps))[0] < 0
    zone = pd.Series(pd.to_datetime(["2024-10-27 02:30+02:00", "2024-10-27 02:30+01:00"], utc=True))
    assert np.diff(time_keys(zone.dt.tz_convert("Europe/Berlin")))[0] > 0
    assert time_keys(pd.Series(pd.period_range("2024-01", periods=2, freq="M"))).dtype == np.int64
    far = [dt.date(1, 1, 1), dt.date(2024, 5, 1), dt.date(9999, 12, 31)]
    for times in (pd.to_datetime(pd.Series(far)), pd.Series(far), pd.Series(map(str, far))):
        assert (np.diff(time_keys(times)) > 0).all()
    months = time_keys(pd.Series(["2024-05", "2024-06", "2024-04"]))
    assert ranks_of(months).tolist() == [1, 2, 0]
    big = np.array([2**60, 2**60 + 1])
    assert ranks_of(time_keys(pd.Series(big))).tolist() == [0, 1]


@both
def test_times_are_routed_through_a_pipeline_and_cross_validate(kind: Kind) -> None:
    X, y, time = turning(1200, seed=0)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(kind, cv="auto").set_fit_request(time=True)
        found = cross_validate(
            make_pipeline(StandardScaler(), clf),
            X,
            y,
            cv=TimeSeriesSplit(2),
            params={"time": time},
            return_estimator=True,
        )
    assert "the newest 240 of 800 rows" in found["estimator"][-1][-1].validation_


def test_a_fit_in_time_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    X, y, time = turning(900, seed=0)
    kind = gbimb.ImbalancedLGBMClassifier
    whole = quick(kind, cv="auto").fit(X, y, time=time)
    for _ in range(2):
        again = quick(kind, cv="auto", checkpoint_path=tmp_path).fit(X, y, time=time)
        assert (probability(again, X) == probability(whole, X)).all()
