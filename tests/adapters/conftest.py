"""Tables of the tests of adapters."""

from __future__ import annotations

import pytest

from tests.adapters.tables import Rows, rows


@pytest.fixture(scope="module")
def table() -> Rows:
    return rows(2000, seed=0)


@pytest.fixture(scope="module")
def fresh() -> Rows:
    return rows(2000, seed=1)
