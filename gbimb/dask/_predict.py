"""Lazy predictions for Dask collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pandas as pd
from dask.delayed import delayed

from gbimb.dask._pieces import as_collection

if TYPE_CHECKING:
    from numpy.typing import NDArray


def predict_lazily(
    local: Any,  # noqa: ANN401
    X: Any,  # noqa: ANN401
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
) -> Any:  # noqa: ANN401
    """Return a Dask Array of what ``method`` of the local estimator gives for each partition.

    Parameters
    ----------
    local : fitted estimator
    X : Dask DataFrame or Array
    method : "predict", "predict_proba" or "decision_function"
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
    names = range(columns or 1)
    meta = pd.DataFrame({name: np.empty(0, dtype) for name in names})
    frame = X.map_partitions(_frame_of_block, model, method, dtype, columns, meta=meta)
    values = frame.to_dask_array()
    return values[:, 0] if columns is None else values


def _of_block(
    block: Any,  # noqa: ANN401
    model: Any,  # noqa: ANN401
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
) -> NDArray[Any]:
    if block.shape[0] == 0:
        return np.empty((0,) if columns is None else (0, columns), dtype)
    values: NDArray[Any] = getattr(model, method)(block).astype(dtype, copy=False)
    return values


def _frame_of_block(
    block: Any,  # noqa: ANN401
    model: Any,  # noqa: ANN401
    method: str,
    dtype: np.dtype[Any],
    columns: int | None,
) -> pd.DataFrame:
    values = _of_block(block, model, method, dtype, columns)
    return pd.DataFrame(values.reshape(len(values), columns or 1), index=block.index)
