"""Read the column with the label: two classes, one class against the rest, or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.tables.files.match import as_text

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SHOWN_LABELS: Final = 5
MOST_CLASSES: Final = 100
"""A column with more labels is more likely a number or an identifier."""


class Labels(NamedTuple):
    """What a column of labels says.

    Attributes
    ----------
    y : integer array of shape (n,)
        1 for the positive class of two; else positions in ``names``.
    positive : str or None
        The label of the positive class, as text; None with more than two classes.
    names : tuple of str
        With more than two classes the labels, as text, the most frequent one first; else empty.
    notes : tuple of str
        What looks odd.
    """

    y: NDArray[np.integer[Any]]
    positive: str | None
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_labels(values: pd.Series[Any], column: str, positive: str | None) -> Labels:
    """Return the labels of a column; with ``positive`` that one against all others.

    Raises
    ------
    GbimbError
        In one sentence, if labels are missing, too few or too many, or ``positive`` is none.
    """
    _refuse_missing(values, column)
    text = values.astype(object).map(as_text)
    counts = {str(label): int(n) for label, n in text.value_counts().items()}
    if len(counts) == 1:
        msg = (
            f"Column {column!r} must hold two labels or more, got one only: {_shown(counts)}. "
            "There is nothing to tell apart."
        )
        raise InvalidDataError(msg)
    if len(counts) > 2 and positive is None:
        return _many(text, counts, column)
    chosen = _rarer(counts) if positive is None else _match(positive, counts)
    notes = []
    if len(counts) > 2:
        notes.append(f"The positive class {chosen!r} is set against {len(counts) - 1} others.")
    if 2 * counts[chosen] > len(values):
        notes.append(f"The positive class {chosen!r} is the more frequent one.")
    return Labels(text.eq(chosen).to_numpy().astype(np.int8), chosen, (), tuple(notes))


def _many(text: pd.Series[Any], counts: dict[str, int], column: str) -> Labels:
    if len(counts) > MOST_CLASSES:
        msg = (
            f"Column {column!r} must hold at most {MOST_CLASSES} labels, got {len(counts):,}: "
            f"{_shown(counts)}. To set one of them against the others, give --positive LABEL."
        )
        raise InvalidDataError(msg)
    names = sorted(counts, key=lambda label: (-counts[label], label))
    codes = text.map({label: code for code, label in enumerate(names)})
    return Labels(codes.to_numpy().astype(np.int16), None, tuple(names), ())


def _refuse_missing(values: pd.Series[Any], column: str) -> None:
    missing = int(values.isna().sum())
    if missing:
        msg = (
            f"Column {column!r} must have a label in every row, got {missing:,} of {len(values):,} "
            "rows without (empty cells and text such as NA count as missing). Fill or remove them."
        )
        raise InvalidDataError(msg)


def _rarer(counts: dict[str, int]) -> str:
    rarest = min(counts.values())
    # Among equals the last one, which is 1 of 0 and 1.
    return max(label for label, n in counts.items() if n == rarest)


def _shown(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{label!r} ({n:,})" for label, n in list(counts.items())[:SHOWN_LABELS])
    return f"{shown}, ..." if len(counts) > SHOWN_LABELS else shown


def _match(positive: str, counts: dict[str, int]) -> str:
    if positive in counts:
        return positive
    for label in counts:
        same_word = positive.lower() == label.lower() and label in ("True", "False")
        if same_word or _same_number(positive, label):
            return label
    raise unknown_name("--positive", positive, counts)


def _same_number(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return False
