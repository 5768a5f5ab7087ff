"""What must stay as it is when rows, labels or weights are written in another way."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed

import gbimb
from gbimb import metrics
from tests.catalogue import estimators as e

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = st.integers(0, 2**32 - 1)
COUNT_METRICS = ["mcc", "f1", "fbeta:2", "g_mean", "balanced_accuracy"]
LOSSES = [
    gbimb.LogisticLoss(3.0),
    gbimb.FocalLoss(2.0, 0.3),
    gbimb.SoftMCCLoss(),
    gbimb.SoftFBetaLoss(2.0),
]


def sample(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores with ties, and small whole weights."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 60))
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    return y, np.round(rng.normal(0, 3, n), 1), rng.integers(1, 4, n)


@given(seed=SEEDS)
@pytest.mark.parametrize("name", COUNT_METRICS)
def test_whole_weights_are_repetition_for_metrics(name: str, seed: int) -> None:
    y, score, weight = sample(seed)
    weighted = metrics.best_threshold(y, score, name, weight)
    repeated = metrics.best_threshold(np.repeat(y, weight), np.repeat(score, weight), name)
    assert weighted == pytest.approx(repeated, rel=1e-12)


@given(seed=SEEDS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_whole_weights_are_repetition_for_losses(loss: Any, seed: int) -> None:
    y, score, weight = sample(seed)
    weighted, _ = loss.gradient_curvature(y, score, weight)
    repeated, _ = loss.gradient_curvature(np.repeat(y, weight), np.repeat(score, weight))
    first = np.r_[0, np.cumsum(weight)[:-1]]
    np.testing.assert_allclose(
        weighted, np.add.reduceat(repeated.astype(float), first), rtol=2e-6, atol=1e-30
    )


@given(seed=SEEDS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_rows_in_another_order_have_the_same_gradients(loss: Any, seed: int) -> None:
    y, score, weight = sample(seed)
    order = np.random.default_rng(seed).permutation(y.size)
    straight = loss.gradient_curvature(y, score, weight)
    turned = loss.gradient_curvature(y[order], score[order], weight[order])
    for one, other in zip(straight, turned, strict=True):
        np.testing.assert_allclose(one[order], other, rtol=1e-6, atol=1e-30)


@given(seed=SEEDS)
def test_mcc_is_the_same_from_the_other_side(seed: int) -> None:
    y, score, weight = sample(seed)
    flagged = (score > 0).astype(int)
    assert metrics.mcc_score(1 - y, 1 - flagged, weight) == pytest.approx(
        metrics.mcc_score(y, flagged, weight), abs=1e-12
    )


@given(seed=SEEDS, factor=st.floats(1e-3, 1e3))
@pytest.mark.parametrize("name", [*COUNT_METRICS, "precision", "recall"])
def test_the_scale_of_all_weights_does_not_matter(name: str, seed: int, factor: float) -> None:
    y, score, weight = sample(seed)
    counts = metrics.ConfusionCounts.from_labels(y, score > 0, weight)
    scaled = metrics.ConfusionCounts.from_labels(y, score > 0, weight * factor)
    metric = metrics.get_count_metric(name)
    assert metric(scaled) == pytest.approx(metric(counts), rel=1e-9, abs=1e-12)


@given(raw=st.lists(st.floats(-700, 700), min_size=1, max_size=20), scale=st.floats(0.01, 100))
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.5])
def test_weights_of_positives_are_undone_in_the_probability(
    gamma: float, raw: list[float], scale: float
) -> None:
    plain = gbimb.FocalLoss(gamma).log_odds(np.array(raw))
    weighted = gbimb.FocalLoss(gamma, scale_pos_weight=scale).log_odds(np.array(raw))
    np.testing.assert_allclose(weighted, plain - np.log(scale), rtol=1e-9, atol=1e-9)


# --- fitted estimators -------------------------------------------------------------------------

KINDS = pytest.mark.parametrize("kind", e.KINDS[:3], ids=lambda kind: kind.__name__)


@KINDS
@settings(max_examples=5)
@given(seed=SEEDS)
def test_labels_and_probabilities_agree(kind: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(150, 3))
    y = (X[:, 0] + rng.normal(size=150) > 1).astype(int)
    y[:2] = 0, 1
    y[2:4] = 0, 1
    weight = rng.integers(1, 3, 150)
    clf = e.make(kind, random_state=int(seed) % 1000)
    with np.errstate(all="raise", under="ignore"):
        try:
            clf.fit(X, y, sample_weight=weight)
        except gbimb.GbimbWarning:  # nothing to learn is said, and is an error in tests
            return
    proba = clf.predict_proba(X)
    assert proba.min() >= 0
    assert proba.max() <= 1
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    at = list(clf.classes_).index(clf.pos_label_)
    flagged = clf.predict(X) == clf.pos_label_
    np.testing.assert_array_equal(flagged, proba[:, at] >= clf.threshold_)


@KINDS
def test_other_names_of_labels_give_the_same_probabilities(kind: Any) -> None:
    plain = e.make(kind).fit(e.X, e.Y)
    for names in (np.array(["no", "yes"]), np.array([-7, 7]), np.array([False, True])):
        clf = e.make(kind).fit(e.X, names[e.Y])
        np.testing.assert_array_equal(clf.predict_proba(e.X), plain.predict_proba(e.X))


@pytest.mark.parametrize("kind", e.BOOSTING, ids=lambda kind: kind.__name__)
def test_a_constant_feature_changes_nothing_where_features_are_not_drawn(kind: Any) -> None:
    more = np.column_stack([e.X, np.ones(len(e.X))])
    # Trees of one kind: the other draws splits or columns.
    shape = {"num_leaves": 8} if kind is gbimb.ImbalancedLGBMClassifier else {"max_depth": 4}
    plain = e.make(kind, colsample_bytree=1.0, **shape).fit(e.X, e.Y).predict_proba(e.X)
    clf = e.make(kind, colsample_bytree=1.0, **shape).fit(more, e.Y)
    np.testing.assert_array_equal(clf.predict_proba(more), plain)
    assert clf.feature_importances_[-1] == 0


@KINDS
def test_many_threads_may_predict_with_one_estimator(kind: Any) -> None:
    clf = e.make(kind, n_jobs=2).fit(e.WORDS, e.Y)
    expected = clf.predict_proba(e.WORDS)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: clf.predict_proba(e.WORDS), range(40)))
    for proba in found:
        np.testing.assert_array_equal(proba, expected)


def _fit(kind: Any) -> np.ndarray:
    proba: np.ndarray = e.make(kind, n_jobs=2).fit(e.X, e.Y).predict_proba(e.X)
    return proba


@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "threading"])
@pytest.mark.parametrize("kind", e.BOOSTING, ids=lambda kind: kind.__name__)
def test_fits_under_joblib_end_and_agree(kind: Any, backend: str) -> None:
    expected = _fit(kind)
    for proba in Parallel(2, backend=backend, timeout=300)(delayed(_fit)(kind) for _ in range(2)):
        np.testing.assert_allclose(proba, expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", e.BOOSTING, ids=lambda kind: kind.__name__)
def test_spawned_processes_predict_after_a_fit_in_the_parent(kind: Any) -> None:
    expected = _fit(kind)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for proba in pool.map_async(_fit, [kind] * 2).get(timeout=300):
            np.testing.assert_allclose(proba, expected, rtol=1e-6)


FORKED = """
import multiprocessing, pickle, sys, warnings
import gbimb
from tests.catalogue import estimators as e

warnings.simplefilter("ignore")  # newer versions of Python warn of a fork beside threads
kind, before = getattr(gbimb, sys.argv[1]), sys.argv[2]
if before == "fit":
    clf = e.make(kind, n_jobs=2).fit(e.X, e.Y)
elif before == "load":
    clf = gbimb.load(sys.argv[3])
else:
    clf = pickle.loads(open(sys.argv[4], "rb").read())

def work(_):
    gbimb.load(sys.argv[3])
    return clf.predict_proba(e.X), e.make(kind, n_jobs=2).fit(e.X, e.Y).predict_proba(e.X)

with multiprocessing.get_context("fork").Pool(2) as pool:
    for found in pool.map(work, range(2)):
        for proba in found:
            assert (proba == clf.predict_proba(e.X)).all()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    "before", ["fit", *(pytest.param(b, marks=pytest.mark.slow) for b in ("load", "unpickle"))]
)
@pytest.mark.parametrize("kind", e.BOOSTING, ids=lambda kind: kind.__name__)
def test_forked_processes_do_not_wait_for_threads_that_the_fork_did_not_copy(
    kind: Any,
    before: str,
    tmp_path: Path,
) -> None:
    clf = e.make(kind, n_jobs=2).fit(e.X, e.Y)
    clf.save(tmp_path / "model.gbimb")
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(clf))
    files = (str(tmp_path / "model.gbimb"), str(tmp_path / "model.pickle"))
    command = [sys.executable, "-c", FORKED, kind.__name__, before, *files]
    subprocess.run(command, check=True, timeout=120)
