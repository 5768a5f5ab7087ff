"""Hypothesis strategies for labels, scores and weights, and the settings that go with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

QUICK = settings(max_examples=60, deadline=None, derandomize=True)

# Small steps make ties, as trees do; the extremes are those of confident and diverged models.
tied_scores = st.sampled_from([k / 8 for k in range(9)])
raw_scores = st.one_of(
    st.floats(-10, 10),
    st.sampled_from([0.0, -0.0, 40.0, -40.0, 750.0, -750.0, 1e-300, -5e-324]),
    st.integers(-3, 3).map(float),
)
weights = st.one_of(
    st.sampled_from([0.0, 0.0, 1.0, 2.0, 50.0]),
    st.floats(1e-3, 1e3),
)
prevalences = st.sampled_from([1e-6, 1e-3, 0.02, 0.1, 0.5, 0.9, 1 - 1e-6])
probabilities = st.one_of(prevalences, st.floats(1e-12, 1 - 1e-12))


class Table(NamedTuple):
    y: np.ndarray
    score: np.ndarray
    weight: np.ndarray | None


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    scores: st.SearchStrategy[float] = raw_scores,
    min_size: int = 1,
    both_classes: bool = False,
    weighted: bool | None = None,
) -> Table:
    """Labels, scores and sometimes weights, zeros and repeats among them.

    With ``both_classes`` there is a row of positive weight in each class.
    """
    n = draw(st.integers(max(min_size, 2 if both_classes else 1), 25))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    score = np.array(draw(st.lists(scores, min_size=n, max_size=n)), dtype=np.float64)
    use = draw(st.booleans()) if weighted is None else weighted
    weight = np.array(draw(st.lists(weights, min_size=n, max_size=n))) if use else None
    if both_classes:
        y[:2] = 1, 0
    if weight is not None:
        weight[: 2 if both_classes else 1] += 0.5
    return Table(y, score, weight)
