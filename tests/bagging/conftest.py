"""Tables of the tests of bags."""

from __future__ import annotations

import pytest

from tests.bagging.tables import Rows, binary


@pytest.fixture(scope="module")
def table() -> Rows:
    return binary(3000)


@pytest.fixture(scope="module")
def fresh() -> Rows:
    return binary(6000, seed=1)
