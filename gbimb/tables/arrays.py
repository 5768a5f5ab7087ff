"""What is no table, said in a sentence before scikit-learn looks at it, or after."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from gbimb.exceptions import GbimbError, InvalidDataError, InvalidTypeError
from gbimb.json_text import shown
from gbimb.validation import refuse_masked

if TYPE_CHECKING:
    from collections.abc import Iterator

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
