from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.persistence.models import saved

FUZZ = Path(__file__).with_name("fuzz.py")


def run_fuzz(data: bytes, path: Path, seed: str, mutants: int) -> str:
    path.write_bytes(data)
    result = subprocess.run(
        [sys.executable, FUZZ, path, seed, str(mutants)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.splitlines()[-1]


def test_some_mutants_are_refused_or_predict(tmp_path: Path) -> None:
    for name in ("lightgbm", "xgboost"):
        assert run_fuzz(saved(name), tmp_path / "x", "quick", 150).startswith("refused")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["lightgbm", "lightgbm_many", "linear", "xgboost", "xgboost_many", "bagging"]
)
def test_many_mutants_are_refused_or_predict(name: str, tmp_path: Path) -> None:
    assert run_fuzz(saved(name), tmp_path / "x", "slow", 4000).startswith("refused")
