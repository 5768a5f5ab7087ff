"""The column with the label: that no label is missing, and which label a text means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.tables.files.match import as_text

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

T = TypeVar("T")


def require_labels(values: pd.Series[Any], column: str) -> None:
    """Raise if a label is missing."""
    missing = int(values.isna().sum())
    if missing:
        msg = (
            f"Column {column!r} must have a label in every row, got {missing:,} missing in "
            f"{len(values):,} rows (empty cells and text such as NA). Fill or remove them."
        )
        raise InvalidDataError(msg)


def match_label(positive: str, labels: Collection[T]) -> T:
    """Return the label that a text spells, also as a number or truth value: 1 for 1.0, true.

    Raises
    ------
    InvalidParameterError
        If it is none of the labels.
    """
    texts = {as_text(label): label for label in labels}
    if positive in texts:
        return texts[positive]
    for text, label in texts.items():
        same_word = positive.lower() == text.lower() and text in ("True", "False")
        if same_word or _same_number(positive, text):
            return label
    raise unknown_name("positive", positive, texts)


def _same_number(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return False
