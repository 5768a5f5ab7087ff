"""``save`` and ``load``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.json_text import shown
from gbimb.model.archive import pack, unpack
from gbimb.model.disk import as_path, check_readable, replace_file
from gbimb.model.reading import build
from gbimb.model.states import classes_inside, dump
from gbimb.model.summary import as_entry, loading
from gbimb.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEEP = "It nests too deep."


def save(
    estimator: Any,  # one of ours
    path: str | os.PathLike[str],
    summarise: Callable[[Any], Mapping[str, Any]] | None = None,
) -> None:
    """Write a fitted estimator to a file; the method ``save`` of every estimator.

    Parameters
    ----------
    estimator : a fitted estimator of gbimb
    path : str or path-like
        Replaced if it exists, once the new file is complete and has been read back.
    summarise : callable, optional
        Returns what ``gbimb inspect`` shows of the estimator, so that it need not load the model.

    Raises
    ------
    GbimbError
        If the estimator holds what cannot be saved without code, or the file cannot be written.
        What was at ``path`` is then as before.
    """
    target = as_path(path)
    classes = classes_inside(estimator)
    try:
        members, about = dump(estimator)
        said = as_entry({} if summarise is None else summarise(estimator))
        data = pack(members, {**about, "gbimb_version": __version__, **said})
    except RecursionError:
        msg = f"The parameters of {type(estimator).__name__} cannot be saved: they nest too deep."
        raise InvalidDataError(msg) from None

    def check(new: Path) -> None:
        try:
            again, _ = dump(_read(new, classes))
        except GbimbError as error:
            msg = f"The model cannot be saved, since it could not be loaded: {error}"
            raise InvalidDataError(msg) from error
        if again != members:
            changed = sorted(name for name in members if again.get(name) != members[name])
            msg = f"The model cannot be saved, since {changed} would not be the same after load."
            raise InvalidDataError(msg)

    replace_file(target, data, check)


def load(path: str | os.PathLike[str], classes: Mapping[str, type[Any]]) -> Any:
    """Return the estimator in a file; ``classes`` are those that it may be made of, by name."""
    source = as_path(path)
    check_readable(source)
    with loading(source):
        return _read(source, classes)


def _read(path: Path, classes: Mapping[str, type[Any]]) -> Any:
    try:
        with path.open("rb") as file:
            manifest, members = unpack(file, __version__)
        estimator = build(members, classes)
    except RecursionError:
        raise InvalidDataError(DEEP) from None
    if manifest.get("class") != type(estimator).__name__:
        msg = f"The manifest names the class {shown(manifest.get('class'))}, the state another."
        raise InvalidDataError(msg)
    return estimator
