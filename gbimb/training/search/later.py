"""Candidates judged on later rows: trained on windows of the past, then up to the newest row.

What boosters of an engine do is :mod:`gbimb.training.in_time`. Others, which have no rounds to
repeat, are judged on each window, and only the best window trains them again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from gbimb.decisions.calibration import Calibrator
from gbimb.losses import MulticlassBrierLoss
from gbimb.metrics import row_log_loss
from gbimb.training.rows import mean_by_place
from gbimb.training.search.forest import calibrate
from gbimb.training.trained import MemberSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.held_out.time_plan import Window
    from gbimb.training.recipe import Recipe
    from gbimb.training.search.candidate import JudgedRows
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
    judged: JudgedRows,
    held_out: IntArray,
) -> tuple[Fitted, FloatArray, tuple[FloatArray, ...]]:
    """Return what is trained on the window whose predictions of later rows have the least log loss.

    Beside it are those predictions, of the held-out rows, rising by row, and those of the windows
    that were best at each step of the test in time.

    Parameters
    ----------
    windows : sequence of Window
    train : callable
        Takes splits and a name for what is kept of the work; returns what was trained, and the
        probabilities of the held-out rows, split by split.
    judged : JudgedRows
    held_out : int array
        Their numbers, rising.
    """
    rows = np.concatenate([test for _, test in windows[0].splits])
    at = np.searchsorted(held_out, rows)
    found = []
    for window in windows:
        _, proba = train(window.splits, f"past {window.share:g}")
        found.append(mean_by_place(at, proba))
    losses = [row_log_loss(np.ones(held_out.size), judged.likelihood(proba)) for proba in found]

    def best(at: int | None) -> int:
        rows, weight = judged.known(at)
        return int(np.argmin([np.average(loss[rows], weights=weight) for loss in losses]))

    last = best(None)
    as_of = tuple(found[best(at)] for at in range(len(judged.steps)))
    newest = windows[last].rows
    # Nothing is held out any more: one row stands in, and what is said of it is not used.
    fitted, _ = train(((newest, newest[-1:]),) * COPIES, "newest")
    return fitted, found[last], as_of


def calibrate_steps(
    judged: JudgedRows, proba: FloatArray, as_of: Sequence[FloatArray]
) -> tuple[Calibrator | float, FloatArray, tuple[FloatArray, ...]]:
    """Return the calibration, what it gives, and what that of each step of a test in time gave."""
    calibration, proba = calibrate(judged.y, proba, judged.weight)
    before = []
    for at, then in enumerate(as_of):
        rows, weight = judged.known(at)
        known, _ = calibrate(judged.y[rows], then[rows], weight)
        if isinstance(known, Calibrator):
            before.append(known(then))
        else:
            before.append(MulticlassBrierLoss(then.shape[1], known).probability(then))
    return calibration, proba, tuple(before)
