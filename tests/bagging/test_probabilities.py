"""True probabilities: every loss, weight and bag against a known posterior."""

from __future__ import annotations

import functools
import itertools
from typing import Any, TypeAlias

import numpy as np
import pytest

import gbimb
from tests.bagging.tables import OURS, Rows, binary, excess_log_loss

Cell: TypeAlias = tuple[dict[str, Any], float | str | None, float | None]

LOSSES: list[dict[str, Any]] = [
    {"loss": "logistic"},
    *(
        {"loss": "focal", "gamma": gamma, "alpha": alpha}
        for gamma in (0.5, 2.0, 5.0)
        for alpha in (None, 0.25, 0.75)
    ),
]
WEIGHTS = [None, 10, "balanced"]
BAGS = [None, 1, 3, 10]
CELLS = list(itertools.product(LOSSES, WEIGHTS, BAGS))
# A part that every run of the tests goes through, spread over the grid.
SOME = [CELLS[i] for i in np.random.default_rng(20).permutation(len(CELLS))[:3]]

PREVALENCE = 0.03


@functools.cache
def tables(n: int) -> tuple[Rows, Rows]:
    return binary(n, prevalence=PREVALENCE), binary(50_000, seed=1, prevalence=PREVALENCE)


@functools.cache
def baseline(kind: type, n: int) -> float:
    """The log loss of the same model with the plain log loss and no weights."""
    train, fresh = tables(n)
    model = kind(loss="logistic", random_state=0, n_jobs=1).fit(train.X, train.y)
    return excess_log_loss(fresh.posterior, model.predict_proba(fresh.X))


def check(kind: type, n: int, cell: Cell) -> None:
    loss, weight, ratio = cell
    train, fresh = tables(n)
    model = kind(**loss, scale_pos_weight=weight, random_state=0, n_jobs=1)
    if ratio is not None:
        model = gbimb.UnderBaggingClassifier(
            model, sampling_strategy=ratio, random_state=0, n_jobs=1
        )
    proba = model.fit(train.X, train.y).predict_proba(fresh.X)
    assert excess_log_loss(fresh.posterior, proba) < 1.03 * baseline(kind, n)
    # Of the rows trained on: their share of positives is all that a model can know.
    assert proba[:, 1].mean() == pytest.approx(train.y.mean(), rel=0.05)


@pytest.mark.parametrize("kind", OURS, ids=["lgbm", "xgb"])
@pytest.mark.parametrize("cell", SOME, ids=str)
def test_probabilities_are_true_in_some_cells_of_the_grid(kind: type, cell: Cell) -> None:
    check(kind, 15_000, cell)


@pytest.mark.slow
@pytest.mark.parametrize("kind", OURS, ids=["lgbm", "xgb"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_probabilities_are_true_in_every_cell_of_the_grid(kind: type, cell: Cell) -> None:
    check(kind, 30_000, cell)
