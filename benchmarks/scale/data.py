"""A table of any size with known probabilities, written file by file.

One answer in fifty is positive. Thirty columns: fifteen float32 (three of them noise), four whole
numbers, three flags, three float64 and five of texts with 3 to 400 categories; nine columns have
missing values. The log odds are a sum of smooth, jumping and joint effects, and of an effect of
each category, which takes many rows to learn. What is missing has no effect, so the probability
in the column ``posterior`` is that of the row as it is written.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

FILES = 100  # of the training rows
ROWS_PER_GROUP = 100_000
LEVELS = {"channel": 3, "region": 12, "device": 40, "shop": 120, "merchant": 400}
MISSING = {"x0": 0.05, "x3": 0.3, "x7": 0.1, "d0": 0.2, "d1": 0.05, "k1": 0.1, "flag1": 0.2,
           "device": 0.1, "merchant": 0.02}  # fmt: skip
OFFSET = -7.25  # at which two in a hundred are positive
SETS = {"train": 0, "valid": 1, "test": 2}


def held_out_rows(rows: int) -> int:
    """Return how many rows validate beside ``rows`` that train, and how many test."""
    return min(rows // 10, 1_000_000)


def write(folder: Path, rows: int) -> None:
    """Write 100 files of ``rows`` to train on, and as large ones to validate and to test.

    A file appears under its name when it is complete; those that are there already are kept.
    """
    size = rows // FILES
    numbers = {"train": FILES, **dict.fromkeys(("valid", "test"), held_out_rows(rows) // size)}
    # Forking a process that has loaded Arrow is not safe.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, number in numbers.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            list(pool.map(partial(_write_file, folder, name, size), range(number)))


def _write_file(folder: Path, name: str, rows: int, index: int) -> None:
    path = folder / name / f"{index:03d}.parquet"
    if not path.exists():
        temporary = path.with_suffix(".part")
        piece = draw(np.random.default_rng([SETS[name], rows, index]), rows)
        pq.write_table(piece, temporary, row_group_size=ROWS_PER_GROUP)
        temporary.replace(path)


def files(folder: Path, name: str, share: float = 1.0) -> list[Path]:
    """Return the first files of a set, with a share of its rows."""
    found = sorted((folder / name).glob("*.parquet"))
    return found[: round(len(found) * share)]


def draw(rng: np.random.Generator, n: int) -> pa.Table:
    """Return ``n`` rows with their columns ``target`` and ``posterior``."""
    x = {f"x{i}": rng.standard_normal(n, dtype=np.float32) for i in range(15)}
    d = {
        "d0": rng.exponential(size=n),
        "d1": rng.normal(size=n) * 1e3,
        "d2": rng.uniform(0, 24, size=n),
    }
    k = {
        "k0": rng.integers(0, 12, n, dtype=np.int32),
        "k1": rng.poisson(3, n).astype(np.int32),
        "k2": rng.geometric(0.001, n).astype(np.int64),
        "k3": rng.integers(0, 100, n, dtype=np.int16),
    }
    flags = {f"flag{i}": rng.random(n, dtype=np.float32) < (0.5, 0.1, 0.02)[i] for i in range(3)}
    # A few categories are common, most are rare.
    codes = {
        name: np.minimum(levels * rng.random(n, dtype=np.float32) ** 2, levels - 1).astype(np.int32)
        for name, levels in LEVELS.items()
    }
    missing = {name: rng.random(n, dtype=np.float32) < share for name, share in MISSING.items()}
    values = {**x, **d, **k, **flags, **codes}
    terms = effects(values)
    for name, where in missing.items():
        for term in terms:
            if name in term:
                terms[term][where] = 0.0
    posterior = expit(OFFSET + np.sum(list(terms.values()), axis=0))
    columns: dict[str, Any] = {}
    for name, column in values.items():
        mask = missing.get(name)
        if name in LEVELS:
            names = pa.array([f"{name}-{level}" for level in range(LEVELS[name])])
            texts = pa.DictionaryArray.from_arrays(pa.array(column, mask=mask), names)
            columns[name] = texts.cast(pa.string())
        else:
            columns[name] = pa.array(column, mask=mask)
    columns["target"] = pa.array((rng.random(n) < posterior).astype(np.int8))
    columns["posterior"] = pa.array(posterior)
    return pa.table(columns)


def effects(v: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """Return the addends of the log odds, by the columns that they depend on."""
    rng = np.random.default_rng(7)
    spread = {"channel": 0.6, "region": 0.6, "device": 0.7, "shop": 0.8, "merchant": 0.9}
    of_level = {
        name: rng.normal(scale=spread[name], size=levels) for name, levels in LEVELS.items()
    }
    terms: dict[tuple[str, ...], Any] = {
        ("x0",): 1.1 * v["x0"],
        ("x1", "x2"): 0.9 * v["x1"] * v["x2"],
        ("x3",): 1.2 * np.sin(2 * v["x3"]),
        ("x4",): 1.5 * (np.abs(v["x4"]) > 1.2),
        ("x5",): 0.8 * np.maximum(v["x5"], 0),
        ("x6", "flag0"): 0.9 * v["x6"] * (2.0 * v["flag0"] - 1),
        ("x7", "x8"): 1.3 * ((v["x7"] > 0.5) & (v["x8"] < 0)),
        ("x9",): 0.3 * v["x9"],
        ("x10", "x11"): 0.4 * np.minimum(v["x10"], v["x11"]),
        ("d0",): 0.8 * np.log1p(v["d0"]),
        ("d1",): -0.4 * np.tanh(v["d1"] / 500),
        ("d2",): 0.9 * np.cos(v["d2"] * (np.pi / 12)),
        ("k0",): rng.normal(scale=0.5, size=12)[v["k0"]],
        ("k1",): 0.25 * (v["k1"] - 3.0),
        ("k2",): 0.5 * (v["k2"] < 100),
        ("flag1",): 0.8 * v["flag1"],
        ("flag2", "channel"): 2.0 * v["flag2"] * (v["channel"] == 1),
    }
    return terms | {(name,): of_level[name][v[name]] for name in LEVELS}


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
