"""``estimate_prevalence``: shares of the classes in rows without labels, with an interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from tests.helpers.strategies import QUICK

TRAINED = 0.05


def two_normals(
    rng: np.random.Generator, n: int, share: float, distance: float = 2.5, trained: float = TRAINED
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which ``share`` are 1, and the true probabilities where ``trained`` are."""
    y = rng.random(n) < share
    x = rng.normal(distance * y)
    odds = trained / (1 - trained) * np.exp(distance * x - distance**2 / 2)
    return y.astype(int), odds / (1 + odds)


def likelihood(share: float, proba: np.ndarray, trained: float) -> float:
    """Written anew: new rows are a mixture of the two densities."""
    return float(np.log(share * proba / trained + (1 - share) * (1 - proba) / (1 - trained)).sum())


def many(
    rng: np.random.Generator, n: int, share: np.ndarray, trained: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of K classes on a line, and their true probabilities where ``trained`` holds."""
    centres = 2.0 * np.arange(share.size)
    y = rng.choice(share.size, n, p=share)
    x = rng.normal(centres[y])
    proba = norm.pdf(x[:, None] - centres) * trained
    return y, proba / proba.sum(axis=1, keepdims=True)


# --- the estimate ----------------------------------------------------------------------------


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.004, 0.05, 0.4, 1.0]))
@QUICK
def test_it_has_the_largest_likelihood(seed: int, share: float) -> None:
    _, proba = two_normals(np.random.default_rng(seed), 300, share)
    found = gbimb.estimate_prevalence(proba, TRAINED)
    best = minimize_scalar(
        lambda s: -likelihood(s, proba, TRAINED),
        bounds=(0, 1),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert found.converged
    assert found.prevalence == pytest.approx(best.x, abs=1e-5)
    assert found.low <= found.prevalence <= found.high


def test_the_ends_are_where_the_likelihood_has_fallen_by_the_quantile_of_chi_square() -> None:
    _, proba = two_normals(np.random.default_rng(1), 2000, 0.02)
    found = gbimb.estimate_prevalence(proba, TRAINED, confidence=0.9)
    top = likelihood(found.prevalence, proba, TRAINED)
    for end in (found.low, found.high):
        fall = 2 * (top - likelihood(end, proba, TRAINED))
        assert fall == pytest.approx(2.705543, rel=1e-3)


def test_the_mean_probability_would_be_wrong() -> None:
    _, proba = two_normals(np.random.default_rng(0), 50_000, 0.2, distance=1.5)
    found = gbimb.estimate_prevalence(proba, TRAINED)
    assert found.prevalence == pytest.approx(0.2, rel=0.05)
    assert abs(proba.mean() - 0.2) > 0.1


def test_two_columns_and_one_say_the_same() -> None:
    _, proba = two_normals(np.random.default_rng(2), 1000, 0.1)
    one = gbimb.estimate_prevalence(proba, TRAINED)
    two = gbimb.estimate_prevalence(np.column_stack([1 - proba, proba]), [1 - TRAINED, TRAINED])
    assert two.prevalence == pytest.approx([1 - one.prevalence, one.prevalence], abs=1e-7)
    assert two.low == pytest.approx([1 - one.high, one.low], rel=1e-3, abs=1e-6)
    assert two.high == pytest.approx([1 - one.low, one.high], rel=1e-3, abs=1e-6)


def test_the_shares_of_many_classes() -> None:
    share, trained = np.array([0.1, 0.2, 0.7]), np.array([0.6, 0.3, 0.1])
    _, proba = many(np.random.default_rng(0), 20_000, share, trained)
    found = gbimb.estimate_prevalence(proba, trained)
    assert found.prevalence.sum() == pytest.approx(1)
    assert found.prevalence == pytest.approx(share, abs=0.02)
    assert (found.low < share).all()
    assert (share < found.high).all()


@pytest.mark.parametrize("rows", [[1.0] * 3, [0.0] * 3, [0.0, 1.0], [0.05]])
def test_certain_and_uninformative_rows_give_an_interval(rows: list[float]) -> None:
    found = gbimb.estimate_prevalence(rows, TRAINED)
    assert 0 <= found.low <= found.prevalence <= found.high <= 1
    assert found.high - found.low > 0.1
    assert found.n == len(rows)


# --- the interval covers ---------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25])
def test_the_interval_covers_in_90_to_98_percent_of_runs(share: float) -> None:
    rng = np.random.default_rng(3)
    runs = [
        gbimb.estimate_prevalence(two_normals(rng, 1000, share)[1], TRAINED) for _ in range(200)
    ]
    covered = np.mean([found.low <= share <= found.high for found in runs])
    assert 0.90 <= covered <= 0.98


def test_the_intervals_of_many_classes_cover_in_90_to_98_percent_of_runs() -> None:
    rng = np.random.default_rng(4)
    share, trained = np.array([0.05, 0.15, 0.3, 0.5]), np.full(4, 0.25)
    found = [
        gbimb.estimate_prevalence(many(rng, 400, share, trained)[1], trained) for _ in range(60)
    ]
    covered = np.mean([(each.low <= share) & (share <= each.high) for each in found])
    assert 0.90 <= covered <= 0.98


def probabilities_of_a_sample(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Held-out rows, and a wrong scale of the log odds, calibrated on just these."""
    from sklearn.linear_model import LogisticRegression

    y, proba = two_normals(rng, n, TRAINED)
    odds = np.log(proba / (1 - proba))[:, None]
    return {"y": y, "odds": odds, "line": LogisticRegression(C=np.inf).fit(odds, y)}


def test_held_out_rows_bring_what_they_leave_open() -> None:
    """Probabilities calibrated on 25 positives: the interval without them is too short."""
    rng = np.random.default_rng(5)
    covered = np.zeros(2)
    for _ in range(100):
        held = probabilities_of_a_sample(rng, 500)
        _, proba = two_normals(rng, 4000, 0.15)
        scored = held["line"].predict_proba(np.log(proba / (1 - proba))[:, None])[:, 1]
        own = held["line"].predict_proba(held["odds"])[:, 1]
        share = held["y"].mean()
        plain = gbimb.estimate_prevalence(scored, share)
        whole = gbimb.estimate_prevalence(scored, share, y_held_out=held["y"], proba_held_out=own)
        covered += [found.low <= 0.15 <= found.high for found in (plain, whole)]
    assert covered[0] / 100 < 0.85
    assert 0.90 <= covered[1] / 100 <= 0.98


def test_a_whole_weight_of_a_held_out_row_is_as_many_rows() -> None:
    rng = np.random.default_rng(6)
    y, proba = two_normals(rng, 300, TRAINED)
    _, new = two_normals(rng, 300, 0.2)
    times = rng.integers(1, 4, y.size)
    weighted = gbimb.estimate_prevalence(
        new, TRAINED, y_held_out=y, proba_held_out=proba, weight_held_out=times
    )
    repeated = gbimb.estimate_prevalence(
        new, TRAINED, y_held_out=np.repeat(y, times), proba_held_out=np.repeat(proba, times)
    )
    assert (weighted.low, weighted.high) == pytest.approx((repeated.low, repeated.high), rel=1e-4)


# --- what cannot be used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([], 0.1), InvalidDataError, "y_proba must have at least one row"),
        (([0.1, 1.2], 0.1), InvalidDataError, "y_proba must hold probabilities"),
        (([0.1, np.nan], 0.1), InvalidDataError, "y_proba must hold probabilities"),
        (([0.1], 0.0), InvalidDataError, "prevalence must be a number in"),
        (([0.1], [0.2, 0.3, 0.5]), InvalidDataError, "prevalence must be a number in"),
        (([[[0.1]]], 0.1), InvalidDataError, "y_proba must be of shape"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        gbimb.estimate_prevalence(*arguments)


@pytest.mark.parametrize(
    ("held_out", "error", "words"),
    [
        ({"y_held_out": [0, 1]}, InvalidTypeError, "together"),
        ({"weight_held_out": [1, 1]}, InvalidTypeError, "together"),
        ({"y_held_out": [0, 0], "proba_held_out": [0.1, 0.2]}, InvalidDataError, "all 2 classes"),
        ({"y_held_out": [0, 1], "proba_held_out": [0.1]}, InvalidDataError, "proba_held_out"),
        ({"y_held_out": [0, 2], "proba_held_out": [0.1, 0.2]}, InvalidDataError, "y_held_out"),
        ({"confidence": 1.0}, ValueError, "confidence"),
    ],
)
def test_wrong_held_out_rows_get_a_sentence(
    held_out: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        gbimb.estimate_prevalence([0.1, 0.3], 0.1, **held_out)
