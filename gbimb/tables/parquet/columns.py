"""What is learned about single columns before training: labels, weights and categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.tables.keys import group_keys, time_keys
from gbimb.tables.parquet.frames import plain_numbers
from gbimb.tables.parquet.paths import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import IntArray
    from gbimb.tables.parquet.source import ParquetSource

MOST_LABELS: Final = np.iinfo(np.int16).max


@dataclass(frozen=True, eq=False)
class CodedLabels:
    """Labels as positions among those found.

    Attributes
    ----------
    found : array of shape (K,)
        Rising.
    codes : int16 array of shape (n,)
    """

    found: NDArray[Any]
    codes: NDArray[np.int16]


def read_target(source: ParquetSource) -> CodedLabels:
    """Return the labels of all rows.

    Raises
    ------
    InvalidParameterError
        If the source names no target.
    InvalidDataError
        If labels are missing, or are as many as numbers.
    """
    if source.target is None:
        msg = "To fit on a source, name the column of the labels: ParquetSource(..., target=...)."
        raise InvalidParameterError(msg)
    seen: dict[Any, int] = {}
    new: list[NDArray[Any]] = []
    codes = np.empty(source.n_rows, np.int16)
    start = 0
    for frame in source.frames([source.target]):
        values = np.asarray(_labels(frame[source.target], source))
        at, found = pd.factorize(values)
        if at.min() < 0:
            msg = f"The target {source.target!r} must not contain missing labels, got some."
            raise InvalidDataError(msg)
        fresh = np.array([label not in seen for label in found.tolist()], dtype=bool)
        new.append(found[fresh])
        for label in found[fresh].tolist():
            seen[label] = len(seen)
        if len(seen) > MOST_LABELS:
            msg = f"The target {source.target!r} must hold class labels, got over {MOST_LABELS:,}."
            raise InvalidDataError(msg)
        place = np.array([seen[label] for label in found.tolist()], np.int16)
        codes[start : start + at.size] = place[at]
        start += at.size
    try:
        labels = np.concatenate(new)
        order = np.argsort(labels)
    except TypeError:
        types = " and ".join(sorted({type(label).__name__ for label in seen}))
        msg = (
            f"The target {source.target!r} must hold labels of one type in all files, got {types}. "
            "Write the files with one schema."
        )
        raise InvalidDataError(msg) from None
    rank = np.empty(labels.size, np.int16)
    rank[order] = np.arange(labels.size)
    return CodedLabels(labels[order], rank[codes])


def _labels(values: pd.Series[Any], source: ParquetSource) -> pd.Series[Any]:
    if source.clean_label is None or not isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype(object).map(
        {label: source.clean_label(label) for label in values.cat.categories}
    )


def read_weight(source: ParquetSource) -> NDArray[Any] | None:
    """Return the weights of all rows, None where the source names no column of them."""
    if source.weight is None:
        return None
    types = source.types(source.weight)
    if other := [dtype for dtype in types if kind_of(dtype) != "number"]:
        msg = f"The weight {source.weight!r} must be a column of numbers, got {other[0]}."
        raise InvalidDataError(msg)
    kind = np.float32 if source.is_narrow([source.weight]) else np.float64
    weight = np.empty(source.n_rows, kind)
    start = 0
    for frame in source.frames([source.weight]):
        weight[start : start + len(frame)] = frame[source.weight].to_numpy(kind, na_value=np.nan)
        start += len(frame)
    return weight


def read_groups(source: ParquetSource) -> NDArray[np.uint64]:
    """Return the key of the group of each row."""
    assert source.group is not None
    return np.concatenate(list(map(group_keys, _pieces(source, source.group))))


def read_times(source: ParquetSource) -> NDArray[Any]:
    """Return the time of each row as a number.

    Raises
    ------
    InvalidDataError
        If a time is missing, or files hold times of different kinds.
    InvalidTypeError
        If they are neither numbers nor dates.
    """
    assert source.time is not None
    kinds = sorted({str(dtype) for dtype in source.types(source.time)})
    if len(kinds) > 1 and len({kind_of(dtype) for dtype in source.types(source.time)}) > 1:
        msg = (
            f"The time {source.time!r} must be of one type in all files, got {', '.join(kinds)}. "
            "Write the files with one schema."
        )
        raise InvalidDataError(msg)
    keys, before = [], 0
    for piece in _pieces(source, source.time):
        keys.append(time_keys(piece, before))
        before += len(piece)
    return np.concatenate(keys)


def _pieces(source: ParquetSource, name: str) -> Iterator[pd.Series[Any]]:
    """Yield a column piece by piece as it is, dates as points in time."""
    for batch in source.batches([name]):
        column = batch.column(0)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("us"))
        elif pa.types.is_decimal(column.type):
            column = column.cast(pa.float64(), safe=False)
        yield column.to_pandas().reset_index(drop=True)


def read_categories(
    source: ParquetSource, columns: Sequence[str], rows: IntArray | None = None
) -> dict[str, tuple[tuple[Any, ...], str | None]]:
    """Return the categories of each of ``columns`` that has some, the same for all files.

    Those of an Arrow dictionary with an order stay in it, and are called "ordinal"; of others
    only those of the rows count, in an order that does not depend on the rows.
    """
    kinds = {name: kind for name, kind in source.kinds(columns).items() if kind != "number"}
    seen: dict[str, dict[Any, None]] = {name: {} for name in kinds}
    ordered: dict[str, set[tuple[Any, ...] | None]] = {name: set() for name in kinds}
    if kinds:
        for raw in source.batches(list(kinds), rows):
            batch = plain_numbers(raw, source.as_numbers)
            for name in kinds:
                column = batch.column(name)
                if not hasattr(column, "dictionary"):  # where a file has missing values only
                    continue
                values = column.dictionary.to_pylist()
                ordered[name].add(tuple(values) if column.type.ordered else None)
                used = column.indices.unique().drop_null().to_pylist()
                seen[name].update(dict.fromkeys(values[i] for i in used))
    found: dict[str, tuple[tuple[Any, ...], str | None]] = {}
    for name, values in seen.items():
        scale = next(iter(ordered[name])) if len(ordered[name]) == 1 else None
        found[name] = (canonical_order(values), None) if scale is None else (scale, "ordinal")
    return found


def canonical_order(categories: Iterable[Any]) -> tuple[Any, ...]:
    """Return categories in the one order that does not depend on the container or the rows."""
    distinct = list(dict.fromkeys(categories))
    try:
        return tuple(sorted(distinct))
    except TypeError:  # of several types
        return tuple(sorted(distinct, key=lambda value: (type(value).__name__, repr(value))))
