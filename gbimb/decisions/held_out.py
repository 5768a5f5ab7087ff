"""What a fitted model keeps of the rows that it was judged on: their probabilities, by class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.special import logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, Float32Array, FloatArray, IntArray

EXACT_ROWS: Final = 1_000
GRID: Final = 0.02  # of the log odds, on which rows of two classes are put together
SMALLEST: Final = 1e-9
ROWS_OF_A_CLASS: Final = 300
MOST_NUMBERS: Final = 20_000


class GroupEffects(NamedTuple):
    """By how much the variance of a mean grows because rows come in groups (Kish's design effect).

    Each is that of held-out rows: of the probabilities, the labels, four rates of decisions, and of
    a column that is the same in all rows of a group.
    """

    score: float
    label: float
    precision: float
    recall: float
    fpr: float
    alerts: float
    column: float

    @classmethod
    def of(
        cls, y: NDArray[Any], proba: FloatArray, decided: NDArray[Any], groups: IntArray
    ) -> GroupEffects:
        """Return the effects of groups of rows; of more than two classes the largest one."""
        group = np.unique(groups, return_inverse=True)[1]
        size = np.bincount(group).astype(np.float64)
        every, column = np.ones(y.size, bool), float(size @ size / size.sum())
        score = max(_effect(p, every, group) for p in proba.reshape(y.size, -1).T)
        if proba.ndim == 2:
            right = _effect(decided == y, every, group)
            return cls(score, score, right, right, right, score, column)
        positive, flagged = y == 1, decided == 1
        return cls(
            score,
            _effect(positive, every, group),
            _effect(positive, flagged, group),
            _effect(flagged, positive, group),
            _effect(flagged, ~positive, group),
            _effect(flagged, every, group),
            column,
        )

    def of_some(self, share: float) -> GroupEffects:
        """Return the effects in rows of which only so many were drawn."""
        return GroupEffects(*(1.0 + share * (effect - 1.0) for effect in self))


ALONE: Final = GroupEffects(*[1.0] * len(GroupEffects._fields))
"""Of rows that are in no groups."""


def _effect(values: NDArray[Any], where: BoolArray, group: IntArray) -> float:
    """Return the effect on the mean of some of the rows."""
    own, group = values[where].astype(np.float64), group[where]
    n = np.count_nonzero(np.bincount(group, minlength=1))
    off = own - own.mean() if own.size else own
    alone = float(off @ off)
    if n < 2 or alone == 0:
        return 1.0
    together = np.bincount(group, off)
    return max(1.0, float(together @ together / alone * n / (n - 1)))


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Calibrated probabilities of rows that trained no tree, few enough to keep.

    Of two classes rows with about the same probability are put together; of more some of each
    class stand for all.

    Attributes
    ----------
    proba : float32 array of shape (m,) or (m, K)
        Of the positive class of two, or of each class.
    codes : int8 or int16 array of shape (m,)
        1 for the positive class of two, 0 for the other one; codes of more.
    weight : float32 array of shape (m,)
        How many rows each stands for.
    effects : GroupEffects or None
        Where whole groups were held out.
    """

    proba: Float32Array
    codes: NDArray[Any]
    weight: Float32Array
    effects: GroupEffects | None = None

    @classmethod
    def of(
        cls, y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None
    ) -> HeldOutScores | None:
        """Return what to keep; None where a class is not there."""
        n_classes = 2 if proba.ndim == 1 else proba.shape[1]
        codes = y.astype(np.int8 if n_classes < 128 else np.int16)
        rows = np.ones(codes.size) if weight is None else weight.astype(np.float64)
        codes, proba, rows = codes[rows > 0], proba[rows > 0], rows[rows > 0]
        if np.unique(codes).size < n_classes:
            return None
        if codes.size > EXACT_ROWS:
            together = _by_grid if proba.ndim == 1 else _some_of_each
            codes, proba, rows = together(codes, proba, rows)
        return cls(proba.astype(np.float32), codes, rows.astype(np.float32))

    def in_groups(
        self, y: NDArray[Any], proba: FloatArray, decided: NDArray[Any], groups: IntArray
    ) -> HeldOutScores:
        """Return the same with the effects of the groups of all held-out rows."""
        return replace(self, effects=GroupEffects.of(y, proba, decided, groups))

    @property
    def prevalence(self) -> FloatArray:
        """The share of each class, shape (2,) or (K,), in the order of ``codes``."""
        totals = np.bincount(self.codes, self.weight.astype(np.float64))
        share: FloatArray = totals / totals.sum()
        return share

    def under(self, prevalence: FloatArray) -> FloatArray:
        """Return weights that give the classes other shares, the rarest its own rows."""
        own = self.prevalence
        factor = prevalence / own
        rarest = int(np.argmin(own))
        weight: FloatArray = self.weight * (factor / factor[rarest])[self.codes]
        return weight


def _by_grid(
    codes: NDArray[Any], proba: FloatArray, rows: FloatArray
) -> tuple[NDArray[Any], FloatArray, FloatArray]:
    """Put together rows of a class whose log odds differ by less than a step of a grid."""
    place = np.rint(logit(np.clip(proba, SMALLEST, 1.0 - SMALLEST)) / GRID).astype(np.int64)
    cells, at = np.unique(2 * place + codes, return_inverse=True)
    total = np.bincount(at, rows).astype(np.float64)
    return (cells % 2).astype(codes.dtype), np.bincount(at, rows * proba) / total, total


def _some_of_each(
    codes: NDArray[Any], proba: FloatArray, rows: FloatArray
) -> tuple[NDArray[Any], FloatArray, FloatArray]:
    """Keep rows of each class that are spread over the probability of that class."""
    k = proba.shape[1]
    most = min(ROWS_OF_A_CLASS, max(1, MOST_NUMBERS // k**2))
    kept, weight = [], []
    for code in range(k):
        own = np.flatnonzero(codes == code)
        order = own[np.argsort(proba[own, code], kind="stable")]
        some = order[np.linspace(0, own.size - 1, min(most, own.size)).astype(np.intp)]
        kept.append(some)
        weight.append(rows[some] * (rows[own].sum() / rows[some].sum()))
    at = np.concatenate(kept)
    return codes[at], proba[at], np.concatenate(weight)
