"""The value that `gbimb.datasets.load` returns."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

Task: TypeAlias = Literal["binary", "multiclass"]
"""Two classes, or more than two."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table:
    """A data set with its label, licence and origin.

    Parameters
    ----------
    name : str
        Name under which `load` finds the table.
    X : pandas.DataFrame
        Features. Categories have dtype ``category``; missing values are NaN.
    y : pandas.Series
        One label a row: 0 or 1 with two classes, the name of the class with more.
    positive : int or str or None
        The label of the rare class; None with more than two classes.
    licence : str
        Licence of the data.
    source : str
        Where the data come from, and whom to cite.
    description : str
        What a row is and what is predicted.

    Notes
    -----
    The fields cannot be rebound, but ``X`` and ``y`` are ordinary pandas objects. `load` reads
    them afresh at every call, so that changing them does no harm.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series
    positive: int | str | None
    licence: str
    source: str
    description: str

    @property
    def task(self) -> Task:
        """Whether the label has two classes or more."""
        return "multiclass" if self.positive is None else "binary"

    def __repr__(self) -> str:
        """Say the size and the balance rather than print the rows."""
        rows, columns = self.X.shape
        if self.positive is None:
            balance = f"classes={self.y.nunique()}, rarest={int(self.y.value_counts().min())}"
        else:
            balance = f"positives={int((self.y == self.positive).sum())}"
        return f"Table(name={self.name!r}, rows={rows}, columns={columns}, {balance})"

    def _repr_html_(self) -> str:
        """Show what the rows are, and the first of them."""
        rows = self.X.head().assign(**{"(label)": self.y.head()}).to_html()
        return f"<p>{escape(repr(self))}<br>{escape(self.description)}</p>{rows}"
