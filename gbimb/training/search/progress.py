"""A progress bar on standard error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gbimb.training.search.search import TrialResult


@contextmanager
def progress(
    time_budget: float | None, n_trials: int | None, verbose: int
) -> Iterator[Callable[[TrialResult], None]]:
    """Yield what is to be called with each candidate; it shows nothing if ``verbose`` is 0."""
    if verbose == 0:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("first candidate", total=n_trials or time_budget)
        scores: list[float] = []
        count = 0

        def show(result: TrialResult) -> None:
            nonlocal count
            count += 1
            if np.isfinite(result.score):
                scores.append(result.score)
            best = f", best {max(scores):.4f}" if scores else ""
            elapsed = bar.tasks[0].elapsed or 0.0
            at = count if n_trials else min(elapsed, time_budget or elapsed)
            bar.update(task, completed=at, description=f"{count} candidates{best}")

        yield show
