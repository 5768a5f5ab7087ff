"""Files that are there whole or not at all: the one way in which gbimb writes them."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gbimb.exceptions import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_new_file(path: Path, name: str) -> None:
    """Raise unless a file can be written to ``path``: it is no folder, and in one that exists."""
    if path.is_dir():
        msg = f"{name} must name a file, got {str(path)!r}, which is a folder. Name another."
        raise InvalidParameterError(msg)
    if not path.absolute().parent.is_dir():
        msg = f"{name} must name a file in a folder that exists, got {str(path)!r}."
        raise InvalidParameterError(msg)


@contextmanager
def replacing(path: str | os.PathLike[str], ending: str = "") -> Iterator[Path]:
    """Yield the name of a new file that takes the place of ``path`` when the block ends well.

    Until then, and if anything fails, what was at ``path`` stays as it was. A block that writes
    no file leaves it so, too.

    Parameters
    ----------
    path : str or path-like
        A link is followed: the file that it names is replaced.
    ending : str, default=""
        Of the new file's name, where it says in which form to write.

    Raises
    ------
    OSError
        If the file cannot be put on the disk.
    """
    target = Path(os.path.realpath(path))
    # Not the number of the process: two machines that share a folder may have the same.
    new = target.with_name(f".gbimb-{secrets.token_hex(8)}.tmp{ending}")
    try:
        yield new
        if new.exists():
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            if target.exists():
                new.chmod(stat.S_IMODE(target.stat().st_mode))
            new.replace(target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):  # some network file systems cannot, and the name is there by now
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
