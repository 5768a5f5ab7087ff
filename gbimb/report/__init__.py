"""Reports for people: one HTML page that opens offline, and its numbers as JSON and CSV.

::

    from gbimb import report

    found = report.evaluate(clf, X_test.assign(churned=y_test), "churned")
    print(*found.facts["verdict"])
    found.save("report.html")

Computing knows nothing of pages, and rendering computes nothing. A new check is a function in
``_checks.py`` and a title there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.lazy import first_used

if TYPE_CHECKING:
    from gbimb.report._cost import parse_costs
    from gbimb.report._evaluate import Evaluation, evaluate
    from gbimb.report._render import report_files, save_benchmark
    from gbimb.report.monitoring.monitor import Monitoring, monitor

__all__ = [
    "Evaluation",
    "Monitoring",
    "evaluate",
    "monitor",
    "parse_costs",
    "report_files",
    "save_benchmark",
]

# Imported when first used, so that to monitor a model loads nothing of evaluations and pages.
_MODULES = {
    "_cost": ("parse_costs",),
    "_evaluate": ("Evaluation", "evaluate"),
    "_render": ("report_files", "save_benchmark"),
    "monitoring.monitor": ("Monitoring", "monitor"),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}


__getattr__ = first_used(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
