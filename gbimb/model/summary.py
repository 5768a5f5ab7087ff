"""What a model file says of itself, for people: read in a moment, without loading the model."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.json_text import write_json
from gbimb.model.archive import unpack
from gbimb.model.disk import as_path, check_readable, unreadable
from gbimb.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUMMARY: Final = "summary"
"""Its name in the manifest."""

LARGEST: Final = 1 << 20
NEEDED: Final = {"model": str, "classes": list, "columns": list, "parameters": dict}
MAY_BE_THERE: Final[dict[str, type | tuple[type, ...]]] = {
    "positive": (str, type(None)),
    "threshold": (float, int),
    "guarantee": dict,
    "class_weights": dict,
    "loss": str,
    "choice": str,
    "validation": str,
    "best_iteration": int,
}
OF_COLUMNS: Final[dict[str, type | tuple[type, ...]]] = {
    "name": str,
    "kind": str,
    "categories": int,
    "importance": (float, int, type(None)),
}


def as_entry(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of the manifest; none if the facts are too long or have no form in JSON."""
    try:
        fits = is_summary(facts) and len(write_json(facts)) <= LARGEST
    except (TypeError, ValueError):
        return {}
    return {SUMMARY: dict(facts)} if fits else {}


def read_summary(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the summary in a model file whose checksums are right, None if it has none.

    Raises
    ------
    GbimbError
        If the file is not there, or is no model file, or was damaged.
    """
    source = as_path(path)
    check_readable(source)
    with loading(source), source.open("rb") as file:
        found = unpack(file, __version__)[0].get(SUMMARY)
    return found if is_summary(found) else None


@contextmanager
def loading(source: Path) -> Iterator[None]:
    """Name the file in errors."""
    try:
        yield
    except GbimbError as error:
        msg = f"{str(source)!r} cannot be loaded: {error}"
        raise InvalidDataError(msg) from None
    except OSError as error:
        raise unreadable(source, error) from None


def is_summary(found: object) -> bool:
    """Whether the parts that are shown are of their kinds."""
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(name), kind) for name, kind in NEEDED.items())
        and all(isinstance(found[name], k) for name, k in MAY_BE_THERE.items() if name in found)
        and all(isinstance(label, str) for label in found["classes"])
        and all(isinstance(v, float | int) for v in found.get("class_weights", {}).values())
        and isinstance(found.get("guarantee", {"in_words": ""}).get("in_words"), str)
        and all(
            isinstance(column, dict)
            and all(isinstance(column.get(name), kind) for name, kind in OF_COLUMNS.items())
            for column in found["columns"]
        )
    )
