"""A progress bar with the time left."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from rich import progress
from rich.text import Text

from gbimb.benchmark.runner import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gbimb.benchmark.plan import Cell
    from gbimb.benchmark.records import Record


class TimeLeft:
    """Estimate the seconds left from the fits that are done.

    A fit is expected to take as long as the same fit on other folds; without one, as the same
    method on other tables, or as the mean of all fits.
    """

    def __init__(self, cells: Sequence[Cell], jobs: int) -> None:
        self._left = set(cells)
        self._needed = max(2, len(cells) // 10)
        self._done = 0
        self._jobs = jobs
        self._seconds: dict[tuple[str, str, str], list[float]] = defaultdict(list)

    def add(self, record: Record) -> None:
        """Count a finished fit."""
        self._left.discard(record.cell)
        self._done += 1
        table, engine, method, _ = record.cell
        for known in ((table, engine, method), ("", engine, method), ("", "", "")):
            self._seconds[known].append(record.fit_seconds + 2 * record.predict_seconds)

    def seconds(self) -> float | None:
        """Return the seconds left; None before a tenth of the fits is done."""
        if self._done < self._needed:
            return None
        means = {known: float(np.mean(values)) for known, values in self._seconds.items()}
        usual = means["", "", ""]
        return (
            sum(
                means.get((table, engine, method), means.get(("", engine, method), usual))
                for table, engine, method, _ in self._left
            )
            / self._jobs
        )


class _TimeLeftColumn(progress.ProgressColumn):
    """Count down between two fits."""

    def render(self, task: progress.Task) -> Text:
        left, known_at = task.fields["left"], task.fields["known_at"]
        if left is None:
            return Text("time left --:--")
        seconds = max(0.0, left - (time.monotonic() - known_at))
        return Text(f"time left {int(seconds // 60)}:{int(seconds % 60):02}")


class ProgressBar(Progress):
    """The bar; a context manager, so that it disappears afterwards."""

    def __init__(self, console: Console) -> None:
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("fits,"),
            _TimeLeftColumn(),
            console=console,
            transient=True,
        )

    def start(self, cells: Sequence[Cell], done: Sequence[Record], jobs: int) -> None:
        """Show the number of fits, and how many are done already."""
        self._time = TimeLeft(cells, min(jobs, max(1, len(cells) - len(done))))
        for record in done:
            self._time.add(record)
        if done and len(done) < len(cells):
            self._bar.console.print(f"Continuing: {len(done)} of {len(cells)} fits are done.")
        self._task = self._bar.add_task(
            "Benchmark",
            total=len(cells),
            completed=len(done),
            left=self._time.seconds(),
            known_at=time.monotonic(),
        )

    def advance(self, record: Record) -> None:
        """Show that a fit is done."""
        self._time.add(record)
        self._bar.update(
            self._task, advance=1, left=self._time.seconds(), known_at=time.monotonic()
        )

    def __enter__(self) -> ProgressBar:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bar.stop()
