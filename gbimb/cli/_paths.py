"""What is wrong with the paths of a command, said before anything heavy is imported or read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from gbimb.exceptions import InvalidParameterError
from gbimb.replacing import check_new_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gbimb.tables.files.options import ReadOptions

TABLES: Final = (".csv", ".tsv", ".parquet", ".pq", ".xlsx", ".xls", ".ods")
PACKED: Final = (".gz", ".bz2", ".xz", ".zip", ".zst")
ARCHIVES: Final = (".zip", ".xlsx", ".ods")
MODEL: Final = b"PK\x03\x04"


def check_model(path: Path, name: str = "MODEL") -> None:
    """Raise unless ``path`` is a file that is no table."""
    _check_there(path, name, "a model file")
    if is_table(path):
        msg = f"{name} must name a file that gbimb fit has written, got the table {str(path)!r}."
        raise InvalidParameterError(msg)
    if path.is_dir():
        msg = f"{name} must name a model file, got the folder {str(path)!r}."
        raise InvalidParameterError(msg)


def check_data(path: Path, name: str = "DATA") -> None:
    """Raise unless ``path`` is there, and not a model."""
    _check_there(path, name, "a file")
    if is_model(path):
        msg = f"{name} must name a table, got the model {str(path)!r}."
        raise InvalidParameterError(msg)


def check_both(model: Path, data: Path, command: str) -> None:
    """Raise unless ``model`` and ``data`` are there; say so where they are swapped."""
    if is_model(data) and (is_table(model) or model.is_dir()):
        msg = (
            "MODEL comes before DATA, got a table and then a model. Write "
            f"gbimb {command} {shlex.join([str(data), str(model)])}."
        )
        raise InvalidParameterError(msg)
    check_model(model)
    check_data(data)


def models_and_data(files: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """Return models and, if the last file is none, the table after them."""
    *models, last = files
    if models and not is_model(last):
        data: Path | None = last
    else:
        models, data = [*models, last], None
    misplaced = [path for path in models if is_table(path) or path.is_dir()]
    if misplaced and any(is_model(path) for path in files):
        order = [*(path for path in files if path not in misplaced), misplaced[0]]
        msg = (
            "MODEL comes before DATA, got a table first. Write "
            f"gbimb evaluate {shlex.join(map(str, order))}."
        )
        raise InvalidParameterError(msg)
    for model in models:
        check_model(model)
    if data is not None:
        check_data(data)
    return models, data


def check_columns(data: Path, known: ReadOptions, named: dict[str, list[str]]) -> None:
    """Raise unless the columns that options name are there, before anything heavy is imported."""
    from gbimb.tables.files.read import column_names, require_columns

    require_columns(column_names(data, "DATA", known), data.name, named)


def check_new(path: Path, option: str, is_own: Callable[[Path], bool], *, overwrite: bool) -> None:
    """Raise unless a file can be written to ``path`` without loss.

    A file that exists is replaced if ``is_own`` says that the command may have written it, or
    with ``overwrite``.
    """
    check_new_file(path, option)
    if path.is_file() and not overwrite and not is_own(path):
        msg = (
            f"{option} must name a new file, got {str(path)!r}, which exists and is something "
            "else. Name another, or give --overwrite to replace it."
        )
        raise InvalidParameterError(msg)


def replaced(path: Path) -> list[str]:
    """Return a note where a file of that name will be replaced."""
    return [f"{str(path)!r} exists and is replaced."] if path.is_file() else []


def has_scores(path: Path) -> bool:
    """Whether a table has the columns that gbimb predict writes."""
    from gbimb.exceptions import GbimbError
    from gbimb.tables.files.read import column_names

    try:
        names = column_names(path, "--out")
    except GbimbError:
        return False
    return "label" in names and any(name.startswith("probability") for name in names)


def is_table(path: Path) -> bool:
    """Whether the name ends as that of a table, and it is no model."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(TABLES) and not is_model(path)


def is_model(path: Path) -> bool:
    """Whether it is a model file, by its first bytes; other ZIP archives are recognised by name."""
    if not path.is_file() or path.name.lower().endswith(ARCHIVES):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MODEL)) == MODEL
    except OSError:
        return False


def _check_there(path: Path, name: str, what: str) -> None:
    if not path.exists():
        msg = f"{name} must name {what}, got {str(path)!r}, which does not exist.{_near(path)}"
        raise InvalidParameterError(msg)


def _near(path: Path) -> str:
    """Return the file of the folder whose name is most alike, as a question."""
    from difflib import get_close_matches

    try:
        names = [file.name for file in path.absolute().parent.iterdir()]
    except OSError:
        return ""
    found = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f" Did you mean {str(path.with_name(found[0]))!r}?" if found else ""
