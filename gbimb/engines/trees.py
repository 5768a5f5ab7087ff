"""The trees of a booster in one form for every engine, for what has to walk them elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree as arrays over its nodes, the root first.

    Attributes
    ----------
    left, right : int arrays
        Children of each node; -1 where it is a leaf.
    feature : int array
    threshold : float array
        Values below it, or up to it (see :class:`Trees`), go to the left.
    missing_left : bool array
        Whether NaN goes to the left.
    zero_missing : bool array
        Whether zeros are missing values, too.
    value : float array
        What a leaf adds to the raw score.
    output : int
        Which raw score that is.
    categories : mapping of node to int array
        Of splits by category: those that go to the left, and no others.
    """

    left: NDArray[Any]
    right: NDArray[Any]
    feature: IntArray
    threshold: NDArray[Any]
    missing_left: BoolArray
    zero_missing: BoolArray
    value: NDArray[Any]
    output: int
    categories: Mapping[int, IntArray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Trees:
    """All trees of a booster, and how the engine walks and adds them.

    Attributes
    ----------
    trees : tuple of Tree
        In the order in which their values are added.
    start : float array of shape (number of raw scores,)
        What they are added to.
    dtype : float32 or float64
        To which values are cast before they are compared; the precision of the sums.
    up_to : bool
        Whether a value equal to the threshold goes to the left.
    zero : float
        How far from 0 the zeros reach that are missing values.
    """

    trees: tuple[Tree, ...]
    start: FloatArray
    dtype: np.dtype[Any]
    up_to: bool
    zero: float = 0.0


# XGBoost overflows its stack on a chain of a million nodes; the time of SHAP values grows with the
# leaves times the depth squared.
DEEPEST: Final = 1024


def check_depth(left: NDArray[Any], right: NDArray[Any]) -> None:
    """Raise if a tree is deeper than any that an engine grows.

    Parameters
    ----------
    left, right : arrays of shape (number of nodes,)
        Children, which stand after their parents; below 0 is a leaf.
    """
    if left.size <= DEEPEST:
        return
    depth = [0] * left.size
    for node, pair in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        for child in pair:
            if child >= 0:
                depth[child] = depth[node] + 1
    if max(depth) > DEEPEST:
        msg = f"Trees have at most {DEEPEST:,} levels, got {max(depth):,}."
        raise InvalidDataError(msg)
