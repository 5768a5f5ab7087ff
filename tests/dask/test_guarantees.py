"""Rules with a confidence on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gbimb
from tests.dask.tables import PAIRS, QUICK, SHAPE, arrays, both, even, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask

N = 2000
RULE: dict[str, Any] = {"threshold": "recall >= 0.3", "confidence": 0.9}


@both
def test_a_promise_is_made_of_the_held_out_rows_of_all_workers(
    engine: str, client: Client, tmp_path: Path
) -> None:
    X, y = numbers(N)
    Xd, yd = arrays(X, y, sizes=even(N, 4))
    there = PAIRS[engine][0](client=client, **{**QUICK, **SHAPE[engine], **RULE}).fit(Xd, yd)
    found = there.guarantee_
    assert (found.rule, found.confidence) == ("recall >= 0.3", 0.9)
    assert N / 5 - 5 <= found.rows <= N / 5 + 5
    assert found.threshold == there.threshold_
    there.save(tmp_path / "m.gbimb")
    assert gbimb.load(tmp_path / "m.gbimb").guarantee_ == found
    assert np.array_equal(there.to_local().predict(X), gbimb.load(tmp_path / "m.gbimb").predict(X))
