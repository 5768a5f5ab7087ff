"""``decision_function`` decides as ``predict`` does, and ``raw_score`` is the engine's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost as xgb
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier

import gbimb
from gbimb.decisions.calibration import BetaCurve, Calibrator, IsotonicCurve
from gbimb.decisions.rules import ClassWeights, Rule, Threshold
from gbimb.model.model import BoosterModel
from gbimb.model.states import with_model
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.schema import Classes, Schema
from tests.estimators.common import KINDS, Kind, both, numbers, quick

if TYPE_CHECKING:
    from pathlib import Path

EVERY = [
    *KINDS,
    gbimb.UnderBaggingClassifier,
    gbimb.AutoImbalancedClassifier,
]
SMALL = {"n_estimators": 10, "random_state": 0, "n_jobs": 1}
every = pytest.mark.parametrize("kind", EVERY, ids=["lgbm", "xgb", "bags", "auto"])


def make(kind: type, **parameters: Any) -> Any:  # an estimator
    if kind in KINDS:
        return quick(kind, n_estimators=10, **parameters)
    if kind is gbimb.UnderBaggingClassifier:
        return kind(quick(KINDS[0], cv="auto", n_estimators=10), 2, random_state=0, n_jobs=1)
    return kind(time_budget=None, n_trials=2, random_state=0, n_jobs=1)


def three(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of three classes, two of them rare."""
    X, y = numbers(n)
    return X, np.array(["b", "a", "c"])[y + ((y == 0) & (X[:, 2] > 1.3)) * 2]


class Given(gbimb.ImbalancedLGBMClassifier):
    """An estimator whose probabilities of the positive class are the first column of X."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return X if X.shape[1] > 2 else self.model_.classes.columns(X[:, 0])


def fitted(labels: int, positive: int | None, rule: Rule) -> Given:
    """Return an estimator that decides by ``rule``."""
    classes = Classes(np.arange(labels), positive)
    link: Any = gbimb.LogisticLoss()
    model = BoosterModel(
        schema=Schema(TableEncoder(), labels),
        classes=classes,
        link=link,
        calibrator=None,
        rule=rule,
        importances=None,
        validation="",
        score=np.nan,
        engine="lightgbm",
        booster=None,
        n_rounds=1,
    )
    return with_model(Given(), model)


def given(threshold: float, *, first: bool = False) -> Given:
    positive = 0 if first else 1
    return fitted(2, positive, Threshold(threshold, positive))


def signs_decide(clf: Any, X: np.ndarray) -> bool:
    scores = clf.decision_function(X)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    predicted = clf.predict(X)
    if clf.classes_.size > 2:
        return bool((clf.classes_[np.argmax(scores, axis=1)] == predicted).all())
    return bool(((scores > 0) == (predicted == clf.classes_[1])).all() and scores.all())


@every
@pytest.mark.parametrize("labels", [("no", "yes"), ("rare is first", "a")])
def test_the_sign_is_the_prediction(kind: type, labels: tuple[str, str]) -> None:
    X, y = numbers(600)
    names = np.array(labels[::-1] if labels[1] == "a" else labels)
    clf = make(kind).fit(X, names[y])
    assert clf.pos_label_ == names[1]
    assert signs_decide(clf, X)
    at = 0 if clf.classes_[0] == clf.pos_label_ else 1
    distance = logit(clf.predict_proba(X)[:, at]) - logit(clf.threshold_)
    np.testing.assert_allclose(clf.decision_function(X), distance * (2 * at - 1), atol=1e-9)


@every
def test_the_largest_score_of_many_classes_is_the_prediction(kind: type) -> None:
    X, y = three()
    clf = make(kind).fit(X, y)
    assert signs_decide(clf, X)
    expected = np.log(clf.predict_proba(X) * clf.class_weights_)
    np.testing.assert_allclose(clf.decision_function(X), expected, rtol=1e-12)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 1e-300, 0.1, 0.3, 0.5, 0.9, 1 - 1e-16, 1.0])
def test_ties_and_certainty_decide_as_predict_does(threshold: float, first: bool) -> None:
    near = np.concatenate([np.nextafter([0, 1, threshold], e) for e in (-1, 2)])
    rng = np.random.default_rng(0)
    p = np.concatenate([near, [0.0, 1.0, threshold, 1e-320], rng.random(500)])
    X = np.sort(np.clip(p, 0, 1))[:, None]
    clf = given(threshold, first=first)
    assert signs_decide(clf, X)
    scores = clf.decision_function(X) * (-1 if first else 1)
    assert (np.diff(scores) >= 0).all()  # as the probability rises
    np.testing.assert_array_equal(np.sign(np.float32(scores)), np.sign(scores))


def test_ties_between_many_classes_decide_as_predict_does() -> None:
    rng = np.random.default_rng(0)
    p = rng.integers(0, 4, (2000, 3)) / 4 + np.array([0.0, 1e-17, 0.0])
    clf = fitted(3, None, ClassWeights(np.array([1.0, 1 / 3, 3.0000000000000004])))
    assert signs_decide(clf, p)
    assert signs_decide(clf, np.array([[0.9, 2.7, 0.3], [0.0, 0.0, 0.0], [1e-310, 0.0, 1e-310]]))


@both
@pytest.mark.parametrize("threshold", [0.0, 1.0, 0.5, "auto"])
@pytest.mark.parametrize("calibration", ["platt", "isotonic", "beta", None])
def test_fixed_thresholds_and_curves_keep_the_sign(
    kind: Kind, threshold: float | str, calibration: str | None
) -> None:
    X, y = numbers()
    clf = quick(kind, threshold=threshold, calibration=calibration, n_estimators=5).fit(X, y)
    assert signs_decide(clf, X)


def test_certain_probabilities_of_a_curve_have_finite_scores() -> None:
    X, y = numbers()
    clf = quick(KINDS[0]).fit(X, y)
    steps = IsotonicCurve(np.array([0.0, 0.2, 0.3, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    for curve in (steps, BetaCurve(300.0, 300.0, 0.0)):
        clf.model_ = replace(clf.model_, calibrator=Calibrator((curve,)))
        assert {0.0, 1.0} & set(clf.predict_proba(X)[:, 1])
        assert signs_decide(clf, X)


@every
def test_areas_by_decision_function_are_those_by_probability(kind: type) -> None:
    X, y = numbers(600)
    clf = make(kind).fit(X, y)
    scores, proba = clf.decision_function(X), clf.predict_proba(X)[:, 1]
    for area in (roc_auc_score, average_precision_score):
        assert area(y, scores) == pytest.approx(area(y, proba), abs=1e-12)


@both
@pytest.mark.parametrize("saved", [False, True])
def test_the_raw_score_is_what_the_booster_predicts(
    kind: Kind,
    saved: bool,
    tmp_path: Path,
) -> None:
    X, y = numbers()
    for labels in (y, y + (X[:, 2] > 1.2)):
        clf = quick(kind, pos_label=0 if labels is y else None).fit(X, labels)
        if saved:
            clf.save(tmp_path / "model.gbimb")
            clf = gbimb.load(tmp_path / "model.gbimb")
        names = [f"x{i}" for i in range(4)]
        rows = X if kind is KINDS[0] else xgb.DMatrix(X, feature_names=names)
        # Even where raw scores are not asked for: a sigmoid would look like a probability.
        np.testing.assert_array_equal(clf.raw_score(X), clf.booster_.predict(rows))
        first = clf.raw_score(X) if labels is y else clf.raw_score(X)[:, 0]
        assert first[labels == 0].mean() > first[labels != 0].mean()


@every
def test_the_link_of_the_raw_score_is_the_probability(kind: type) -> None:
    X, y = numbers(600)
    clf = make(kind).fit(X, y)
    np.testing.assert_array_equal(
        clf.loss_.probability(clf.raw_score(X)), clf.predict_proba(X)[:, 1]
    )


def test_costs_of_many_classes_decide_by_the_expected_cost() -> None:
    X, y = three()
    costs = np.array([[0.0, 1, 1], [5, 0, 1], [9, 1, 0]])
    clf = gbimb.AutoImbalancedClassifier(costs, time_budget=None, n_trials=1, random_state=0)
    clf.fit(X, y)
    assert signs_decide(clf, X)
    np.testing.assert_allclose(clf.decision_function(X), -clf.predict_proba(X) @ costs)


@both
def test_one_versus_rest_flags_the_rows_that_single_labels_flag(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5))
    Y = (X[:, :3] + rng.normal(size=(1500, 3)) > 2.4).astype(int)
    together = OneVsRestClassifier(quick(kind)).fit(X, Y).predict(X)
    apart = MultiOutputClassifier(quick(kind)).fit(X, Y).predict(X)
    np.testing.assert_array_equal(together, apart)
    assert apart.sum(axis=0).min() > 50


@both
def test_one_versus_rest_of_three_classes_is_as_accurate_as_its_probabilities(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5))
    centres = np.array([[0.0, 0], [2, 0], [0, 2]])
    y = rng.choice(3, 1500, p=[0.85, 0.1, 0.05])
    X[:, :2] += centres[y]
    model = OneVsRestClassifier(quick(kind, scale_pos_weight="balanced")).fit(X[:1000], y[:1000])
    right = (model.predict(X[1000:]) == y[1000:]).mean()
    by_proba = (model.predict_proba(X[1000:]).argmax(axis=1) == y[1000:]).mean()
    assert right > by_proba - 0.03, (right, by_proba)
    model.set_params(estimator__threshold=0.5).fit(X[:1000], y[:1000])
    likeliest = model.predict_proba(X[1000:]).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(X[1000:]), likeliest)


@both
def test_sigmoid_calibration_by_scikit_learn_gives_true_probabilities(kind: Kind) -> None:
    X, y = numbers(1500)
    clf = quick(kind).fit(X[:500], y[:500])
    model = CalibratedClassifierCV(FrozenEstimator(clf), method="sigmoid").fit(X[500:], y[500:])
    assert model.predict_proba(X[500:])[:, 1].mean() == pytest.approx(y[500:].mean(), abs=0.01)


@both
def test_temperature_scaling_keeps_the_decisions(kind: Kind) -> None:
    pytest.importorskip("sklearn", minversion="1.8")
    X, y = numbers(1500)
    clf = quick(kind).fit(X[:500], y[:500])
    model = CalibratedClassifierCV(FrozenEstimator(clf), method="temperature")
    model.fit(X[500:], y[500:])
    np.testing.assert_array_equal(model.predict(X), clf.predict(X))
    # At one half the threshold takes nothing off the log odds, and the probabilities are true.
    half = quick(kind, threshold=0.5).fit(X[:500], y[:500])
    model = CalibratedClassifierCV(FrozenEstimator(half), method="temperature")
    proba = model.fit(X[500:], y[500:]).predict_proba(X[500:])[:, 1]
    assert proba.mean() == pytest.approx(y[500:].mean(), abs=0.03)
