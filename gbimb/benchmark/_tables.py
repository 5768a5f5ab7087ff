"""The tables that the methods are compared on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gbimb import datasets
from gbimb.benchmark._labels import read_labels
from gbimb.exceptions import InvalidDataError, InvalidParameterError, unknown_name
from gbimb.tables.files.columns import prepare_columns
from gbimb.tables.files.read import read_file, require_columns, table_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
        What was changed or looks odd.
    classes : tuple of str
        With more than two classes their labels, the most frequent one first; else empty.
    """

    name: str
    X: pd.DataFrame
    y: NDArray[np.integer[Any]]
    positive: str | None
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

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
        return digest.hexdigest()


def built_in_table(name: str) -> BenchmarkTable:
    """Return one of the tables that come with gbimb.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    """
    if name not in datasets.names():
        raise unknown_name("--tables", name, datasets.names())
    table = datasets.load(name)
    X, _ = prepare_columns(table.X)
    positive = None if table.positive is None else str(table.positive)
    labels = read_labels(table.y, "target", positive)
    return BenchmarkTable(name, X, labels.y, positive, classes=labels.names)


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
        The column with the label.
    positive : str, optional
        The label of the positive class, as text, which is set against all others. None is the
        rarer one of two; with more labels each is then a class.
    drop : sequence of str
        Columns to leave out.

    Raises
    ------
    GbimbError
        In one sentence, if the file or a column cannot be used.
    """
    path = Path(path)
    frame = read_file(path)
    require_columns(frame.columns, path.name, {"--target": [target], "--drop": drop})
    if target in drop:
        msg = f"--drop must not name the target, got {target!r}."
        raise InvalidParameterError(msg)
    labels = read_labels(frame[target], target, positive)
    features = frame.drop(columns=[target, *drop])
    if features.shape[1] == 0:
        msg = f"{path.name!r} has no column beside {target!r}, so there is nothing to learn from."
        raise InvalidDataError(msg)
    X, changes = prepare_columns(features)
    notes = labels.notes + changes
    return BenchmarkTable(table_name(path), X, labels.y, labels.positive, notes, labels.names)
