"""A table with its labels and weights, less the rows that weigh nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.tables.dependence import hint_of, read_dependence
from gbimb.tables.labels import LabelCodes, read_labels, read_weight, unpack
from gbimb.tables.read import read_table, take
from gbimb.tables.remarks.frames import warn_of_columns

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from sklearn.base import BaseEstimator

    from gbimb.array_types import IntArray
    from gbimb.tables.dependence import Dependence


@dataclass(frozen=True, eq=False)
class LabelledTable:
    """Rows to train on.

    Attributes
    ----------
    table : data frame, array, CSR matrix or StreamedFrame
    labels : LabelCodes
    weight : float array of shape (n,) or None
    kept : intp array of shape (n,) or None
        Which of the rows given these are; None is all.
    dependence : Dependence or None
        Their groups or times.
    """

    table: Any
    labels: LabelCodes
    weight: NDArray[Any] | None
    kept: IntArray | None = None
    dependence: Dependence | None = None

    @classmethod
    def read(
        cls,
        estimator: BaseEstimator,
        X: object,
        y: ArrayLike | None,
        sample_weight: ArrayLike | None,
        pos_label: object,
        *,
        reset: bool = True,
        groups: Any = None,
        time: Any = None,
    ) -> LabelledTable:
        """Return all rows, checked; of a source, all that stands beside X are its columns.

        Raises
        ------
        GbimbError
            If the table, the labels or the weights cannot be used.
        """
        table = read_table(estimator, X, reset=reset)
        y, sample_weight = unpack(X, y, sample_weight)
        labels = read_labels(y, table, pos_label)
        n = labels.codes.size
        warn_of_columns(table, X, labels)
        weight, dependence = read_weight(sample_weight, n), read_dependence(X, groups, time, n)
        return cls(table, labels, weight, dependence=dependence)

    def hint(self) -> str:
        """Say which column may tell groups or times, where none are given; "" if there is none."""
        return "" if self.dependence is not None else hint_of(self.table, self.labels.codes)

    def with_weight(self, pos_label: object) -> LabelledTable:
        """Return the rows that weigh something: of two classes they say which is the rarer."""
        if self.weight is None or self.weight.all():
            return self
        kept = np.flatnonzero(self.weight)
        labels = self.labels.with_weight(kept, pos_label)
        dependence = None if self.dependence is None else self.dependence.take(kept)
        return LabelledTable(take(self.table, kept), labels, self.weight[kept], kept, dependence)
