"""From whatever table came in to the matrix that an engine bins.

Categories become whole numbers in an order that is fixed at ``fit``; missing values and
categories that were not there at ``fit`` become NaN. Numeric arrays pass without a copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt
from scipy import sparse
from sklearn.utils.validation import validate_data

from gbimb.estimators._arrays import check_table, sentences
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.sources import ParquetSource, StreamedFrame, StreamedMatrix, check_room

if TYPE_CHECKING:
    import pyarrow as pa
    from sklearn.base import BaseEstimator

BYTES_PER_ROW = 60  # labels, raw scores, gradient and curvature
COPIED = 4  # bytes of a value in the float32 copy of what is no float array
LARGEST_FLOAT32_INTEGER = 1 << 24
SMALL_INTEGERS = ("int8", "uint8", "int16", "uint16")


@dataclass(frozen=True)
class Column:
    """How one column of a data frame is read: its categories, or None for a number."""

    name: str
    categories: tuple[Any, ...] | None


@dataclass(frozen=True)
class TableEncoder:
    """The columns of the table that an estimator was fitted on.

    Attributes
    ----------
    columns : tuple of Column
        Empty if the table was a plain array.
    """

    columns: tuple[Column, ...] = field(default=())

    @classmethod
    def fit(cls, X: object) -> TableEncoder:
        """Read the columns of ``X``, a data frame from :func:`as_frame`; arrays have none."""
        if isinstance(X, StreamedFrame):
            found = X.categories()
            return cls(tuple(Column(name, found.get(name)) for name in X.columns))
        if not isinstance(X, pd.DataFrame):
            return cls()
        return cls(tuple(_read_column(str(name), X.iloc[:, i]) for i, name in enumerate(X.columns)))

    @property
    def categorical(self) -> list[int]:
        """Positions of the columns with categories."""
        return [i for i, column in enumerate(self.columns) if column.categories is not None]

    def transform(self, X: object) -> Any:  # noqa: ANN401  an ndarray, a SciPy matrix or a stream
        """Return ``X`` as a float matrix in which categories are whole numbers."""
        if isinstance(X, StreamedFrame):
            return StreamedMatrix(X, self.transform, X)
        if not isinstance(X, pd.DataFrame):
            return X
        columns = self.columns
        if not columns:  # fitted on an array, which has numbers only
            columns = tuple(Column(str(name), None) for name in X.columns)
        X = in_fitted_order(X, [column.name for column in columns])
        values = [_encode(X.iloc[:, i], column) for i, column in enumerate(columns)]
        wide = any(v.dtype == np.float64 for v in values)
        out = np.empty((len(X), len(values)), np.float64 if wide else np.float32)
        for i, v in enumerate(values):
            out[:, i] = v
        return out

    def refuse_array(self, X: object) -> None:
        """Raise for an array where there were categories, whose numbers it cannot know."""
        words = [column.name for column in self.columns if column.categories is not None]
        if words:
            msg = (
                f"X must be a data frame, as at fit, for the column {words[0]!r} holds categories, "
                f"got an array of shape {getattr(X, 'shape', None)}."
            )
            raise InvalidTypeError(msg)


def as_frame(X: object) -> object:
    """Return polars and Arrow tables as a pandas data frame; anything else as it is."""
    module = type(X).__module__.partition(".")[0]
    if module in ("polars", "pyarrow") and hasattr(X, "__arrow_c_stream__"):
        import pyarrow as pa

        return _with_signed_codes(pa.table(X)).to_pandas(strings_to_categorical=True)
    return X


def _with_signed_codes(table: pa.Table) -> pa.Table:
    """Return the table with codes of categories that every version of pyarrow gives to pandas."""
    import pyarrow as pa

    for i, column in enumerate(table.schema):
        kind = column.type
        if pa.types.is_dictionary(kind) and pa.types.is_unsigned_integer(kind.index_type):
            signed = pa.dictionary(pa.int64(), kind.value_type, kind.ordered)
            table = table.set_column(i, column.with_type(signed), table.column(i).cast(signed))
    return table


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
    X = as_frame(X)
    if isinstance(X, pd.DataFrame):
        _check_frame(X, name)
        if not reset and hasattr(estimator, "feature_names_in_"):
            X = _with_fitted_columns(X, list(estimator.feature_names_in_), name)
        with sentences(X, name):
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    if not reset and (encoder := encoder_of(estimator)) is not None:
        encoder.refuse_array(X)
    with sentences(X, name):
        return validate_data(
            estimator,
            X,
            reset=reset,
            dtype=[np.float32, np.float64],
            accept_sparse="csr",
            ensure_all_finite="allow-nan",
        )


def _check_room(X: Any, name: str) -> None:  # noqa: ANN401  any table
    """Refuse a table whose bins would not fit into memory, before it is looked at."""
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2:
        return
    n_rows, n_columns = shape
    values = X.nnz if sparse.issparse(X) else n_rows * n_columns
    floats = getattr(X, "dtype", None) in (np.float32, np.float64) and not sparse.issparse(X)
    estimate = values * (1 if floats else 1 + COPIED) + n_rows * BYTES_PER_ROW
    check_room(estimate, f"Training on {name} with {n_rows:,} rows of {n_columns:,} columns")


def encoder_of(estimator: BaseEstimator) -> TableEncoder | None:
    """Return what an estimator, or the one in its bags, learnt about the columns."""
    encoder = getattr(estimator, "_encoder", None)
    return encoder or getattr(getattr(estimator, "_prototype", None), "_encoder", None)


def in_fitted_order(X: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the columns in the order of ``names``, if these are their names."""
    there = [str(name) for name in X.columns]
    if there == names or sorted(there) != sorted(names):
        return X
    return X.iloc[:, [there.index(name) for name in names]]


def _with_fitted_columns(X: pd.DataFrame, names: list[str], name: str) -> pd.DataFrame:
    there = X.columns.tolist()
    if not all(isinstance(column, str) for column in there):
        return X  # scikit-learn has a sentence about such names
    lacks = [column for column in names if column not in there]
    more = [column for column in there if column not in names]
    if lacks or more:
        parts = [f"none called {lacks[0]!r}"] if lacks else []
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


def as_rows(estimator: BaseEstimator, frame: pd.DataFrame) -> Any:  # noqa: ANN401
    """Return a piece of a source as what a fitted estimator knows: a frame, or an array."""
    if hasattr(estimator, "feature_names_in_"):
        return frame
    return frame.to_numpy(np.float64, na_value=np.nan)


def take(table: Any, rows: Any) -> Any:  # noqa: ANN401  any table, row numbers or a slice
    """Return some rows of a data frame, an array or a CSR matrix."""
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def engine_names(estimator: BaseEstimator) -> list[str]:
    """Return the names of the columns with what the engines refuse in names replaced by "_"."""
    n = int(estimator.n_features_in_)
    names = getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(n)])
    safe = [re.sub(r"[\s\[\]{}\",:<>\\]", "_", str(name)) or "_" for name in names]
    return safe if len(set(safe)) == n else [f"{name}_{i}" for i, name in enumerate(safe)]


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
    repeated = X.columns[X.columns.duplicated()]
    if len(repeated):
        msg = f"Column names must differ, got {repeated[0]!r} more than once. Rename one of them."
        raise InvalidDataError(msg)


def _read_column(name: str, values: pd.Series[Any]) -> Column:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(name, tuple(dtype.categories))
    if pdt.is_bool_dtype(dtype) or (pdt.is_numeric_dtype(dtype) and dtype.kind != "c"):
        return Column(name, None)
    if pdt.is_string_dtype(dtype) or pdt.is_object_dtype(dtype):
        return _read_objects(name, values)
    msg = (
        f"Column {name!r} must hold numbers, booleans, strings or categories, got dtype {dtype}. "
        "Turn dates and times into numbers first, for example days since a fixed date."
    )
    raise InvalidTypeError(msg)


def _read_objects(name: str, values: pd.Series[Any]) -> Column:
    present = values.dropna()
    kinds = {type(v) for v in present}
    if kinds <= {bool, int, float, Decimal, np.float64, np.int64, np.bool_}:
        return Column(name, None)
    if kinds != {str}:
        names = _kinds_of(values)
        msg = (
            f"Column {name!r} must hold one kind of value, got objects of types {names}. "
            "Convert it to numbers, or to strings or a pandas category."
        )
        raise InvalidTypeError(msg)
    return Column(name, tuple(sorted(present.unique())))


def _kinds_of(values: pd.Series[Any]) -> list[str]:
    return sorted({type(value).__name__ for value in values.dropna()})


def _encode(values: pd.Series[Any], column: Column) -> np.ndarray[Any, Any]:
    if column.categories is None:
        return _encode_number(values, column.name)
    known = pd.Index(column.categories)
    _check_kind(values, column, known)
    if isinstance(values.dtype, pd.CategoricalDtype):
        # The last one, for the code -1, is a missing value.
        codes = np.append(known.get_indexer(values.cat.categories), -1)[values.cat.codes]
    else:
        codes = known.get_indexer(values)
    encoded = codes.astype(np.float32)
    encoded[codes < 0] = np.nan
    return encoded


def _check_kind(values: pd.Series[Any], column: Column, known: pd.Index[Any]) -> None:
    """Refuse another kind of value than there was: none would be known, all would be missing."""
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    distinct = values.cat.categories if categorical else values
    kind = distinct.dtype
    if values.isna().all() or (pdt.is_numeric_dtype(kind) and pdt.is_numeric_dtype(known.dtype)):
        return
    if pdt.is_object_dtype(kind):
        words = pd.api.types.infer_dtype(distinct, skipna=True) == "string"
        there = "" if words else f"objects of types {_kinds_of(values)}"
    else:
        words, there = pdt.is_string_dtype(kind), f"dtype {kind}"
    were_words = all(isinstance(value, str) for value in column.categories or ())
    if words != were_words:
        held = "strings" if were_words else f"categories of dtype {known.dtype}"
        msg = (
            f"Column {column.name!r} held {held} at fit, got {there}. Convert it as it was, for "
            "example with astype(str)."
        )
        raise InvalidTypeError(msg)


def _encode_number(values: pd.Series[Any], name: str) -> np.ndarray[Any, Any]:
    dtype = values.dtype
    _check_numeric(values, name)
    try:
        if pdt.is_bool_dtype(dtype) or dtype in SMALL_INTEGERS:
            return values.to_numpy(dtype=np.float32, na_value=np.nan)
        wide = np.float32 if dtype == np.float32 else np.float64
        numbers = values.to_numpy(dtype=wide, na_value=np.nan)
    except (TypeError, ValueError):
        msg = (
            f"Column {name!r} was a number at fit, got dtype {dtype} with values that are none. "
            "Convert it to numbers."
        )
        raise InvalidTypeError(msg) from None
    except OverflowError:
        msg = f"Column {name!r} must hold numbers below 1.8e308, got {str(values.max())[:8]}...."
        raise InvalidDataError(msg) from None
    if np.isinf(numbers).any():
        msg = f"Column {name!r} must not contain infinity: Input X contains infinity. Use NaN."
        raise InvalidDataError(msg)
    if dtype.kind in "iu" and np.abs(numbers).max(initial=0) <= LARGEST_FLOAT32_INTEGER:
        return numbers.astype(np.float32)
    return numbers


def _check_numeric(values: pd.Series[Any], name: str) -> None:
    """Refuse what NumPy would turn into numbers without a word."""
    dtype = values.dtype
    kind = values.cat.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    if kind.kind in "mM" or kind.kind == "c" or isinstance(kind, pd.PeriodDtype):
        msg = (
            f"Column {name!r} was a number at fit, got dtype {kind}. Convert it to the numbers "
            "that it was."
        )
        raise InvalidTypeError(msg)
