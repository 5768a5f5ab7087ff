"""Any table as a data frame, an array, a CSR matrix or a stream, checked as scikit-learn does."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.validation import validate_data

from gbimb.engines.histograms import histogram_bytes
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidTypeError
from gbimb.json_text import shown
from gbimb.tables.columns import LARGEST_FLOAT32_INTEGER
from gbimb.tables.encoder import encoder_of, in_fitted_order
from gbimb.tables.memory import check_room
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.parquet.stream import StreamedFrame
from gbimb.validation import refuse_masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

BYTES_PER_ROW: Final = 60  # labels, raw scores, gradient and curvature
COPIED: Final = 4  # bytes of a value in the float32 copy of what is no float array
WIDE: Final = ("Int128", "UInt128")  # of polars, which neither NumPy nor Arrow has
_FLOATS: Final = (np.dtype(np.float32), np.dtype(np.float64))


def as_frame(X: object) -> object:
    """Return polars and Arrow tables, and arrays with text, as a pandas data frame.

    Anything else is returned as it is.
    """
    module = type(X).__module__.partition(".")[0]
    if module in ("polars", "pyarrow") and hasattr(X, "__arrow_c_stream__"):
        return _to_pandas(X)
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and _has_text(X):
        return pd.DataFrame(X).infer_objects()
    return X


def _to_pandas(X: Any) -> pd.DataFrame:  # a polars or Arrow table
    """Return a data frame, texts as categories, whole numbers of 128 bits as float64."""
    kinds = zip(X.columns, getattr(X, "dtypes", ()), strict=False)
    if wide := [name for name, kind in kinds if str(kind) in WIDE]:
        X = X.with_columns(*(X[name].cast(float) for name in wide))
    import pyarrow as pa

    table = pa.table(X)
    for i, column in enumerate(table.schema):
        kind = column.type
        if pa.types.is_dictionary(kind) and pa.types.is_unsigned_integer(kind.index_type):
            # Signed codes are what every version of pyarrow gives to pandas.
            signed = pa.dictionary(pa.int64(), kind.value_type, kind.ordered)
            table = table.set_column(i, column.with_type(signed), table.column(i).cast(signed))
    frame: pd.DataFrame = table.to_pandas(strings_to_categorical=True, date_as_object=False)
    return frame


def _has_text(X: NDArray[Any]) -> bool:
    """Whether some values are text, and all others numbers or missing."""
    kinds = {type(value) for value in X.ravel()}
    words = [kind for kind in kinds if issubclass(kind, str)]
    rest = kinds - set(words) - {type(None), type(pd.NA)}
    return bool(words) and all(issubclass(kind, Real | Decimal | np.bool_) for kind in rest)


def read_table(estimator: BaseEstimator, X: object, *, reset: bool, name: str = "X") -> object:
    """Check ``X`` as scikit-learn does and return a data frame, an array or a CSR matrix.

    Of a ParquetSource, return the columns wanted as a streamed frame. Columns of a data frame
    that are in another order than at ``fit`` are put in that order.

    Sets or checks ``n_features_in_`` and ``feature_names_in_``.

    Raises
    ------
    InvalidDataError
        If the table is empty, a column name is there twice, or columns are not those of ``fit``.
    InvalidTypeError
        If it is no table, or holds what has no order and no categories.
    """
    if isinstance(X, ParquetSource):
        return _read_source(estimator, X, reset=reset)
    check_table(X, name)
    if reset:
        _check_room(X, name)
    with table_errors(X, name):
        X = as_frame(X)
    if isinstance(X, pd.DataFrame):
        _check_frame(X, name)
        if not reset and hasattr(estimator, "feature_names_in_"):
            X = _with_fitted_columns(X, list(estimator.feature_names_in_), name)
        with table_errors(X, name):
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    if not reset and (encoder := encoder_of(estimator)) is not None:
        encoder.refuse_array(X)
    if not reset and _is_plain(estimator, X):
        return X
    with table_errors(X, name):
        return validate_data(
            estimator,
            X,
            reset=reset,
            dtype=_float_types(X),
            accept_sparse="csr",
            ensure_all_finite="allow-nan",
        )


def _is_plain(estimator: BaseEstimator, X: object) -> bool:
    """Whether scikit-learn's checks, which take as long as a row's trees, would return X itself.

    False says nothing: they have the sentence, or let missing values pass.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or not X.size or X.dtype not in _FLOATS:
        return False
    if X.shape[1] != estimator.n_features_in_ or hasattr(estimator, "feature_names_in_"):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()))


def _float_types(X: Any) -> list[type[np.floating[Any]]]:  # any array
    """Return what floats X may stay as, first the one that what is no float becomes.

    It is float32 where that holds every value, as of a data frame.
    """
    values = X.tocsr().data if sparse.issparse(X) else X
    dtype = getattr(X, "dtype", None)
    kind, size = (dtype.kind, dtype.itemsize) if isinstance(dtype, np.dtype) else ("O", 0)
    exact = kind == "b" or (kind in "iuf" and size <= 2)
    if kind in "iu" and not exact and values.size:
        lowest, highest = int(values.min()), int(values.max())
        exact = lowest >= -LARGEST_FLOAT32_INTEGER and highest <= LARGEST_FLOAT32_INTEGER
    return [np.float32, np.float64] if exact else [np.float64, np.float32]


def _check_room(X: Any, name: str) -> None:  # any table
    """Refuse a table whose bins would not fit into memory, before it is looked at."""
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2:
        return
    n_rows, n_columns = shape
    values = X.nnz if sparse.issparse(X) else n_rows * n_columns
    floats = getattr(X, "dtype", None) in (np.float32, np.float64) and not sparse.issparse(X)
    estimate = values * (1 if floats else 1 + COPIED) + n_rows * BYTES_PER_ROW
    estimate += histogram_bytes(n_rows, n_columns, values)
    check_room(estimate, f"Training on {name} with {n_rows:,} rows of {n_columns:,} columns")


def _with_fitted_columns(X: pd.DataFrame, names: list[str], name: str) -> pd.DataFrame:
    there = X.columns.tolist()
    if not all(isinstance(column, str) for column in there):
        return X  # scikit-learn has a sentence about such names
    lacks = [column for column in names if column not in there]
    more = [column for column in there if column not in names]
    if lacks or more:
        parts = [f"none named {lacks[0]!r}"] if lacks else []
        parts += [f"{more[0]!r}, which was not there"] if more else []
        msg = (
            f"The feature names should match those that were passed during fit: {name} must have "
            f"the same {len(names)} columns, in any order, got {' and '.join(parts)}."
        )
        raise InvalidDataError(msg)
    return in_fitted_order(X, names)


def _read_source(estimator: BaseEstimator, source: ParquetSource, *, reset: bool) -> StreamedFrame:
    names = source.features if reset else getattr(estimator, "feature_names_in_", source.features)
    source.kinds(names)
    named = reset or hasattr(estimator, "feature_names_in_")
    no_rows = pd.DataFrame(columns=names) if named else np.empty((0, len(names)))
    validate_data(estimator, no_rows, reset=reset, skip_check_array=True)
    return StreamedFrame(source, tuple(names))


def as_rows(estimator: BaseEstimator, frame: pd.DataFrame) -> Any:
    """Return a piece of a source as what a fitted estimator knows: a frame, or an array."""
    if hasattr(estimator, "feature_names_in_"):
        return frame
    return frame.to_numpy(np.float64, na_value=np.nan)


def take(table: Any, rows: Any) -> Any:  # any table, row numbers or a slice
    """Return some rows of a data frame, an array or a CSR matrix."""
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def _check_frame(X: pd.DataFrame, name: str) -> None:
    if X.shape[0] == 0 or X.shape[1] == 0:
        msg = (
            f"{name} must have a row and a column, got shape {X.shape}: Found array with "
            f"{X.shape[0]} sample(s) and {X.shape[1]} feature(s) while a minimum of 1 is required "
            "of each."
        )
        raise InvalidDataError(msg)
    if X.columns.nlevels > 1:
        msg = (
            f"{name} must have one name a column, got names of {X.columns.nlevels} levels. "
            "Join them, for example with columns.map('_'.join)."
        )
        raise InvalidDataError(msg)
    try:
        repeated = X.columns[X.columns.duplicated()]
    except TypeError:  # lists and dicts have no hash
        msg = f"Column names of {name} must be texts, got {shown(list(X.columns))}. Rename them."
        raise InvalidTypeError(msg) from None
    if len(repeated):
        msg = f"Column names must differ, got {repeated[0]!r} more than once. Rename one of them."
        raise InvalidDataError(msg)


TABLE: Final = "a table of numbers, an array or data frame of shape (n, n_features)"
NO_NUMBERS: Final = "SVmMc"


def check_table(X: object, name: str) -> None:
    """Raise for what NumPy would turn into something else silently."""
    refuse_masked(X, name)
    _check_sparse(X, name)
    if X is None or isinstance(X, str | bytes | dict) or not hasattr(X, "__len__"):
        if sparse.issparse(X) or hasattr(X, "__array__") or hasattr(X, "__arrow_c_stream__"):
            return
        msg = f"{name} must be {TABLE}, got {what(X)}."
        raise InvalidTypeError(msg)
    if _is_one_column(X):
        msg = (
            f"{name} must be {TABLE}, got {what(X)}: Expected 2D array, got 1D array instead. "
            "Reshape your data: reshape(-1, 1) makes one feature of it, reshape(1, -1) one row."
        )
        raise InvalidDataError(msg)
    dtype = getattr(X, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in NO_NUMBERS:
        named = {"S": "bytes", "V": "records"}.get(dtype.kind, "values")
        msg = f"{name} must be {TABLE}, got {named} of dtype {dtype}."
        if dtype.kind == "c":  # a ValueError, as scikit-learn wants it
            msg = f"{msg} Complex data not supported."
            raise InvalidDataError(msg)
        raise InvalidTypeError(msg)


def _check_sparse(X: Any, name: str) -> None:
    """Refuse a sparse matrix whose indices lead out of its arrays: the engines would follow."""
    kind = getattr(X, "format", None) if sparse.issparse(X) else None
    try:
        if kind in {"csr", "csc", "bsr"}:
            X.check_format(full_check=True)
        elif kind == "coo" and X.nnz:
            X.__class__((X.data, X.coords), shape=X.shape)  # checks them
    except (ValueError, IndexError) as error:
        msg = f"{name} must be a sound sparse matrix, got one of shape {X.shape}: {error}."
        raise InvalidDataError(msg) from None


def _is_one_column(X: Any) -> bool:
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) == 1
    return hasattr(X, "type") and hasattr(X, "to_pylist") and not hasattr(X, "schema")


@contextmanager
def table_errors(X: object, name: str) -> Iterator[None]:
    """Say which argument it is that scikit-learn refuses."""
    try:
        yield
    except GbimbError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        kind = InvalidTypeError if isinstance(error, TypeError) else InvalidDataError
        reason = str(error).rstrip(". \n")
        msg = f"{name} must be {TABLE}, got {what(X)}: {reason}."
        raise kind(msg) from None
    except MemoryError:
        raise
    except Exception as error:  # of a method of X
        msg = f"{name} must be {TABLE}, got {what(X)} that raises {error!r:.80}."
        raise InvalidTypeError(msg) from error


def what(X: object) -> str:
    """Return a few words for a value."""
    kind = type(X).__name__
    shape = getattr(X, "shape", None)
    if shape is None:
        return "None" if X is None else f"{kind} {shown(X)}" if np.isscalar(X) else f"a {kind}"
    return f"a {'NumPy array' if kind == 'ndarray' else kind} of shape {shape}"
