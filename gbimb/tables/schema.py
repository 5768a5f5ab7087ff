"""The columns that a model was trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
