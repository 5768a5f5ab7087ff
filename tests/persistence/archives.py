"""Model files changed by hand, as somebody with bad intentions would."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

import gbimb
from gbimb.exceptions import InvalidDataError
from gbimb.model.archive import DATE, MODE, _digest, pack, unpack
from tests.persistence.models import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def refuse(data: bytes, path: Path, reason: str) -> None:
    """Assert that loading ends in one readable error with this in it."""
    path.write_bytes(data)
    with pytest.raises(InvalidDataError, match=reason) as caught:
        gbimb.load(path)
    message = str(caught.value)
    assert message.startswith(f"{str(path)!r} cannot be loaded: ")
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 600


def members_of(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the members."""
    return unpack(io.BytesIO(data), "")


def refuse_booster(name: str, content: bytes, path: Path, reason: str) -> None:
    """Assert that the file of a model is refused with this in place of its booster."""
    member = next(member for member in members_of(saved(name))[1] if member != "state.json")
    refuse(with_members(saved(name), {member: content}), path, reason)


def entry(name: str, **fields: object) -> zipfile.ZipInfo:
    """A member's header, as save() writes it but for ``fields``."""
    info = zipfile.ZipInfo(name, DATE)
    info.external_attr, info.create_system = MODE, 3
    info.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zipped(entries: Iterable[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, data in entries:
            archive.writestr(info, data)
    return buffer.getvalue()


def contents(data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    """Headers and members, unchecked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(entry(name), archive.read(name)) for name in archive.namelist()]


def with_manifest(data: bytes, change: Callable[[dict[str, Any]], Any], *, sign: bool) -> bytes:
    """The file with another manifest, its checksum made right or left."""
    (head, text), *rest = contents(data)
    manifest = json.loads(text)
    change(manifest)
    if sign:
        manifest["sha256"] = _digest(manifest)
    return zipped([(head, json.dumps(manifest).encode()), *rest])


def with_members(data: bytes, members: dict[str, bytes]) -> bytes:
    """The file with other members and right checksums."""
    manifest, old = members_of(data)
    about = {key: manifest[key] for key in ("class", "engines", "gbimb_version")}
    return pack({**old, **members}, about)


def with_state(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another state and right checksums."""
    state = json.loads(members_of(data)[1]["state.json"])
    change(state)
    return with_members(data, {"state.json": json.dumps(state).encode()})
