"""What all tests share."""

from __future__ import annotations

import os

# Several test processes with as many OpenMP threads as processors each would only wait for one
# another. Set before any engine is loaded; a test can still ask for more threads by parameter.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

import numpy as np
import pytest
from hypothesis import settings

# A loaded machine is slow without being wrong.
settings.register_profile("gbimb", deadline=None)
settings.load_profile("gbimb")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts from the same seed in every test."""
    return np.random.default_rng(0)
