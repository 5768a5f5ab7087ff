"""What holds for the trees of both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
