"""Estimators that train with a smooth metric after a warm start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import log_loss

import gbimb
from gbimb.exceptions import InvalidParameterError
from gbimb.losses.experimental import SoftmaxMCCLoss
from tests.estimators.common import Kind, both, numbers, probability, quick

if TYPE_CHECKING:
    from pathlib import Path

LOSSES = {"soft_mcc": gbimb.SoftMCCLoss(), "soft_f1": gbimb.SoftFBetaLoss()}
names = pytest.mark.parametrize("name", LOSSES)


@both
@names
@pytest.mark.parametrize("cv", [2, "holdout", None])
def test_rows_are_held_out_in_any_way(kind: Kind, name: str, cv: object) -> None:
    X, y = numbers(600)
    clf = quick(kind, loss=name, cv=cv).fit(X, y)
    assert clf.loss_ == LOSSES[name]
    assert clf.best_iteration_ == 20
    proba = clf.predict_proba(X)
    assert ((proba >= 0) & (proba <= 1)).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    at = probability(clf, X) >= clf.threshold_
    np.testing.assert_array_equal(clf.predict(X) == clf.pos_label_, at)


@both
def test_the_first_half_of_the_rounds_is_that_of_log_loss(kind: Kind) -> None:
    X, y = numbers(600)
    params = {"cv": 2, "colsample_bytree": 1.0}
    soft = quick(kind, loss="soft_mcc", **params).fit(X, y)
    log = quick(kind, loss="logistic", **params).fit(X, y)
    got, want = (clf.evals_result_["valid"]["mcc"] for clf in (soft, log))
    assert got[:10] == want[:10]
    assert got[10:] != want[10:]


@both
def test_training_goes_on_from_the_best_round_of_log_loss(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    X, y = numbers(600)
    with caplog.at_level("INFO", logger="gbimb"):
        clf = quick(kind, loss="soft_mcc", n_estimators=400, early_stopping_rounds=20).fit(X, y)
    assert any("rounds of LogisticLoss" in r.getMessage() for r in caplog.records)
    history = clf.evals_result_["valid"]["mcc"]
    assert 1 <= clf.best_iteration_ <= len(history) < 400
    assert clf.best_score_ == history[clf.best_iteration_ - 1]


@both
def test_probabilities_are_about_as_true_as_with_log_loss(kind: Kind) -> None:
    X, y = numbers(4000)
    fresh, labels = numbers(4000, seed=1)
    params = {"n_estimators": 200, "cv": 3, "early_stopping_rounds": 30}
    scores = {}
    for name in ("logistic", "soft_mcc", "soft_f1"):
        clf = quick(kind, loss=name, **params).fit(X, y)
        p = probability(clf, fresh)
        scores[name] = log_loss(labels, p)
        assert p.mean() == pytest.approx(labels.mean(), rel=0.15)
    assert max(scores.values()) < scores["logistic"] * 1.1


@both
def test_weights_and_own_validation_rows(kind: Kind) -> None:
    X, y = numbers(600)
    weight = np.random.default_rng(0).integers(0, 3, y.size).astype(float)
    clf = quick(kind, loss="soft_mcc", scale_pos_weight="balanced", cv="auto")
    clf.fit(X, y, weight, X_val=X[::3], y_val=y[::3])
    assert clf.loss_.scale_pos_weight > 3
    assert np.isfinite(clf.predict_proba(X)).all()
    again = quick(kind, loss="soft_mcc", scale_pos_weight="balanced", cv="auto")
    kept = weight > 0
    again.fit(X[kept], y[kept], weight[kept], X_val=X[::3], y_val=y[::3])
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@both
def test_a_loss_with_parameters_of_its_own_and_a_file(kind: Kind, tmp_path: Path) -> None:
    X, y = numbers()
    clf = quick(kind, loss=gbimb.SoftFBetaLoss(beta=2.0, scale_pos_weight=3.0)).fit(X, y)
    clf.save(tmp_path / "model.gbimb")
    loaded = gbimb.load(tmp_path / "model.gbimb")
    assert loaded.loss_ == clf.loss == gbimb.SoftFBetaLoss(beta=2.0, scale_pos_weight=3.0)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


@both
@names
def test_bags(kind: Kind, name: str, tmp_path: Path) -> None:
    X, y = numbers(1500)
    estimator = quick(kind, loss=name, cv="auto")
    bags = gbimb.UnderBaggingClassifier(estimator, 3, sampling_strategy=2.0, random_state=0)
    bags.fit(X, y)
    assert bags.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.25)
    bags.save(tmp_path / "bags.gbimb")
    loaded = gbimb.load(tmp_path / "bags.gbimb")
    np.testing.assert_array_equal(loaded.predict_proba(X), bags.predict_proba(X))


@both
def test_parameters_of_the_focal_loss_are_refused(kind: Kind) -> None:
    with pytest.raises(InvalidParameterError, match=r"gamma=1\.0 would be ignored"):
        quick(kind, loss="soft_mcc", gamma=1.0).fit(*numbers())


@both
def test_many_classes(kind: Kind, tmp_path: Path) -> None:
    X, y = numbers(800)
    y += X[:, 2] > 1
    params = {"n_estimators": 60, "early_stopping_rounds": 10}
    with pytest.warns(FutureWarning, match=r"gbimb\.losses\.experimental\.SoftmaxMCCLoss\(3\)"):
        clf = quick(kind, loss="soft_mcc", **params).fit(X, y)
    assert clf.loss_ == SoftmaxMCCLoss(3, (1.0, 1.0, 1.0))
    log = quick(kind, loss="logistic", **params).fit(X, y)
    fresh, labels = numbers(800, seed=1)
    labels += fresh[:, 2] > 1
    got, want = (log_loss(labels, c.predict_proba(fresh)) for c in (clf, log))
    assert got < 1.2 * want  # whose rounds are chosen by the log loss
    clf.save(tmp_path / "model.gbimb")
    loaded = gbimb.load(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    estimator = quick(kind, loss=SoftmaxMCCLoss(3), cv="auto")
    bags = gbimb.UnderBaggingClassifier(estimator, 2, random_state=0).fit(X, y)
    assert np.isfinite(bags.predict_proba(X)).all()


@both
def test_f1_of_many_classes_is_refused(kind: Kind) -> None:
    X, y = numbers()
    with pytest.raises(InvalidParameterError, match=r"is for two classes, y has 3\. Use one of"):
        quick(kind, loss="soft_f1").fit(X, y + (X[:, 2] > 1))


@both
def test_one_round_and_few_rows(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind, loss="soft_mcc", n_estimators=1, cv=None).fit(X, y)
    assert clf.best_iteration_ == 1
