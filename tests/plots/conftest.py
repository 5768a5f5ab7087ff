from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    """Draw without a screen, and close what a test opened."""
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        plt.switch_backend("agg")
        yield
        plt.close("all")


@pytest.fixture
def rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, true probabilities with ties, and weights."""
    proba = np.round(expit(rng.normal(-3, 1.5, 1500)), 3).clip(0.001, 0.999)
    return (rng.random(1500) < proba).astype(int), proba, rng.integers(1, 4, 1500).astype(float)
