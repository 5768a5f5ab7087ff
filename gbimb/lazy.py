"""Names of a package whose modules are imported when a name is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def first_used(package: str, home: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package; ``home`` is the module of each name.

    >>> first_used("gbimb", {"sqrt": "math"})("sqrt")(9.0)
    3.0
    """

    def attribute(name: str) -> Any:  # a module attribute can be anything
        if name in home:
            return getattr(import_module(home[name]), name)
        msg = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(msg)

    return attribute
