"""A distributed fit is the local one: model, metrics of every round, probabilities, threshold."""

from __future__ import annotations

import logging
import pickle
import time
from typing import TYPE_CHECKING, Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.dask import _fit
from gbimb.losses.experimental import SoftmaxMCCLoss
from gbimb.metrics import best_threshold
from tests.dask.tables import PAIRS, QUICK, SHAPE, arrays, both, even, frame, laid_out, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask

N, N_VAL = 2000, 800


def fit_both(
    engine: str,
    client: Client,
    layout: str = "random",
    **parameters: Any,
) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """The distributed and the local estimator on the same rows, and rows to compare them on."""
    distant, local = PAIRS[engine]
    X, y, sizes = laid_out(layout, *numbers(N))
    X_val, y_val = numbers(N_VAL, seed=1)
    order = np.argsort(y_val, kind="stable")
    X_val, y_val = X_val[order], y_val[order]
    settings = {**QUICK, **SHAPE[engine], **parameters}
    Xd, yd = arrays(X, y, sizes=sizes)
    Xv, yv = arrays(X_val, y_val, sizes=even(N_VAL, 2))
    there = distant(client=client, **settings).fit(Xd, yd, X_val=Xv, y_val=yv)
    here = local(n_jobs=1, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    return there, here, X_val, y_val


def assert_alike(engine: str, there: Any, here: Any, X: Any) -> None:
    """XGBoost's raw scores are equal; LightGBM takes other splits where several are as good."""
    scores = [there.to_local().raw_score(X), here.raw_score(X)]
    if engine == "xgb":
        np.testing.assert_allclose(*scores, atol=1e-5)
    else:
        assert np.corrcoef(scores)[0, 1] > 0.95


@pytest.mark.parametrize("layout", ["random", "sorted", "one_class", "empty"])
def test_xgboost_gives_the_local_model_however_rows_lie(client: Client, layout: str) -> None:
    there, here, X, _ = fit_both("xgb", client, layout)
    assert there.best_iteration_ == here.best_iteration_
    assert_alike("xgb", there, here, X)
    assert there.threshold_ == pytest.approx(here.threshold_, abs=1e-6)
    for name, series in here.evals_result_["valid"].items():
        np.testing.assert_allclose(there.evals_result_["valid"][name], series, atol=1e-6)


@pytest.mark.parametrize("loss", ["soft_mcc", "soft_f1"])
def test_gradients_of_smooth_metrics_are_those_of_all_rows(client: Client, loss: str) -> None:
    there, here, X, _ = fit_both("xgb", client, "sorted", loss=loss, scale_pos_weight="balanced")
    assert_alike("xgb", there, here, X)


@pytest.mark.parametrize("layout", ["sorted", "one_class"])
def test_lightgbm_gives_about_the_local_model(client: Client, layout: str) -> None:
    there, here, X, y = fit_both("lgbm", client, layout)
    assert_alike("lgbm", there, here, X)
    scores = [model.raw_score(X) for model in (there.to_local(), here)]
    reached = [best_threshold(y, score).score for score in scores]
    assert reached[0] == pytest.approx(reached[1], abs=0.03)


def test_lightgbm_takes_leaves_of_any_size(client: Client) -> None:
    X, y = numbers(N)
    Xd, yd = arrays(X, y, sizes=even(N, 2))
    settings = {"min_child_samples": 0, "num_leaves": 31, "cv": None, "early_stopping_rounds": None}
    clf = PAIRS["lgbm"][0](client=client, **{**QUICK, "n_estimators": 40, **settings}).fit(Xd, yd)
    assert matthews_corrcoef(y, clf.predict(Xd).compute()) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["random", "sorted", "one_class"])
def test_lightgbm_is_within_0_005_of_the_local_mcc_on_many_rows(
    client: Client, layout: str
) -> None:
    X, y, sizes = laid_out(layout, *numbers(40_000))
    X_val, y_val = numbers(40_000, seed=1)
    Xd, yd = arrays(X, y, sizes=sizes)
    Xv, yv = arrays(X_val, y_val, sizes=even(40_000, 4))
    distant, local = PAIRS["lgbm"]
    settings = {**QUICK, "n_estimators": 60}
    there = distant(client=client, **settings).fit(Xd, yd, X_val=Xv, y_val=yv)
    here = local(n_jobs=1, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert there.best_score_ == pytest.approx(here.best_score_, abs=0.005)


@both
def test_mcc_of_each_round_is_that_of_collected_predictions(client: Client, engine: str) -> None:
    there, _, X, y = fit_both(engine, client, "sorted", calibration=None)
    booster = there.booster_
    for rounds in (1, 7, there.best_iteration_):
        if engine == "lgbm":
            raw = booster.predict(X, raw_score=True, num_iteration=rounds)
        else:
            raw = booster.inplace_predict(X, predict_type="margin", iteration_range=(0, rounds))
        for name in ("mcc", "f1"):
            told = there.evals_result_["valid"][name][rounds - 1]
            assert told == pytest.approx(best_threshold(y, raw, name).score, abs=1e-6)


@both
def test_a_round_sends_less_than_64_kib(client: Client, engine: str) -> None:
    metrics = ("mcc", "f1", "fbeta:2", "mcc@0.3", "log_loss")
    there, *_ = fit_both(engine, client, loss="soft_mcc", eval_metric=metrics)
    assert 0 < there.bytes_per_round_ < 65_536
    assert set(there.evals_result_["valid"]) == set(metrics)


@both
def test_values_that_training_never_saw_as_in_the_local_estimator(
    client: Client, engine: str
) -> None:
    X, y = frame(N)
    X["size"] = pd.Categorical(np.where(X["b"] > 0, "wide", "slim"), ["slim", "wide"], ordered=True)
    X["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(X["c"], "D")
    Xd, yd = dd.from_pandas(X, npartitions=3), dd.from_pandas(y, npartitions=3)
    settings = {**QUICK, **SHAPE[engine]}
    there = PAIRS[engine][0](client=client, **settings).fit(Xd, yd)
    here = PAIRS[engine][1](n_jobs=1, **settings).fit(X, y)
    assert there.model_.schema.encoder.columns == here.model_.schema.encoder.columns
    seen, local = there.model_.schema.encoder.typical, here.model_.schema.encoder.typical
    np.testing.assert_array_equal(seen.complete, local.complete)
    np.testing.assert_array_equal(seen.values[[3, 5]], local.values[[3, 5]])
    np.testing.assert_allclose(seen.values[1:3], local.values[1:3], atol=0.3)
    new = X.assign(text="never seen", b=np.nan, when=pd.NaT)
    known = new.assign(
        text=there.model_.schema.encoder.columns[3].categories[int(seen.values[3])],
        b=seen.values[1],
        when=seen.values[6],
    )
    with pytest.warns(gbimb.GbimbWarning, match="unknown categories such as 'never seen'"):
        proba = there.to_local().predict_proba(new)
    np.testing.assert_array_equal(proba, there.to_local().predict_proba(known))


@both
def test_texts_categories_and_missing_values_as_in_the_local_estimator(
    client: Client, engine: str
) -> None:
    X, y = frame(N)
    X_val, y_val = frame(N_VAL, seed=1)
    # Each partition has categories of its own.
    parts = [X.iloc[:900].copy(), X.iloc[900:].copy()]
    parts[0]["kind"] = parts[0]["kind"].cat.remove_categories(["w"]).cat.remove_unused_categories()
    parts[1]["text"] = parts[1]["text"].replace("blue", None)
    parts[0] = parts[0][X.columns[::-1]]
    Xd = dd.from_map(lambda i: parts[i], [0, 1], meta=X.iloc[:0], enforce_metadata=False)
    yd = Xd.map_partitions(lambda part: y.loc[part.index], meta=y.iloc[:0])
    distant, local = PAIRS[engine]
    settings = {**QUICK, **SHAPE[engine]}
    there = distant(client=client, **settings).fit(
        Xd,
        yd,
        X_val=dd.from_pandas(X_val, npartitions=2),
        y_val=dd.from_pandas(y_val, npartitions=2),
    )
    whole = pd.concat([part.astype({"kind": object})[X.columns] for part in parts])
    here = local(n_jobs=1, **settings).fit(
        whole, y, X_val=X_val.astype({"kind": object}), y_val=y_val
    )
    assert there.pos_label_ == "fraud"
    assert list(there.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(there.classes_, here.classes_)
    assert_alike(engine, there, here, X_val)


@both
def test_weights_count_and_zero_drops_a_row(client: Client, engine: str) -> None:
    X, y = numbers(N)
    weight = np.random.default_rng(2).integers(0, 4, N).astype(float)
    weight[:500] = 0.0  # a partition without any
    Xd, yd, wd = arrays(X, y, weight, sizes=even(N, 4))
    distant, local = PAIRS[engine]
    settings = {**QUICK, **SHAPE[engine], "cv": None, "early_stopping_rounds": None}
    there = distant(client=client, **settings).fit(Xd, yd, sample_weight=wd)
    here = local(n_jobs=1, **settings).fit(X, y, sample_weight=weight)
    assert_alike(engine, there, here, X)


@both
def test_weights_below_one_are_a_scale_over_all_partitions(client: Client, engine: str) -> None:
    X, y = numbers(N)
    weight = np.where(np.arange(N) < N // 2, 0.25, 0.75)  # other means in other partitions
    fits = []
    for factor in (1.0, 2.0**-20):
        Xd, yd, wd = arrays(X, y, factor * weight, sizes=even(N, 4))
        clf = PAIRS[engine][0](client=client, **{**QUICK, **SHAPE[engine]})
        fits.append(clf.fit(Xd, yd, sample_weight=wd))
    one, other = (clf.to_local().predict_proba(X) for clf in fits)
    np.testing.assert_allclose(other, one, rtol=1e-9)  # sums over workers are rounded
    assert np.ptp(one[:, 1]) > 0.1


def test_rounds_are_chosen_by_the_weights_of_the_held_out_rows(client: Client) -> None:
    X, y = numbers(N)
    X_val, y_val = numbers(N_VAL, seed=1)
    weight = np.full(N_VAL, 1e4)  # as many rows of each, which leave little doubt
    distant, local = PAIRS["xgb"]
    settings = {**QUICK, **SHAPE["xgb"]}
    Xd, yd = arrays(X, y, sizes=even(N, 2))
    Xv, yv, wv = arrays(X_val, y_val, weight, sizes=even(N_VAL, 2))
    there = distant(client=client, **settings).fit(Xd, yd, X_val=Xv, y_val=yv, sample_weight_val=wv)
    here = local(n_jobs=1, **settings).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert there.best_iteration_ == here.best_iteration_
    assert_alike("xgb", there, here, X_val)


@both
@pytest.mark.parametrize("n_classes", [2, 3])
def test_weighted_validation_rows_may_all_be_on_one_worker(
    client: Client, engine: str, n_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lopsided(*given: Any) -> dict[str, Any]:
        parts = assign(*given)
        watched = [piece for _, pieces in parts.values() for piece in pieces]
        return {w: (parts[w][0], [] if i else watched) for i, w in enumerate(parts)}

    assign = _fit.assign
    monkeypatch.setattr(_fit, "assign", lopsided)
    X, _ = numbers(1500)
    y = np.digitize(X[:, 0] + X[:, 1], [0.5, 2.0][: n_classes - 1])
    # Of two pieces a busy scheduler may put both on one worker.
    Xd, yd = arrays(X, y, sizes=even(1500, 10))
    Xv, yv, wv = arrays(X[:500], y[:500], np.full(500, 3.0), sizes=even(500, 2))
    there = PAIRS[engine][0](client=client, **{**QUICK, **SHAPE[engine]})
    there.fit(Xd, yd, X_val=Xv, y_val=yv, sample_weight_val=wv)
    assert there.n_workers_ == 2
    assert there.best_score_ > 0.5


@both
def test_one_row_in_five_is_held_out_and_probabilities_are_true(
    client: Client, engine: str
) -> None:
    X, y = numbers(4000)
    Xd, yd = arrays(X, y, sizes=even(4000, 7))
    clf = PAIRS[engine][0](client=client, **{**QUICK, "scale_pos_weight": 10.0}).fit(Xd, yd)
    assert clf.validation_.startswith("one row in five held out (4,000 rows")
    assert clf.n_workers_ == 2
    proba = clf.predict_proba(Xd)[:, 1].compute()
    assert proba.mean() == pytest.approx(y.mean(), rel=0.15)
    assert matthews_corrcoef(y, clf.predict(Xd).compute()) > 0.4


def test_many_classes_are_learnt_over_workers(client: Client) -> None:
    X, _ = numbers(1500)
    y = np.digitize(X[:, 0] + X[:, 1], [0.5, 2.0])
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    Xd, yd = arrays(X, y, sizes=even(1500, 3))
    settings = {**QUICK, "n_estimators": 8, "loss": SoftmaxMCCLoss(3)}
    there = PAIRS["xgb"][0](client=client, **settings).fit(Xd, yd, X_val=Xd, y_val=yd)
    here = PAIRS["xgb"][1](n_jobs=1, **settings).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_allclose(there.evals_result_["valid"]["mcc"],
                               here.evals_result_["valid"]["mcc"], atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(there.predict_proba(Xd).compute(), here.predict_proba(X), atol=1e-5)


@both
def test_predictions_of_collections_are_lazy_and_right(client: Client, engine: str) -> None:
    X, y = frame(600)
    Xd, yd = dd.from_pandas(X, npartitions=3), dd.from_pandas(y, npartitions=3)
    clf = PAIRS[engine][0](client=client, cv=None, **{**QUICK, "n_estimators": 5}).fit(Xd, yd)
    local = clf.to_local()
    for method in ("predict", "predict_proba", "raw_score", "decision_function"):
        lazy = getattr(clf, method)(Xd)
        assert isinstance(lazy, da.Array)
        np.testing.assert_array_equal(lazy.compute(), getattr(local, method)(X))
        np.testing.assert_array_equal(getattr(clf, method)(X), getattr(local, method)(X))
    some = Xd[Xd["b"] > X["b"].iloc[:200].max()]  # empty in the first partition
    assert len(clf.predict(some).compute()) == int((X["b"] > X["b"].iloc[:200].max()).sum())


def test_parquet_files_are_read_by_the_workers(client: Client, tmp_path: Path) -> None:
    X, y = frame(900)
    for i in range(3):
        part = X.assign(y=y).iloc[300 * i : 300 * i + 300]
        part.to_parquet(tmp_path / f"part-{i}.parquet")
    source = gbimb.ParquetSource(tmp_path, target="y")
    clf = PAIRS["xgb"][0](client=client, **QUICK).fit(source)
    assert clf.n_features_in_ == 5
    wanted = clf.to_local().predict_proba(X)
    lazy = clf.predict_proba(gbimb.ParquetSource(tmp_path, features=list(X.columns)))
    np.testing.assert_allclose(lazy.compute(), wanted)
    read = dd.read_parquet(tmp_path).assign(b=lambda rows: rows["b"] * 1.0)
    np.testing.assert_allclose(clf.predict_proba(read[list(X.columns)]).compute(), wanted)


def test_dates_in_parquet_files_are_days(client: Client, tmp_path: Path) -> None:
    X, y = frame(600)
    hours = pd.to_timedelta(np.arange(600) % 91, unit="h")
    at = pd.Series(pd.Timestamp("2020-01-01") + hours, X.index)
    X.assign(y=y, at=at, day=at.dt.date).to_parquet(tmp_path / "part.parquet")
    days = (at - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86_400
    source = gbimb.ParquetSource(tmp_path, target="y", dates="days")
    clf = PAIRS["xgb"][0](client=client, **QUICK).fit(source)
    wanted = clf.to_local().predict_proba(X.assign(at=days, day=np.floor(days)))
    np.testing.assert_allclose(clf.predict_proba(source).compute(), wanted)


def test_the_local_estimator_is_saved_and_loaded(client: Client, tmp_path: Path) -> None:
    X, y = numbers(600)
    Xd, yd = arrays(X, y, sizes=even(600, 2))
    for engine, (distant, local) in PAIRS.items():
        clf = distant(client=client, **{**QUICK, "n_estimators": 5}).fit(Xd, yd)
        assert type(clf.to_local()) is local
        assert "machines" not in str(getattr(clf.booster_, "model_to_string", str)())
        clf.save(tmp_path / engine)
        loaded = gbimb.load(tmp_path / engine)
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        copied = pickle.loads(pickle.dumps(clf))
        assert copied.client is None
        np.testing.assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))


def test_an_onnx_file_predicts_as_the_estimator_does(client: Client, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = numbers(600)
    Xd, yd = arrays(X, y, sizes=even(600, 2))
    for distant, _ in PAIRS.values():
        clf = distant(client=client, **{**QUICK, "n_estimators": 5}).fit(Xd, yd)
        clf.to_onnx(tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        (label,) = session.run(["label"], {"X": X.astype(np.float64)})
        assert label.tolist() == clf.predict(X).tolist()


def test_rounds_are_logged_at_the_client(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    X, y = numbers(600)
    Xd, yd = arrays(X, y, sizes=even(600, 2))
    with caplog.at_level(logging.INFO, "gbimb"):
        PAIRS["xgb"][0](client=client, verbose=5, **QUICK).fit(Xd, yd)
        deadline = time.monotonic() + 5
        while "round 5  mcc 0." not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.05)
    assert "round 5  mcc 0." in caplog.text


@both
def test_parameters_are_those_of_the_local_estimator_and_client(engine: str) -> None:
    distant, local = PAIRS[engine]
    assert distant().get_params() == {**local().get_params(), "client": None}
    copied = clone(distant(gamma=1.0, client=None).set_params(n_estimators=7))
    assert (copied.gamma, copied.n_estimators) == (1.0, 7)
    with pytest.raises(TypeError, match="max_dept"):
        distant(max_dept=3)
