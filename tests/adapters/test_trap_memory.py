"""What goes wrong with a custom loss in LightGBM and XGBoost: time, memory, tables and output.

Most packages with a focal loss fall into several of these; the engines say nothing. Where a test
also shows the trap itself, it says "the trap".
"""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
import xgboost as xgb

import gbimb
import gbimb.lightgbm
import gbimb.xgboost
from tests.adapters.tables import (
    LGB,
    XGB,
    Rows,
    lgb_set,
)
from tests.adapters.traps import FOCAL, Classifier, Pair, both_estimators, fit, xgb_watched


def test_the_objective_is_deep_copied(table: Rows) -> None:
    objective = gbimb.lightgbm.objective(FOCAL)
    assert copy.deepcopy(objective) is objective
    assert copy.deepcopy({"objective": objective})["objective"] is objective
    train_set = lgb_set(table)
    lgb.train({**LGB, "objective": objective}, train_set, 2)
    assert list(objective._buffers) == [train_set]  # LightGBM called this one, not a copy


def test_gradient_buffers_are_used_again_each_round_and_not_copied(table: Rows) -> None:
    handed: list[Any] = []
    lgb_objective = gbimb.lightgbm.objective(FOCAL)
    xgb_objective = gbimb.xgboost.objective(FOCAL)

    def watch_lgb(preds: np.ndarray, dataset: lgb.Dataset) -> Pair:
        handed.append(lgb_objective(preds, dataset))
        return handed[-1]

    def watch_xgb(predt: np.ndarray, dmatrix: xgb.DMatrix) -> Pair:
        handed.append(xgb_objective(predt, dmatrix))
        return handed[-1]

    lgb.train({**LGB, "objective": watch_lgb}, lgb_set(table), 5)
    xgb.train(XGB, xgb.DMatrix(table.X, table.y), 5, obj=watch_xgb)
    for rounds in (handed[:5], handed[5:]):
        for which in (0, 1):
            buffers = [pair[which] for pair in rounds]
            assert all(buffer is buffers[0] for buffer in buffers)
            assert buffers[0].dtype == np.float32
            assert buffers[0].flags.c_contiguous
            taken = lgb.basic._list_to_1d_numpy(data=buffers[0], dtype=np.float32, name="grad")
            assert np.shares_memory(taken, buffers[0])


def test_buffers_outlive_their_dataset(table: Rows) -> None:
    lgb_objective, xgb_objective = gbimb.lightgbm.objective(FOCAL), gbimb.xgboost.objective(FOCAL)
    for _ in range(3):
        lgb.train({**LGB, "objective": lgb_objective}, lgb_set(table), 1)
        xgb.train(XGB, xgb.DMatrix(table.X, table.y), 1, obj=xgb_objective)
    assert len(lgb_objective._buffers) <= 1
    assert len(xgb_objective._cache) <= 1


def test_xgboost_copies_labels_on_every_call(
    table: Rows, fresh: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[xgb.DMatrix] = []
    get_label = xgb.DMatrix.get_label

    def counting(self: xgb.DMatrix) -> np.ndarray:
        calls.append(self)
        return get_label(self)

    dmatrix = xgb.DMatrix(table.X, table.y)
    assert not np.shares_memory(dmatrix.get_label(), dmatrix.get_label())  # the trap
    monkeypatch.setattr(xgb.DMatrix, "get_label", counting)
    xgb_watched(table, fresh, gbimb.xgboost.early_stopping(60), ["mcc"])
    assert len(calls) == 2  # the train set in the objective, the validation set in the metric


@both_estimators
@pytest.mark.parametrize("kind", ["polars", "arrow", "batch"])
def test_strings_in_polars_and_arrow_abort_the_process(
    estimator: Classifier, kind: str, table: Rows
) -> None:
    frame = pl.DataFrame(
        {
            "number": table.X[:, 0],
            "text": np.array(["a", "b", "c"])[np.arange(table.y.size) % 3],
            "shade": np.array(["dark", "light"])[(table.X[:, 3] > 0).astype(int)],
        }
    ).with_columns(pl.col("shade").cast(pl.Categorical))
    X = {
        "polars": lambda: frame,
        "arrow": frame.to_arrow,
        "batch": lambda: frame.to_arrow().combine_chunks().to_batches()[0],
    }[kind]()
    clf = estimator(n_estimators=10, cv=2, random_state=0, n_jobs=1).fit(X, table.y)
    assert list(clf.feature_names_in_) == ["number", "text", "shade"]
    assert clf.feature_importances_[2] > clf.feature_importances_[1]
    np.testing.assert_array_equal(
        clf.predict_proba(X), clf.predict_proba(frame.to_pandas().astype({"shade": str}))
    )


@both_estimators
def test_an_engine_prints_from_its_threads(
    estimator: Classifier, table: Rows, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny = Rows(np.ones((300, 2)), table.y[:300], table.y[:300])
    with pytest.warns(gbimb.GbimbWarning):
        fit(estimator, tiny, n_jobs=2, cv=3)
    clf = fit(estimator, table, n_jobs=2, cv=3)
    clf.predict_proba(table.X)
    pickle.dump(clf, io.BytesIO())
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
