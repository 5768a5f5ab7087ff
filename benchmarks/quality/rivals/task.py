"""What a rival is told about a table, besides its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Task:
    """One table to be learnt.

    Attributes
    ----------
    n_classes : int
        Labels are 0 to ``n_classes - 1``; of two, 1 is the rare one.
    seed : int
    categorical : tuple of str
        Columns of dtype ``category``; the others are numbers. Both may have missing values.
    folder : str
        Empty, and deleted afterwards; for methods that must write.
    """

    n_classes: int
    seed: int
    categorical: tuple[str, ...]
    folder: str

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return self.n_classes == 2


class Classifier(Protocol):
    """What a rival gives back, unfitted."""

    classes_: NDArray[Any]

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> object:
        """Train."""

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return labels."""

    def predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return a probability a class."""
