from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

import gbimb
from gbimb.exceptions import InvalidDataError
from gbimb.model import archive as _archive
from gbimb.model.archive import MANIFEST
from tests.persistence.archives import (
    contents,
    entry,
    members_of,
    refuse,
    zipped,
)
from tests.persistence.models import saved

if TYPE_CHECKING:
    from pathlib import Path


def declare(data: bytes, name: str, size: int) -> bytes:
    """The archive with another unpacked size in both headers of a member."""
    changed = bytearray(data)
    for mark, field, at_name in ((b"PK\3\4", 22, 30), (b"PK\1\2", 24, 46)):
        at = data.find(mark)
        while data[at + at_name : at + at_name + len(name)] != name.encode():
            at = data.find(mark, at + 1)
        changed[at + field : at + field + 4] = struct.pack("<L", size)
    return bytes(changed)


@pytest.mark.parametrize("name", [MANIFEST, "state.json", "booster_0.txt"])
@pytest.mark.parametrize("size", [0, 1, 20 << 20, (1 << 31) + 5, (1 << 32) - 2])
def test_sizes_that_are_not_true_are_refused_before_unpacking(
    name: str, size: int, tmp_path: Path
) -> None:
    data = saved("lightgbm")
    reason = (
        "damaged: Bad CRC|does not unpack|unpacks from|has at most|may unpack to|the manifest says"
    )
    refuse(declare(data, name, size), tmp_path / "x", reason)


def test_a_bomb_is_refused_before_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved("lightgbm")
    bomb = zipped([*contents(data), (entry("bomb.txt"), bytes(17 << 20))])
    monkeypatch.setattr(_archive, "_read", None)
    refuse(bomb, tmp_path / "x", "'bomb.txt' unpacks from .* as no model does")
    parts = [(entry(f"bomb_{i}.txt"), bytes(9 << 20)) for i in range(2)]
    refuse(zipped([*contents(data), *parts]), tmp_path / "x", "The archive unpacks from")


def test_a_deflated_stream_that_runs_on_is_cut(tmp_path: Path) -> None:
    data = saved("lightgbm")
    size = len(members_of(data)[1]["state.json"])
    bomb = [
        (entry(info.filename), bytes(15 << 20) if info.filename == "state.json" else text)
        for info, text in contents(data)
    ]
    refuse(declare(zipped(bomb), "state.json", size), tmp_path / "x", "damaged: Bad CRC-32")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    data = saved("lightgbm")
    many = [(entry(f"m{i}.txt", compress_type=0), b"") for i in range(_archive.MOST_MEMBERS)]
    refuse(zipped([*contents(data), *many]), tmp_path / "x", "at most 10,000 members")
    more = [(entry(f"m{i}.txt", compress_type=0), b"") for i in range(40_000)]
    refuse(zipped(more), tmp_path / "x", "list of members has at most")


def test_a_file_beyond_all_sizes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gbimb"
    with path.open("wb") as file:
        file.write(b"PK\3\4")
        file.truncate((1 << 31) + 5)
    with pytest.raises(InvalidDataError, match="has at most 2,147,483,647 bytes"):
        gbimb.load(path)
