"""Curves from probability to probability, and the estimators that learn them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

import gbimb
from gbimb.decisions.calibration import BetaCurve, Calibrator, IsotonicCurve, fit_calibrator
from tests.bagging.tables import binary, many
from tests.bagging.tables import quick as small
from tests.estimators.common import Kind, both, numbers, quick

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

every = pytest.mark.parametrize("calibration", ["platt", "isotonic", "beta", None])


def sample(n: int = 200_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and their true probabilities, about one positive in twelve."""
    rng = np.random.default_rng(seed)
    posterior = expit(rng.normal(-3.0, 1.2, n))
    return (rng.random(n) < posterior).astype(np.float32), posterior


def test_a_beta_curve_undoes_a_distortion_of_its_own_family() -> None:
    y, posterior = sample()
    a, b, c = 0.5, 2.0, -0.4
    grid = np.linspace(1e-7, 1 - 1e-7, 1_000_001)
    distorted = np.interp(posterior, BetaCurve(a, b, c)(grid), grid)
    curve = BetaCurve.fit(y, distorted, None)
    assert abs(curve.a - a) < 0.05
    assert abs(curve.b - b) < 0.3
    assert abs(curve.c - c) < 0.15


def test_true_probabilities_stay_as_they_are() -> None:
    y, posterior = sample()
    at = np.array([0.01, 0.05, 0.2, 0.5])
    for kind, tolerance in ((BetaCurve, 0.05), (IsotonicCurve, 0.15)):
        np.testing.assert_allclose(kind.fit(y, posterior, None)(at), at, rtol=tolerance)


def test_probabilities_that_point_the_wrong_way_leave_the_share() -> None:
    y, posterior = sample(20_000)
    curve = BetaCurve.fit(y, 1.0 - posterior, None)
    np.testing.assert_allclose(curve(np.array([0.1, 0.9])), y.mean(), rtol=1e-3)


def test_an_isotonic_curve_is_that_of_scikit_learn_away_from_certainty() -> None:
    y, posterior = sample(5000)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(posterior, y)
    new = np.linspace(0, 1, 1001)
    found = IsotonicCurve.fit(y, posterior, None)(new)
    limit = 0.5 / y.size
    np.testing.assert_allclose(found, np.clip(fitted.predict(new), limit, 1 - limit), atol=limit)
    assert found.min() > 0
    assert found.max() < 1


@pytest.mark.parametrize("kind", [IsotonicCurve, BetaCurve])
def test_whole_weights_count_as_repeated_rows(kind: type[IsotonicCurve | BetaCurve]) -> None:
    y, posterior = sample(3000)
    weight = np.random.default_rng(1).integers(1, 4, y.size)
    repeated = np.repeat(np.arange(y.size), weight)
    one = kind.fit(y, posterior, weight.astype(float))
    other = kind.fit(y[repeated], posterior[repeated], None)
    np.testing.assert_allclose(one(posterior), other(posterior), rtol=1e-3, atol=2e-4)


@given(st.floats(0, 5), st.floats(0, 5), st.floats(-5, 5))
def test_a_beta_curve_rises_within_0_and_1(a: float, b: float, c: float) -> None:
    proba = BetaCurve(a, b, c)(np.array([0.0, 1e-300, 1e-6, 0.3, 1 - 1e-9, 1.0]))
    assert np.all(np.diff(proba) >= 0)
    assert proba[0] >= 0
    assert proba[-1] <= 1


def test_many_classes_sum_to_1() -> None:
    rows = many(4000, 4)
    y = rows.y.astype(np.float32)
    calibrator = fit_calibrator("isotonic", y, rows.posterior**2, None)
    assert calibrator is not None
    proba = calibrator(rows.posterior**2)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert log_loss(y, proba) < 1.02 * log_loss(y, rows.posterior)


def test_a_class_without_held_out_rows_keeps_its_probability() -> None:
    y = np.array([0, 0, 1, 1, 0, 1], dtype=np.float32)
    proba = np.tile([0.4, 0.4, 0.2], (6, 1))
    calibrator = fit_calibrator("beta", y, proba, None)
    assert calibrator is not None
    assert calibrator.curves[2] == BetaCurve(1.0, 1.0, 0.0)


def test_nothing_is_learnt_from_one_class() -> None:
    assert fit_calibrator("beta", np.zeros(5), np.full(5, 0.1), None) is None


@both
@every
def test_decisions_follow_the_calibrated_probabilities(kind: Kind, calibration: str | None) -> None:
    X, y = numbers(2000)
    clf = quick(kind, calibration=calibration).fit(X, y)
    proba = clf.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(clf.predict(X), proba >= clf.threshold_)
    at = np.argsort(clf.decision_function(X), kind="stable")
    assert np.all(np.diff(proba[at]) >= -1e-15)
    has_curve = calibration in {"isotonic", "beta"}
    assert isinstance(clf.calibrator_, Calibrator) == has_curve


@both
def test_without_calibration_the_raw_score_keeps_its_scale(kind: Kind) -> None:
    X, y = numbers(2000)
    line, none = (quick(kind, calibration=c).fit(X, y) for c in ("platt", None))
    a, b = (clf.raw_score(X) for clf in (line, none))
    slope, intercept = np.polyfit(b, a, 1)
    np.testing.assert_allclose(slope * b + intercept, a, atol=1e-4)
    assert abs(slope - 1) > 1e-3


@both
@pytest.mark.parametrize("calibration", ["isotonic", "beta"])
def test_probabilities_of_a_loss_with_the_wrong_link_become_true(
    kind: Kind, calibration: str
) -> None:
    class Crooked(gbimb.LogisticLoss):
        """Its probability is the square root of the true one."""

        def probability(self, raw_score: ArrayLike) -> np.ndarray:
            return np.sqrt(expit(np.asarray(raw_score, dtype=np.float64)))

    train, test = binary(8000, seed=1, prevalence=0.1), binary(8000, seed=2, prevalence=0.1)
    plain = small(kind, loss="logistic", random_state=0).fit(train.X, train.y)
    clf = small(kind, loss=Crooked(), calibration=calibration, random_state=0)
    clf.fit(train.X, train.y)
    reached, wanted = (log_loss(test.y, c.predict_proba(test.X)[:, 1]) for c in (clf, plain))
    assert reached < 1.03 * wanted
    np.testing.assert_allclose(clf.predict_proba(test.X)[:, 1].mean(), 0.1, rtol=0.1)


@both
@every
def test_bags_are_calibrated_on_rows_out_of_them(kind: Kind, calibration: str | None) -> None:
    train, test = binary(6000, seed=1), binary(20_000, seed=2)
    clf = gbimb.UnderBaggingClassifier(
        small(kind), n_estimators=5, calibration=calibration, random_state=0, n_jobs=1
    ).fit(train.X, train.y)
    proba = clf.predict_proba(test.X)[:, 1]
    assert log_loss(test.y, proba) < 1.1 * log_loss(test.y, test.posterior)
    np.testing.assert_array_equal(clf.predict(test.X), proba >= clf.threshold_)
    assert np.all((clf.oob_proba_ >= 0) | np.isnan(clf.oob_proba_))


@both
@pytest.mark.parametrize("calibration", ["isotonic", "beta"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_curves_are_saved(kind: Kind, calibration: str, n_classes: int, tmp_path: Path) -> None:
    rows = many(1500, n_classes)
    single = quick(kind, calibration=calibration, n_estimators=5)
    bags = gbimb.UnderBaggingClassifier(
        quick(kind, cv="auto", n_estimators=3),
        n_estimators=2,
        calibration=calibration,
        random_state=0,
        n_jobs=1,
    )
    for clf in (single, bags):
        clf.fit(rows.X, rows.y).save(tmp_path / "model.gbimb")
        again = gbimb.load(tmp_path / "model.gbimb")
        np.testing.assert_array_equal(again.predict_proba(rows.X), clf.predict_proba(rows.X))
        assert again.calibration == calibration


@both
def test_a_second_fit_forgets_the_curve_of_the_first(kind: Kind) -> None:
    X, y = numbers(1000)
    clf = quick(kind, calibration="beta").fit(X, y)
    clf.set_params(calibration="platt").fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), quick(kind).fit(X, y).predict_proba(X))


@both
def test_a_calibration_mistyped_is_answered_with_the_nearest(kind: Kind) -> None:
    X, y = numbers()
    with pytest.raises(gbimb.exceptions.InvalidParameterError, match="'isotonic'"):
        quick(kind, calibration="isotnic").fit(X, y)
    with pytest.raises(gbimb.exceptions.InvalidParameterError, match="calibration"):
        gbimb.UnderBaggingClassifier(calibration="sigmoid").fit(X, y)


@both
def test_a_calibration_that_bags_would_ignore_is_refused(kind: Kind) -> None:
    X, y = numbers()
    bags = gbimb.UnderBaggingClassifier(kind(calibration="beta"))
    with pytest.raises(gbimb.exceptions.InvalidParameterError, match="UnderBaggingClassifier"):
        bags.fit(X, y)


def test_the_calibrated_log_odds_of_focal_are_those_of_log_loss() -> None:
    train, test = binary(8000, seed=1), binary(8000, seed=2)
    focal, plain = (
        small(gbimb.ImbalancedLGBMClassifier, loss=loss, calibration="beta", random_state=0)
        .fit(train.X, train.y)
        .predict_proba(test.X)[:, 1]
        for loss in ("focal", "logistic")
    )
    assert abs(np.mean(logit(focal) - logit(plain))) < 0.1
