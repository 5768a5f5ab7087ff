from __future__ import annotations

import io
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import joblib
import pytest

import gbimb
from gbimb.exceptions import GbimbError
from gbimb.model import archive as _archive
from gbimb.model.archive import MANIFEST
from tests.persistence.archives import (
    contents,
    entry,
    members_of,
    refuse,
    with_members,
    zipped,
)
from tests.persistence.models import assert_same, model, saved, table

if TYPE_CHECKING:
    from pathlib import Path


class Evil:
    """Code that a pickle runs."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.abort, ()


def test_the_file_is_a_plain_zip_archive() -> None:
    data = saved("lightgbm")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [MANIFEST, "state.json", "booster_0.txt"]


def test_stored_members_are_as_good_as_deflated_ones(tmp_path: Path) -> None:
    data = saved("lightgbm")
    path = tmp_path / "model.gbimb"
    path.write_bytes(
        zipped(
            [(entry(i.filename, compress_type=zipfile.ZIP_STORED), d) for i, d in contents(data)]
        )
    )
    assert_same(model("lightgbm"), gbimb.load(path), table(20))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"PK\3\4",
        b"tree\nversion=v4\n",
        b'{"format": "gbimb-model"}',
        pickle.dumps(Evil()),
        pickle.dumps([1, 2, 3], protocol=0),
        b"\x1f\x8b" + bytes(100),
        zipped([]),
    ],
    ids=["empty", "PK", "start", "text", "json", "pickle", "pickle 0", "gzip", "empty zip"],
)
def test_what_is_no_model_file(content: bytes, tmp_path: Path) -> None:
    refuse(content, tmp_path / "model.gbimb", "no gbimb model file|truncated")


def test_a_joblib_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(Evil(), path)
    refuse(path.read_bytes(), path, "A pickle is opened with joblib.load, from people you trust")


def test_another_zip_archive(tmp_path: Path) -> None:
    refuse(
        zipped([(entry("a.txt"), b"")]), tmp_path / "x", "first member .* is not 'manifest.json'"
    )
    refuse(zipped([(entry(MANIFEST), b"{}")]), tmp_path / "x", "does not say format 'gbimb-model'")
    refuse(zipped([(entry(MANIFEST), b"[]")]), tmp_path / "x", "does not say format 'gbimb-model'")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = saved("lightgbm")
    path = tmp_path / "model.gbimb"
    for size in (*range(0, len(data), 97), *range(len(data) - 60, len(data))):
        refuse(data[:size], path, "truncated|no gbimb model file|damaged|belong to no member")


@pytest.mark.parametrize("more", [b"\0", b"x" * 1000, b"PK\5\6" + bytes(18)], ids=len)
def test_bytes_before_or_after_are_refused(more: bytes, tmp_path: Path) -> None:
    data = saved("lightgbm")
    refuse(data + more, tmp_path / "x", "appended|no gbimb|belong|damaged")
    refuse(more + data, tmp_path / "x", "no gbimb model file")


def test_bytes_between_members_are_refused(tmp_path: Path) -> None:
    data = saved("lightgbm")
    start = data.index(b"PK\1\2")
    size, at = struct.unpack("<2L", data[-10:-2])
    moved = data[:start] + b"hidden" + data[start:-10] + struct.pack("<2LH", size, at + 6, 0)
    refuse(moved, tmp_path / "x", "belong to no member")


def test_every_flipped_byte_is_refused_or_does_no_harm(tmp_path: Path) -> None:
    data = saved("lightgbm")
    path = tmp_path / "model.gbimb"
    rng = random.Random(0)
    ends = range(len(data) - 250, len(data))
    manifest, members = members_of(data)
    for at in (*rng.sample(range(len(data)), 250), *ends):
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
        try:
            with path.open("rb") as file:
                assert _archive.unpack(file, "") == (manifest, members)
        except GbimbError:
            continue


@pytest.mark.parametrize("name", ["state.json", "booster_0.txt"])
def test_an_altered_member_is_refused(name: str, tmp_path: Path) -> None:
    data = saved("lightgbm")
    changed = [
        (info, text.replace(b"2", b"3", 1)) if info.filename == name else (info, text)
        for info, text in contents(data)
    ]
    assert changed != contents(data)
    refuse(zipped(changed), tmp_path / "x", f"content of '{name}' was altered: its checksum")


@pytest.mark.parametrize(
    "name",
    [
        *("../state.json", "/etc/passwd", "a/../../b.json", "C:\\x.json", "..\\x.json", "C:x.json"),
        *(
            "~/x.json",
            "state.json/",
            "a/b.json",
            "x.pkl",
            "STATE.json",
            ".json",
            "x" * 999 + ".txt",
        ),
        *("state.json\0.txt", "стейт.json", "", "con", "a\n.txt", "..", "//server/x.txt"),
    ],
)
def test_names_that_escape_are_refused(name: str, tmp_path: Path) -> None:
    data = saved("lightgbm")
    info = entry("placeholder")
    info.filename = info.orig_filename = name
    refuse(zipped([*contents(data), (info, b"x")]), tmp_path / "x", "plain names such as|damaged")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"external_attr": (stat.S_IFLNK | 0o777) << 16}, "regular files"),
        ({"external_attr": (stat.S_IFDIR | 0o755) << 16 | 16}, "regular files"),
        ({"external_attr": (stat.S_IFREG | 0o4777) << 16}, "regular files"),
        ({"create_system": 0}, "regular files"),
        ({"compress_type": zipfile.ZIP_BZIP2}, "stored or deflated"),
        ({"compress_type": zipfile.ZIP_LZMA}, "stored or deflated"),
        ({"comment": b"x"}, "stored or deflated"),
        ({"extra": b"\1\0\0\0"}, "stored or deflated"),
        ({"date_time": (2020, 1, 1, 0, 0, 0)}, "stored or deflated"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_links_and_other_entries_are_refused(
    fields: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    data = saved("lightgbm")
    entries = [
        (entry(info.filename, **(fields if i == 1 else {})), text)
        for i, (info, text) in enumerate(contents(data))
    ]
    refuse(zipped(entries), tmp_path / "x", reason)


def test_encryption_is_refused(tmp_path: Path) -> None:
    data = saved("lightgbm")
    at = data.rindex(b"PK\1\2")
    refuse(data[: at + 8] + b"\1" + data[at + 9 :], tmp_path / "x", "without encryption")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", [MANIFEST, "state.json"])
def test_a_name_that_is_there_twice_is_refused(name: str, tmp_path: Path) -> None:
    data = saved("lightgbm")
    again = {info.filename: text for info, text in contents(data)}[name]
    refuse(zipped([*contents(data), (entry(name), again)]), tmp_path / "x", f"got '{name}' twice")


def test_extra_and_missing_members_are_refused(tmp_path: Path) -> None:
    data = saved("lightgbm")
    more = [*contents(data), (entry("evil.txt"), pickle.dumps(Evil()))]
    refuse(zipped(more), tmp_path / "x", "none missing and .'evil.txt'. that it does not list")
    refuse(zipped(contents(data)[:-1]), tmp_path / "x", "'booster_0.txt'. missing and none")
    listed = with_members(data, {"evil.txt": pickle.dumps(Evil())})
    refuse(listed, tmp_path / "x", "refer to every booster once, got .'evil.txt'. left over")


@pytest.mark.parametrize("name", ["state.json", "booster_0.txt"])
def test_a_pickle_in_place_of_a_member_is_refused(name: str, tmp_path: Path) -> None:
    data = saved("lightgbm")
    refuse(with_members(data, {name: pickle.dumps(Evil())}), tmp_path / "x", "JSON|UTF-8|own text")


def test_loading_opens_nothing_but_the_file_and_runs_nothing(tmp_path: Path) -> None:
    data = saved("lightgbm")
    path = tmp_path / "model.gbimb"
    path.write_bytes(data)
    code = (
        "import sys, gbimb\n"
        "gbimb.load(sys.argv[1])  # imports the engine\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, args)))\n"
        "gbimb.load(sys.argv[1])\n"
        "opened = [args[0] for event, args in seen if event == 'open']\n"
        "bad = ('pickle.find_class', 'exec', 'compile', 'import', 'os.system')\n"
        "print(opened, [s for s in seen if s[0] in bad or s[0].startswith('socket')])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == f"['{path}'] []"
