"""Tables of few rows and thousands of columns: histograms are limited, and nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy import sparse

import gbimb
import gbimb.tables.memory
from gbimb.engines.histograms import (
    BOOSTERS,
    LEAVES,
    allowed_bytes,
    histogram_bytes,
    leaf_bytes,
    most_bins,
)
from gbimb.engines.lightgbm import boosters as lightgbm_boosters
from gbimb.engines.xgboost import boosters as xgboost_boosters
from gbimb.exceptions import GbimbWarning, InvalidDataError


def wide(rows: int = 200, columns: int = 2000) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    return X, (X[:, :3].sum(axis=1) + 0.3 * rng.normal(size=rows) > 1.5).astype(int)


def bins(engine: Any, X: Any, **params: Any) -> Any:
    y = np.zeros(X.shape[0])
    y[::7] = 1
    names = [f"x{i}" for i in range(X.shape[1])]
    params = {"verbosity": -1, "min_data_in_leaf": 20, **params} | (
        {"verbosity": 0} if engine is xgboost_boosters else {}
    )
    return engine.Bins(X, y, None, categorical=(), feature_names=names, params=params)


def test_tables_that_are_not_wide_keep_their_bins_and_histograms() -> None:
    X, _ = wide(2000, 60)
    made = bins(lightgbm_boosters, X)._params
    assert made["min_data_in_bin"] == 1
    assert not made["feature_pre_filter"]
    assert "histogram_pool_size" not in made
    made = bins(xgboost_boosters, X)._params
    assert not {"grow_policy", "max_bin", "max_cached_hist_node"} & made.keys()


def test_histograms_of_five_boosters_take_no_more_than_those_of_one() -> None:
    X, _ = wide()
    pool = bins(lightgbm_boosters, X)._params["histogram_pool_size"] * (1 << 20)
    one = LEAVES * leaf_bytes(most_bins(200, 2000, X.size, 200 // 3), 2000)
    assert BOOSTERS * pool <= max(one, allowed_bytes(X.size))
    made = bins(xgboost_boosters, X)._params
    assert made["max_bin"] == 200 // 3
    assert made["grow_policy"] == "lossguide"
    kept = made["max_cached_hist_node"] * 16 * 2000 * made["max_bin"]
    assert BOOSTERS * kept <= max(one, allowed_bytes(X.size))


def test_what_somebody_chose_stays_on_wide_tables() -> None:
    X, _ = wide()
    made = bins(lightgbm_boosters, X, min_data_in_bin=5, histogram_pool_size=9.0)._params
    assert (made["min_data_in_bin"], made["histogram_pool_size"]) == (5, 9.0)
    made = bins(xgboost_boosters, X, max_bin=32, grow_policy="depthwise")._params
    assert (made["max_bin"], made["grow_policy"]) == (32, "depthwise")


def test_the_room_for_histograms_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = wide()
    assert histogram_bytes(*X.shape, X.size) > 50_000_000
    monkeypatch.setattr(gbimb.tables.memory, "available_bytes", lambda: 50_000_000)
    with pytest.raises(InvalidDataError, match="200 rows of 2,000 columns would take about"):
        gbimb.ImbalancedLGBMClassifier().fit(X, y)


@pytest.mark.parametrize("estimator", ["ImbalancedLGBMClassifier", "ImbalancedXGBClassifier"])
def test_a_wide_table_is_learned(estimator: str) -> None:
    X, y = wide(columns=700)
    fitted = getattr(gbimb, estimator)(n_estimators=20, random_state=0, n_jobs=1)
    fitted.fit(X, y)
    assert set(np.argsort(fitted.feature_importances_)[-3:]) == {0, 1, 2}


def test_a_sparse_table_of_columns_that_cannot_be_split_gets_the_base_rate() -> None:
    rows, columns = 1000, 20_000
    at = np.random.default_rng(0).integers(0, columns, rows)
    X = sparse.csr_matrix((np.ones(rows, np.float32), (np.arange(rows), at)), (rows, columns))
    y = (np.arange(rows) % 10 == 0).astype(int)
    fitted = gbimb.ImbalancedLGBMClassifier(n_estimators=5, random_state=0)
    with pytest.warns(GbimbWarning, match="no split"):
        fitted.fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 0.1, atol=0.01)


def test_small_bags_of_a_wide_table_have_small_leaves() -> None:
    X, y = wide(columns=700)
    bag = gbimb.UnderBaggingClassifier(n_estimators=1, random_state=0, n_jobs=1).fit(X, y)
    trees = bag.estimators_[0].booster_.trees_to_dataframe()
    assert trees["count"][trees.left_child.isna()].min() < 200 // 50


def test_xgboost_reads_no_names_of_columns_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    known = xgb.DMatrix.feature_names

    def read(matrix: xgb.DMatrix) -> Any:
        found = known.fget(matrix)
        names.extend(found or [])
        return found

    monkeypatch.setattr(xgb.DMatrix, "feature_names", property(read, known.fset))
    X, y = wide(columns=50)
    table = pd.DataFrame(X).add_prefix("height ")
    fitted = gbimb.ImbalancedXGBClassifier(n_estimators=20, random_state=0, n_jobs=1)
    fitted.fit(table, y)
    assert len(names) < 20 * 50
    assert fitted.booster_.feature_names[:2] == ["height_0", "height_1"]
    assert set(fitted.booster_.feature_types) == {"q"}


@pytest.mark.parametrize("form", ["numbers", "missing", "sparse", "categories"])
def test_held_out_rows_of_a_wide_table_are_scored_as_a_data_set_of_their_own(form: str) -> None:
    X, y = wide(columns=500)
    if form == "missing":
        X[::4, :200] = np.nan
    elif form == "categories":
        X[:, :50] = np.round(X[:, :50] * 4) + 20
    table: Any = sparse.csr_matrix(np.where(X > 0, X, 0)) if form == "sparse" else X
    nominal = range(50) if form == "categories" else ()
    made = lightgbm_boosters.Bins(
        table,
        y.astype(np.float32),
        None,
        categorical=nominal,
        feature_names=[f"x{i}" for i in range(500)],
        params={"verbosity": -1, "min_data_in_leaf": 4, "seed": 0, "num_threads": 1},
    )
    held_out = np.arange(0, 200, 3)[::-1]
    train = np.setdiff1d(np.arange(200), held_out)
    scores = []
    for whole in (True, False):
        assert made._watch_whole
        made._watch_whole = whole
        member = made.member(gbimb.FocalLoss(), np.array([-1.0]), train, held_out, {})
        found = []
        for _ in range(5):
            member.update()
            found.append(member.held_out())
        scores.append(np.array(found))
        assert (member.booster.valid_sets == [made._dataset]) == whole
        made._watch_whole = True
    assert scores[0].shape == (5, held_out.size)
    assert np.ptp(scores[0][-1]) > 0.1
    np.testing.assert_array_equal(*scores)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "form", "rows", "columns"),
    [
        ("lightgbm", "dense", 300, 3000),
        ("xgboost", "dense", 300, 3000),
        ("lightgbm", "sparse, 80 values a row", 5_000, 20_000),
    ],
)
def test_a_wide_table_takes_at_most_three_times_the_memory_of_the_engine(
    engine: str, form: str, rows: int, columns: int
) -> None:
    peaks = {}
    for side in ("gbimb", "own"):
        command = [sys.executable, "-m", "benchmarks.speed.child", "wide", engine, side, form]
        command += [str(rows), str(columns)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[side] = int(done.stdout.split()[-2])  # beyond what is loaded
    assert peaks["gbimb"] <= 3 * peaks["own"]
