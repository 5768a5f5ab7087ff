"""Lazy predictions for Dask collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from gbimb.dask._pieces import as_collection, blocks_of, renamed

if TYPE_CHECKING:
    from numpy.typing import NDArray


def predict_lazily(
    local: Any,
    X: Any,
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
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
    """
    X = as_collection(X)
    model = delayed(local)
    if isinstance(X, da.Array):
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
    of_block = delayed(_of_block)
    parts = [
        da.from_delayed(of_block(block, model, method, dtype, columns), shape, dtype)
        for block in renamed(blocks_of(X, "X"))
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


def _of_block(
    block: Any,
    model: Any,
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
) -> NDArray[Any]:
    if block.shape[0] == 0:
        return np.empty((0,) if columns is None else (0, columns), dtype)
    values: NDArray[Any] = getattr(model, method)(block).astype(dtype, copy=False)
    return values
