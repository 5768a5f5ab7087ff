"""Losses made for a metric, compared: ``python -m benchmarks.quality.metric_losses --data FOLDER``.

One recipe, seven losses, the protocol of the comparison. Results go to results/metric_losses and,
with ``--report``, to the page METRIC_LOSSES.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.quality.cells import CellStore
from benchmarks.quality.interpreters import OURS
from benchmarks.quality.methods import Method
from benchmarks.quality.pages import comparison_table, failure_table, write_between_markers
from benchmarks.quality.run import RESULTS, arguments_of, read_options, run, say
from benchmarks.quality.statistics import read_results
from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT: Final = RESULTS / "metric_losses"
PAGE: Final = Path(__file__).parent / "METRIC_LOSSES.md"
BASELINE: Final = "logistic"
LABELS: Final = {
    BASELINE: "log loss",
    "soft_mcc": "soft MCC (gbimb)",
    "soft_f1": "soft F1 (gbimb)",
    "any_mcc": "AnyLoss, MCC",
    "any_f1": "AnyLoss, F1",
    "surrogate_f1": "calibrated surrogate of F1",
    "moving_costs": "log loss, costs that follow MCC",
}
METHODS: Final = {
    name: Method(
        name,
        label,
        "metric_losses.boosted",
        OURS,
        ("lightgbm", "scikit-learn"),
        {"loss": name},
        binary_only=True,
    )
    for name, label in LABELS.items()
}


def report(results: Path, page: Path) -> None:
    """Write the table."""
    frame = read_results(results)
    heading = f"{frame['table'].nunique()} tables, {frame['fold'].nunique()} folds."
    table = comparison_table(frame, BASELINE, LABELS.__getitem__)
    failed = failure_table(frame, LABELS.__getitem__)
    write_between_markers(page, "losses", f"{heading}\n\n{table}\n\n{failed}".rstrip())


def main(given_arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 2 if it cannot be."""
    parser = arguments_of("metric_losses", __doc__ or "", METHODS, OUT)
    parser.add_argument("--report", action="store_true", help="write METRIC_LOSSES.md when done")
    given = parser.parse_args(given_arguments)
    try:
        options = read_options(given, METHODS)
    except GbimbError as error:
        say(str(error))
        return 2
    run(options, CellStore(given.out / "cells", given.out / "cells.csv"))
    if given.report:
        report(given.out / "cells.csv", PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
