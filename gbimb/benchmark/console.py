"""Print results as plain tables.

Names of columns, tables and labels come from the user: they are never read as markup, and
control characters are replaced.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gbimb.benchmark.methods import BASELINE, method_label
from gbimb.benchmark.statistics import ALL_TABLES, INTERVALS, TESTS
from gbimb.engines.registry import ENGINES
from gbimb.json_text import percent, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gbimb.benchmark.statistics import Comparison, Spread
    from gbimb.benchmark.tables import BenchmarkTable

WIDE: Final = 98
LONGEST_NAME: Final = 24
SHOWN: Final = {
    "mcc": "MCC ↑",
    "f1": "F1 ↑",
    "average_precision": "PR-AUC ↑",
    "log_loss": "log loss ↓",
    "fit_seconds": "fit s ↓",
    "predict_seconds": "predict s ↓",
}


def print_results(results: Any, console: Console) -> None:
    """Print tables and verdict."""
    single = len(results.plan.tables) == 1
    parts: list[Table | Text] = [Text("\n".join(map(_table_text, results.plan.tables)))]
    if not single:
        parts.append(_per_table(results, console.width))
    parts.append(_overall(results, console.width))
    if any(c.units > 1 for c in results.comparisons):
        parts.append(_differences(results))
    parts += [Text(printable(sentences)) for sentences in results.verdict.values()]
    for part in parts:
        console.print(part)
        console.print()


def to_html(results: Any) -> str:
    """Return tables and verdict as preformatted HTML for a notebook, with names escaped."""
    console = Console(
        record=True, file=StringIO(), width=WIDE, force_terminal=True, highlight=False
    )
    print_results(results, console)
    style = "white-space:pre;overflow-x:auto;line-height:1.3;font-family:monospace"
    return console.export_html(
        inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>'
    )


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _two_lines(name: str) -> str:
    """Break a name after the underscore nearest to its middle."""
    breaks = [i + 1 for i, c in enumerate(name) if c == "_"]
    at = min(breaks, key=lambda i: abs(2 * i - len(name)), default=0)
    return f"{name[:at]}\n{name[at:]}" if at else name


def _grid(title: str, caption: str, heads: Iterable[str]) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        caption=Text(caption, style="dim"),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for i, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if i == 0 else "right", no_wrap=i == 0)
    return table


def _table_text(t: BenchmarkTable) -> str:
    size = f"{_short(t.name)}: {t.rows:,} rows, {t.X.shape[1]} columns"
    if t.positive is not None:
        positives = t.class_rows[1]
        share = percent(positives / t.rows, 1)
        return f"{size}, {positives:,} positives ({_short(t.positive)!r}, {share})"
    shares = [percent(rows / t.rows, 1) for rows in t.class_rows]
    most, least = (
        f"{_row_count(t.class_rows[k])} ({_short(t.classes[k])!r}, {shares[k]})" for k in (0, -1)
    )
    return f"{size}, {t.n_classes} classes from {most} to {least}"


def _row_count(n: int) -> str:
    return f"{n:,} row" if n == 1 else f"{n:,} rows"


def _fill(grid: Table, rows: Mapping[str, Iterable[Sequence[str]]]) -> Table:
    """Add the rows of each engine below its name."""
    for engine, lines in rows.items():
        grid.add_row(Text(ENGINES[engine], style="bold"))
        for name, *cells in lines:
            grid.add_row(Text(f" {name}"), *map(Text, cells))
    return grid


def _spread(value: Spread, width: int, folds: int, digits: int = 3) -> str:
    if folds == 1:
        return f"{value.mean:.{digits}f}"
    space = " " if width >= WIDE else "\n"
    spread = f"{value.sd:.{digits}f}".removeprefix("0")
    return f"{value.mean:.{digits}f}{space}±{spread}"


def _over(folds: int) -> str:
    return "One fold" if folds == 1 else f"Mean ± standard deviation over {folds} folds"


def _per_table(results: Any, width: int) -> Table:
    tables = [table.name for table in results.plan.tables]
    heads = [_two_lines(_short(name)) for name in tables]
    folds = results.plan.folds_run
    grid = _grid("MCC of each table", f"{_over(folds)}.", ["", *heads])
    found = {(row.table, row.engine, row.method): row.measures["mcc"] for row in results.summary}
    rows = {
        engine: [
            (
                method_label(m.name),
                *(_spread(found[t, engine, m.name], width, folds) for t in tables),
            )
            for m in results.plan.methods
            if (tables[0], engine, m.name) in found
        ]
        for engine in results.plan.engines
    }
    return _fill(grid, rows)


def _overall(results: Any, width: int) -> Table:
    n_tables = len(results.plan.tables)
    title = "This table" if n_tables == 1 else f"Mean of {n_tables} tables"
    folds = results.plan.folds_run
    caption = (
        f"{_over(folds)}; ↑ higher is better, ↓ lower "
        f"is better. Seconds on one thread.{_many_classes(results)}"
    )
    means = {(r.engine, r.method): r.measures for r in results.summary if r.table == ALL_TABLES}
    digits = {measure: 2 if measure.endswith("seconds") else 3 for measure in SHOWN}
    rows = {
        engine: [
            (
                method_label(m.name),
                *(_spread(means[engine, m.name][k], width, folds, n) for k, n in digits.items()),
            )
            for m in results.plan.methods
            if (engine, m.name) in means
        ]
        for engine in results.plan.engines
    }
    return _fill(_grid(title, caption, ["", *SHOWN.values()]), rows)


def _many_classes(results: Any) -> str:
    if all(table.n_classes == 2 for table in results.plan.tables):
        return ""
    return (
        " With more than two classes MCC is R_K, and F1 and PR-AUC are means over the classes, "
        "each against the rest."
    )


def _differences(results: Any) -> Table:
    shown = [c for c in results.comparisons if c.measure == "mcc"]
    kind = shown[0].kind
    caption = f"Interval: {INTERVALS[kind]}. p: {TESTS[kind]}{_limit(shown[0].smallest_p)}."
    units = "folds" if kind == "folds" else "tables"
    heads = ["", "MCC", "95 % interval", "median", f"higher on\n{units}", "p"]
    grid = _grid(f"Differences from {method_label(BASELINE)}, fold by fold", caption, heads)
    rows = {
        engine: [_difference(c) for c in shown if c.engine == engine]
        for engine in results.plan.engines
    }
    return _fill(grid, rows)


def _difference(c: Comparison) -> Sequence[str]:
    other = "" if c.baseline == BASELINE else f" from {method_label(c.baseline)}"
    return (
        f"{method_label(c.method)}{other}",
        f"{c.mean:+.3f}",
        f"{c.low:+.3f} to {c.high:+.3f}",
        f"{c.median:+.3f}",
        f"{c.higher} of {c.units}",
        "<0.001" if c.p_value < 0.001 else f"{c.p_value:.3f}",
    )


def _limit(smallest_p: float) -> str:
    return f", at least {smallest_p:.2g} with so few tables" if smallest_p >= 0.05 else ""
