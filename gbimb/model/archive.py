"""The container: a ZIP archive with a manifest, in which every byte is accounted for."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "gbimb-model"
FORMAT_VERSION: Final = 2
MANIFEST: Final = "manifest.json"

NAME: Final = re.compile(r"[a-z0-9_]{1,60}\.(json|txt)", re.ASCII)
DATE: Final = (1980, 1, 1, 0, 0, 0)
MODE: Final = (stat.S_IFREG | 0o644) << 16
END_OF_ZIP: Final = struct.Struct("<4s4H2LH")

LARGEST_FILE: Final = zipfile.ZIP64_LIMIT
LARGEST_MEMBER: Final = zipfile.ZIP64_LIMIT
LARGEST_TOTAL: Final = 8 << 30
LARGEST_MANIFEST: Final = 4 << 20
LARGEST_DIRECTORY: Final = 2 << 20
MOST_MEMBERS: Final = 10_000
ALWAYS_UNPACKED: Final = 16 << 20
LARGEST_RATIO: Final = 50  # of unpacked to packed size, above ALWAYS_UNPACKED
CHUNK: Final = 1 << 20

BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)

Members: TypeAlias = "dict[str, bytes]"


def pack(members: Mapping[str, bytes], about: Mapping[str, object]) -> bytes:
    """Return the archive with ``members`` and a manifest that says ``about``; always the same."""
    sums = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in members.items()
    }
    manifest = {**about, "format": FORMAT, "format_version": FORMAT_VERSION, "members": sums}
    manifest["sha256"] = _digest(manifest)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {MANIFEST: write_json(manifest), **members}.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = MODE
            entry.create_system = 3
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpack(file: BinaryIO, gbimb_version: str) -> tuple[dict[str, Any], Members]:
    """Return the manifest and the members, all checked, or raise what is wrong with the file."""
    size = _check_ends(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _check_entries(archive, size)
            manifest = read_json(_read(archive, entries[MANIFEST]), MANIFEST)
            _check_manifest(manifest, entries, gbimb_version)
            members = {
                name: _read(archive, entry) for name, entry in entries.items() if name != MANIFEST
            }
    except InvalidDataError:
        raise
    except BROKEN as error:
        msg = f"The archive is damaged: {str(error).rstrip('.') or type(error).__name__}."
        raise InvalidDataError(msg) from None
    for name, data in members.items():
        if hashlib.sha256(data).hexdigest() != manifest["members"][name]["sha256"]:
            msg = f"The content of {name!r} was altered: its checksum is not that of the manifest."
            raise InvalidDataError(msg)
    return manifest, members


def _digest(manifest: Mapping[str, object]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(write_json(rest)).hexdigest()


def _check_ends(file: BinaryIO) -> int:
    """Check the first and the last bytes; return the size of the file."""
    start = file.read(4)
    size = file.seek(0, io.SEEK_END)
    if start != b"PK\3\4":
        msg = (
            "It is no gbimb model file, which is a ZIP archive written by save(). A pickle is "
            "opened with joblib.load, from people you trust only."
        )
        raise InvalidDataError(msg)
    if size > LARGEST_FILE:
        msg = f"A model file has at most {LARGEST_FILE:,} bytes, got {size:,}."
        raise InvalidDataError(msg)
    file.seek(max(0, size - END_OF_ZIP.size))
    tail = file.read()
    if len(tail) < END_OF_ZIP.size or not tail.startswith(b"PK\5\6") or not tail.endswith(b"\0\0"):
        msg = "The file is truncated, or something was appended: the end of the archive is missing."
        raise InvalidDataError(msg)
    directory = END_OF_ZIP.unpack(tail)[5]
    if directory > LARGEST_DIRECTORY:
        msg = f"The list of members has at most {LARGEST_DIRECTORY:,} bytes, got {directory:,}."
        raise InvalidDataError(msg)
    return size


def _check_entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        msg = f"A model file has at most {MOST_MEMBERS:,} members, got {len(entries):,}."
        raise InvalidDataError(msg)
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        _check_entry(entry)
        if entry.filename in found:
            msg = f"Each member is there once, got {entry.filename!r} twice."
            raise InvalidDataError(msg)
        found[entry.filename] = entry
    if next(iter(found), None) != MANIFEST:
        msg = f"It is no gbimb model file: the first member of the archive is not {MANIFEST!r}."
        raise InvalidDataError(msg)
    _check_totals(entries)
    _check_gaps(archive, entries, size)
    return found


def _check_totals(entries: list[zipfile.ZipInfo]) -> None:
    unpacked, packed = (sum(getattr(e, a) for e in entries) for a in ("file_size", "compress_size"))
    for what, size_of, limit in (
        ("The members", unpacked, LARGEST_TOTAL),
        ("The manifest", entries[0].file_size, LARGEST_MANIFEST),
    ):
        if size_of > limit:
            msg = f"{what} may unpack to {limit:,} bytes at most, got {size_of:,}."
            raise InvalidDataError(msg)
    _check_ratio("The archive", unpacked, packed)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if not NAME.fullmatch(name):
        msg = (
            f"Members have plain names such as 'state.json', got {shown(name)}, which could lead "
            "out of the archive."
        )
        raise InvalidDataError(msg)
    if entry.external_attr != MODE or entry.create_system != 3:
        msg = f"Members are regular files as save() writes them, got attributes of {name!r}."
        raise InvalidDataError(msg)
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    plain = (entry.flag_bits, entry.extra, entry.comment, entry.date_time) == (0, b"", b"", DATE)
    if entry.compress_type not in methods or not plain:
        msg = f"Members are stored or deflated, without encryption or notes; {name!r} is not."
        raise InvalidDataError(msg)
    if entry.file_size > LARGEST_MEMBER:
        msg = f"A member has at most {LARGEST_MEMBER:,} bytes, got {entry.file_size:,} of {name!r}."
        raise InvalidDataError(msg)
    _check_ratio(repr(name), entry.file_size, entry.compress_size)


def _check_ratio(what: str, unpacked: int, packed: int) -> None:
    if unpacked > ALWAYS_UNPACKED and unpacked > LARGEST_RATIO * packed:
        msg = f"{what} unpacks from {packed:,} to {unpacked:,} bytes, as no model does."
        raise InvalidDataError(msg)


def _check_gaps(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse headers that disagree, and bytes that belong to no member."""
    file = archive.fp
    assert file is not None
    at = 0
    for entry in entries:
        header = entry.FileHeader()
        file.seek(at)
        if entry.header_offset != at or file.read(len(header)) != header:
            msg = f"The header of {entry.filename!r} was altered, or is not where it belongs."
            raise InvalidDataError(msg)
        at += len(header) + entry.compress_size
    file.seek(size - END_OF_ZIP.size)
    listed = END_OF_ZIP.unpack(file.read())[5]
    if at != archive.start_dir or at + listed + END_OF_ZIP.size != size:
        msg = "The archive holds bytes that belong to no member. Save the model again."
        raise InvalidDataError(msg)


def _check_manifest(manifest: Any, entries: Mapping[str, object], gbimb_version: str) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        msg = f"It is no gbimb model file: the manifest does not say format {FORMAT!r}."
        raise InvalidDataError(msg)
    version = manifest.get("format_version")
    if type(version) is not int or version < 1:
        msg = f"format_version must be a whole number >= 1, got {shown(version)}."
        raise InvalidDataError(msg)
    if version > FORMAT_VERSION:
        msg = (
            f"The file has format version {version}, written by gbimb "
            f"{shown(manifest.get('gbimb_version'))}; gbimb {gbimb_version} reads versions up to "
            f"{FORMAT_VERSION}. Install a newer gbimb."
        )
        raise InvalidDataError(msg)
    if manifest.get("sha256") != _digest(manifest):
        msg = "The manifest was altered: its checksum does not agree with its content."
        raise InvalidDataError(msg)
    _check_listing(manifest.get("members"), entries)


def _check_listing(listed: object, entries: Mapping[str, Any]) -> None:
    there = {name: entry.file_size for name, entry in entries.items() if name != MANIFEST}
    sums = listed if isinstance(listed, dict) else {}
    for name, entry in sums.items():
        if not isinstance(entry, dict) or set(entry) != {"sha256", "size"}:
            msg = f"The manifest must give sha256 and size of {shown(name)}, got {shown(entry)}."
            raise InvalidDataError(msg)
    missing, extra = sorted(sums.keys() - there.keys()), sorted(there.keys() - sums.keys())
    if not isinstance(listed, dict) or missing or extra:
        msg = (
            "The archive must hold the members that its manifest lists, got "
            f"{shown(missing) if missing else 'none'} missing and "
            f"{shown(extra) if extra else 'none'} that it does not list."
        )
        raise InvalidDataError(msg)
    for name, entry in sums.items():
        if type(entry["size"]) is not int or entry["size"] != there[name]:
            msg = f"{name!r} has {there[name]:,} bytes, the manifest says {shown(entry['size'])}."
            raise InvalidDataError(msg)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Unpack a member, piece by piece, never beyond the size that was checked."""
    pieces, left = [], entry.file_size
    with archive.open(entry) as member:
        while left > 0 and (piece := member.read(min(CHUNK, left))):
            pieces.append(piece)
            left -= len(piece)
        if left or member.read(1):
            msg = f"{entry.filename!r} does not unpack to the size that the archive declares."
            raise InvalidDataError(msg)
    return b"".join(pieces)
