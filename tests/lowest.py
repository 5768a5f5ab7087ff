"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

python tests/lowest.py > lowest.txt
pip install -c lowest.txt -e ".[all]"
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\d.]+)")


def lowest() -> dict[str, str]:
    """Return name and version of what gbimb needs, its extras included."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needs = {*project["dependencies"], *(need for extra in extras for need in extra)}
    found: dict[str, str] = {}
    for need in sorted(needs):
        if need.startswith(project["name"]):
            continue
        bound = BOUND.fullmatch(need)
        if bound is None or found.get(bound["name"], bound["version"]) != bound["version"]:
            msg = f"Each dependency has one lower bound, as in 'numpy>=2.0', got {need!r}."
            raise ValueError(msg)
        found[bound["name"]] = bound["version"]
    return found


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}=={version}\n" for name, version in lowest().items())
