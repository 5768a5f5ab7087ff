"""What the estimators on Dask share: lazy predictions, the local estimator, what is refused."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import dask
import dask.array as da
import numpy as np
from dask.delayed import delayed
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from gbimb.dask._pieces import (
    as_collection,
    blocks_beside,
    blocks_of,
    is_collection,
    read_parquet,
    renamed,
)
from gbimb.estimators.adapting import NewRows, check_rows
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.row_costs import check_both
from gbimb.exceptions import InvalidParameterError
from gbimb.metrics import METRICS
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from distributed import Client
    from numpy.typing import NDArray

NO_COSTS: Final[Mapping[str, Any]] = MappingProxyType({})
MOST_ROWS: Final = 500_000
"""Rows whose probabilities travel; of more, as many are drawn at random."""
OWN = ("n_workers_", "bytes_per_round_")

Init = TypeVar("Init", bound="Callable[..., None]")


class DaskPredictions(DecidingClassifier):
    """Lazy predictions, and the way to the local estimator: the same for all that fit on Dask.

    Attributes
    ----------
    client : distributed.Client or None
    """

    client: Client | None
    _local_class: type[Any]

    def to_local(self) -> Any:  # an estimator of the local class
        """Return the fitted local estimator, which needs no cluster and can be saved."""
        check_is_fitted(self)
        local = self._untrained()
        left_out = {*self._get_param_names(), *OWN}
        fitted = {name: value for name, value in vars(self).items() if name not in left_out}
        vars(local).update(fitted)
        return local

    def predict(self, X: Any, *, cost_fp: Any = None, cost_fn: Any = None) -> Any:
        """Return labels, shape (n,): lazily, as a Dask Array, for a Dask collection or a source.

        ``cost_fp`` and ``cost_fn`` are as in the local estimator, those of each row a Dask Series
        or Array with the partitions of X.
        """
        costs = {"cost_fp": cost_fp, "cost_fn": cost_fn}
        given = {name: cost for name, cost in costs.items() if cost is not None}
        if given:
            check_both(self._n_classes(), cost_fp, cost_fn)
        return self._lazily(X, "predict", None, given)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class in ``classes_``, shape (n, K); lazily as above."""
        return self._lazily(X, "predict_proba", self._n_classes())

    def raw_score(self, X: Any) -> Any:
        """Return the raw score of each row, shape (n,) or (n, K); lazily as above."""
        return self._scores(X, "raw_score")

    def decision_function(self, X: Any) -> Any:
        """Return scores that decide as ``predict`` does, shape (n,) or (n, K); lazily as above."""
        return self._scores(X, "decision_function")

    def _scores(self, X: Any, method: str) -> Any:
        k = self._n_classes()
        return self._lazily(X, method, None if k == 2 else k)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the local estimator to a file that :func:`gbimb.load` reads."""
        self.to_local().save(path)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the client out: it belongs to this process."""
        state: dict[str, Any] = super().__getstate__()
        return {**state, "client": None}

    def __sklearn_clone__(self) -> DaskPredictions:
        """Copy the parameters; the client is shared."""
        return type(self)(client=self.client, **self._untrained().get_params(deep=False))

    def _n_classes(self) -> int:
        check_is_fitted(self)
        return int(self.classes_.size)

    def _lazily(
        self, X: Any, method: str, columns: int | None, costs: Mapping[str, Any] = NO_COSTS
    ) -> Any:
        local = self.to_local()
        if isinstance(X, ParquetSource):
            named = [cost for cost in costs.values() if isinstance(cost, str)]
            whole = self._read(X, named)
            costs = {k: whole[v] if isinstance(v, str) else v for k, v in costs.items()}
            X = whole[self._names(X)]
        if not is_collection(X):
            return getattr(local, method)(X, **costs)
        dtype = self.classes_.dtype if method == "predict" else np.dtype(np.float64)
        return predict_lazily(local, X, method, dtype, columns, costs=costs)

    def _look_at(self, X_new: Any) -> NewRows:
        local = self.to_local()
        if isinstance(X_new, ParquetSource):
            X_new = self._read(X_new)
        return look_at(local, X_new) if is_collection(X_new) else NewRows.of(local, X_new)

    def _names(self, source: ParquetSource) -> list[str]:
        return list(getattr(self, "feature_names_in_", source.features))

    def _read(self, source: ParquetSource, more: Sequence[str] = ()) -> Any:
        """Return what the model needs of a source, and ``more`` columns, as a Dask DataFrame."""
        names = list(dict.fromkeys([*self._names(source), *more]))
        source.require_columns(names)
        return read_parquet(source, names)

    def _untrained(self) -> Any:
        names = [name for name in self._get_param_names() if name != "client"]
        return self._local_class(**{name: clone(getattr(self, name), safe=False) for name in names})


def local_parameters(local: type[DecidingClassifier]) -> Callable[[Init], Init]:
    """Let a constructor show the parameters of a local estimator, and ``client``."""

    def show(init: Init) -> Init:
        there = inspect.signature(local).parameters.values()
        own = inspect.signature(init)
        some = [own.parameters[name] for name in ("self", "client")]
        signature = own.replace(parameters=[some[0], *there, some[1]])
        init.__signature__ = signature  # type: ignore[attr-defined]  # scikit-learn reads it
        return init

    return show


def has_area(name: str) -> bool:
    """Return whether a metric is an area under a curve, which cannot be added up over workers."""
    return name in METRICS and METRICS[name].area is not None


def refuse_areas(eval_metric: str | Sequence[str]) -> None:
    """Raise if a metric is watched that cannot be added up over workers."""
    names = (eval_metric,) if isinstance(eval_metric, str) else eval_metric
    for name in names:
        if has_area(name):
            msg = (
                f"eval_metric must be a function of counts on Dask, such as 'mcc', 'f1' or "
                f"'fbeta:2', or 'log_loss', got {name!r}: it wants all scores in one place."
            )
            raise InvalidParameterError(msg)


def refuse_checkpoints(estimator: Any) -> None:  # any of this package
    """Raise if rounds are to be saved: they live on the workers."""
    if estimator.checkpoint_path is not None or getattr(estimator, "keep_on_interrupt", False):
        msg = (
            "checkpoint_path and keep_on_interrupt would be ignored on Dask: the rounds live on "
            "the workers. Leave them out; a fit that loses a worker raises a ClusterError."
        )
        raise InvalidParameterError(msg)


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


def look_at(local: Any, X: Any, most: int = MOST_ROWS) -> NewRows:  # any local estimator
    """Return what the rows of a Dask DataFrame or Array say; their columns stay on the workers."""
    look, size, thin = delayed(_look), delayed(_size), delayed(_thin)
    model = delayed(local)
    blocks = renamed(blocks_of(as_collection(X), "X_new"))
    parts = dask.persist(*[look(block, model) for block in blocks])
    sizes = dask.compute(*[size(part) for part in parts])
    total = sum(sizes)
    check_rows(total)
    share = min(1.0, most / total)
    there = [(i, part) for i, (part, n) in enumerate(zip(parts, sizes, strict=True)) if n]
    return NewRows.merge(dask.compute(*[thin(part, share, i) for i, part in there]))


def _look(block: Any, local: Any) -> NewRows | None:
    return NewRows.of(local, block) if block.shape[0] else None


def _size(rows: NewRows | None) -> int:
    return 0 if rows is None else len(rows.proba)


def _thin(rows: NewRows, share: float, seed: int) -> NewRows:
    """Return about a share of the probabilities; the counts of columns stay those of all rows."""
    if share == 1.0:
        return rows
    drawn = np.random.default_rng([0, seed]).random(len(rows.proba)) < share
    return replace(rows, proba=rows.proba[drawn])
