"""The validation rows that a user gave to ``fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.parquet.source import ParquetSource
from gbimb.training.rows import EngineTable, Fold

if TYPE_CHECKING:
    from collections.abc import Sequence


def arrays_of(folds: Sequence[Fold]) -> list[Any]:
    """Return the arrays of validation rows that were given to ``fit``."""
    tables = [fold.held_out for fold in folds if isinstance(fold.held_out, EngineTable)]
    return [part for table in tables for part in (table.matrix, table.y, table.weight)]


def one_validation_set(
    X_val: object, y_val: object, weight: object, eval_set: Sequence[tuple[Any, Any]] | None
) -> tuple[Any, Any, Any] | None:
    """Return table, labels and weights, given in one way or the other; None if there are none."""
    if eval_set is not None:
        if X_val is not None or y_val is not None:
            msg = "Give either X_val and y_val or eval_set, got both."
            raise InvalidParameterError(msg)
        X_val, y_val = _pair(eval_set)
    if X_val is None and y_val is None:
        if weight is not None:
            msg = "sample_weight_val belongs to X_val and y_val, got neither. Give them too."
            raise InvalidDataError(msg)
        return None
    if X_val is None or (y_val is None and not isinstance(X_val, ParquetSource)):
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        msg = f"X_val and y_val must be given together, got only {given}, no {missing}."
        raise InvalidDataError(msg)
    return X_val, y_val, weight


def _pair(eval_set: Any) -> tuple[Any, Any]:
    rule = "eval_set must hold one pair, [(X_val, y_val)]"
    if not isinstance(eval_set, list | tuple):
        msg = f"{rule}, got {eval_set!r:.60}."
        raise InvalidTypeError(msg)
    if len(eval_set) != 1 or not isinstance(eval_set[0], list | tuple) or len(eval_set[0]) != 2:
        parts = [len(part) if isinstance(part, list | tuple) else "no pair" for part in eval_set]
        msg = f"{rule}, got {len(eval_set)} item(s), with parts: {parts}."
        raise InvalidParameterError(msg)
    X_val, y_val = eval_set[0]
    return X_val, y_val
