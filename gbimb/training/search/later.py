"""Candidates judged on later rows: trained on windows of the past, then up to the newest row.

What boosters of an engine do is :mod:`gbimb.training.in_time`. Others, which have no rounds to
repeat, are judged on each window, and only the best window trains them again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from gbimb.training.rows import mean_by_place
from gbimb.training.trained import MemberSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.held_out.time_plan import Window
    from gbimb.training.recipe import Recipe
    from gbimb.training.tasks import Task

Fitted = TypeVar("Fitted")

COPIES: Final = 3
"""Forests of the newest window, as many as there are blocks that judged it."""


def one_member(
    recipe: Recipe, task: Task, windows: Sequence[Window], seed: int, threads: int
) -> list[list[MemberSpec]]:
    """Return the one member of each window, with the parameters for so many rows."""
    each = max(1, threads // len(windows[0].folds))
    return [
        [MemberSpec("trees", recipe.tree_params(task.loss, window.rows.size, seed, each))]
        for window in windows
    ]


def drawn(window: Window, draw: Callable[[IntArray], IntArray]) -> Window:
    """Return a window that trains on some of its rows; all of the held-out ones stay."""

    def some(splits: Splits) -> Splits:
        return tuple((draw(train), test) for train, test in splits)

    return replace(window, splits=some(window.splits), folds=some(window.folds))


def best_window(
    windows: Sequence[Window],
    train: Callable[[Splits, str], tuple[Fitted, FloatArray]],
    loss: Callable[[FloatArray], float],
    held_out: IntArray,
) -> tuple[Fitted, FloatArray]:
    """Return what is trained on the window whose predictions of later rows have the least loss.

    Beside it are those predictions, of the held-out rows, rising by row.

    Parameters
    ----------
    windows : sequence of Window
    train : callable
        Takes splits and a name for what is kept of the work; returns what was trained, and the
        probabilities of the held-out rows, split by split.
    loss : callable
        Of probabilities of the rows ``held_out``.
    held_out : int array
        Rising.
    """
    rows = np.concatenate([test for _, test in windows[0].splits])
    at = np.searchsorted(held_out, rows)
    found: list[tuple[float, FloatArray, IntArray]] = []
    for window in windows:
        _, proba = train(window.splits, f"past {window.share:g}")
        own = mean_by_place(at, proba)
        found.append((loss(own), own, window.rows))
    _, proba, newest = min(found, key=lambda one: one[0])
    # Nothing is held out any more: one row stands in, and what is said of it is not used.
    fitted, _ = train(((newest, newest[-1:]),) * COPIES, "newest")
    return fitted, proba
