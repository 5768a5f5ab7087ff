"""The tables that the methods are compared on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gbimb import datasets
from gbimb.benchmark._columns import prepare_columns
from gbimb.benchmark._files import read_file, table_name
from gbimb.exceptions import InvalidDataError, InvalidParameterError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHOWN_LABELS = 5


@dataclass(frozen=True, eq=False)
class BenchmarkTable:
    """Features and labels, ready for every method.

    Attributes
    ----------
    name : str
    X : pandas.DataFrame
        Numbers, booleans and categories.
    y : int8 array of shape (n,)
        1 for the positive class.
    positive : str
        Its label, as text.
    notes : tuple of str
        What was changed or looks odd.
    """

    name: str
    X: pd.DataFrame
    y: NDArray[np.int8]
    positive: str
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.y.size)

    @property
    def positives(self) -> int:
        """Number of positive rows."""
        return int(np.count_nonzero(self.y))

    def fingerprint(self) -> str:
        """Return a hash of the whole content, names and types of columns included."""
        digest = hashlib.sha256(repr([(n, str(t)) for n, t in self.X.dtypes.items()]).encode())
        digest.update(pd.util.hash_pandas_object(self.X, index=False).to_numpy().tobytes())
        digest.update(self.y.tobytes())
        return digest.hexdigest()


def built_in_table(name: str) -> BenchmarkTable:
    """Return one of the two-class tables that come with gbimb.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    """
    allowed = datasets.names("binary")
    if name not in allowed:
        raise unknown_name("--tables", name, allowed)
    table = datasets.load(name)
    X, _ = prepare_columns(table.X)
    y = (table.y == table.positive).to_numpy().astype(np.int8)
    return BenchmarkTable(name, X, y, str(table.positive))


def read_table(
    path: str | Path,
    target: str,
    *,
    positive: str | None = None,
    drop: Sequence[str] = (),
) -> BenchmarkTable:
    """Return a table from a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .csv.gz or .parquet.
    target : str
        The column with the label, one of two.
    positive : str, optional
        The label of the positive class, as text. None is the rarer one.
    drop : sequence of str
        Columns to leave out.

    Raises
    ------
    GbimbError
        In one sentence, if the file or a column cannot be used.
    """
    path = Path(path)
    frame = read_file(path)
    for option, names in (("--target", [target]), ("--drop", drop)):
        for name in names:
            if name not in frame.columns:
                raise _no_column(option, name, frame.columns, path.name)
    if target in drop:
        msg = f"--drop must not name the target, got {target!r}."
        raise InvalidParameterError(msg)
    y, label, notes = _read_target(frame[target], target, positive)
    features = frame.drop(columns=[target, *drop])
    if features.shape[1] == 0:
        msg = f"{path.name!r} has no column beside {target!r}, so there is nothing to learn from."
        raise InvalidDataError(msg)
    X, changes = prepare_columns(features)
    return BenchmarkTable(table_name(path), X, y, label, notes + changes)


def _no_column(
    option: str, name: str, columns: Sequence[str] | pd.Index[Any], file: str
) -> InvalidParameterError:
    if len(columns) <= 20:
        return unknown_name(option, name, columns)
    near = str(unknown_name("", name, columns)).partition(" Did you mean ")
    hint = "".join(near[1:]) or f" The first ones are {list(columns[:5])}."
    msg = f"{option} must name one of the {len(columns)} columns of {file!r}, got {name!r}.{hint}"
    return InvalidParameterError(msg)


def _read_target(
    values: pd.Series[Any], name: str, positive: str | None
) -> tuple[NDArray[np.int8], str, tuple[str, ...]]:
    missing = int(values.isna().sum())
    if missing:
        msg = (
            f"Column {name!r} must have a label in every row, got {missing:,} of {len(values):,} "
            "rows without (empty cells and text such as NA count as missing). Fill or remove them."
        )
        raise InvalidDataError(msg)
    counts = values.astype(object).value_counts()
    labels = {_as_text(label): int(n) for label, n in counts.items()}
    if len(labels) != 2:
        raise _not_two(name, labels)
    if positive is None:
        rarest = min(labels.values())
        # Among equals the last one, which is 1 of 0 and 1.
        chosen = max(label for label, n in labels.items() if n == rarest)
    else:
        chosen = _match(positive, labels)
    y = values.astype(object).map(_as_text).eq(chosen).to_numpy().astype(np.int8)
    notes: tuple[str, ...] = ()
    if 2 * labels[chosen] > len(values):
        notes = (f"The positive class {chosen!r} is the more frequent one.",)
    return y, chosen, notes


def _as_text(label: Any) -> str:  # noqa: ANN401
    value = label.item() if isinstance(label, np.generic) else label
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _not_two(name: str, labels: dict[str, int]) -> InvalidDataError:
    shown = ", ".join(f"{label!r} ({n:,})" for label, n in list(labels.items())[:SHOWN_LABELS])
    if len(labels) == 1:
        return InvalidDataError(
            f"Column {name!r} must hold two labels, got one only: {shown}. "
            "There is nothing to tell apart."
        )
    more = ", ..." if len(labels) > SHOWN_LABELS else ""
    return InvalidDataError(
        f"Column {name!r} must hold two labels, got {len(labels):,}: {shown}{more}. `gbimb "
        "benchmark` compares two classes so far: make the column one class against the rest."
    )


def _match(positive: str, labels: dict[str, int]) -> str:
    if positive in labels:
        return positive
    for label in labels:
        same_word = positive.lower() == label.lower() and label in ("True", "False")
        if same_word or _same_number(positive, label):
            return label
    raise unknown_name("--positive", positive, labels)


def _same_number(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return False
