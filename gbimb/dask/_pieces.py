"""Dask collections as pieces: some rows, their labels and weights, each in one place."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
from dask._task_spec import convert_legacy_graph
from dask.base import clone_key
from dask.dataframe.dask_expr._expr import are_co_aligned
from dask.delayed import Delayed, delayed
from dask.highlevelgraph import HighLevelGraph
from distributed import Future

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.dependence import check_one_of, refuse_beside_source
from gbimb.tables.keys import column_of, group_keys, time_keys
from gbimb.tables.parquet.source import ParquetSource, list_row_groups, read_row_groups
from gbimb.validation import check_row_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows as they came: a table, labels and weights, and keys of their groups or times.

    ``costs`` are those of a false positive and of a false negative, shape (n, 2).
    """

    table: Any
    y: NDArray[Any]
    weight: NDArray[Any] | None
    groups: NDArray[np.uint64] | None = None
    time: NDArray[Any] | None = None
    costs: FloatArray | None = None


def weigh(piece: Piece, factor: float) -> Piece:
    """Return the piece with its weights times ``factor``."""
    return piece if piece.weight is None else replace(piece, weight=piece.weight * factor)


def is_collection(X: object) -> bool:
    """Whether this is a Dask DataFrame or Array."""
    return isinstance(X, da.Array) or _is_frame(X)


def _is_frame(X: object) -> bool:
    return dask.is_dask_collection(X) and hasattr(X, "npartitions") and hasattr(X, "columns")


def read_parquet(source: ParquetSource, columns: Sequence[str]) -> Any:
    """Return columns of a source as a Dask DataFrame that its workers read, in its order of rows.

    Dask's own reader sorts the files by the numbers in their names.
    """
    import dask.dataframe as dd

    names = list(columns)
    paths, groups = zip(*list_row_groups(source, len(names)), strict=True)
    read = partial(read_row_groups, names=names, as_numbers=source.as_numbers)
    meta = pd.DataFrame(columns=names, dtype=np.float64)  # for the names: types may differ
    return dd.from_map(read, paths, groups, meta=meta, enforce_metadata=False)


def as_collection(X: Any) -> Any:
    """Return the features of a Dask collection or a ParquetSource as a Dask collection.

    Raises
    ------
    InvalidTypeError
        If it is neither.
    """
    if isinstance(X, ParquetSource):
        return read_parquet(X, X.features)
    if not is_collection(X):
        kind = type(X).__name__
        msg = (
            f"X must be a Dask DataFrame, a Dask Array or a ParquetSource, got {kind}. Wrap it "
            "with dask.dataframe.from_pandas or dask.array.from_array, or use to_local()."
        )
        raise InvalidTypeError(msg)
    if isinstance(X, da.Array):
        if X.ndim != 2:
            msg = f"X must have two dimensions, got a Dask Array of shape {X.shape}."
            raise InvalidDataError(msg)
        return X.rechunk({1: -1})
    return X


def meta_of(X: Any) -> Any:
    """Return a table without rows that has the columns of a collection."""
    return X._meta if _is_frame(X) else np.empty((0, X.shape[1]))  # noqa: SLF001  Dask's own name


def split(
    X: Any,
    y: Any,
    weight: Any,
    suffix: str = "",
    *,
    groups: Any = None,
    time: Any = None,
    cost_fp: Any = None,
    cost_fn: Any = None,
) -> list[Delayed]:
    """Return the pieces of collections that have the same rows in the same partitions.

    Raises
    ------
    GbimbError
        If one of them is no Dask collection, or their partitions differ.
    """
    if isinstance(X, ParquetSource):
        refuse_beside_source(groups, time)
        return _of_source(X, y, weight, suffix)
    X = as_collection(X)
    if y is None:
        msg = f"This classifier requires y{suffix} to be passed, but the target y is None."
        raise InvalidDataError(msg)
    tables = blocks_of(X, f"X{suffix}")
    labels = blocks_beside(X, tables, y, f"y{suffix}")
    others = {f"sample_weight{suffix}": weight, "groups": groups, "time": time}
    costs = {"cost_fp": cost_fp, "cost_fn": cost_fn}
    numbers = {name for name, cost in costs.items() if np.ndim(cost) == 0}
    beside: list[list[Any]] = [
        [values] * len(tables)
        if values is None or name in numbers
        else blocks_beside(X, tables, values, name)
        for name, values in (others | costs).items()
    ]
    make = delayed(_make_piece)
    return renamed(make(*parts) for parts in zip(tables, labels, *beside, strict=True))


def split_dependent(
    X: Any, y: Any, weight: Any, groups: Any, time: Any, **costs: Any
) -> tuple[list[Delayed], str | None]:
    """Return pieces with groups or times, and which of the two was given: "groups" or "time"."""
    pieces = split(X, y, weight, groups=groups, time=time, **costs)
    source = isinstance(X, ParquetSource)
    by_group, by_time = (X.group, X.time) if source else (groups, time)
    check_one_of(by_group, by_time, "group" if source else "groups")
    if by_group is not None:
        return pieces, "groups"
    return pieces, None if by_time is None else "time"


def _of_source(source: ParquetSource, y: object, weight: object, suffix: str) -> list[Delayed]:
    """Return the pieces of a source, each read once."""
    if y is not None or weight is not None:
        msg = (
            f"y{suffix} and sample_weight{suffix} must be None beside a ParquetSource, which has "
            "its own columns: ParquetSource(..., target=..., weight=...)."
        )
        raise InvalidParameterError(msg)
    if source.target is None:
        msg = "To fit on a source, name the column of the labels: ParquetSource(..., target=...)."
        raise InvalidParameterError(msg)
    cut = delayed(_cut)
    features = list(source.features)
    roles = (source.target, source.weight, source.group, source.time)
    special = [name for name in roles if name is not None]
    return renamed(
        cut(block, features, roles)
        for block in blocks_of(read_parquet(source, [*features, *special]), "X")
    )


def _cut(frame: pd.DataFrame, features: list[str], roles: Sequence[str | None]) -> Piece:
    return _make_piece(frame[features], *(None if name is None else frame[name] for name in roles))


def blocks_of(values: Any, name: str) -> list[Delayed]:
    """Return the partitions of a collection, each to be computed where it is."""
    # Optimised, labels and features read from the same small files are fused differently.
    blocks = values.to_delayed(optimize_graph=False)
    parts = blocks.ravel().tolist() if isinstance(blocks, np.ndarray) else list(blocks)
    if not parts:
        msg = f"{name} must have a partition, got none."
        raise InvalidDataError(msg)
    return parts


def renamed(blocks: Iterable[Delayed]) -> list[Delayed]:
    """Return blocks whose tasks have names of their own.

    Dask gives the tasks of a graph that it has not optimised the names of others in one that it
    has; a scheduler that gets both mixes them up. Data on the cluster keeps its name.
    """
    blocks = list(blocks)
    graph = HighLevelGraph.merge(*(block.__dask_graph__() for block in blocks)).to_dict()
    if any(str(key).startswith("shuffle-barrier") for key in graph):
        return blocks  # the scheduler knows a shuffle by its name
    there = {key: value for key, value in graph.items() if isinstance(value, Future)}
    tasks = {key: value for key, value in graph.items() if key not in there}
    token = uuid.uuid4().hex
    names = {key: clone_key(key, token) for key in tasks}
    new = there | {
        names[key]: task.substitute(names, key=names[key])
        for key, task in convert_legacy_graph(tasks, all_keys=graph.keys()).items()
    }
    layers = HighLevelGraph.from_collections(token, new)
    return [Delayed(names[block.key], layers, layer=token) for block in blocks]


def blocks_beside(X: Any, tables: list[Delayed], values: Any, name: str) -> list[Delayed]:
    """Return the blocks of labels or weights, one for each block of ``X``, in its order of rows."""
    values, one_source = _aligned(X, values, name)
    parts = blocks_of(values, name)
    if len(parts) != len(tables):
        msg = (
            f"X and {name} must have the same partitions, got {len(tables)} and {len(parts)}. Take "
            "both from one collection, or repartition them alike."
        )
        raise InvalidDataError(msg)
    order = delayed(_ordered)
    return [order(*pair, name, one_source) for pair in zip(parts, tables, strict=True)]


def _aligned(X: Any, values: Any, name: str) -> tuple[Any, bool]:
    """Return labels or weights in the partitions of ``X``, and whether both are of one collection.

    Rows of arrays belong together by their position; those of frames by their index, unless both
    frames are made of the partitions of one.
    """
    if not dask.is_dask_collection(values):
        kind = type(values).__name__
        msg = (
            f"{name} must be a Dask Series or Array with the partitions of X, got {kind}. Wrap it "
            "with dask.dataframe.from_pandas or dask.array.from_array."
        )
        raise InvalidTypeError(msg)
    if isinstance(values, da.Array):
        values = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
        if not isinstance(X, da.Array) or np.isnan([*X.chunks[0], *values.chunks[0]]).any():
            return values, True
        if values.shape != X.shape[:1]:
            msg = (
                f"{name} must have a value for each of the {X.shape[0]} rows of X, got an array of "
                f"shape {values.shape}."
            )
            raise InvalidDataError(msg)
        return values.rechunk({0: X.chunks[0]}), True
    if isinstance(X, da.Array) or are_co_aligned(X.expr, values.expr):
        return values, True
    unknown = not (X.known_divisions and values.known_divisions)
    if not unknown and X.divisions != values.divisions:
        try:
            values = values.repartition(divisions=X.divisions, force=True)
        except (TypeError, ValueError):  # indices of two kinds
            unknown = True
    if unknown:
        msg = (
            f"X and {name} must be columns of one Dask DataFrame or have known divisions of one "
            "index, got two collections whose rows may be in any order. Put both into one frame "
            "(and persist that), or set_index both on the same key."
        )
        raise InvalidDataError(msg)
    return values, False


def _ordered(values: Any, table: Any, name: str, one_source: bool) -> Any:  # noqa: FBT001  Dask passes it by position
    """Return the labels or weights of a block in the order of the rows of its table."""
    if not (hasattr(values, "index") and hasattr(table, "index")):
        return values
    rows, own = table.index, values.index
    if rows.equals(own) and (one_source or rows.is_unique):
        return values
    if rows.is_unique and own.is_unique and len(rows) == len(own) and rows.isin(own).all():
        return values.loc[rows]
    unnumbered = any(i.equals(pd.RangeIndex(len(i))) for i in (rows, own))
    if one_source and unnumbered:  # such as the result of a function of NumPy arrays
        return values
    msg = (
        f"X and {name} must have the same index without duplicates to be aligned by it, got other "
        "values in a partition. Take both from one Dask DataFrame."
    )
    raise InvalidDataError(msg)


def _make_piece(  # noqa: PLR0917  Dask passes them by position
    table: Any,
    y: Any,
    weight: Any,
    groups: Any = None,
    time: Any = None,
    cost_fp: Any = None,
    cost_fn: Any = None,
) -> Piece:
    rows = int(table.shape[0])
    costs = {"cost_fp": cost_fp, "cost_fn": cost_fn}
    checked = [check_row_cost(np.asarray(c), rows, k) for k, c in costs.items() if c is not None]
    piece = Piece(
        table,
        _column(y),
        None if weight is None else _column(weight),
        None if groups is None else group_keys(column_of(groups, "groups", rows)),
        None if time is None else time_keys(column_of(time, "time", rows), before=None),
        np.column_stack(checked) if checked else None,
    )
    sizes = {int(part.shape[0]) for part in (table, piece.y, piece.weight) if part is not None}
    if len(sizes) > 1:
        msg = (
            "X, y and sample_weight must have the same number of rows in each partition, got "
            f"{sorted(sizes)} in one. Take them from one collection."
        )
        raise InvalidDataError(msg)
    return piece


def _column(values: Any) -> NDArray[Any]:
    """Return a column of a pandas or NumPy block as a NumPy array."""
    if getattr(values, "ndim", 1) == 2 and values.shape[1] != 1:
        msg = f"y and sample_weight must have one column each, got {values.shape[1]}."
        raise InvalidDataError(msg)
    if isinstance(values, pd.DataFrame):
        values = values.iloc[:, 0]
    if isinstance(values, pd.Series) and not isinstance(values.dtype, np.dtype):
        missing = values.isna().any()  # pandas' and Arrow's own whole numbers may be missing
        return values.to_numpy(np.float64 if missing and values.dtype.kind in "iuf" else None)
    return np.ravel(np.asarray(values))
