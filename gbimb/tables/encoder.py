"""From whatever table came in to the matrix that an engine bins.

Categories become whole numbers in an order that is fixed at ``fit``, missing values NaN. For
categories that were not there at ``fit``, and missing values in columns that had none, stands a
typical value. Numeric arrays pass without a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gbimb.decisions.marginals import Marginals
from gbimb.exceptions import InvalidTypeError
from gbimb.tables.columns import UNKNOWN, Column, encode, read_column
from gbimb.tables.parquet.stream import StreamedFrame, StreamedMatrix
from gbimb.tables.typical import Observed, Tally, Typical, tally_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class TableEncoder:
    """The columns of the table that an estimator was fitted on.

    Attributes
    ----------
    columns : tuple of Column
        Empty if the table was a plain array.
    typical : Typical or None
        What stands in for values that training never saw; None takes them for missing, as files
        of version 0.1 did.
    marginals : Marginals or None
        How the values of columns are spread in each class; None is not known.
    """

    columns: tuple[Column, ...] = field(default=())
    typical: Typical | None = None
    marginals: Marginals | None = field(default=None, compare=False)

    @classmethod
    def fit(cls, X: object) -> TableEncoder:
        """Read the columns of ``X``, a data frame from :func:`as_frame`; arrays have none."""
        if isinstance(X, StreamedFrame):
            found = X.categories()
            days = X.source.days
            return cls(
                tuple(
                    Column(name, *found.get(name, (None, "days" if name in days else None)))
                    for name in X.columns
                )
            )
        if not isinstance(X, pd.DataFrame):
            return cls()
        return cls(tuple(read_column(str(name), X.iloc[:, i]) for i, name in enumerate(X.columns)))

    def having_seen(self, *observed: Observed) -> TableEncoder:
        """Return the same with the typical values, and the spread, of the rows that were seen."""
        rows = Observed.merge(observed)
        spread = Marginals.of(rows.sample, rows.codes, rows.weight)
        return replace(self, typical=rows.typical(self.categorical), marginals=spread)

    @property
    def categorical(self) -> list[int]:
        """Positions of the columns with categories that have no order."""
        return [i for i, column in enumerate(self.columns) if column.is_nominal]

    def numbers(self, n_features: int) -> list[int]:
        """Return the positions of the other columns, of so many."""
        return sorted({*range(n_features)}.difference(self.categorical))

    def transform(
        self, X: object, tally: Tally | None = None
    ) -> Any:  # an ndarray, a SciPy matrix or a stream
        """Return ``X`` as a float matrix in which categories are whole numbers.

        Warns of values that training never saw, once all rows that ``tally`` counts are there.
        """
        if isinstance(X, StreamedFrame):
            return StreamedMatrix(X, partial(self.transform, tally=Tally(len(X))), X)
        n_rows = X.shape[0]  # type: ignore[attr-defined]
        tally = tally or tally_of(n_rows)
        if isinstance(X, pd.DataFrame):
            X = self._transform_frame(X, tally)
        elif self.typical is not None and (new := self.typical.missing_in(X)).size:
            names = [c.name for c in self.columns] or [f"x{j}" for j in range(X.shape[1])]  # type: ignore[attr-defined]
            X = self.typical.fill(X, new, tally, names)
        tally.finish(n_rows)
        return X

    def _transform_frame(self, X: pd.DataFrame, tally: Tally) -> NDArray[Any]:
        columns = self.columns
        if not columns:  # fitted on an array, which has numbers only
            columns = tuple(Column(str(name), None) for name in X.columns)
        X = in_fitted_order(X, [column.name for column in columns])
        values = [self._encode(X.iloc[:, i], columns[i], i, tally) for i in range(len(columns))]
        wide = any(v.dtype == np.float64 for v in values)
        out = np.empty((len(X), len(values)), np.float64 if wide else np.float32)
        for i, v in enumerate(values):
            out[:, i] = v
        return out

    def _encode(
        self, values: pd.Series[Any], column: Column, place: int, tally: Tally
    ) -> NDArray[Any]:
        """Return a column as numbers, with the typical value for what training never saw."""
        codes = encode(values, column)
        unknown = codes == UNKNOWN if column.categories is not None else None
        if unknown is not None and unknown.any():
            codes[unknown] = np.nan if self.typical is None else self.typical.values[place]
            if self.typical is not None:
                example = values.iloc[int(np.argmax(unknown))]
                tally.add(column.name, unknown=int(unknown.sum()), example=example)
        if self.typical is not None and self.typical.complete[place]:
            missing = np.isnan(codes)
            if missing.any():
                codes = np.where(missing, codes.dtype.type(self.typical.values[place]), codes)
                tally.add(column.name, missing=int(missing.sum()))
        return codes

    def refuse_array(self, X: object) -> None:
        """Raise for an array where there were categories, whose numbers it cannot know."""
        words = [column.name for column in self.columns if column.categories is not None]
        if words:
            msg = (
                f"X must be a data frame, as at fit, for the column {words[0]!r} holds categories, "
                f"got an array of shape {getattr(X, 'shape', None)}."
            )
            raise InvalidTypeError(msg)


def learn_columns(
    table: object, codes: NDArray[Any], weight: NDArray[Any] | None
) -> tuple[TableEncoder, Any]:
    """Return how the columns of a table are read, and its rows as a float matrix."""
    encoder = TableEncoder.fit(table)
    matrix = encoder.transform(table)
    return see_rows(encoder, matrix, codes, weight), matrix


def see_rows(
    encoder: TableEncoder,
    matrix: Any,  # as it was encoded
    codes: NDArray[Any],
    weight: NDArray[Any] | None,
) -> TableEncoder:
    """Return the encoder with the typical values of training rows."""
    parts = matrix.batches() if isinstance(matrix, StreamedMatrix) else [matrix]
    return encoder.having_seen(Observed.of(parts, codes, weight))


def encoder_of(estimator: BaseEstimator) -> TableEncoder | None:
    """Return how the columns that an estimator was fitted on become numbers."""
    model = getattr(estimator, "model_", None)
    return None if model is None else model.schema.encoder


def in_fitted_order(X: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the columns in the order of ``names``, if these are their names."""
    there = [str(name) for name in X.columns]
    if there == names or sorted(there) != sorted(names):
        return X
    return X.iloc[:, [there.index(name) for name in names]]
