"""The interpreters that the methods run in: one virtual environment for each list of versions."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

LISTS: Final = Path(__file__).parent / "environments"
ROOT: Final = Path(__file__).parents[2]
OURS: Final = "gbimb"
"""The environment of whoever runs the benchmark; the others are made when they are needed."""


def pins(name: str) -> dict[str, str]:
    """Return the versions of an environment."""
    lines = (LISTS / f"{name}.txt").read_text(encoding="utf-8").split()
    return dict(line.split("==") for line in lines)


def package_version(name: str, package: str) -> str:
    """Return the version of a package in an environment, which need not be there yet."""
    return version(package) if name == OURS else pins(name)[package]


@cache
def interpreter(name: str) -> Path:
    """Return the interpreter of an environment, which is made if it is not there.

    Raises
    ------
    subprocess.CalledProcessError
        If the packages cannot be installed.
    """
    if name == OURS:
        return Path(sys.executable)
    folder = ROOT / f".venv-quality-{name}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = LISTS / f"{name}.txt"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    made = folder / ".made"
    if not made.exists() or made.read_text() != digest:
        sys.stderr.write(f"Setting up {folder.name} (a few minutes the first time)\n")
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "--no-deps", "--requirement", str(wanted)], check=True)
        made.write_text(digest)
    return python
