"""The portfolio on a cluster: the same rows held out of each member, and their blend."""

from __future__ import annotations

import gc
import pickle
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.metrics import log_loss, matthews_corrcoef
from sklearn.naive_bayes import GaussianNB

import gbimb
from gbimb.dask import DaskImbalancedClassifier, DaskImbalancedXGBClassifier, _blend, _worker
from gbimb.dask._rows import EncodedPiece, HoldOutRule
from gbimb.decisions.threshold import cheapest_threshold
from gbimb.exceptions import (
    GbimbWarning,
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
)
from gbimb.training.rows import EngineTable
from gbimb.training.seed import draw_seed
from tests.dask.tables import arrays, even, frame, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client
    from numpy.typing import NDArray

pytestmark = pytest.mark.dask

N, PARTS = 900, 3  # below 1,000 rows no tree draws rows, which would differ between machines
ROUNDS = 15


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _blend.shared_parameters

    def few(*given: Any) -> dict[str, Any]:
        return {**whole(*given), "n_estimators": ROUNDS, "early_stopping_rounds": 5}

    monkeypatch.setattr(_blend, "shared_parameters", few)


def fitted(
    client: Client, *rows: np.ndarray, groups: Any = None, time: Any = None, **parameters: Any
) -> DaskImbalancedClassifier:
    n = len(rows[0])
    beside = {"groups": groups, "time": time}
    given = {k: da.from_array(v, chunks=even(n, PARTS)) for k, v in beside.items() if v is not None}
    given |= {k: parameters.pop(k) for k in ("cost_fp", "cost_fn") if k in parameters}
    clf = DaskImbalancedClassifier(client=client, **{"random_state": 0, **parameters})
    return clf.fit(*arrays(*rows, sizes=even(n, PARTS)), **given)


def held_out_rows(codes: NDArray[Any], kept: NDArray[Any] | None = None) -> NDArray[np.bool_]:
    """One row of a class in five, as the rule of each partition says."""
    kept = np.ones(codes.size, bool) if kept is None else kept
    masks, before, start = [], np.zeros(codes.max() + 1, int), 0
    for i, size in enumerate(even(codes.size, PARTS)):
        own = slice(start, start + size)
        rule = HoldOutRule(draw_seed(0), i, tuple(before.tolist()))
        mask = np.zeros(size, bool)
        some = np.flatnonzero(kept[own])
        mask[some] = rule.held_out(codes[own][some], None, some)  # type: ignore[arg-type]
        masks.append(mask)
        before += np.bincount(codes[own][some], minlength=before.size)
        start += size
    return np.concatenate(masks)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_blend_is_that_of_the_members_probabilities_of_held_out_rows(
    client: Client, weighted: bool
) -> None:
    X, y = numbers(N)
    weight = np.random.default_rng(2).integers(0, 4, N).astype(float)
    weight[: N // PARTS] = 0.0  # a partition without any
    rows = (X, y, weight) if weighted else (X, y)
    clf = fitted(client, *rows)
    assert set(clf.leaderboard_["param_engine"]) == {"lightgbm", "xgboost"}
    assert len(clf.members_) == 3
    there = held_out_rows(y, weight > 0 if weighted else None)
    w = weight[there] if weighted else np.ones(there.sum())
    members = np.column_stack([m.predict_proba(X[there])[:, 1] for m in clf.members_])
    right = np.where(y[there, None] == 1, members, 1 - members)

    def minus_log_posterior(free: NDArray[Any]) -> float:  # ten rows speak for equal weights
        shares = np.exp(free) / np.exp(free).sum()
        return float(-(w * np.log(right @ shares)).sum() - 10 / 3 * np.log(shares).sum())

    free = minimize(minus_log_posterior, np.zeros(3)).x
    np.testing.assert_allclose(clf.weights_, np.exp(free) / np.exp(free).sum(), atol=2e-4)
    raw = logit(members @ clf.weights_)

    def minus_log_likelihood(line: NDArray[Any]) -> float:  # slopes about 1, by 0.25
        margin = (2 * y[there] - 1) * (line[0] * raw + line[1])
        return float((w * np.logaddexp(0, -margin)).sum() + 0.5 * ((line[0] - 1) / 0.25) ** 2)

    line = minimize(minus_log_likelihood, [1.0, 0.0]).x
    expected = expit(line[0] * raw + line[1])
    found = clf.predict_proba(X[there])[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(np.average(found, weights=w), np.average(y[there], weights=w))
    losses = [log_loss(y[there], m, sample_weight=w) for m in members.T]
    by_name = clf.leaderboard_.sort_values("log_loss", ascending=False)["log_loss"]
    np.testing.assert_allclose(-by_name, np.sort(losses), atol=1e-9)


def test_a_member_is_the_estimator_of_its_engine_and_no_rows_are_left(client: Client) -> None:
    X, y = numbers(N)
    before = set(client.futures)
    clf = fitted(client, X, y)
    gc.collect()
    assert set(client.futures) <= before
    (member,) = [m for m in clf.members_ if isinstance(m, gbimb.ImbalancedXGBClassifier)]
    alone = DaskImbalancedXGBClassifier(client=client, **{**member.get_params(), "random_state": 0})
    alone.fit(*arrays(X, y, sizes=even(N, PARTS)))
    np.testing.assert_allclose(alone.to_local().raw_score(X), member.raw_score(X), atol=1e-5)


def test_partitions_in_another_order_give_the_same_model(client: Client) -> None:
    X, y = numbers(N)
    groups = np.arange(N)  # which are held out depends on them alone
    order = np.argsort(y, kind="stable")
    one = fitted(client, X, y, groups=groups)
    other = fitted(client, X[order], y[order], groups=groups[order])
    assert one.validation_.startswith("one group in five held out")
    by_engine = [
        {m.engine_name: m for m in clf.members_}["xgboost"].raw_score(X) for clf in (one, other)
    ]
    np.testing.assert_allclose(*by_engine, atol=1e-5)
    probas = [clf.predict_proba(X)[:, 1] for clf in (one, other)]
    assert np.corrcoef(*probas)[0, 1] > 0.98  # LightGBM takes other splits where some are as good
    np.testing.assert_allclose(np.sort(one.weights_), np.sort(other.weights_), atol=0.1)


def test_the_newest_rows_judge_members_and_then_train_them(client: Client) -> None:
    X, y = numbers(N)
    time = np.random.default_rng(1).permutation(N)
    clf = fitted(client, X, y, time=time, metric="log_loss")
    assert clf.validation_.startswith("the newest fifth held out")
    late = time >= np.sort(time)[-N // 5]
    for member in clf.members_:
        engine = clf.leaderboard_["param_engine"] == member.engine_name
        judged = -clf.leaderboard_[engine]["log_loss"].max()
        assert log_loss(y[late], member.predict_proba(X[late])) < judged - 0.005


def test_many_classes_and_text_labels(client: Client) -> None:
    X, _ = numbers(N)
    codes = np.digitize(X[:, 0] + X[:, 1], [0.5, 2.0])
    y = np.array(["a", "b", "c"])[codes]
    clf = fitted(client, X, y)
    assert list(clf.leaderboard_["param_engine"].sort_values()) == ["lightgbm", "xgboost"]
    there = held_out_rows(codes)
    mean = sum(
        w * m.predict_proba(X[there]) for w, m in zip(clf.weights_, clf.members_, strict=True)
    )
    logs = clf.model_.correction.apply(np.log(mean))
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(X[there]), expected, rtol=1e-6)
    shares = np.bincount(codes[there]) / there.sum()
    np.testing.assert_allclose(expected.mean(axis=0), shares, atol=1e-3)
    assert matthews_corrcoef(y, clf.predict(X)) > 0.8
    assert clf.class_weights_.shape == (3,)


def test_a_source_is_read_by_the_workers_and_the_file_predicts_the_same(
    client: Client, tmp_path: Path
) -> None:
    X, y = frame(N)
    for i in range(3):
        X.assign(y=y).iloc[i::3].to_parquet(tmp_path / f"part-{i}.parquet")
    source = gbimb.ParquetSource(tmp_path, "y")
    clf = DaskImbalancedClassifier("f1", client=client, random_state=0).fit(source)
    assert {m.engine_name for m in clf.members_} == {"lightgbm", "xgboost"}
    lazy = clf.predict_proba(source)
    np.testing.assert_array_equal(lazy.compute(), clf.to_local().predict_proba(source))
    clf.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    assert type(loaded) is gbimb.ImbalancedClassifier
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.explain_choice() == clf.explain_choice()
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))


def test_zeros_of_a_sparse_matrix_are_what_each_engine_takes_them_for(client: Client) -> None:
    X, y = numbers(N)
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    blocks = da.from_array(X, chunks=(300, 5)).map_blocks(
        sparse.csr_matrix, meta=sparse.csr_matrix((0, 5))
    )
    clf = DaskImbalancedClassifier(client=client, random_state=0)
    clf.fit(blocks, da.from_array(y, chunks=300))
    there = held_out_rows(y)
    losses = [
        log_loss(y[there], m.predict_proba(sparse.csr_matrix(X[there]))[:, 1]) for m in clf.members_
    ]
    np.testing.assert_allclose(np.sort(-clf.leaderboard_["log_loss"]), np.sort(losses), atol=1e-9)


def test_costs_bounds_and_promises_decide_as_in_the_local_estimator(client: Client) -> None:
    X, y = numbers(N)
    costs = fitted(client, X, y, metric=[[0.0, 1.0], [9.0, 0.0]])
    assert costs.threshold_ == pytest.approx(0.1)
    rule = {"threshold": "recall >= 0.5", "confidence": 0.8}
    bound = fitted(client, X, y, metric="recall at precision >= 0.4", **rule)
    assert bound.guarantee_.confidence == 0.8
    assert bound.members_[0].eval_metric == ("log_loss",)  # an area wants all scores in one place
    assert "recall at precision >= 0.4" in bound.explain_choice()


def test_members_are_judged_by_what_each_held_out_row_costs(client: Client) -> None:
    X, y = numbers(N)
    amounts = np.exp(np.random.default_rng(1).uniform(0, np.log(100), N))
    costs = {"cost_fp": 5.0, "cost_fn": da.from_array(amounts, chunks=even(N, PARTS))}
    weight = (np.arange(N) % 7 > 0).astype(float)  # rows without weight take their costs along
    clf = fitted(client, X, y, weight, metric="cost", **costs)
    there = held_out_rows(y, weight > 0)
    proba = clf.predict_proba(X[there])[:, 1]
    flagged = proba * amounts[there] > (1 - proba) * 5.0
    wrong = np.where(y[there] == 1, amounts[there], 5.0)
    each = np.where(flagged == (y[there] == 1), 0.0, wrong)
    rng = np.random.default_rng(0)  # that of the bootstraps
    means = [-np.average(each, weights=rng.poisson(1.0, each.size)) for _ in range(50)]
    assert clf.best_score_ == pytest.approx(np.mean(means))
    expected = cheapest_threshold(y[there], proba, np.full(each.size, 5.0), amounts[there])
    assert clf.threshold_ == pytest.approx(expected)


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"metric": "cost"}, InvalidTypeError, "needs cost_fp and cost_fn in fit"),
        ({"metric": "cost", "cost_fn": 1.0}, InvalidTypeError, "cost_fp is missing"),
        ({"cost_fp": 1.0, "cost_fn": 1.0}, InvalidParameterError, "go with metric='cost'"),
        ({"cost_fp": np.ones(200)}, InvalidTypeError, "cost_fp must be a Dask Series or Array"),
        ({"cost_fp": -1.0}, InvalidDataError, "cost_fp must be >= 0"),
    ],
)
def test_wrong_costs_get_a_sentence(
    client: Client, parameters: dict[str, Any], error: Any, sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        fitted(client, *numbers(200), **parameters)


def test_costs_of_rows_beside_a_source_or_of_many_classes_are_refused(
    client: Client, tmp_path: Path
) -> None:
    X, _ = numbers(300)
    clf = DaskImbalancedClassifier("cost", client=client)
    with pytest.raises(InvalidParameterError, match=r"two classes, got 3.*matrix"):
        clf.fit(*arrays(X, np.arange(300) % 3, sizes=even(300, 2)), cost_fp=1.0, cost_fn=2.0)
    pd.DataFrame(X, columns=list("abcde")).assign(y=0).to_parquet(tmp_path / "part.parquet")
    with pytest.raises(InvalidParameterError, match="needs a table in memory"):
        clf.fit(gbimb.ParquetSource(tmp_path, "y"), cost_fp=1.0, cost_fn=2.0)


def test_too_few_rows_give_a_mean_of_both_engines(client: Client) -> None:
    X, y = numbers(90)
    with pytest.warns(GbimbWarning, match="Too few rows to compare"):
        clf = fitted(client, X, y)
    np.testing.assert_array_equal(clf.weights_, [0.5, 0.5])
    assert clf.threshold_ == 0.5
    assert np.isnan(clf.best_score_)


def test_both_engines_train_however_many_rows_there_are() -> None:
    counts = np.array([[3_000_000, 30_000], [3_000_000, 30_000]])
    labels = _blend.Labels(gbimb.tables.schema.Classes(np.array([0, 1]), 1), counts, counts.sum(0))
    schema = gbimb.tables.schema.Schema(gbimb.tables.encoder.TableEncoder(), 5)
    objective = _blend.make_objective("mcc", 2)
    space = DaskImbalancedClassifier()._space(labels, schema, objective)
    assert [choice["engine"] for choice in space.portfolio()] == ["lightgbm", "xgboost"]


def test_of_a_large_class_all_members_predict_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    y = (rng.random(n) < 0.1).astype(np.float32)
    table = EngineTable(rng.normal(size=(n, 3)), y, None)
    piece = EncodedPiece(table.part(np.empty(0, np.intp)), table, table.matrix[:, :2])
    totals = np.array([10 * _worker.KEPT_OF_A_CLASS, 5])

    class Column:
        def __init__(self, i: int) -> None:
            self.i = i

        def raw_score_of(self, matrix: NDArray[Any], threads: int) -> NDArray[Any]:
            del threads
            return matrix[:, self.i]

        def calibrated(self, raw: NDArray[Any]) -> NDArray[Any]:
            return raw

    first, second = (
        _worker.score_held_out(piece, Column(i), totals, 7, 0, n_jobs=1) for i in (0, 1)
    )
    assert first is not None
    assert second is not None
    (first, costs, _), (second, *_) = first, second
    np.testing.assert_array_equal(first.y, second.y)
    both = pd.DataFrame(table.matrix).set_index(0)[1]
    np.testing.assert_array_equal(second.matrix, both.loc[first.matrix])
    np.testing.assert_array_equal(costs[:, 0], first.matrix)
    assert (first.y == 1).sum() == (y == 1).sum()
    assert first.weight[first.y == 0].sum() == pytest.approx((y == 0).sum(), rel=0.15)
    assert set(first.weight[first.y == 0]) == {10.0}


def test_a_clone_has_the_parameters_and_the_client(client: Client) -> None:
    clf = DaskImbalancedClassifier("f1", threshold=0.3, client=client)
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert copy.client is client


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"estimators": [("nb", GaussianNB())]}, r"estimators must be None on Dask, got \['nb'\]"),
        ({"checkpoint_path": "folder", "random_state": 0}, "checkpoint_path .* ignored on Dask"),
        ({"metric": "nix"}, "metric must be one of"),
        ({"threshold": 2.0}, "threshold"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(
    client: Client, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidParameterError, match=sentence):
        fitted(client, *numbers(200), **parameters)


def test_a_table_in_memory_is_refused(client: Client) -> None:
    with pytest.raises(InvalidTypeError, match="X must be a Dask DataFrame"):
        DaskImbalancedClassifier(client=client).fit(*numbers(200))
