"""The losses of papers: gradients by differences, and the recipe learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.rivals import metric_losses
from benchmarks.quality.rivals.task import Task

RNG = np.random.default_rng(0)
Y = (RNG.random(60) < 0.3).astype(float)
SCORE = RNG.normal(0.3 * Y, 0.4)


def metric(name: str, tp: float, flagged: float) -> float:
    positives, n = Y.sum(), Y.size
    if name == "f1":
        return 2 * tp / (positives + flagged)
    root = np.sqrt(positives * (n - positives) * flagged * (n - flagged))
    return (n * tp - positives * flagged) / root


def any_loss(name: str, score: np.ndarray) -> float:
    sharp = 1 / (1 + np.exp(-73 * (1 / (1 + np.exp(-score)) - 0.5)))
    return 1 - metric(name, Y @ sharp, sharp.sum())


def surrogate(name: str, score: np.ndarray) -> float:
    def phi(margin: np.ndarray) -> np.ndarray:
        return np.log2(1 + np.exp(-np.where(margin < 0, margin, margin / 3)))

    del name
    found = (Y * (1 - phi(score))).sum()
    return 1 - 2 * found / (Y.sum() + found + ((1 - Y) * phi(-score)).sum())


@pytest.mark.parametrize(
    ("loss", "value", "name"),
    [("any_mcc", any_loss, "mcc"), ("any_f1", any_loss, "f1"), ("surrogate_f1", surrogate, "f1")],
)
def test_gradients_of_papers_equal_differences(loss: str, value: Any, name: str) -> None:
    gradient, curvature = metric_losses.LOSSES[loss]()(Y, SCORE)
    scale = 2 * Y.sum() * (Y.size - Y.sum()) / Y.size
    step = 1e-6
    for i in range(Y.size):
        moved = SCORE.copy()
        moved[i] += step
        above = value(name, moved)
        moved[i] -= 2 * step
        want = scale * (above - value(name, moved)) / (2 * step)
        assert gradient[i] == pytest.approx(want, rel=1e-5, abs=1e-8)
    assert (curvature > 0).all()


@pytest.mark.parametrize("loss", metric_losses.LOSSES)
def test_the_recipe_learns_with_every_loss(loss: str) -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(800, 3)), columns=list("abc"))
    y = (X["a"] + 0.5 * rng.normal(size=800) > 1.3).to_numpy().astype(int)
    clf = metric_losses.boosted(Task(2, 0, (), ""), loss).fit(X[:600], y[:600])
    flagged = clf.predict(X[600:])
    assert np.corrcoef(flagged, y[600:])[0, 1] > 0.5
    assert clf.predict_proba(X[600:]).sum(axis=1) == pytest.approx(1)
