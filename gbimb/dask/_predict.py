"""Lazy predictions for Dask collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dask.array as da
import numpy as np
from dask.delayed import delayed

from gbimb.dask._pieces import as_collection, blocks_beside, blocks_of, renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def predict_lazily(
    local: Any,
    X: Any,
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
    *,
    costs: Mapping[str, Any],
) -> Any:
    """Return a Dask Array of what ``method`` of the local estimator gives for each partition.

    Parameters
    ----------
    local : fitted estimator
    X : Dask DataFrame or Array
    method : "predict", "predict_proba", "raw_score" or "decision_function"
    dtype : of the result
    columns : int or None
        Second dimension of the result; None if it has one dimension.
    costs : mapping of name to number or Dask Series or Array
        Further arguments of the method.
    """
    X = as_collection(X)
    model = delayed(local)
    if isinstance(X, da.Array) and not costs:
        chunks = (X.chunks[0],) if columns is None else (X.chunks[0], (columns,))
        drop = [1] if columns is None else None
        return da.map_blocks(
            _of_block,
            X,
            model,
            method,
            dtype,
            columns,
            dtype=dtype,
            chunks=chunks,
            drop_axis=drop,
            meta=np.empty((0,) if columns is None else (0, 0), dtype),
        )
    # As delayed blocks: Dask fuses map_partitions of what read_parquet and other maps give with
    # the delayed model, and then cannot compute it.
    shape = (np.nan,) if columns is None else (np.nan, columns)
    of_pack = delayed(_of_block)
    tables = blocks_of(X, "X")
    beside = [
        [cost] * len(tables) if np.ndim(cost) == 0 else blocks_beside(X, tables, cost, name)
        for name, cost in costs.items()
    ]
    pack = delayed(_pack)
    packs = [pack(list(costs), *parts) for parts in zip(tables, *beside, strict=True)]
    parts = [
        da.from_delayed(of_pack(part, model, method, dtype, columns), shape, dtype)
        for part in renamed(packs if costs else tables)
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


class Pack(NamedTuple):
    """Some rows, and further arguments of the method."""

    block: Any
    costs: dict[str, Any]


def _pack(names: list[str], block: Any, *costs: Any) -> Pack:
    arrays = [np.ravel(np.asarray(cost)) if np.ndim(cost) else cost for cost in costs]
    return Pack(block, dict(zip(names, arrays, strict=True)))


def _of_block(
    block: Any,
    model: Any,
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
) -> NDArray[Any]:
    block, costs = block if isinstance(block, Pack) else Pack(block, {})
    if block.shape[0] == 0:
        return np.empty((0,) if columns is None else (0, columns), dtype)
    values: NDArray[Any] = getattr(model, method)(block, **costs).astype(dtype, copy=False)
    return values
