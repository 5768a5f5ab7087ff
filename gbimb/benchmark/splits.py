"""Folds of tables whose rows belong to groups, or have a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.training.held_out.groups import split_groups
from gbimb.training.held_out.time_plan import later_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.tables.dependence import Dependence


def split_dependent(
    dependence: Dependence, y: NDArray[Any], folds: int, fold: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the training and the test rows of a fold: of whole groups, or of a later block.

    Raises
    ------
    InvalidDataError
        If not every fold can have rows of two classes.
    """
    if dependence.groups is not None:
        of_row = split_groups(dependence.groups, y.astype(np.intp), folds, seed)
        if int(of_row.max()) + 1 < folds:
            msg = (
                f"group must allow {folds} folds with rows of two classes, got groups for "
                f"{int(of_row.max()) + 1}. Use fewer folds."
            )
            raise InvalidDataError(msg)
        return np.flatnonzero(of_row != fold), np.flatnonzero(of_row == fold)
    assert dependence.time is not None
    order, edges = later_blocks(dependence.time, y.astype(np.intp), folds, 0.5 / folds)
    return np.sort(order[: edges[fold]]), np.sort(order[edges[fold] : edges[fold + 1]])
