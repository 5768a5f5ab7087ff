"""Tables of results as Markdown, and where they go on a page."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import pandas as pd

from benchmarks.quality.records import OK
from benchmarks.quality.statistics import (
    MEASURES,
    by_table,
    complete_methods,
    difference,
    mean_ranks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HEADINGS: Final = (
    *("method", "cells", "MCC", "F1", "PR-AUC", "log loss", "Brier", "mean rank"),
    *("MCC: difference (95 % interval)", "higher on", "p", "CPU s"),
)
SHOWN: Final = 160


def comparison_table(frame: pd.DataFrame, baseline: str, label: Callable[[str], str]) -> str:
    """Return a row for each method, with its MCC against ``baseline``; the best mean first.

    Methods that lack whole tables come last. Only those with every cell have a rank.
    """
    means = {measure: by_table(frame, measure) for measure in MEASURES}
    seconds = by_table(frame, "fit_cpu_seconds").mean()
    complete = complete_methods(frame)
    ranks = mean_ranks(frame, complete, "mcc") if complete else pd.Series(dtype=float)
    order = pd.DataFrame({"tables": means["mcc"].count(), "mean": means["mcc"].mean()})
    lines = [
        [
            f"**{label(name)}**" if name == baseline else label(name),
            f"{(frame['method'] == name).sum()}",
            *(number(means[measure][name].mean(), ".4f") for measure in MEASURES),
            number(ranks.get(name, math.nan), ".1f"),
            *against(frame, name, baseline, "mcc"),
            number(seconds.get(name, math.nan), ".1f"),
        ]
        for name in order.sort_values(["tables", "mean"], ascending=False).index.astype(str)
    ]
    return markdown(HEADINGS, lines)


def against(frame: pd.DataFrame, method: str, baseline: str, measure: str) -> tuple[str, str, str]:
    """Return a difference with its interval, the share of tables above zero, and p."""
    found = difference(frame, method, baseline, measure)
    if found is None or method == baseline:
        return "", "", ""
    if found.kind == "folds":  # one table tells nothing about others
        return f"{found.mean:+.4f}", f"{int(found.mean > 0)} of 1", ""
    interval = f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
    return interval, f"{found.higher} of {found.units}", f"{found.p_value:.2g}"


def failure_table(frame: pd.DataFrame, label: Callable[[str], str]) -> str:
    """Return what failed, how often, and with which error; empty if nothing did."""
    failed = frame[frame["status"] != OK]
    lines = [
        [label(str(method)), str(table), str(len(rows)), str(rows["error"].iloc[0])[:SHOWN]]
        for (method, table), rows in failed.groupby(["method", "table"])
    ]
    return markdown(("method", "table", "cells", "error"), lines) if lines else ""


def markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    rows = [headings, ["---"] * len(headings), *lines]
    return "\n".join(f"| {' | '.join(c.replace('|', '/') for c in row)} |" for row in rows)


def number(value: float, form: str) -> str:
    """Return a number, or nothing for NaN."""
    return "" if math.isnan(value) else f"{value:{form}}"


def write_between_markers(page: Path, name: str, body: str) -> None:
    """Replace the text between two comments of a page.

    Raises
    ------
    ValueError
        If the page has no such comments.
    """
    text = page.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- {name}: start.*?-->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    if not marked.search(text):
        msg = f"{page.name} must have the comments '{name}: start' and '{name}: end', got neither."
        raise ValueError(msg)
    page.write_text(marked.sub(lambda m: f"{m[1]}\n{body}\n\n{m[2]}", text), encoding="utf-8")
