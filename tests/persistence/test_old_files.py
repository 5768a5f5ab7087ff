"""Files of all versions so far load and predict as they did; made by ``make_files.py``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import gbimb
from gbimb.model.archive import FORMAT_VERSION
from tests.persistence.make_files import FILES, as_frame

if TYPE_CHECKING:
    from pathlib import Path

SAVED = sorted(FILES.glob("v*/*.gbimb"))


def test_there_are_files_of_every_version() -> None:
    assert {path.parent.name for path in SAVED} == {f"v{i + 1}" for i in range(FORMAT_VERSION)}
    assert sum(path.stat().st_size for path in FILES.rglob("*.*")) < 700_000


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_old_file_predicts_as_it_did(path: Path) -> None:
    kept = json.loads(path.with_name("expected.json").read_text(encoding="utf-8"))
    expected = kept["models"][path.stem]
    X = as_frame(kept["rows"])
    estimator = gbimb.load(path)
    assert estimator.predict(X).tolist() == expected["predict"]
    for method in ("predict_proba", "raw_score"):
        # Bit for bit where it was written; other processors and C libraries differ in the last
        # bits of exp and log and in the order of sums.
        np.testing.assert_allclose(
            getattr(estimator, method)(X), expected[method], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_old_file_can_be_saved_again(path: Path, tmp_path: Path) -> None:
    gbimb.load(path).save(tmp_path / "model.gbimb")
    one, other = gbimb.load(path), gbimb.load(tmp_path / "model.gbimb")
    X = as_frame(json.loads(path.with_name("expected.json").read_text(encoding="utf-8"))["rows"])
    assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()
