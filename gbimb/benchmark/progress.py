"""What a benchmark says while it works: an estimate, the fit that runs, tables that are done."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from rich import progress
from rich.text import Text

from gbimb.benchmark.methods import BASELINE, with_engine
from gbimb.benchmark.runner import Progress
from gbimb.json_text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from gbimb.benchmark.plan import Cell, Plan
    from gbimb.benchmark.records import Record


class TimeLeft:
    """Estimate the seconds left from the fits that are done.

    A fit is expected to take as long as the same fit on other folds; without one, as it took on
    another computer, times how much longer those took that are done.

    Parameters
    ----------
    expected : mapping
        Of all fits, the seconds on the other computer.
    jobs : int
        Fits at a time.
    """

    def __init__(self, expected: Mapping[Cell, float], jobs: int) -> None:
        self._expected = expected
        self._spent, self._expected_of_done = 0.0, 0.0
        self._left = set(expected)
        self._jobs = jobs
        self._seconds: dict[tuple[str, ...], list[float]] = defaultdict(list)

    def add(self, record: Record) -> None:
        """Count a finished fit."""
        self._left.discard(record.cell)
        seconds = record.fit_seconds + 2 * record.predict_seconds
        self._spent += seconds
        self._expected_of_done += self._expected[record.cell]
        self._seconds[record.cell[:3]].append(seconds)

    def seconds(self) -> float:
        """Return the seconds left."""
        slower = self._spent / self._expected_of_done if self._expected_of_done else 1.0
        same = {known: float(np.mean(values)) for known, values in self._seconds.items()}
        left = (same.get(c[:3], slower * self._expected[c]) for c in self._left)
        return sum(left) / self._jobs


def in_words(seconds: float) -> str:
    """Return a rough time.

    >>> in_words(38.2), in_words(200)
    ('40 seconds', '3 minutes')
    """
    if seconds < 90:
        rough = max(1, round(seconds)) if seconds < 10 else 10 * round(seconds / 10)
        return "1 second" if rough == 1 else f"{rough} seconds"
    return f"{round(seconds / 60)} minutes"


class _TimeLeftColumn(progress.ProgressColumn):
    """Count down between two fits."""

    def render(self, task: progress.Task) -> Text:
        seconds = task.fields["left"] - (time.monotonic() - task.fields["known_at"])
        seconds = max(0.0, seconds)
        return Text(f"time left {int(seconds // 60)}:{int(seconds % 60):02}")


class ProgressBar(Progress):
    """Lines of what is done and, if somebody watches, a bar below them.

    A context manager, so that the bar disappears afterwards.
    """

    def __init__(self, console: Console, plan: Plan, *, live: bool = True) -> None:
        self._console, self._plan, self._live = console, plan, live
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
        """Say how many fits there are, how long they take, and how many are done already."""
        left = len(cells) - len(done)
        at_once = min(jobs, max(1, left))
        self._time = TimeLeft(self._plan.expected_seconds(), at_once)
        self._left = dict.fromkeys(cells)
        self._records = list(done)
        for record in done:
            self._time.add(record)
            del self._left[record.cell]
        if done and left:
            self._console.print(f"Continuing: {len(done)} of {len(cells)} fits are done.")
        if left:
            fits = "1 fit" if left == 1 else f"{left:,} fits, {at_once} at a time"
            self._console.print(f"{fits}: about {in_words(self._time.seconds())}.")
        self._task = self._bar.add_task(
            self._running(),
            total=len(cells),
            completed=len(done),
            left=self._time.seconds(),
            known_at=time.monotonic(),
        )

    def advance(self, record: Record) -> None:
        """Show that a fit is done and which one runs; say what came out of a whole table."""
        self._time.add(record)
        self._records.append(record)
        del self._left[record.cell]
        if not any(cell.table == record.table for cell in self._left):
            self._console.print(self._result_of(record.table))
        self._bar.update(
            self._task,
            advance=1,
            description=self._running(),
            left=self._time.seconds(),
            known_at=time.monotonic(),
        )

    def _running(self) -> str:
        """Return the fit that has run longest."""
        cell = next(iter(self._left), None)
        if cell is None:
            return "Done"
        where = printable(cell.table)
        return f"{where}, {with_engine(cell.method, cell.engine)}, fold {cell.fold + 1}"

    def _result_of(self, table: str) -> str:
        scores: dict[tuple[str, str], list[float]] = defaultdict(list)
        for record in self._records:
            if record.table == table:
                scores[record.method, record.engine].append(record.mcc)
        means = {pair: float(np.mean(values)) for pair, values in scores.items()}
        best = max(means, key=lambda pair: means[pair])
        said = f"{printable(table)}: highest MCC {means[best]:.3f}, {with_engine(*best)}"
        usual = means.get((BASELINE, best[1]))
        if usual is not None and best[0] != BASELINE:
            said += f" ({BASELINE} {usual:.3f})"
        return f"{said}."

    def __enter__(self) -> ProgressBar:
        """Show the bar."""
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self._live:
            self._bar.stop()
