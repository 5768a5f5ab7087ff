"""Losses made for a metric, compared: ``python -m benchmarks.quality.metric_losses --data FOLDER``.

One recipe, seven losses, the protocol of the comparison. Results go to results/metric_losses and,
with ``--report``, to the page METRIC_LOSSES.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.quality.interpreters import OURS
from benchmarks.quality.methods import QualityMethod
from benchmarks.quality.pages import comparison_table, failure_table, write_between_markers
from benchmarks.quality.run import RESULTS, command
from benchmarks.quality.statistics import read_results

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
    name: QualityMethod(
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


def report(results: Path, page: Path = PAGE) -> None:
    """Write the table."""
    frame = read_results(results)
    heading = f"{frame['table'].nunique()} tables, {frame['fold'].nunique()} folds."
    table = comparison_table(frame, BASELINE, LABELS.__getitem__)
    failed = failure_table(frame, LABELS.__getitem__)
    write_between_markers(page, "losses", f"{heading}\n\n{table}\n\n{failed}".rstrip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and report; 2 if the command line is wrong."""
    return command("metric_losses", __doc__ or "", METHODS, OUT, arguments, report=report)


if __name__ == "__main__":
    sys.exit(main())
