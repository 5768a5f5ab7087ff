"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable


def as_path(path: object) -> Path:
    """Return a path, or raise if it is neither a string nor path-like."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        msg = f"path must be a string or path-like, got {path!r} ({type(path).__name__})."
        raise InvalidTypeError(msg)
    try:
        named = bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        named = False
    if not named:
        msg = f"path must name a file, got {text!r}."
        raise InvalidParameterError(msg)
    return Path(text)


def check_readable(path: Path) -> None:
    """Raise unless ``path`` is a regular file."""
    rule = f"path must name a model file, got {str(path)!r}"
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        msg = f"{rule}, which does not exist."
        raise InvalidParameterError(msg) from None
    except OSError as error:
        msg = f"{rule}, which cannot be looked at: {_reason(error)}."
        raise InvalidDataError(msg) from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        msg = f"{rule}, which is {what}."
        raise InvalidParameterError(msg)


def unreadable(path: Path, error: OSError) -> InvalidDataError:
    """Build the error for a file that cannot be read."""
    return InvalidDataError(f"{str(path)!r} cannot be read: {_reason(error)}.")


def replace_file(path: Path, data: bytes, check: Callable[[Path], None]) -> None:
    """Write ``data`` to ``path`` by way of a new file beside it.

    The new file takes the name after it is on the disk and ``check`` has passed it. Until then,
    and if anything fails, what was at ``path`` stays as it was.
    """
    try:
        _check_target(path, Path(os.path.realpath(path)))
        with replacing(path) as new:
            _write(new, data)
            check(new)
    except OSError as error:
        msg = (
            f"The model cannot be written to {str(path)!r}: {_reason(error)}. What was there is "
            "as before. Save it where there is space and permission to write."
        )
        raise InvalidDataError(msg) from error


def _check_target(path: Path, target: Path) -> None:
    if target.is_dir():
        msg = f"path must name a file, got the folder {str(path)!r}."
        raise InvalidParameterError(msg)
    if not target.parent.is_dir():
        msg = (
            f"path must be in a folder that exists, got {str(path)!r}. "
            f"Create {str(target.parent)!r} first."
        )
        raise InvalidParameterError(msg)
    if target.exists() and not target.is_file():
        msg = f"path must name a regular file or a new one, got {str(path)!r}."
        raise InvalidParameterError(msg)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
