"""One way to train, and what was trained that way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray
    from gbimb.model.model import BoosterModel, ForeignMember
    from gbimb.training.search.forest import Forest


@dataclass(frozen=True)
class Candidate:
    """One way to train.

    Attributes
    ----------
    name : str
        In words.
    estimator : a boosting estimator
        Not fitted.
    drawn : float or None
        Rows of a common class for each row of the rarest, at least 50, drawn anew for each bag;
        None is all.
    bags : int
        Boosters of each fold.
    forest : Forest or None
        Of a forest, how its trees grow; ``estimator`` then only keeps it.
    ordered : bool
        Whether trees split categories by their order, as numbers.
    foreign : bool
        Whether ``estimator`` is a classifier of another package.
    pairs : bool
        Whether trees see differences and ratios of the strongest columns, too.
    """

    name: str
    estimator: Any
    drawn: float | None = None
    bags: int = 1
    forest: Forest | None = None
    ordered: bool = False
    foreign: bool = False
    pairs: bool = False


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """A fitted candidate, and the probabilities of rows that did not train them.

    Attributes
    ----------
    candidate : Candidate
    model : BoosterModel or ForeignMember
    proba : float64 array of shape (m,) or (m, K)
        Of the held-out rows, rising by row.
    """

    candidate: Candidate
    model: BoosterModel | ForeignMember
    proba: FloatArray
