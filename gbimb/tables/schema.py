"""The columns and classes that a model was trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.tables.encoder import TableEncoder


@dataclass(frozen=True, eq=False)
class Schema:
    """Number, names and kinds of the columns of a table.

    Attributes
    ----------
    encoder : TableEncoder
        How each column becomes numbers.
    n_features : int
    names : object array of shape (n_features,) or None
        None for an array, whose columns have no names.
    """

    encoder: TableEncoder
    n_features: int
    names: NDArray[Any] | None = None

    @classmethod
    def of(cls, estimator: Any, encoder: TableEncoder) -> Schema:
        """Return the schema of the table that ``read_table(estimator, ..., reset=True)`` read."""
        names = getattr(estimator, "feature_names_in_", None)
        return cls(encoder, int(estimator.n_features_in_), names)

    def without_marginals(self) -> Schema:
        """Return the same without how values are spread in each class."""
        return replace(self, encoder=replace(self.encoder, marginals=None))

    def shown_names(self) -> list[str]:
        """Return a name for each column, made up for those of an array."""
        if self.names is None:
            return [f"x{i}" for i in range(self.n_features)]
        return [str(name) for name in self.names]

    def engine_names(self) -> list[str]:
        """Return the names with what the engines refuse in names replaced by "_"."""
        safe = [
            re.sub(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\[\]{}\",:<>\\]", "_", name) or "_"
            for name in self.shown_names()
        ]
        if len(set(safe)) == self.n_features:
            return safe
        return [f"{name}_{i}" for i, name in enumerate(safe)]


@dataclass(frozen=True, eq=False)
class Classes:
    """Labels, and the positive one of two.

    Three numberings of two classes meet here. *Codes* are positions in ``labels``, which rise;
    columns of ``predict_proba`` have that order. *Targets* are what the engines train on: 1 is the
    positive class, wherever its label stands. For more classes targets are codes.

    Attributes
    ----------
    labels : array of shape (K,)
        Rising.
    positive : label, or None for more than two
    """

    labels: NDArray[Any]
    positive: Any

    @property
    def size(self) -> int:
        """Number of classes, K."""
        return int(self.labels.size)

    @property
    def n_outputs(self) -> int:
        """Raw scores a row: 1 for two classes, K for more."""
        return 1 if self.size == 2 else self.size

    @property
    def positive_code(self) -> int:
        """Code of the positive one of two classes."""
        return int(np.flatnonzero(self.labels == self.positive)[0])

    @property
    def swapped(self) -> bool:
        """Whether codes and targets run in opposite order: the positive label is the first."""
        return self.size == 2 and self.positive_code == 0

    def in_other_order(self, of_classes: NDArray[Any]) -> NDArray[Any]:
        """Return values by target, shape (K,) or (m, K), given by code, or the other way round."""
        return of_classes[..., ::-1] if self.swapped else of_classes

    def targets(self, codes: IntArray) -> NDArray[np.float32]:
        """Return what an engine trains on, shape (n,)."""
        return (1 - codes if self.swapped else codes).astype(np.float32)

    def codes(self, targets: NDArray[Any]) -> IntArray:
        """Return the codes of targets, shape (n,)."""
        whole = targets.astype(np.intp)
        return 1 - whole if self.swapped else whole

    def columns(self, proba: FloatArray) -> FloatArray:
        """Return a column for each class, shape (n, K).

        Parameters
        ----------
        proba : float64 array of shape (n,) or (n, K)
            Of the positive class of two, or of each of more.
        """
        if proba.ndim == 2:
            return proba
        pair = (proba, 1.0 - proba) if self.swapped else (1.0 - proba, proba)
        return np.column_stack(pair)

    def positive_of(self, columns: FloatArray) -> FloatArray:
        """Return the column of the positive class of two, shape (n,); all columns of more."""
        return columns[:, self.positive_code] if self.size == 2 else columns
