"""One quantised table, and boosters on parts of it: what the estimators use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb

from gbimb.array_types import RowStream
from gbimb.engines.histograms import (
    ENTRY_BYTES,
    LEAVES,
    WIDE_ROWS_IN_BIN,
    is_wide,
    most_bins,
    n_values,
    pool_bytes,
)
from gbimb.engines.parameters import max_bin
from gbimb.engines.xgboost.member import Columns, Member
from gbimb.engines.xgboost.native import DMatrixRows, declared_start
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.validation import as_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array, Matrix
    from gbimb.losses import Loss

LISTENS = False
SAMPLE_ROWS = 400_000

MAX_BIN = 256
FEWEST_BINS = 16
FEWEST_KEPT = 4  # histograms of a booster: of two leaves and their parents

# Below this share of the rows a matrix of their own is worth its memory.
SMALL_SHARE = 0.5

RANDOM_BY_TREE = {"colsample_bylevel", "colsample_bynode"}

MODELS_ARE_BYTES = True

EngineError: type[Exception] = xgb.core.XGBoostError
"""What XGBoost raises."""


class Bins:
    """A table binned once, from which boosters on parts of its rows are made.

    Rows that are held out have weight zero, which is exactly as if they were absent, while one
    quantised matrix serves every part. A small part gets a matrix of its own with the same bins.
    """

    def __init__(
        self,
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        *,
        categorical: Sequence[int],
        feature_names: Sequence[str],
        params: Mapping[str, Any],
    ) -> None:
        many = "num_class" in params
        self._params = {
            **_limits_if_wide(X, max_bin(params, MAX_BIN)),
            **params,
            "objective": "multi:softprob" if many else "binary:logistic",
            "disable_default_eval_metric": 1,
        }
        self._X = X
        self._y = as_float32(y)
        self._weight = None if weight is None else as_float32(weight)
        nominal = set(categorical)
        types = ["c" if i in nominal else "q" for i in range(X.shape[1])]
        self._columns = Columns(list(feature_names), types)
        # XGBoost would read all names anew several times a round: the models get them at the end.
        self._options = {
            "feature_types": types if nominal else None,
            "enable_categorical": True,
            "nthread": params.get("nthread"),
        }
        # Weights would move the bins: they stay with the objective.
        self._dmatrix = _quantised(
            X, self._y, max_bin=self._params.get("max_bin", MAX_BIN), **self._options
        )

    def external(
        self,
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
    ) -> xgb.DMatrix:
        """Return further rows, cut with the same bins."""
        del weight
        return _quantised(X, as_float32(y), ref=self._dmatrix, **self._options)

    def member(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
        params: Mapping[str, Any],
        *,
        dmatrix: xgb.DMatrix | None = None,
    ) -> Member:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``.

        ``params`` go before those of the bins; ``dmatrix`` are all rows, if not the bins' own.
        """
        params = {**self._params, **params, "base_score": declared_start(start)}
        if dmatrix is None and train is not None and train.size < SMALL_SHARE * self._y.size:
            if isinstance(held_out, np.ndarray):
                held_out = self._copy_of(held_out)
            weight = None if self._weight is None else self._weight[train]
            rows = DMatrixRows(self._y[train], weight)
            return Member(loss, params, self._copy_of(train), rows, held_out, columns=self._columns)
        weight = self._weight
        if train is not None:
            # How often each row is there: drawn with replacement, more than once.
            weight = np.bincount(train, minlength=self._y.size).astype(np.float32)
            if self._weight is not None:
                weight *= self._weight
        rows = DMatrixRows(self._y, weight)
        return Member(loss, params, dmatrix or self._dmatrix, rows, held_out, columns=self._columns)

    def restored(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
        params: Mapping[str, Any],
        *,
        model: str,
        rounds: int,
        held_out_matrix: Matrix | None,
    ) -> Member:
        """Return the member whose first ``rounds`` rounds are ``model``, as if it trained them.

        The margins of the rounds become the ``base_margin`` of its rows. XGBoost's sampler of
        columns is brought to where it was by as many rounds without a gradient.
        """
        del held_out_matrix
        saved = xgb.Booster({"nthread": self._params.get("nthread")})
        saved.load_model(bytearray(model, "utf-8"))
        own = self.external(self._X, self._y, None)  # other members have other margins
        for dmatrix in (own, held_out):
            if isinstance(dmatrix, xgb.DMatrix):
                dmatrix.set_base_margin(
                    saved.predict(dmatrix, output_margin=True, validate_features=False)
                )
        member = self.member(loss, start, train, held_out, params, dmatrix=own)
        member.replay(model, rounds)
        return member

    def member_on(  # noqa: PLR0917  as the Protocol has it
        self,
        loss: Loss,
        start: NDArray[np.float64],
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        held_out: xgb.DMatrix | None,
        join: Callable[[], object],
    ) -> Member:
        """Return a booster for other rows than those that the bins were cut from.

        ``join`` meets the other processes, after this: they would cut bins together.
        """
        params = {**self._params, "base_score": declared_start(start)}
        rows = DMatrixRows(as_float32(y), None if weight is None else as_float32(weight))
        own = self.external(X, y, weight)
        member = Member(loss, params, own, rows, held_out, columns=self._columns)
        join()
        return member

    def _copy_of(self, rows: NDArray[np.intp]) -> xgb.DMatrix:
        rows = np.sort(rows)
        return self.external(self._X[rows], self._y[rows], None)


def _limits_if_wide(X: Matrix, max_bin: int) -> dict[str, Any]:
    """Return parameters that limit the histograms of one of several boosters on a wide table.

    XGBoost makes room for all leaves of a level at once, however few it may keep: so trees grow
    leaf by leaf, down to the same depth.
    """
    if not is_wide(X, max_bin, LEAVES):
        return {}
    n_rows, n_columns = X.shape
    max_bin = max(FEWEST_BINS, min(max_bin, n_rows // WIDE_ROWS_IN_BIN))
    n_bins = most_bins(n_rows, n_columns, n_values(X), max_bin)
    leaf = ENTRY_BYTES * n_bins
    kept = pool_bytes(X, leaf, LEAVES) // leaf
    return {
        "max_bin": max_bin,
        "grow_policy": "lossguide",
        "max_cached_hist_node": max(FEWEST_KEPT, kept),
    }


class _Batches(xgb.DataIter):
    """A stream of rows as XGBoost reads it, several times over."""

    def __init__(self, X: RowStream, options: Mapping[str, Any]) -> None:
        super().__init__()
        self._X = X
        self._options = options
        self._batches = X.batches()

    def reset(self) -> None:
        """Start anew."""
        self._batches = self._X.batches()

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next rows."""
        rows = next(self._batches, None)
        if rows is not None:
            input_data(data=rows, **self._options)
        return rows is not None


def _quantised(X: Matrix, y: Float32Array, **options: Any) -> xgb.QuantileDMatrix:
    try:
        if isinstance(X, RowStream):
            types = {"feature_types": options.pop("feature_types")}
            return xgb.QuantileDMatrix(_Batches(X, types), **options)
        return xgb.QuantileDMatrix(X, y, **options)
    except xgb.core.XGBoostError as error:
        if "value too large" not in str(error):
            raise
        msg = "X must hold numbers below 3.4e38 in size: XGBoost keeps them as float32. Scale them."
        raise InvalidDataError(msg) from None


StreamedBins = Bins  # streams are quantised as they come, with bins of all their rows


def check_resumable(params: Mapping[str, Any]) -> None:
    """Refuse parameters under which XGBoost's sampler depends on the trees grown."""
    for name in sorted(params.keys() & RANDOM_BY_TREE):
        msg = (
            f"engine_params must not hold {name!r} beside checkpoint_path: what it draws cannot be "
            "brought back. Leave one of them out."
        )
        raise InvalidParameterError(msg)


def training_bytes(n_rows: int, n_features: int, n_outputs: int) -> int:
    """Estimate the memory that training on a stream takes at its peak."""
    # Of a row: with missing values four bytes for each value, and one for the copy by column.
    return n_rows * (5 * n_features + 50 + 40 * n_outputs) + 300_000_000


def prepare_thread() -> None:
    """Do nothing: XGBoost's log level is part of a booster."""
