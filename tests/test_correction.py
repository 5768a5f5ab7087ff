"""Corrections of raw scores and of priors recover what is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import gbimb
from gbimb.decisions.prior import averaging_shift, correct_prior, match_class_shares, recalibrate
from gbimb.exceptions import InvalidDataError
from gbimb.losses import SoftmaxFocalLoss

LOSSES = [
    gbimb.LogisticLoss(),
    gbimb.LogisticLoss(scale_pos_weight=20.0),
    gbimb.FocalLoss(gamma=2.0),
    gbimb.FocalLoss(gamma=0.5, alpha=0.25),
    gbimb.FocalLoss(gamma=5.0, scale_pos_weight=10.0),
]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def raw_scores(loss: gbimb.FocalLoss | gbimb.LogisticLoss, n: int, seed: int = 0) -> np.ndarray:
    """Raw scores whose true probabilities spread around a few per cent."""
    odds = np.random.default_rng(seed).normal(-2.5, 1.5, n)
    grid = np.linspace(-12, 12, 300)
    return np.interp(odds, grid, [loss.raw_score_at(p) for p in expit(grid)])


@each_loss
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.8, 0.3), (1.2, -0.25)])
def test_recalibration_recovers_a_known_line(
    loss: gbimb.FocalLoss, slope: float, intercept: float
) -> None:
    raw = raw_scores(loss, 40_000)
    truth = loss.probability(slope * raw + intercept)
    # Expected labels: every row twice, weighted by how often it is positive.
    y, weight = np.repeat([1, 0], raw.size), np.r_[truth, 1 - truth]
    line = recalibrate(loss, y, np.r_[raw, raw], weight)
    assert line.slope == pytest.approx(slope, abs=0.02)
    assert line.intercept == pytest.approx(intercept, abs=0.02)
    drawn = (np.random.default_rng(1).random(raw.size) < truth).astype(int)
    line = recalibrate(loss, drawn, raw)
    proba = loss.probability(line.slope * raw + line.intercept)
    assert proba.mean() == pytest.approx(drawn.mean(), rel=0.01)
    np.testing.assert_allclose(proba, truth, rtol=0.3, atol=0.01)


@each_loss
def test_on_few_rows_the_slope_is_drawn_to_one(loss: gbimb.FocalLoss) -> None:
    raw = raw_scores(loss, 60)
    y = (np.arange(60) % 12 == 0).astype(int)
    assert 0.4 < recalibrate(loss, y, raw).slope < 1.6
    line = recalibrate(loss, y, np.full(60, raw[0]))  # no order at all
    assert loss.probability([line.slope * raw[0] + line.intercept])[0] == pytest.approx(
        y.mean(), rel=0.02
    )


def test_recalibration_takes_a_whole_weight_as_rows() -> None:
    loss = gbimb.FocalLoss(2.0)
    raw, rng = raw_scores(loss, 500), np.random.default_rng(2)
    y, weight = (rng.random(500) < loss.probability(raw)).astype(int), rng.integers(0, 4, 500)
    rows = np.repeat(np.arange(500), weight)
    np.testing.assert_allclose(
        recalibrate(loss, y, raw, weight), recalibrate(loss, y[rows], raw[rows]), rtol=1e-9
    )


@each_loss
def test_the_shift_makes_the_mean_probability_that_of_the_models(loss: gbimb.FocalLoss) -> None:
    rng = np.random.default_rng(3)
    raw = raw_scores(loss, 3000)
    models = [raw + rng.normal(scale=0.8, size=raw.size) for _ in range(4)]
    weight = rng.random(raw.size)
    for w in (None, weight):
        shift = averaging_shift(loss, models, w)
        merged = np.average(loss.probability(np.mean(models, axis=0) + shift), weights=w)
        target = np.mean([np.average(loss.probability(m), weights=w) for m in models])
        assert merged == pytest.approx(target, rel=1e-9)
        assert shift > 0  # the mean of raw scores is more extreme
    assert averaging_shift(loss, [raw, raw]) == pytest.approx(0.0, abs=1e-9)
    assert averaging_shift(loss, [raw]) == pytest.approx(0.0, abs=1e-9)


def test_a_shift_out_of_reach_is_none() -> None:
    loss = gbimb.LogisticLoss()
    assert averaging_shift(loss, [np.full(5, s) for s in (-400.0, -400.0, 400.0)]) == 0.0


def test_priors_of_resampled_rows_are_corrected() -> None:
    rng = np.random.default_rng(4)
    eta = rng.beta(0.4, 12, 20_000)
    for rate in (0.5, 0.05):
        drawn = eta / (eta + rate * (1 - eta))  # negatives kept with this rate
        kept = eta + rate * (1 - eta)
        resampled = eta.mean() / kept.mean()
        np.testing.assert_allclose(
            correct_prior(drawn, resampled, eta.mean()), eta, rtol=1e-9, atol=1e-15
        )
        pair = np.column_stack([1 - drawn, drawn])
        both = correct_prior(pair, [1 - resampled, resampled], [1 - eta.mean(), eta.mean()])
        np.testing.assert_allclose(both[:, 1], eta, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(correct_prior([0.0, 1.0], 0.5, 0.01), [0.0, 1.0])
    with pytest.raises(InvalidDataError, match="proba must hold"):
        correct_prior([1.2], 0.5, 0.1)
    with pytest.raises(InvalidDataError, match="true_prevalence must be"):
        correct_prior([0.2], 0.5, 1.0)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0, 20.0])
def test_class_shares_are_matched(gamma: float) -> None:
    loss = SoftmaxFocalLoss(n_classes=4, gamma=gamma)
    rng = np.random.default_rng(5)
    raw, weight = rng.normal(size=(2000, 4)), rng.random(2000)
    for shares in ([0.7, 0.2, 0.08, 0.02], [0.25] * 4, [0.6, 0.4 - 1e-4, 1e-4, 0.0]):
        share = np.array(shares)
        shift = match_class_shares(loss, raw, share, weight)
        mean = np.average(loss.probability(raw + shift), axis=0, weights=weight)
        if share.min() > 0:
            np.testing.assert_allclose(mean, share, rtol=1e-4)
        assert np.abs(shift).max() <= 5.0


@pytest.mark.parametrize("gamma", [2.0, 5.0])
def test_class_shares_are_matched_near_the_start_of_training(gamma: float) -> None:
    loss, shares = SoftmaxFocalLoss(n_classes=3, gamma=gamma), np.array([0.86, 0.1, 0.04])
    start = loss.init_score(np.repeat([0, 1, 2], [860, 100, 40]))
    raw = start + 0.1 * np.random.default_rng(0).normal(size=(5000, 3))
    shift = match_class_shares(loss, raw, shares)
    np.testing.assert_allclose(loss.probability(raw + shift).mean(axis=0), shares, rtol=1e-6)
    assert np.abs(shift).max() < 0.1
