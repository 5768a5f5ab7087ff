"""Fuzz the readers, guided by what code the bytes reach.

::

    make fuzz ARGS="--seconds 600"
    make fuzz ARGS="--target csv --seconds 60"

Atheris makes the bytes, from the corpus beside this file and from seeds that are made here. Bytes
that a reader neither takes nor refuses with a GbimbError are kept as ``corpus/TARGET/find-...``;
from then on they are a test. ``--keep 30`` adds so many of the smallest inputs that reached
something new.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from tests.fuzzing.targets import CORPUS, MODELS, TARGETS, models

LARGEST: dict[str, int] = {"archive": 30_000, "members": 60_000, "csv": 2_000, "parquet": 20_000}
SECONDS_EACH = 60  # longer is a hang
MEMORY_MB = 4_000


def tables() -> list[pd.DataFrame]:
    """Small tables with what can be in one."""
    numbers = pd.DataFrame({"a": [1.5, np.nan, -2.0, 3.0], "b": [1, 2, 3, 4]})
    words = numbers.assign(
        word=["x", None, "ä", "x"],
        day=pd.Timestamp("2024-01-31"),
        yes=[True, False, True, True],
        kind=pd.Categorical(["s", "m", "s", "l"]),
        big=pd.array([2**62, None, 1, 0], dtype="Int64"),
    )
    return [numbers, words]


def seeds(target: str) -> list[bytes]:
    """Bytes to begin with."""
    if target == "archive":
        return [path.read_bytes() for path in MODELS.glob("*.gbimb")]
    if target == "members":
        return [
            bytes([i, j]) + there[name]
            for i, there in enumerate(models())
            for j, name in enumerate(sorted(there))
        ]
    if target == "csv":
        texts = [table.to_csv(index=False) for table in tables()]
        return [*(text.encode() for text in texts), texts[0].replace(",", ";").encode()]
    found = []
    for table in tables():
        for compression in (None, "zstd"):
            buffer = io.BytesIO()
            table.to_parquet(buffer, compression=compression)
            found.append(buffer.getvalue())
    return found


def start(target: str, seconds: int, keep: int) -> bool:
    """Fuzz in a process of its own; return whether it found something."""
    kept = CORPUS / target
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        new, first = Path(name, "new"), Path(name, "seeds")
        new.mkdir()
        first.mkdir()
        for i, data in enumerate(seeds(target)):
            (first / f"seed-{i}").write_bytes(data)
        for path in kept.iterdir():
            data = path.read_bytes()
            (first / path.stem).write_bytes(gzip.decompress(data))
        options = (
            f"-max_total_time={seconds}",
            f"-max_len={LARGEST[target]}",
            f"-timeout={SECONDS_EACH}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={name}/find-",
            "-print_final_stats=1",
        )
        command = [sys.executable, "-m", "tests.fuzzing.inside", target]
        done = subprocess.run([*command, *options, str(new), str(first)], check=False)
        finds = list(Path(name).glob("find-*"))
        small = sorted(new.iterdir(), key=lambda path: (path.stat().st_size, path.name))[:keep]
        for path in [*finds, *small]:
            data = path.read_bytes()
            prefix = "find" if path in finds else "new"
            file = kept / f"{prefix}-{hashlib.sha256(data).hexdigest()[:12]}.gz"
            file.write_bytes(gzip.compress(data, mtime=0))
        for path in finds:
            print(f"{target}: {path.name}, kept in {kept}")
        return done.returncode != 0


def main() -> int:
    """Run what the command line asks for; 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=TARGETS, action="append", help="all if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", type=int, default=0, help="inputs that reached something new")
    given = parser.parse_args()
    found = [start(target, given.seconds, given.keep) for target in given.target or TARGETS]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
