"""Folds of rows, of each class as many in one as in another."""

from __future__ import annotations

import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.model_selection import PredefinedSplit, StratifiedKFold

from gbimb.exceptions import InvalidDataError, warn
from gbimb.training.copies import assign_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import IntArray

Splits: TypeAlias = "tuple[tuple[IntArray, IntArray], ...]"
"""Pairs of row numbers: those that train a booster and those held out from it, both rising."""


def stratified(
    codes: NDArray[Any],
    folds: int,
    random_state: int,
    groups: IntArray | None,
    first: int | None = None,
) -> Splits:
    """Assign the rows of each class to the folds, as evenly as they go; return the first splits."""
    counts = np.bincount(codes)
    scarce = np.flatnonzero((counts > 0) & (counts < folds))
    enough = np.count_nonzero(counts >= folds)
    if enough < 2:
        needs = f"{folds} folds need" if first is None else f"To hold out one row in {folds} needs"
        fewer = "fewer folds, " if first is None else ""
        msg = (
            f"{needs} at least {folds} rows of two classes, got "
            f"{np.sort(counts)[-2]} of the second. Use {fewer}cv=None, or X_val and y_val."
        )
        raise InvalidDataError(msg)
    if scarce.size:
        some = f"{scarce.size} of {enough + scarce.size} classes have fewer"
        msg = (
            f"{some} rows than {folds} folds: they are held out from some boosters only, and "
            "little can be learned about them."
            if first is None
            else f"{some} than {folds} rows, of which one row in {folds} is held out: none or most "
            "of theirs may be, and little can be learned about them."
        )
        warn(msg)
    splitter: Any = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    if groups is not None:
        rng = np.random.default_rng(random_state)
        fold = np.empty(codes.size, np.intp)
        for k in np.unique(codes):
            fold[codes == k] = assign_folds(groups[codes == k], folds, rng)
        splitter = PredefinedSplit(fold)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return tuple(islice(splitter.split(codes, codes), first))
