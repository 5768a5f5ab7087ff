"""What is fuzzed: bytes that a reader must take, or refuse with a GbimbError.

Nothing else may happen: another exception, a process that dies, a hang. ``run.py`` makes bytes,
``test_corpus.py`` tries those that were kept.
"""

from __future__ import annotations

import random
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gbimb
from gbimb.exceptions import GbimbError
from gbimb.model.archive import unpack
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.read import read_file
from tests.persistence.fuzz import mutate_bytes, mutate_json, mutate_text, try_one

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS: Final = Path(__file__).with_name("corpus")
MODELS: Final = Path(__file__).parent.parent / "persistence" / "files" / "v1"
MEMORY: Final = Path("/dev/shm")  # files that touch no disk


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def _file(name: str, data: bytes) -> Path:
    path = Path(_folder().name, name)
    path.write_bytes(data)
    return path


# --- model files -------------------------------------------------------------------------------


def archive(data: bytes) -> None:
    """A model file as it lies on the disk."""
    with suppress(GbimbError):
        gbimb.load(_file("model.gbimb", data))


@cache
def models() -> list[dict[str, bytes]]:
    """The members of the models that are mutated."""
    found = []
    for path in sorted(MODELS.glob("*.gbimb")):
        with path.open("rb") as file:
            found.append(unpack(file, "")[1])
    return found


def split(data: bytes) -> tuple[dict[str, bytes], str, bytes]:
    """Return the members of a model, the name of the one to replace, and with what."""
    numbers, content = data[:2].ljust(2, b"\0"), data[2:]
    members = models()[numbers[0] % len(models())]
    return members, sorted(members)[numbers[1] % len(members)], content


def members(data: bytes) -> None:
    """A member behind right checksums; the first two bytes say of which model, and which."""
    there, name, content = split(data)
    try_one({**there, name: content}, unchecked=False)


def mutate_member(data: bytes, max_size: int, seed: int) -> bytes:
    """Change something in a member, so that it mostly stays text or JSON."""
    rng = random.Random(seed)
    _, name, content = split(data)
    change = mutate_text if name.endswith(".txt") else mutate_json
    try:
        mutant = change(content, rng)
    except (ValueError, TypeError, IndexError, RecursionError):  # it is neither by now
        mutant = mutate_bytes(content, rng) if content else b"{}"
    return (data[:2].ljust(2, b"\0") + mutant)[:max_size]


# --- tables ------------------------------------------------------------------------------------


def _read(path: Path) -> None:
    with suppress(GbimbError):
        prepare_columns(read_file(path))
    with suppress(GbimbError):
        for _ in chunks(path, "--data", rows=3):
            pass


def csv(data: bytes) -> None:
    """A CSV file, whole and in pieces."""
    _read(_file("table.csv", data))


def parquet(data: bytes) -> None:
    """A Parquet file, whole, in pieces and as a source."""
    path = _file("table.parquet", data)
    _read(path)
    with suppress(GbimbError):
        for _ in gbimb.ParquetSource(path).frames():
            pass


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "archive": archive,
    "members": members,
    "csv": csv,
    "parquet": parquet,
}


def try_bytes(target: str, data: bytes) -> None:
    """Let a reader have bytes; raises what the reader must not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TARGETS[target](data)
