"""The kinds of the columns in the files of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS: Final = {
    "string": "text",
    "boolean": "booleans",
    **dict.fromkeys(("integer", "floating", "mixed-integer-float", "decimal"), "numbers"),
    **dict.fromkeys(("date", "datetime", "datetime64"), "dates"),
    **dict.fromkeys(("timedelta", "timedelta64"), "durations"),
}


def mixed_columns(frames: Sequence[pd.DataFrame]) -> list[str]:
    """Return the columns that are of different kinds in tables with the same columns."""
    return [
        name
        for name in frames[0].columns
        if len({_kind(frame[name]) for frame in frames} - {""}) > 1
    ]


def require_same_kinds(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> None:
    """Raise if a column is of different kinds in tables of the files ``names``.

    Booleans are numbers among numbers.
    """
    for column in mixed_columns(frames):
        kinds = {_kind(frame[column]): name for frame, name in zip(frames, names, strict=True)}
        if set(kinds) - {""} == {"booleans", "numbers"}:
            continue
        (one, first), (other, second) = [item for item in kinds.items() if item[0]][:2]
        msg = (
            f"Column {column!r} must be of one kind in all files, got {one} in {first!r} and "
            f"{other} in {second!r}. Write them with one schema."
        )
        raise InvalidDataError(msg)


def _kind(values: pd.Series[Any]) -> str:
    """Return what a column holds, "" if it has no value."""
    if values.isna().all():
        return ""
    cells = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    found = pd.api.types.infer_dtype(cells, skipna=True)
    return KINDS.get(found, found)
