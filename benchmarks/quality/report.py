"""Write the page and the picture: ``python -m benchmarks.quality.report``, from the CSV alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.quality.methods import BASELINE, METHODS, PLAIN
from benchmarks.quality.pages import (
    against,
    comparison_table,
    failure_table,
    markdown,
    number,
    write_between_markers,
)
from benchmarks.quality.statistics import by_table, complete_methods, mean_ranks, read_results
from benchmarks.quality.tables import LARGEST, WHOLE
from gbimb.plots import CriticalDifferenceDisplay
from gbimb.plots.statistics import FEWEST_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results" / "cells.csv"
PAGE: Final = HERE / "README.md"
PICTURE: Final = "critical_difference.png"
FEWEST_METHODS: Final = 3
BLUE, RED, GREY = "#1764ab", "#c0392b", "#6b6b6b"
OURS: Final = ("gbimb", "gbimb_lgbm")


def main(arguments: Sequence[str] | None = None) -> None:
    """Replace what stands between the markers of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="CSV file of a run")
    parser.add_argument("--page", type=Path, default=PAGE, help="page with the markers")
    given = parser.parse_args(arguments)
    frame = read_results(given.results)
    whole = frame["table"].str.endswith(WHOLE)
    two, many = frame[~whole & (frame["classes"] == 2)], frame[~whole & (frame["classes"] > 2)]
    parts = [
        section("Two classes", two),
        hindsight(two),
        some_cells(two),
        drawn(two, given.page.parent / PICTURE),
        other_measures(two),
        section("More than two classes", many),
        whole_section(frame[whole]),
        failures(frame),
    ]
    write_between_markers(given.page, "comparison", "\n\n".join(part for part in parts if part))


def label(method: str) -> str:
    """Return the name of a method in tables."""
    return METHODS[method].label if method in METHODS else method


def section(title: str, frame: pd.DataFrame) -> str:
    """Return a heading and a table of the methods."""
    if frame.empty:
        return ""
    n_cells = len(frame[["table", "fold"]].drop_duplicates())
    return (
        f"## {title}\n\n{frame['table'].nunique()} tables of at most {LARGEST:,} rows, {n_cells} "
        "cells. Differences are to the baseline, on the cells that both methods have. A method "
        "without some cells has no rank, and its means are not comparable.\n\n"
        f"{comparison_table(frame, BASELINE, label)}"
    )


def hindsight(frame: pd.DataFrame) -> str:
    """Return the mean MCC of the best complete method of each table, known in hindsight."""
    complete = complete_methods(frame)
    if BASELINE not in complete:
        return ""
    values = by_table(frame, "mcc")[complete]
    best = values.max(axis=1)
    return (
        "Choosing the best of the methods with all cells for each table in hindsight would give a "
        f"mean MCC of {best.mean():.4f}, {(best - values[BASELINE]).mean():+.4f} over the baseline."
    )


def some_cells(frame: pd.DataFrame) -> str:
    """Return the scores of methods that lack cells on the cells they have, beside gbimb's."""
    complete = complete_methods(frame)
    partial = [name for name in METHODS if name in set(frame["method"]) - set(complete)]
    if not partial or not {BASELINE, *OURS} <= set(complete):
        return ""
    lines = []
    for name in partial:
        has = frame[frame["method"] == name].set_index(["table", "fold"]).index
        there = frame[frame.set_index(["table", "fold"]).index.isin(has)]
        means = by_table(there, "mcc").mean()
        lines.append(
            [
                label(name),
                str(len(has)),
                *(number(means[each], ".4f") for each in (name, BASELINE, *OURS)),
                *against(there, OURS[0], name, "mcc"),
            ]
        )
    headings = ("method", "cells", "its MCC", "baseline", *(label(name) for name in OURS))
    headings += (f"{label(OURS[0])}: difference to it (95 % interval)", "higher on", "p")
    return (
        f"Methods without some cells, on the cells that they have:\n\n{markdown(headings, lines)}"
    )


def other_measures(frame: pd.DataFrame) -> str:
    """Return F1, and log loss and Brier score of the probabilities."""
    complete = complete_methods(frame)
    if not {BASELINE, PLAIN} <= set(complete):
        return ""
    ranks = mean_ranks(frame, complete, "f1").sort_values()
    lines = []
    for name in ranks.index.astype(str):
        f1, _, p_value = against(frame, name, BASELINE, "f1")
        log_loss, brier = (against(frame, name, PLAIN, m)[0] for m in ("log_loss", "brier"))
        lines.append([label(name), f"{ranks[name]:.1f}", f1, p_value, log_loss, brier])
    headings = ("method", "mean rank by F1", "F1 over the baseline", "p", "log loss", "Brier")
    return (
        "## F1 and probabilities\n\nTwo classes, methods with all cells. Log loss and Brier score "
        f"are differences to plain LightGBM: below zero is better.\n\n{markdown(headings, lines)}"
    )


def drawn(frame: pd.DataFrame, path: Path) -> str:
    """Draw the picture and return its caption; empty with too few tables or methods."""
    methods = complete_methods(frame)
    if not draw_critical_differences(frame, methods, path):
        return ""
    tables = frame["table"].nunique()
    return (
        f"![Mean ranks by MCC of {len(methods)} methods over {tables} tables]({path.name})\n\n"
        "Mean ranks by MCC of the methods with all cells, the best on the left. A bar joins "
        "methods without a significant difference (Wilcoxon signed-rank tests over tables, Holm, "
        "5 %)."
    )


def draw_critical_differences(frame: pd.DataFrame, methods: Sequence[str], path: Path) -> bool:
    """Draw mean ranks by MCC: gbimb's methods in blue, the baseline in red.

    Returns
    -------
    bool
        Whether there were enough tables and methods for a picture.
    """
    values = by_table(frame, "mcc").reindex(columns=list(methods)).dropna()
    if len(values) < FEWEST_TABLES or len(methods) < FEWEST_METHODS:
        return False
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    labels = {name: label(name) for name in methods}
    colours = {labels[name]: _colour(name) for name in methods}
    display = CriticalDifferenceDisplay.from_scores(values.rename(columns=labels))
    for text, shown in zip(display.ax_.texts, display.frame().index, strict=True):
        text.set_color(colours[shown])
    display.figure_.set_size_inches(11, 0.9 + 0.19 * len(methods))
    display.figure_.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(display.figure_)
    return True


def _colour(name: str) -> str:
    if name == BASELINE:
        return RED
    return BLUE if name in METHODS and METHODS[name].is_ours else GREY


def whole_section(frame: pd.DataFrame) -> str:
    """Return the MCC on the tables with all their rows."""
    if frame.empty:
        return ""
    values = by_table(frame, "mcc").T
    values = values.loc[values.mean(axis=1).sort_values(ascending=False).index]
    sizes = frame.groupby("table")["rows"].first()
    names = [f"{str(name).removesuffix(WHOLE)}, {sizes[name]:,} rows" for name in values]
    lines = [
        [label(str(name)), *(number(value, ".4f") for value in row)]
        for name, row in values.iterrows()
    ]
    folds = frame["fold"].nunique()
    return (
        f"## Whole tables\n\nMCC with all rows, means over {folds} folds.\n\n"
        f"{markdown(('method', *names), lines)}"
    )


def failures(frame: pd.DataFrame) -> str:
    """Return what failed."""
    table = failure_table(frame, label)
    if not table:
        return "## Failures\n\nNo cell failed."
    return (
        "## Failures\n\nEach counts as a model that predicts the shares of the classes for every "
        f"row.\n\n{table}"
    )


if __name__ == "__main__":
    main()
