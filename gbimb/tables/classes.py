"""The classes of a model, and the one place that knows which of two is the positive one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray


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
