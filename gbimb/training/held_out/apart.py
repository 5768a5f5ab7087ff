"""What decisions give on groups that had no part in choosing their rule.

The best threshold for rows that are held out fits the groups among them: it finds the scores of a
large one that is mostly positive, which no new group shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.threshold import choose_threshold
from gbimb.exceptions import InvalidDataError
from gbimb.training.held_out.folds import split_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

PARTS: Final = 5


def decide_apart(
    metric: str,
    y: NDArray[Any],
    proba: FloatArray,
    weight: NDArray[Any] | None,
    groups: IntArray,
    *,
    seed: int,
) -> IntArray | None:
    """Return what is decided for each held-out row by a rule chosen on other groups.

    None where the groups cannot be dealt to two parts with rows of two classes each.

    Parameters
    ----------
    metric : str
        What the rule serves: a score from counts.
    y : array of shape (n,)
        Targets.
    proba : float64 array of shape (n,) or (n, K)
        Of the positive class of two, or of each class.
    weight : array of shape (n,) or None
    groups : int array of shape (n,)
        Equal for rows of a group.
    seed : int
    """
    codes = y.astype(np.intp)
    try:
        part = split_groups(np.unique(groups, return_inverse=True)[1], codes, PARTS, seed)
    except InvalidDataError:
        return None
    decided = np.empty(codes.size, np.intp)
    choose: Any = choose_threshold if proba.ndim == 1 else fit_class_weights
    for k in range(int(part.max()) + 1):
        own, others = part == k, part != k
        some = None if weight is None else weight[others]
        rule = choose(codes[others], proba[others], metric, some, random_state=seed)
        judged = proba[own]
        decided[own] = judged >= rule if proba.ndim == 1 else np.argmax(judged * rule, axis=1)
    return decided
