"""The tables that the methods are compared on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from gbimb import datasets
from gbimb.exceptions import InvalidDataError, InvalidParameterError, unknown_name
from gbimb.tables.dependence import check_one_of, read_dependence
from gbimb.tables.files.columns import plain_labels, prepare_columns
from gbimb.tables.files.index import THE_INDEX, unasked_index
from gbimb.tables.files.match import as_text, match_label, require_labels
from gbimb.tables.files.options import AS_FOUND, ReadOptions, blank
from gbimb.tables.files.read import read_file, require_columns, table_name
from gbimb.tables.remarks.sentences import odd_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.tables.dependence import Dependence

SHOWN_LABELS: Final = 5
MOST_CLASSES: Final = 100
"""A column with more labels is more likely a number or an identifier."""


class TargetColumn(NamedTuple):
    """The labels of a table, as in ``BenchmarkTable``."""

    y: NDArray[np.integer[Any]]
    positive: str | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BenchmarkTable:
    """Features and labels, ready for every method.

    Attributes
    ----------
    name : str
    X : pandas.DataFrame
        Numbers, booleans and categories.
    y : integer array of shape (n,)
        1 for the positive class of two; with more, the position of the class in ``classes``.
    positive : str or None
        The label of the positive class, as text; None with more than two classes.
    notes : tuple of str
        What was changed, or looks odd.
    classes : tuple of str
        With more than two classes their labels, the most frequent one first; else empty.
    dependence : Dependence or None
        Groups or times of the rows, by which they are held out instead of at random.
    """

    name: str
    X: pd.DataFrame
    y: NDArray[np.integer[Any]]
    positive: str | None
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    dependence: Dependence | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.y.size)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return max(2, len(self.classes))

    @property
    def class_rows(self) -> list[int]:
        """Number of rows of each class."""
        return [int(n) for n in np.bincount(self.y, minlength=self.n_classes)]

    @property
    def positives(self) -> int | None:
        """Number of positive rows; None with more than two classes."""
        return None if self.classes else self.class_rows[1]

    def fingerprint(self) -> str:
        """Return a hash of the whole content, names and types of columns included."""
        digest = hashlib.sha256(repr([(n, str(t)) for n, t in self.X.dtypes.items()]).encode())
        digest.update(pd.util.hash_pandas_object(self.X, index=False).to_numpy().tobytes())
        digest.update(self.y.tobytes())
        if self.dependence is not None:
            digest.update(self.dependence.name.encode() + self.dependence.values.tobytes())
        return digest.hexdigest()


def built_in_table(name: str) -> BenchmarkTable:
    """Return one of the tables that come with gbimb.

    Raises
    ------
    InvalidParameterError
        If no table has that name.
    """
    if name not in datasets.names():
        raise unknown_name("tables", name, datasets.names())
    table = datasets.load(name)
    X, *_ = prepare_columns(table.X)
    positive = None if table.positive is None else str(table.positive)
    labels = read_labels(table.y, "target", positive)
    return BenchmarkTable(name, X, labels.y, positive, classes=labels.classes)


def read_table(
    path: str | Path,
    target: str,
    *,
    positive: str | None = None,
    drop: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    known: ReadOptions = AS_FOUND,
) -> BenchmarkTable:
    """Return a table from a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .csv.gz or .parquet.
    target : str
        The column with the label.
    positive : str, optional
        The label of the positive class, as text; all others are then the negative class. None is
        the rarer of two labels; more labels are more classes.
    drop : sequence of str
        Columns to leave out.
    group, time : str, optional
        Column by which rows are held out: whole groups, or later rows. It is not trained on.
    known : ReadOptions, optional
        How the file is read where its cells leave a choice, and what is done to labels.

    Raises
    ------
    GbimbError
        If the file or a column cannot be used.
    """
    path = Path(path)
    frame = read_file(path, known=known)
    check_one_of(group, time, "group")
    by = {k: [name] for k, name in {"group": group, "time": time}.items() if name is not None}
    require_columns(frame.columns, path.name, {"target": [target], "drop": drop, **by})
    drop = [*drop, *chain(*by.values())]
    if target in drop:
        role = "drop" if target not in chain(*by.values()) else next(iter(by))
        msg = f"{role} must not name the target, got {target!r}."
        raise InvalidParameterError(msg)
    there = known.clean_labels(plain_labels(blank(frame[target], known.missing)))
    labels = read_labels(there, target, known.clean_label(positive))
    index = unasked_index(frame, path, "path", {target, *drop})
    features = frame.drop(columns=[target, *drop, *index])
    if features.shape[1] == 0:
        msg = f"{path.name!r} must have a column besides {target!r} to train on, got none."
        raise InvalidDataError(msg)
    X, changes, _ = prepare_columns(features, known)
    notes = (*map(THE_INDEX.format, index), *labels.notes, *changes)
    times = None if time is None else prepare_columns(frame[[time]], known).frame[time]
    owners = None if group is None else frame[group]
    dependence = read_dependence(None, owners, times, len(frame))
    return BenchmarkTable(
        table_name(path), X, labels.y, labels.positive, notes, labels.classes, dependence
    )


def read_labels(values: pd.Series[Any], column: str, positive: str | None) -> TargetColumn:
    """Return the labels of a column; with ``positive``, that label against all others.

    Raises
    ------
    GbimbError
        If labels are missing, too few or too many, or ``positive`` is not one of them.
    """
    require_labels(values, column)
    text = values.astype(object).map(as_text)
    counts = {str(label): int(n) for label, n in text.value_counts().items()}
    if len(counts) == 1:
        msg = f"Column {column!r} must hold two labels or more, got only one: {_shown(counts)}."
        raise InvalidDataError(msg)
    if len(counts) > 2 and positive is None:
        return _many(text, counts, column)
    chosen = _rarer(counts) if positive is None else match_label(positive, counts)
    notes = [*odd_labels(counts, column)]
    if len(counts) > 2:
        notes.append(
            f"The positive class {chosen!r} is predicted against {len(counts) - 1} others together."
        )
    if 2 * counts[chosen] > len(values):
        notes.append(f"The positive class {chosen!r} is the more frequent one.")
    return TargetColumn(text.eq(chosen).to_numpy().astype(np.int8), chosen, (), tuple(notes))


def _many(text: pd.Series[Any], counts: dict[str, int], column: str) -> TargetColumn:
    if len(counts) > MOST_CLASSES:
        msg = (
            f"Column {column!r} must hold at most {MOST_CLASSES} labels, got {len(counts):,}: "
            f"{_shown(counts)}. To predict one of them against the others, give positive."
        )
        raise InvalidDataError(msg)
    classes = sorted(counts, key=lambda label: (-counts[label], label))
    codes = text.map({label: code for code, label in enumerate(classes)})
    return TargetColumn(
        codes.to_numpy().astype(np.int16), None, tuple(classes), odd_labels(counts, column)
    )


def _rarer(counts: dict[str, int]) -> str:
    rarest = min(counts.values())
    # Among equals the last one, which is 1 of 0 and 1.
    return max(label for label, n in counts.items() if n == rarest)


def _shown(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{label!r} ({n:,})" for label, n in list(counts.items())[:SHOWN_LABELS])
    return f"{shown}, ..." if len(counts) > SHOWN_LABELS else shown
