"""A process killed at any moment loses nothing that is finished, and leaves no half file."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.benchmark.records import CellStore, Record
from gbimb.training.checkpoint import OWNER, CheckpointFile
from tests.checkpoints import works
from tests.checkpoints.works import LGBM, X, Y

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")

# 48 kills, and those of the files that are replaced.
KILLS = {
    "booster lgbm": 7,
    "booster xgb": 7,
    "cross-fitting lgbm": 7,
    "cross-fitting xgb": 4,
    "soft loss": 4,
    "bagging": 7,
    "automatic": 6,
    "benchmark": 6,
}
KILLS_OF_SAVE = 6


@cache
def starter() -> Any:
    """Where children come from: a process that has imported all, and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([works.__name__])
    return context


class Child:
    """A process that does a work."""

    def __init__(self, name: str, folder: Path) -> None:
        self._reader, writer = starter().Pipe(duplex=False)
        self.process = starter().Process(target=works.child, args=(name, str(folder), writer))
        self.process.start()
        writer.close()
        assert self._reader.poll(120)
        assert self._reader.recv() == "begins"

    def result(self, seconds: float) -> str | None:
        """Return what came of the work, or None if it takes longer."""
        return self._reader.recv() if self._reader.poll(seconds) else None

    def end(self, *, kill: bool = True) -> None:
        """End it as nothing can be prepared for, or wait for its end."""
        if kill:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(60)
        assert self.process.exitcode == (-signal.SIGKILL if kill else 0)
        self.process.close()
        self._reader.close()


def progress(folder: Path) -> dict[str, tuple[int, int]]:
    """Rounds done and, of what is finished, the time of writing; every file must be readable."""
    found = {}
    for path in folder.glob("*.json"):
        if path.name == OWNER:
            assert path.stat().st_size
            continue
        state = CheckpointFile(path, 1).load()
        assert state is not None
        found[path.name] = state.done, 0 if state.kept is None else path.stat().st_mtime_ns
    for path in (folder / "cells").glob("*.json"):
        assert CellStore(path.parent, Record).load(path.stem) is not None
        found[path.name] = 1, path.stat().st_mtime_ns
    return found


def check_not_lost(before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]) -> None:
    for name, (done, finished) in before.items():
        assert now[name][0] >= done, name
        assert not finished or now[name][1] == finished, name


def kill_and_go_on(name: str, root: Path, kills: int) -> None:
    """Kill a work so often at random moments; what comes of it in the end must be the same."""
    child, began = Child(name, root / "whole"), time.monotonic()
    expected = child.result(300)
    seconds = time.monotonic() - began
    child.end(kill=False)
    assert expected is not None
    generator, killed, tries = random.Random(f"{name} {kills}"), 0, 0
    while killed < kills:
        tries += 1
        folder, before, result = root / f"{tries}", {}, None
        while result is None:
            child = Child(name, folder)
            last = killed == kills
            result = child.result(300 if last else generator.uniform(0, seconds))
            child.end(kill=result is None)
            assert result is not None or not last
            killed += result is None
            now = progress(folder)
            check_not_lost(before, now)
            before = now
        assert result == expected


def test_a_cross_fit_and_bags_that_are_killed_go_on(tmp_path: Path) -> None:
    kill_and_go_on("cross-fitting lgbm", tmp_path / "folds", 2)
    kill_and_go_on("bagging", tmp_path / "bags", 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLS)
def test_killed_at_many_random_moments(name: str, tmp_path: Path) -> None:
    kill_and_go_on(name, tmp_path, KILLS[name])


@pytest.mark.parametrize("name", ["cross-fitting lgbm", "benchmark"])
def test_two_processes_in_one_folder_do_not_harm_each_other(name: str, tmp_path: Path) -> None:
    both = [Child(name, tmp_path / "shared") for _ in range(2)]
    results = {child.result(300) for child in both}
    for child in both:
        child.end(kill=False)
    assert results == {works.RESUMED[name](tmp_path / "alone")}
    assert works.RESUMED[name](tmp_path / "shared") in results
    assert progress(tmp_path / "shared")
    left = [path.name for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert all(name.endswith(".json") or not name.startswith(".") for name in left), left


# --- files that are replaced -------------------------------------------------------------------


def table(repeats: int = 1) -> pa.Table:
    return pa.table({f"x{i}": np.tile(X[:, i], repeats) for i in range(X.shape[1])})


@pytest.fixture(scope="module")
def models() -> list[Any]:
    some = {"n_jobs": 1, "random_state": 0, "early_stopping_rounds": None}
    return [LGBM(n_estimators=n, **some).fit(table(), Y) for n in (5, 60)]


def kill_while_writing(
    name: str, target: str, models: list[Any], folder: Path, kills: int
) -> list[bytes]:
    """Kill a process that replaces a file over and over; return what was there each time."""
    for model, file in zip(models, ("small", "large"), strict=True):
        model.save(folder / f"{file}.gbimb")
    for file, repeats in (("one", 1), ("two", 10)):
        pq.write_table(table(repeats), folder / f"{file}.parquet")
    generator, found = random.Random(kills), []
    for _ in range(kills):
        child = Child(name, folder)
        child.result(generator.uniform(0.2, 1.0))
        child.end()
        if (folder / target).exists():
            found.append((folder / target).read_bytes())
    return found


def check_saved(models: list[Any], folder: Path, kills: int) -> None:
    models[0].save(folder / "model.gbimb")
    found = kill_while_writing("save", "model.gbimb", models, folder, kills)
    assert len(found) == kills
    whole = {(folder / f"{name}.gbimb").read_bytes() for name in ("small", "large")}
    assert set(found) <= whole
    gbimb.load(folder / "model.gbimb")


def test_a_model_file_that_is_replaced_is_the_old_one_or_the_new_one(
    models: list[Any], tmp_path: Path
) -> None:
    check_saved(models, tmp_path, 1)


@pytest.mark.slow
def test_a_model_file_that_is_replaced_survives_many_kills(
    models: list[Any], tmp_path: Path
) -> None:
    check_saved(models, tmp_path, KILLS_OF_SAVE)


@pytest.mark.slow
def test_predictions_that_are_replaced_are_the_old_ones_or_the_new_ones(
    models: list[Any], tmp_path: Path
) -> None:
    kills = KILLS_OF_SAVE
    for found in kill_while_writing("predict_to", "scores.parquet", models, tmp_path, kills):
        assert pq.read_table(pa.BufferReader(found)).num_rows in (len(X), 10 * len(X))
