"""What a fit has trained so far, in a folder, so that a fit that was killed can go on.

A folder belongs to one fit: ``fit.json`` holds a digest of its rows and parameters. Beside it are
the files of its parts: ``rounds.json`` of a boosting estimator, one for each bag or candidate.
Each holds the boosters in the engine's own text and the history of the metrics, with a checksum.
It is written beside its name and moved there, so that a reader finds the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.replacing import replacing
from gbimb.tables.parquet.stream import StreamedMatrix

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
OWNER: Final = "fit.json"
WHOLE: Final = 1 << 62  # rounds between two writes of what is kept when it is done
# Do not change what is trained, or how: threads, and what is shown.
FREE: Final = {"checkpoint_path", "checkpoint_every", "keep_on_interrupt", "n_jobs", "verbose"}


@dataclass(frozen=True)
class State:
    """The boosters of one file.

    Attributes
    ----------
    done : int
        Rounds trained.
    history : dict
        Values of each metric, round by round.
    models : list of str
        Each member's rounds in the engine's own form.
    kept : int or None
        Rounds to keep, once all are trained.
    """

    done: int
    history: dict[str, list[float]]
    models: list[str]
    kept: int | None = None


@dataclass(frozen=True)
class CheckpointFile:
    """One file of a checkpoint."""

    path: Path
    every: int

    def beside(self, name: str) -> CheckpointFile:
        """Return the file of a part of this work."""
        return replace(self, path=self.path.with_stem(f"{self.path.stem}-{name}"))

    def load(self) -> State | None:
        """Return what is there, or None.

        Raises
        ------
        InvalidDataError
            If the file was altered, or is none of ours.
        """
        body = _read(self.path)
        return None if body is None else State(**body)

    def save(self, state: State) -> None:
        """Replace what is there."""
        _write(self.path, asdict(state))


@dataclass(frozen=True)
class Checkpoint:
    """The folder of one fit."""

    folder: Path
    every: int

    def file(self, name: str) -> CheckpointFile:
        """Return the file of that name."""
        return CheckpointFile(self.folder / f"{name}.json", self.every)


def open_checkpoint(estimator: Any, table: Any, *arrays: Any) -> Checkpoint | None:
    """Return the checkpoint that an estimator was told to keep, or None.

    Raises
    ------
    InvalidDataError
        If the folder holds a checkpoint of other rows or parameters.
    InvalidParameterError
        If the folder cannot be made, or ``random_state`` is no number.
    """
    path = estimator.checkpoint_path
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        msg = f"checkpoint_path must be a folder or None, got {path!r}."
        raise InvalidTypeError(msg)
    if not isinstance(estimator.random_state, int | np.integer):
        msg = (
            "checkpoint_path needs random_state to be a whole number, so that a fit that goes on "
            f"is the same, got {estimator.random_state!r}."
        )
        raise InvalidParameterError(msg)
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # the latter of a null byte
        msg = f"checkpoint_path must be a folder that can be written, got {str(path)!r}: {error}."
        raise InvalidParameterError(msg) from None
    owner = {"estimator": type(estimator).__name__, "digest": digest(estimator, table, *arrays)}
    there = _read(folder / OWNER)
    if there is None:
        _write(folder / OWNER, owner)
    elif there != owner:
        msg = (
            f"checkpoint_path must name the folder of this very fit, got {str(path)!r} with one of "
            "other rows or parameters. Delete it, or name another folder."
        )
        raise InvalidDataError(msg)
    return Checkpoint(folder, getattr(estimator, "checkpoint_every", WHOLE))


def digest(estimator: Any, *parts: Any) -> str:
    """Return a checksum of parameters and rows."""
    found = hashlib.blake2b(digest_size=16)
    params = estimator.get_params(deep=True)
    named = {k: v for k, v in params.items() if k.rpartition("__")[2] not in FREE}
    found.update(repr(sorted(named.items(), key=lambda item: item[0])).encode())
    for part in parts:
        _feed(found, part)
    return found.hexdigest()


def _feed(found: Any, part: Any) -> None:  # a hash, and rows
    if part is None:
        found.update(b"none")
    elif isinstance(part, StreamedMatrix):
        source = part.frame.source
        found.update(repr((part.shape, source.features)).encode())
        for path in source.paths:
            facts = path.stat()
            found.update(repr((path.name, facts.st_size, facts.st_mtime_ns)).encode())
    elif sparse.issparse(part):
        for array in (part.data, part.indices, part.indptr):
            _feed(found, array)
    elif isinstance(part, list | tuple):
        for item in part:
            _feed(found, item)
    elif isinstance(part, np.ndarray):
        found.update(repr((part.shape, str(part.dtype))).encode())
        found.update(np.ascontiguousarray(part).data)
    else:
        found.update(repr(part).encode())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"The checkpoint {path} cannot be read: {error}. Delete it to begin anew."
        raise InvalidDataError(msg) from None
    head, _, body = text.partition("\n")
    try:
        written = json.loads(head)
        version, checksum = written["version"], written["sha256"]
    except (ValueError, KeyError, TypeError):
        version, checksum = VERSION, ""
    if version != VERSION:
        msg = f"The checkpoint {path} must have version {VERSION}, got {version!r}. Delete it."
        raise InvalidDataError(msg)
    if checksum != _checksum(body):
        msg = f"The checkpoint {path} was altered or cut. Delete it to begin anew."
        raise InvalidDataError(msg)
    read: dict[str, Any] = json.loads(body)
    return read


def _write(path: Path, content: Mapping[str, Any]) -> None:
    body = json.dumps(content)
    head = json.dumps({"version": VERSION, "sha256": _checksum(body)})
    try:
        with replacing(path) as new:
            new.write_text(f"{head}\n{body}", encoding="utf-8")
    except OSError as error:
        msg = (
            f"The checkpoint {path} cannot be written: {error.strerror}. The last one is as "
            "before; give checkpoint_path a folder with space and permission."
        )
        raise InvalidDataError(msg) from None


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
