"""Bags drawn from a cluster are those of the local estimator in kind."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.dask import DaskImbalancedXGBClassifier, DaskUnderBaggingClassifier
from gbimb.dask._bag_fits import bag_bytes, room_for_a_bag
from gbimb.dask._pieces import Piece
from gbimb.dask._summary import summarise
from gbimb.exceptions import GbimbError
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.schema import Classes, Schema
from gbimb.training.recipe import Recipe
from tests.dask.tables import SHAPE, arrays, even, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask

LOCAL = {"lgbm": gbimb.ImbalancedLGBMClassifier, "xgb": gbimb.ImbalancedXGBClassifier}
TOGETHER = "all workers train it together"


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bag fits on one worker."""
    monkeypatch.setattr("gbimb.dask._bag_fits.WORKER_SHARE", 0.0)


def label_sorted(n: int, n_classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    X, y = numbers(n)
    if n_classes > 2:
        y = np.digitize(X[:, 0] + X[:, 1], [1.0, 2.2])
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def fit_bags(
    client: Client,
    engine: str,
    *rows: np.ndarray,
    **parameters: Any,
) -> DaskUnderBaggingClassifier:
    small = LOCAL[engine](n_estimators=30, subsample=1.0, **SHAPE[engine])
    settings = {"n_estimators": 2, "sampling_strategy": 3.0, "random_state": 0, **parameters}
    clf = DaskUnderBaggingClassifier(client=client, estimator=small, **settings)
    return clf.fit(*arrays(*rows, sizes=even(len(rows[0]), 5)))


def test_bags_train_on_workers_and_probabilities_are_true(client: Client, tmp_path: Path) -> None:
    X, y = numbers(6000)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    Xd, yd = arrays(X, y, sizes=even(6000, 5))
    small = gbimb.ImbalancedXGBClassifier(n_estimators=30)
    clf = DaskUnderBaggingClassifier(
        client=client, estimator=small, n_estimators=4, sampling_strategy=2.0, random_state=0
    ).fit(Xd, yd)
    assert len(clf.estimators_) == 4
    positives = int(y.sum())
    for rows in clf.estimators_samples_:
        # A fifth of the rare rows judges the bag.
        assert abs(rows.size - (0.8 * positives + 2 * positives)) <= 2
    X_new, y_new = numbers(4000, seed=1)
    assert clf.predict_proba(X_new)[:, 1].mean() == pytest.approx(y_new.mean(), rel=0.15)
    here = gbimb.UnderBaggingClassifier(
        estimator=small, n_estimators=4, sampling_strategy=2.0, random_state=0, n_jobs=1
    ).fit(X, y)
    scores = [matthews_corrcoef(y_new, model.predict(X_new)) for model in (clf, here)]
    assert scores[0] == pytest.approx(scores[1], abs=0.06)
    lazy = clf.predict_proba(Xd)
    np.testing.assert_allclose(lazy.compute(), clf.to_local().predict_proba(X))
    clf.save(tmp_path / "bags")
    np.testing.assert_allclose(gbimb.load(tmp_path / "bags").predict_proba(X_new),
                               clf.predict_proba(X_new))  # fmt: skip


@pytest.mark.parametrize("kind", ["weighted", "replacement", "many_classes"])
def test_a_bag_that_all_workers_train_is_the_one_that_one_worker_trains(
    client: Client, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = list(label_sorted(3000, 3 if kind == "many_classes" else 2))
    if kind == "weighted":
        rows.append(np.random.default_rng(3).integers(0, 4, 3000).astype(float))
    replacement = kind == "replacement"
    with caplog.at_level(logging.INFO, "gbimb"):
        here = fit_bags(client, "xgb", *rows, replacement=replacement)
        assert TOGETHER not in caplog.text
        monkeypatch.setattr("gbimb.dask._bag_fits.WORKER_SHARE", 0.0)
        there = fit_bags(client, "xgb", *rows, replacement=replacement)
        assert TOGETHER in caplog.text
    X_new, _ = numbers(1000, seed=1)
    for one, other in zip(there.estimators_, here.estimators_, strict=True):
        assert type(one) is gbimb.ImbalancedXGBClassifier
        assert one.get_params() == other.get_params()
        assert one.validation_ == other.validation_
        assert one.best_iteration_ == other.best_iteration_
        scores = [model.raw_score(X_new) for model in (one, other)]
        np.testing.assert_allclose(*scores, atol=1e-5)
        for name, series in other.evals_result_["valid"].items():
            np.testing.assert_allclose(one.evals_result_["valid"][name], series, atol=1e-6)
    for left, right in zip(there.estimators_samples_, here.estimators_samples_, strict=True):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(there.oob_proba_, here.oob_proba_, atol=1e-5)
    assert there.oob_score_ == pytest.approx(here.oob_score_, abs=1e-6)
    for name in ("threshold_", "class_weights_"):
        assert hasattr(there, name) == hasattr(here, name)
        np.testing.assert_allclose(getattr(there, name, 0), getattr(here, name, 0), atol=1e-5)
    scores = [model.to_local().raw_score(X_new) for model in (there, here)]
    np.testing.assert_allclose(*scores, atol=1e-5)


@pytest.mark.usefixtures("no_room")
def test_lightgbm_bags_of_all_workers_decide_about_as_well(client: Client) -> None:
    X, y = label_sorted(6000)
    there = fit_bags(client, "lgbm", X, y)
    here = gbimb.UnderBaggingClassifier(
        estimator=there.estimator, n_estimators=2, sampling_strategy=3.0, random_state=0, n_jobs=1
    ).fit(X, y)
    X_new, y_new = numbers(6000, seed=1)
    scores = [matthews_corrcoef(y_new, model.predict(X_new)) for model in (there, here)]
    assert scores[0] == pytest.approx(scores[1], abs=0.04)
    assert there.predict_proba(X_new)[:, 1].mean() == pytest.approx(y_new.mean(), rel=0.15)


def test_a_worker_has_half_of_its_limit_for_the_bags_on_its_threads() -> None:
    def room(*workers: tuple[int, int], n_bags: int = 10) -> float:
        told = {str(i): {"memory_limit": m, "nthreads": k} for i, (m, k) in enumerate(workers)}
        return room_for_a_bag(SimpleNamespace(scheduler_info=lambda **_: {"workers": told}), n_bags)

    assert room((8000, 1), (6000, 1)) == 3000
    assert room((8000, 4), (6000, 1)) == 1000
    assert room((8000, 4), n_bags=2) == 2000
    assert room((8000, 4), (0, 1)) == 1000
    assert room((0, 4)) == np.inf


@pytest.mark.parametrize("engine", LOCAL)
def test_what_a_bag_takes_grows_with_the_values_that_are_there(engine: str) -> None:
    schema = Schema(TableEncoder(), 50)
    recipe = Recipe(LOCAL[engine](), schema, Classes(np.array([0, 1]), 1))
    X = np.zeros((100, 50))
    X[:, :5] = 1.0
    y = np.arange(100) % 2
    dense, stored = ([summarise(Piece(table, y, None))] for table in (X, sparse.csr_matrix(X)))
    few = bag_bytes(recipe, dense, 1000)
    # Two copies of the values, and at least a byte of each in bins.
    assert 1000 * 50 * 17 < few < 1000 * 50 * 30
    assert bag_bytes(recipe, dense, 2000) == pytest.approx(2 * few, rel=1e-6)
    assert bag_bytes(recipe, stored, 1000) < few / 3


@pytest.mark.usefixtures("no_room")
def test_a_metric_that_workers_cannot_add_up_is_refused_where_bags_are_too_large(
    client: Client,
) -> None:
    Xd, yd = arrays(*numbers(300), sizes=even(300, 2))
    small = gbimb.ImbalancedXGBClassifier(n_estimators=5, eval_metric="roc_auc")
    clf = DaskUnderBaggingClassifier(client=client, estimator=small, n_estimators=2)
    with pytest.raises(GbimbError, match=f"estimator: eval_metric must be.*{TOGETHER}.*smaller"):
        clf.fit(Xd, yd)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"estimator": LogisticRegression()}, "estimator must be one of gbimb's on Dask"),
        ({"estimator": DaskImbalancedXGBClassifier()}, "a local one, .* ImbalancedXGBClassifier()"),
        ({"sampling": "self_paced"}, "sampling must be 'random' on Dask"),
        ({"warm_start": True}, "warm_start must be False on Dask"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(
    client: Client, parameters: dict[str, object], sentence: str
) -> None:
    X, y = numbers(200)
    Xd, yd = arrays(X, y, sizes=even(200, 2))
    with pytest.raises(GbimbError, match=sentence):
        DaskUnderBaggingClassifier(client=client, **parameters).fit(Xd, yd)
